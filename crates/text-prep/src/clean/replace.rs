//! A rule that replaces a fixed string (no regular expressions) by another.

use super::Rule;

pub(super) struct Replace {
    from: String,
    to: String,
    /// The first character of `from`, if ASCII: searching for one byte is fastest.
    first: Option<char>,
    /// The end of the input so far, if it may be the start of `from`.
    pending: String,
}

impl Replace {
    pub fn new(from: &str, to: String) -> Self {
        let first = from.chars().next().filter(char::is_ascii);
        Self { from: from.to_owned(), to, first, pending: String::new() }
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

    /// Length of the longest suffix of `text` that is a proper prefix of `from`.
    fn partial_match(&self, text: &str) -> usize {
        let longest = text.len().min(self.from.len() - 1);
        (1..=longest).rev().find(|&n| text.as_bytes().ends_with(&self.from.as_bytes()[..n])).unwrap_or(0)
    }

    fn replace(&mut self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some(at) = self.find(rest) {
            out.push_str(&rest[..at]);
            out.push_str(&self.to);
            rest = &rest[at + self.from.len()..];
        }
        // A character boundary: both strings consist of whole characters.
        let end = rest.len() - self.partial_match(rest);
        out.push_str(&rest[..end]);
        self.pending.push_str(&rest[end..]);
    }
}

impl Rule for Replace {
    fn push(&mut self, chunk: &str, out: &mut String) {
        if self.from.is_empty() {
            out.push_str(chunk);
        } else if self.pending.is_empty() {
            self.replace(chunk, out);
        } else {
            let mut text = std::mem::take(&mut self.pending);
            text.push_str(chunk);
            self.replace(&text, out);
        }
    }

    fn finish(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.pending));
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
        assert_eq!(whole, text.replace(from, to), "`str::replace`, which agrees with Python's");
        whole
    }

    #[test]
    fn matches_are_leftmost_and_do_not_overlap() {
        assert_eq!(replace("..", ".", "....."), "...");
        assert_eq!(replace("aab", "x", "aaab aaaab aa"), "ax aax aa");
        assert_eq!(replace("abab", "x", "abaabababab"), "abaxx");
        assert_eq!(replace("여우", "fox", "여여우우여"), "여fox우여");
        assert_eq!(replace("é", "e", "éè"), "eè");
        assert_eq!(replace("\n", " ", "a\n\nb\n"), "a  b ");
        assert_eq!(replace("a", "", "banana"), "bnn");
    }
}
