//! Cleaning: an ordered list of rules, each of which transforms text.
//!
//! The list is data ([`RuleSpec`]): set in a configuration, saved with the model, and applied to
//! training text and prompts in the same way. Each rule is a stream transformer in its own file.
//! All have one property, tested in `property_tests.rs`: cleaning a text in chunks gives the same
//! result as cleaning it at once.

mod baseline_check;
mod collapse_spaces;
mod collapse_white_space;
mod digits;
mod lines;
mod lower_case;
mod normalize;
mod prepend;
mod presets;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod reference_tests;
mod replace;
mod space_punctuation;
mod spec;
mod stream;
mod strip_punctuation;
mod trim;

use serde::{Deserialize, Serialize};

use crate::error::Result;

pub use baseline_check::KerasBaselineCheck;
pub(crate) use lines::LINE_END;
pub use presets::PRESETS;
pub use spec::{PunctuationSet, RuleSpec};
pub use stream::CleaningStream;

/// A stream transformer with bounded look-ahead: it buffers at most the unfinished pattern, run or
/// combining sequence at the end of the input.
pub trait Rule: Send {
    /// Processes the next chunk and appends the output that is already determined to `out`.
    fn push(&mut self, chunk: &str, out: &mut String);

    /// Appends the buffered output at the end of the text. Do not push afterwards.
    fn finish(&mut self, out: &mut String);
}

/// An ordered list of cleaning rules.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(transparent)]
pub struct Cleaner {
    rules: Vec<RuleSpec>,
}

impl Cleaner {
    /// A cleaner that applies `rules` in order.
    pub fn new(rules: Vec<RuleSpec>) -> Self {
        Self { rules }
    }

    /// The same cleaning, but line ends stay and become tokens: [`RuleSpec::KeepLineEnds`] takes the place of the rule
    /// that joins lines. Without such a rule it comes before the first rule that collapses or trims white space, or at the
    /// end.
    #[must_use]
    pub fn keep_line_ends(mut self) -> Self {
        if self.keeps_line_ends() {
            return self;
        }
        let joins_lines = |rule: &RuleSpec| matches!(rule, RuleSpec::Replace { from, to, .. } if from == "\n" && to.trim().is_empty());
        let collapses = |rule: &RuleSpec| {
            matches!(rule, RuleSpec::CollapseSpaces { .. } | RuleSpec::CollapseWhiteSpace | RuleSpec::Trim)
        };
        match self.rules.iter().position(joins_lines) {
            Some(at) => self.rules[at] = RuleSpec::KeepLineEnds,
            None => {
                let at = self.rules.iter().position(collapses).unwrap_or(self.rules.len());
                self.rules.insert(at, RuleSpec::KeepLineEnds);
            }
        }
        self
    }

    /// Whether line ends become tokens.
    pub fn keeps_line_ends(&self) -> bool {
        self.rules.contains(&RuleSpec::KeepLineEnds)
    }

    /// The rules in order.
    pub fn rules(&self) -> &[RuleSpec] {
        &self.rules
    }

    /// Checks the values of every rule. Deserialized rules are already checked.
    ///
    /// # Errors
    /// [`Error::BadRule`](crate::Error::BadRule) for the first invalid rule.
    pub fn validate(&self) -> Result<()> {
        self.rules.iter().try_for_each(RuleSpec::validate)
    }

    /// The rules for the documents of a text, without those that put something before a whole text: a document has a
    /// token of its own for its start.
    #[must_use]
    pub fn for_documents(&self) -> Self {
        let is_before = |rule: &&RuleSpec| matches!(rule, RuleSpec::Prepend { .. });
        Self::new(self.rules.iter().filter(|rule| !is_before(rule)).cloned().collect())
    }

    /// The rules for a part of a text, without those that only concern the ends of a whole text.
    #[must_use]
    pub fn for_part(&self) -> Self {
        let is_at_ends = |rule: &&RuleSpec| matches!(rule, RuleSpec::Prepend { .. } | RuleSpec::Trim);
        Self::new(self.rules.iter().filter(|rule| !is_at_ends(rule)).cloned().collect())
    }

    /// Starts cleaning a text in chunks.
    pub fn stream(&self) -> CleaningStream {
        CleaningStream::new(&self.rules)
    }

    /// Cleans a whole text. Prompts are cleaned by the same rules as the training text, so with the
    /// preset `keras-lowercase` a prompt also begins with twenty document separators.
    pub fn clean(&self, text: &str) -> String {
        let mut stream = self.stream();
        // Spaces around punctuation make prose about 5% longer.
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        stream.push(text, &mut out);
        stream.finish(&mut out);
        out
    }
}
