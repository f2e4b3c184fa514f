//! What the threads of a process and its thread of MPI tell each other: whether to abort, and whether it is busy.

use std::io::Write;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a thread that aborts the job waits for the thread of MPI, before it ends the process itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// The exit code after a panic, which is that of Rust's programs.
const EXIT_PANIC: i32 = 101;

#[derive(Debug, Default)]
pub(super) struct Shared {
    abort: Mutex<Option<Abort>>,
    busy: AtomicBool,
    /// Whether the process was busy since this was asked for.
    was_busy: AtomicBool,
    /// Who this is, as in "rank 2 of 4 on host a".
    name: Mutex<String>,
}

/// A request to end the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Abort {
    pub code: i32,
    pub reason: String,
}

impl Shared {
    pub fn set_name(&self, name: String) {
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }

    pub fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
        self.was_busy.store(true, Ordering::Relaxed);
    }

    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Whether the process was busy since the last call.
    pub fn take_was_busy(&self) -> bool {
        self.was_busy.swap(false, Ordering::Relaxed) || self.is_busy()
    }

    /// Asks the thread of MPI to end the job, and does not return. The first request counts.
    pub fn abort(&self, code: i32, reason: &str) -> ! {
        self.abort.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(Abort { code, reason: reason.into() });
        std::thread::sleep(PATIENCE);
        // The launcher ends the others, because this process has not ended MPI.
        self.print(reason);
        std::process::exit(code)
    }

    /// The request to abort, once.
    pub fn take_abort(&self) -> Option<Abort> {
        self.abort.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Prints one line with the name of this rank.
    pub fn print(&self, reason: &str) {
        let name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        // In one call, because all ranks write to the same terminal.
        let _ = std::io::stderr().write_all(format!("error: {name}: {}\n", one_line(reason)).as_bytes());
    }

    /// A panic on any thread aborts the job from now on: its thread would never call the others again.
    pub fn abort_on_panic(self: &Arc<Self>) {
        let shared = self.clone();
        std::panic::set_hook(Box::new(move |panic| shared.abort(EXIT_PANIC, &panic_in_words(panic))));
    }
}

fn panic_in_words(panic: &PanicHookInfo) -> String {
    let message = panic.payload_as_str().unwrap_or("no message");
    match panic.location() {
        Some(place) => format!("panicked at {place}: {message}"),
        None => format!("panicked: {message}"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_to_abort_counts_and_is_taken_once() {
        let shared = Shared::default();
        assert_eq!(shared.take_abort(), None);
        let request = |code, reason: &str| {
            shared.abort.lock().unwrap().get_or_insert(Abort { code, reason: reason.into() });
        };
        request(3, "first");
        request(4, "second");
        assert_eq!(shared.take_abort(), Some(Abort { code: 3, reason: "first".into() }));
        assert_eq!(shared.take_abort(), None);
    }

    #[test]
    fn a_process_was_busy_until_it_is_asked() {
        let shared = Shared::default();
        assert!(!shared.take_was_busy());
        shared.set_busy(true);
        shared.set_busy(false);
        assert!(shared.take_was_busy() && !shared.take_was_busy());
        shared.set_busy(true);
        assert!(shared.take_was_busy() && shared.take_was_busy());
    }

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(one_line("a\n  b\tc"), "a b c");
    }
}
