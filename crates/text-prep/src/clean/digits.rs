//! A rule that replaces every run of digits by the same token. Signs and decimal points are not part
//! of a run.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::Rule;

pub(super) struct DigitsToOne {
    token: String,
    /// Whether the last character was a digit: the token of its run is already written.
    in_run: bool,
}

impl DigitsToOne {
    pub fn new(token: &str) -> Self {
        Self { token: token.to_owned(), in_run: false }
    }
}

impl Rule for DigitsToOne {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let mut copied = 0;
        for (at, c) in chunk.char_indices() {
            if !is_digit(c) {
                self.in_run = false;
                continue;
            }
            out.push_str(&chunk[copied..at]);
            copied = at + c.len_utf8();
            if !self.in_run {
                out.push_str(&self.token);
            }
            self.in_run = true;
        }
        out.push_str(&chunk[copied..]);
    }

    fn finish(&mut self, _: &mut String) {}
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.general_category() == GeneralCategory::DecimalNumber)
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn every_run_of_digits_becomes_one_token() {
        let cleaner = Cleaner::new(vec![RuleSpec::DigitsToOne { token: "0".into() }]);
        assert_eq!(cleaner.clean("in 1984, 3.14 ٣٤ a1b22 ½"), "in 0, 0.0 0 a0b0 ½");
    }
}
