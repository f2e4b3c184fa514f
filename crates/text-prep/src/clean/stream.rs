//! Applies a chain of rules to a text in chunks.

use super::{Rule, RuleSpec};

/// Chunks of this size pass through all rules while they are in the CPU cache.
const CHUNK: usize = 16 * 1024;

/// Cleans one text in chunks; created by [`Cleaner::stream`](super::Cleaner::stream).
pub struct CleaningStream {
    rules: Vec<Box<dyn Rule>>,
    /// The output of one rule and the buffer for the output of the next.
    text: String,
    next: String,
}

impl CleaningStream {
    pub(super) fn new(rules: &[RuleSpec]) -> Self {
        let rules = rules.iter().map(RuleSpec::build).collect();
        Self { rules, text: String::new(), next: String::new() }
    }

    /// Cleans the next chunk, of any length, and appends the output that is already determined to
    /// `out`.
    pub fn push(&mut self, chunk: &str, out: &mut String) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.floor_char_boundary(CHUNK));
            self.push_chunk(chunk, out);
            rest = tail;
        }
    }

    fn push_chunk(&mut self, chunk: &str, out: &mut String) {
        let Some((last, others)) = self.rules.split_last_mut() else {
            out.push_str(chunk);
            return;
        };
        let Some((first, others)) = others.split_first_mut() else {
            last.push(chunk, out);
            return;
        };
        self.text.clear();
        first.push(chunk, &mut self.text);
        for rule in others {
            self.next.clear();
            rule.push(&self.text, &mut self.next);
            std::mem::swap(&mut self.text, &mut self.next);
        }
        last.push(&self.text, out);
    }

    /// Ends the text and appends the buffered output of all rules. Do not use the stream afterwards.
    pub fn finish(&mut self, out: &mut String) {
        self.text.clear();
        for mut rule in self.rules.drain(..) {
            self.next.clear();
            rule.push(&self.text, &mut self.next);
            rule.finish(&mut self.next);
            std::mem::swap(&mut self.text, &mut self.next);
        }
        out.push_str(&self.text);
    }
}
