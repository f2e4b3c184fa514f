//! A rule that replaces runs of two or more white-space characters by one space. A single
//! white-space character is kept.

use super::Rule;
use crate::chars::{find_white_space_run, white_space_length};

#[derive(Default)]
pub(super) struct CollapseWhiteSpace {
    run: Run,
}

/// The white space at the end of the input so far.
#[derive(Default, Clone, Copy)]
enum Run {
    #[default]
    None,
    One(char),
    Many,
}

impl CollapseWhiteSpace {
    fn flush(&mut self, out: &mut String) {
        match std::mem::take(&mut self.run) {
            Run::None => {}
            Run::One(c) => out.push(c),
            Run::Many => out.push(' '),
        }
    }
}

impl Rule for CollapseWhiteSpace {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let mut at = 0;
        // A run at the end of the last chunk may continue at the start of this one.
        while at < chunk.len() && !matches!(self.run, Run::None) {
            let length = white_space_length(chunk, at);
            if length == 0 {
                self.flush(out);
            } else {
                self.run = Run::Many;
                at += length;
            }
        }
        let mut copied = at;
        while let Some(start) = find_white_space_run(chunk, at) {
            let mut end = start + white_space_length(chunk, start);
            let first = end;
            while end < chunk.len() {
                match white_space_length(chunk, end) {
                    0 => break,
                    more => end += more,
                }
            }
            let many = end > first;
            if end == chunk.len() {
                out.push_str(&chunk[copied..start]);
                self.run = match chunk[start..].chars().next() {
                    Some(c) if !many => Run::One(c),
                    _ => Run::Many,
                };
                return;
            }
            if many {
                out.push_str(&chunk[copied..start]);
                out.push(' ');
                copied = end;
            }
            // The character at `end` is not white space.
            at = end;
        }
        out.push_str(&chunk[copied..]);
    }

    fn finish(&mut self, out: &mut String) {
        self.flush(out);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn runs_become_one_space_and_single_characters_are_kept() {
        let cleaner = Cleaner::new(vec![RuleSpec::CollapseWhiteSpace]);
        assert_eq!(cleaner.clean("a\tb \n c\u{a0}\u{3000}d\ne"), "a\tb c d\ne");
        assert_eq!(cleaner.clean("\n\n a \n"), " a ");
        assert_eq!(cleaner.clean("\n"), "\n");
    }
}
