//! The rule that puts one text in the place of another.
//!
//! What it does not know: patterns; it looks for one fixed text.

use super::Rule;

pub(super) struct Replace {
    from: String,
    to: String,
    /// `from`'s first character where a byte will do: looking for one byte is fastest.
    first: Option<char>,
    /// The end of what was pushed, as far as it may be the beginning of `from`.
    held: String,
}

impl Replace {
    pub fn new(from: &str, to: String) -> Self {
        let first = from.chars().next().filter(char::is_ascii);
        Self { from: from.to_owned(), to, first, held: String::new() }
    }

    fn find(&self, text: &str) -> Option<usize> {
        let Some(first) = self.first else { return text.find(&self.from) };
        let mut at = 0;
        loop {
            at += text[at..].find(first)?;
            if text[at..].starts_with(&self.from) {
                return Some(at);
            }
            at += 1;
        }
    }

    /// Length of the longest end of `text` that is a proper beginning of `from`.
    fn unfinished(&self, text: &str) -> usize {
        let longest = text.len().min(self.from.len() - 1);
        (1..=longest)
            .rev()
            .find(|&n| text.as_bytes().ends_with(&self.from.as_bytes()[..n]))
            .unwrap_or(0)
    }

    fn replace(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some(at) = self.find(rest) {
            out.push_str(&rest[..at]);
            out.push_str(&self.to);
            rest = &rest[at + self.from.len()..];
        }
        // A character cut in two cannot match: both texts are whole characters.
        let border = rest.len() - self.unfinished(rest);
        out.push_str(&rest[..border]);
        self.held.push_str(&rest[border..]);
    }
}

impl Rule for Replace {
    fn push(&mut self, chunk: &str, out: &mut String) {
        if self.from.is_empty() {
            out.push_str(chunk);
        } else if self.held.is_empty() {
            self.replace(chunk, out);
        } else {
            let mut text = std::mem::take(&mut self.held);
            text.push_str(chunk);
            self.replace(&text, out);
        }
    }

    fn finish(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.held));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    fn replace(from: &str, to: &str, text: &str) -> String {
        let rule = RuleSpec::Replace { from: from.into(), to: to.into(), times: 1 };
        let cleaner = Cleaner::new(vec![rule]);
        let whole = cleaner.clean(text);
        let (mut stream, mut out) = (cleaner.stream(), String::new());
        for c in text.chars() {
            stream.push(c.encode_utf8(&mut [0; 4]), &mut out);
        }
        stream.finish(&mut out);
        assert_eq!(out, whole);
        assert_eq!(whole, text.replace(from, to), "Rust's own, which agrees with Python's");
        whole
    }

    #[test]
    fn leftmost_first_and_without_overlap() {
        assert_eq!(replace("..", ".", "....."), "...");
        assert_eq!(replace("aab", "x", "aaab aaaab aa"), "ax aax aa");
        assert_eq!(replace("abab", "x", "abaabababab"), "abaxx");
        assert_eq!(replace("여우", "fox", "여여우우여"), "여fox우여");
        assert_eq!(replace("é", "e", "éè"), "eè");
        assert_eq!(replace("\n", " ", "a\n\nb\n"), "a  b ");
        assert_eq!(replace("a", "", "banana"), "bnn");
    }
}
