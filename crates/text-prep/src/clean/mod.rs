//! Cleaning: an ordered list of rules that turn text into text.
//!
//! The list is data ([`RuleSpec`]): written in a configuration, kept with the model, applied to
//! training text and prompts alike. Each rule is a stream transformer in a file of its own.
//! The law that binds them all, tested in `laws.rs`: cleaning in any pieces gives the same text
//! as cleaning at once.
//!
//! What it does not know: files, tokens, vocabularies.

mod collapse_spaces;
mod collapse_white_space;
mod digits;
#[cfg(test)]
mod laws;
mod lower_case;
mod normalize;
#[cfg(test)]
mod plain;
mod prepend;
mod presets;
mod replace;
mod space_punctuation;
mod spec;
mod stream;
mod strip_punctuation;
mod trim;

use serde::{Deserialize, Serialize};

use crate::error::Result;

pub use presets::PRESETS;
pub use spec::{PunctuationSet, RuleSpec};
pub use stream::CleaningStream;

/// A stream transformer with bounded look-ahead: what it holds back is never longer than the
/// pattern, the run or the combining sequence that it is in the middle of.
pub trait Rule: Send {
    /// Takes the next piece of text and appends to `out` what is certain by now.
    fn push(&mut self, chunk: &str, out: &mut String);

    /// Appends what was held back. The text has ended; nothing may be pushed afterwards.
    fn finish(&mut self, out: &mut String);
}

/// An ordered list of cleaning rules.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(transparent)]
pub struct Cleaner {
    rules: Vec<RuleSpec>,
}

impl Cleaner {
    /// A cleaner that applies `rules` from first to last.
    pub fn new(rules: Vec<RuleSpec>) -> Self {
        Self { rules }
    }

    /// The rules, first to last.
    pub fn rules(&self) -> &[RuleSpec] {
        &self.rules
    }

    /// Checks every rule's values. Rules read from a file were checked while reading.
    ///
    /// # Errors
    /// [`Error::BadRule`](crate::Error::BadRule) for the first rule that cannot work.
    pub fn validate(&self) -> Result<()> {
        self.rules.iter().try_for_each(RuleSpec::validate)
    }

    /// Starts cleaning a text that comes in pieces.
    pub fn stream(&self) -> CleaningStream {
        CleaningStream::new(&self.rules)
    }

    /// Cleans a whole text, or a prompt: by the very same rules, so that a prompt's words look like
    /// the words that the model saw. With the preset `book` a prompt therefore begins with twenty
    /// story marks, just as the training text does.
    pub fn clean(&self, text: &str) -> String {
        let mut stream = self.stream();
        // Spaced punctuation lengthens prose by about a twentieth.
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        stream.push(text, &mut out);
        stream.finish(&mut out);
        out
    }
}
