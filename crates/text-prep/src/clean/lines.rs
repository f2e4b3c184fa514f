//! Rules about lines: white space at their ends, and line ends that stay in the text.

use super::Rule;
use crate::chars::is_white_space;

/// What a line end becomes by [`RuleSpec::KeepLineEnds`](super::RuleSpec::KeepLineEnds): a noncharacter, so that no other
/// rule takes it for white space, punctuation or a letter.
pub(crate) const LINE_END: &str = "\u{fdd0}";

/// Removes white space at both ends of every line.
#[derive(Default)]
pub(super) struct TrimLines {
    /// Whether the line has text already.
    started: bool,
    /// White space after it, which is dropped if nothing follows.
    pending: String,
}

impl Rule for TrimLines {
    fn push(&mut self, chunk: &str, out: &mut String) {
        for (line, ends) in lines(chunk) {
            let line = if self.started { line } else { line.trim_start_matches(is_white_space) };
            let text = line.trim_end_matches(is_white_space);
            if !text.is_empty() {
                out.push_str(&self.pending);
                self.pending.clear();
                out.push_str(text);
                self.started = true;
            }
            if ends {
                out.push('\n');
                self.started = false;
                self.pending.clear();
            } else if self.started {
                self.pending.push_str(&line[text.len()..]);
            }
        }
    }

    fn finish(&mut self, _: &mut String) {}
}

/// Replaces every line end by [`LINE_END`] between single spaces, without the other white space around it.
#[derive(Default)]
pub(super) struct KeepLineEnds {
    /// The white space at the end of the input so far, without line ends.
    pending: String,
    /// The line ends in it.
    ends: usize,
}

impl KeepLineEnds {
    fn flush(&mut self, out: &mut String) {
        if self.ends == 0 {
            out.push_str(&self.pending);
        } else {
            out.push(' ');
            for _ in 0..self.ends {
                out.push_str(LINE_END);
                out.push(' ');
            }
        }
        self.pending.clear();
        self.ends = 0;
    }
}

impl Rule for KeepLineEnds {
    fn push(&mut self, chunk: &str, out: &mut String) {
        for (line, ends) in lines(chunk) {
            let start = line.len() - line.trim_start_matches(is_white_space).len();
            let text = line[start..].trim_end_matches(is_white_space);
            self.pending.push_str(&line[..start]);
            if !text.is_empty() {
                self.flush(out);
                out.push_str(text);
                self.pending.push_str(&line[start + text.len()..]);
            }
            self.ends += usize::from(ends);
        }
    }

    fn finish(&mut self, out: &mut String) {
        self.flush(out);
    }
}

/// The parts of `chunk` between line feeds, and whether a line feed follows.
fn lines(chunk: &str) -> impl Iterator<Item = (&str, bool)> {
    chunk.split_inclusive('\n').map(|line| match line.strip_suffix('\n') {
        Some(line) => (line, true),
        None => (line, false),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn lines_are_trimmed_and_their_ends_are_kept() {
        let cleaner = Cleaner::new(vec![RuleSpec::TrimLines]);
        assert_eq!(cleaner.clean("  a  b \n\t\u{3000}c\n \n\u{c}d  "), "a  b\nc\n\nd");
        assert_eq!(cleaner.clean(" \n "), "\n");
    }

    #[test]
    fn line_ends_become_words() {
        let cleaner = Cleaner::new(vec![RuleSpec::KeepLineEnds]);
        assert_eq!(cleaner.clean(" a  b \n\t c\n \nd\n"), " a  b \u{fdd0} c \u{fdd0} \u{fdd0} d \u{fdd0} ");
        assert_eq!(cleaner.clean("\n"), " \u{fdd0} ");
        assert_eq!(cleaner.clean(" a b "), " a b ");
    }
}
