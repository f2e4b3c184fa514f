//! A chain of rules at work on text that comes in pieces.
//!
//! What it does not know: what any rule does.

use super::{Rule, RuleSpec};

/// Pieces this long pass through all rules while they are still in the processor's cache.
const PIECE: usize = 16 * 1024;

/// Cleaning under way; made by [`Cleaner::stream`](super::Cleaner::stream).
pub struct CleaningStream {
    rules: Vec<Box<dyn Rule>>,
    /// The text between two rules, and room for the next.
    text: String,
    next: String,
}

impl CleaningStream {
    pub(super) fn new(rules: &[RuleSpec]) -> Self {
        let rules = rules.iter().map(RuleSpec::start).collect();
        Self { rules, text: String::new(), next: String::new() }
    }

    /// Takes the next piece, of any length, and appends to `out` what is certain by now.
    pub fn push(&mut self, chunk: &str, out: &mut String) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE));
            self.push_piece(piece, out);
            rest = tail;
        }
    }

    fn push_piece(&mut self, piece: &str, out: &mut String) {
        let Some((last, others)) = self.rules.split_last_mut() else {
            out.push_str(piece);
            return;
        };
        let Some((first, others)) = others.split_first_mut() else {
            last.push(piece, out);
            return;
        };
        self.text.clear();
        first.push(piece, &mut self.text);
        for rule in others {
            self.next.clear();
            rule.push(&self.text, &mut self.next);
            std::mem::swap(&mut self.text, &mut self.next);
        }
        last.push(&self.text, out);
    }

    /// Ends the text: appends what the rules held back. The stream is spent afterwards.
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
