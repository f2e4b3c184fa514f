//! A rule that removes white space at both ends of the text.

use super::Rule;
use crate::chars::is_white_space;

#[derive(Default)]
pub(super) struct Trim {
    started: bool,
    /// White space to be written only if text follows.
    pending: String,
}

impl Rule for Trim {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let chunk = if self.started { chunk } else { chunk.trim_start_matches(is_white_space) };
        let body = chunk.trim_end_matches(is_white_space);
        if !body.is_empty() {
            self.started = true;
            out.push_str(&self.pending);
            self.pending.clear();
            out.push_str(body);
        }
        self.pending.push_str(&chunk[body.len()..]);
    }

    fn finish(&mut self, _: &mut String) {
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn white_space_at_both_ends_is_removed_as_by_pythons_strip() {
        let cleaner = Cleaner::new(vec![RuleSpec::Trim]);
        assert_eq!(cleaner.clean(" \t\u{a0}\u{1c}a \n b\u{3000}\n"), "a \n b");
        assert_eq!(cleaner.clean(" \n "), "");
    }
}
