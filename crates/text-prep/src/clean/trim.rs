//! The rule that removes white space at both ends.
//!
//! What it does not know: white space in the middle. It holds back a run of it until it knows
//! whether text follows.

use super::Rule;
use crate::chars::is_white_space;

#[derive(Default)]
pub(super) struct Trim {
    started: bool,
    /// White space that counts only if text follows.
    held: String,
}

impl Rule for Trim {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let chunk = if self.started { chunk } else { chunk.trim_start_matches(is_white_space) };
        let body = chunk.trim_end_matches(is_white_space);
        if !body.is_empty() {
            self.started = true;
            out.push_str(&self.held);
            self.held.clear();
            out.push_str(body);
        }
        self.held.push_str(&chunk[body.len()..]);
    }

    fn finish(&mut self, _: &mut String) {
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn both_ends_lose_white_space_as_in_python() {
        let cleaner = Cleaner::new(vec![RuleSpec::Trim]);
        assert_eq!(cleaner.clean(" \t\u{a0}\u{1c}a \n b\u{3000}\n"), "a \n b");
        assert_eq!(cleaner.clean(" \n "), "");
    }
}
