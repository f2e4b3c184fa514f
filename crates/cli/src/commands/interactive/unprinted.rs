//! The text that is printed at the end of a dialogue, also if a signal ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::tree::Tree;
use crate::error::Result;
use crate::output::{print, print_raw, status};
use crate::run::signals::EXIT_INTERRUPTED;

/// The text so far, which the thread of the dialogue sets and the thread of signals may print.
#[derive(Clone)]
pub struct Unprinted {
    /// `None` once it is printed.
    text: Arc<Mutex<Option<String>>>,
    /// Whether control characters are printed unchanged.
    raw: bool,
}

impl Unprinted {
    /// The text of `tree`.
    pub fn new(tree: &Tree, raw: bool) -> Self {
        Self { text: Arc::new(Mutex::new(Some(tree.text()))), raw }
    }

    /// Replaces the text by that of `tree`.
    pub fn set(&self, tree: &Tree) {
        *self.locked() = Some(tree.text());
    }

    /// Prints the text, unless it is printed.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print(&self) -> Result<()> {
        self.print_text(&mut self.locked())
    }

    /// Prints the text and exits the program.
    pub fn print_and_exit(&self) -> ! {
        // Held to the end, so that the dialogue neither changes nor prints it meanwhile.
        let mut text = self.locked();
        status("");
        if let Err(error) = self.print_text(&mut text) {
            status(&format!("error: {}", error.full_message()));
        }
        std::process::exit(EXIT_INTERRUPTED.into());
    }

    fn print_text(&self, text: &mut Option<String>) -> Result<()> {
        let print = if self.raw { print_raw } else { print };
        text.take().map_or(Ok(()), |text| print(&format!("{text}\n")))
    }

    fn locked(&self) -> MutexGuard<'_, Option<String>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
