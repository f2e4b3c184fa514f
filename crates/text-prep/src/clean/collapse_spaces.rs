//! A rule that replaces runs of two or more U+0020 by a string. Other white space is kept.

use super::Rule;

pub(super) struct CollapseSpaces {
    to: String,
    /// Number of spaces at the end of the input so far, at most counted as 2 or more.
    spaces: u8,
}

impl CollapseSpaces {
    pub fn new(to: &str) -> Self {
        Self { to: to.to_owned(), spaces: 0 }
    }

    fn flush(&mut self, out: &mut String) {
        match self.spaces {
            0 => {}
            1 => out.push(' '),
            _ => out.push_str(&self.to),
        }
        self.spaces = 0;
    }
}

impl Rule for CollapseSpaces {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let mut rest = chunk;
        loop {
            let body = rest.trim_start_matches(' ');
            let spaces = rest.len() - body.len();
            self.spaces = self.spaces.saturating_add(spaces.min(2) as u8);
            if body.is_empty() {
                return;
            }
            self.flush(out);
            let pair = body.as_bytes().windows(2).position(|pair| pair == b"  ");
            let end = pair.unwrap_or(body.len() - usize::from(body.ends_with(' ')));
            out.push_str(&body[..end]);
            rest = &body[end..];
        }
    }

    fn finish(&mut self, out: &mut String) {
        self.flush(out);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn only_runs_of_two_or_more_spaces_change() {
        let cleaner = Cleaner::new(vec![RuleSpec::CollapseSpaces { to: ". ".into() }]);
        assert_eq!(cleaner.clean("a b  c   d \t e"), "a b. c. d \t e");
        assert_eq!(cleaner.clean("  a  "), ". a. ");
        assert_eq!(cleaner.clean(" a "), " a ");
        assert_eq!(cleaner.clean("  "), ". ");
    }
}
