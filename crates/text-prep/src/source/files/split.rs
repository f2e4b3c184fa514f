//! Divides the text of a file into documents, and long documents into parts.

use super::DocumentUnit;

/// The most bytes of a document unless another limit is given: 1 MiB, which is a novel.
pub const DEFAULT_MAX_DOCUMENT_LEN: usize = 1 << 20;

/// The fewest blank lines between two sections.
pub(crate) const BLANK_LINES_BETWEEN_SECTIONS: usize = 3;

/// Divides texts, which are pushed in chunks.
pub(super) struct Splitter {
    unit: DocumentUnit,
    max_len: usize,
    /// Text that is not read yet begins at `read`.
    pending: String,
    read: usize,
    /// Whether `pending` has the end of the text.
    has_end: bool,
    /// The document so far; `given` bytes of it were given as parts.
    document: String,
    given: usize,
    /// Whether the document so far ends within a line.
    is_in_line: bool,
    /// The blank lines since the last other line.
    blank_lines: usize,
    /// Whether the document is complete.
    is_whole: bool,
    /// Whether parts of the document were split off.
    is_split: bool,
}

/// A document that was found.
pub(super) struct Part {
    /// Its text, without blank lines at the start and white space at the end.
    pub text: String,
    /// Whether it is the first part of a document that is too long.
    pub is_first_of_several: bool,
}

impl Splitter {
    pub fn new(unit: DocumentUnit, max_len: usize) -> Self {
        Self {
            unit,
            max_len,
            pending: String::new(),
            read: 0,
            has_end: false,
            document: String::new(),
            given: 0,
            is_in_line: false,
            blank_lines: 0,
            is_whole: false,
            is_split: false,
        }
    }

    /// Adds the next chunk of a text.
    pub fn push(&mut self, chunk: &str) {
        self.pending.drain(..self.read);
        self.read = 0;
        self.pending.push_str(chunk);
        self.has_end = false;
    }

    /// Adds a text that is one document.
    pub fn push_document(&mut self, text: &str) {
        self.document.push_str(text);
        self.is_whole = true;
    }

    /// Ends the text.
    pub fn end(&mut self) {
        self.has_end = true;
    }

    /// The next document, which may be blank, or part of one; `None` if there is none in what was pushed.
    pub fn next(&mut self) -> Option<Part> {
        loop {
            let rest = &self.document[self.given..];
            if rest.len() > self.max_len {
                let text = rest[..place_to_split(rest, self.max_len)].to_owned();
                self.given += text.len();
                return Some(Part { text, is_first_of_several: !std::mem::replace(&mut self.is_split, true) });
            }
            self.document.drain(..std::mem::take(&mut self.given));
            if std::mem::take(&mut self.is_whole) {
                let text = std::mem::take(&mut self.document);
                // Parts may have used it up.
                let is_rest = std::mem::take(&mut self.is_split) && text.trim().is_empty();
                if is_rest {
                    continue;
                }
                return Some(Part { text, is_first_of_several: false });
            }
            if !self.read_line() {
                return None;
            }
        }
    }

    /// Adds the next line to the document, or completes the document; false if there is no whole line.
    fn read_line(&mut self) -> bool {
        let rest = &self.pending[self.read..];
        let (line, is_complete) = match rest.find('\n') {
            Some(end) => (&rest[..=end], true),
            None if rest.is_empty() && self.has_end => {
                (self.is_in_line, self.blank_lines) = (false, 0);
                self.is_whole = !self.document.is_empty();
                return self.is_whole;
            }
            None if self.has_end => (rest, true),
            // A line may be longer than the memory.
            None if rest.len() > self.max_len => (rest, false),
            None => return false,
        };
        self.read += line.len();
        let is_whole_line = is_complete && !self.is_in_line;
        self.is_in_line = !is_complete;
        let is_blank = is_whole_line && line.trim().is_empty();
        self.blank_lines = if is_blank { self.blank_lines + 1 } else { 0 };
        let is_between = match &self.unit {
            DocumentUnit::Lines | DocumentUnit::Files => false,
            DocumentUnit::Paragraphs => is_blank,
            // The first blank lines may be within a section.
            DocumentUnit::Sections => {
                is_blank && (self.document.is_empty() || self.blank_lines >= BLANK_LINES_BETWEEN_SECTIONS)
            }
            DocumentUnit::Separator(separator) => is_whole_line && line.trim_end() == separator.trim_end(),
        };
        if !is_between {
            self.document.push_str(line);
        }
        self.is_whole = match self.unit {
            DocumentUnit::Lines => is_complete,
            DocumentUnit::Files => false,
            DocumentUnit::Paragraphs | DocumentUnit::Sections => is_between && !self.document.is_empty(),
            DocumentUnit::Separator(_) => is_between,
        };
        true
    }
}

/// Where to split a text that is longer than `limit` bytes.
fn place_to_split(text: &str, limit: usize) -> usize {
    let end = text.floor_char_boundary(limit);
    let start = text.floor_char_boundary(end / 2);
    let half = &text[start..end];
    let sentence_end = || {
        let mut ends =
            half.char_indices().rev().filter(|&(_, c)| matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？'));
        ends.find_map(|(at, c)| {
            let after = at + c.len_utf8();
            let is_end = matches!(c, '。' | '！' | '？') || half[after..].starts_with(char::is_whitespace);
            is_end.then_some(after)
        })
    };
    let white_space = || half.char_indices().rev().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    let place = half.rfind("\n\n").map(|at| at + 2).or_else(|| half.rfind('\n').map(|at| at + 1));
    place.or_else(sentence_end).or_else(white_space).map_or(end, |at| start + at)
}

/// A document without blank lines at its start and without white space at its end.
pub(super) fn trimmed(text: &str) -> &str {
    let text = text.trim_end();
    let blank = text.len() - text.trim_start().len();
    &text[text[..blank].rfind('\n').map_or(0, |at| at + 1)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documents of a text that is pushed in chunks of `length` bytes.
    fn documents(unit: &DocumentUnit, max_len: usize, text: &str, length: usize) -> Vec<String> {
        let (mut splitter, mut found, mut rest) = (Splitter::new(unit.clone(), max_len), Vec::new(), text);
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.ceil_char_boundary(length.min(rest.len())));
            splitter.push(chunk);
            found.extend(std::iter::from_fn(|| splitter.next()));
            rest = tail;
        }
        splitter.end();
        found.extend(std::iter::from_fn(|| splitter.next()));
        found.iter().map(|part| trimmed(&part.text).to_owned()).collect()
    }

    #[test]
    fn the_documents_do_not_depend_on_the_chunks() {
        let separator = DocumentUnit::Separator("%".into());
        for (unit, text, expected) in [
            (DocumentUnit::Lines, "one\n\n  two \nthree", vec!["one", "", "  two", "three"]),
            (DocumentUnit::Files, "\n \n  one\n\ntwo\n\n", vec!["  one\n\ntwo"]),
            (DocumentUnit::Paragraphs, "\n\none\ntwo\n \n\t\nthree\n\n", vec!["one\ntwo", "three"]),
            (
                DocumentUnit::Sections,
                "\n\n\n\none\n\n two\n\n \nthree\r\n\r\n \r\n\t\r\n\n\n  four \n\n\n\nfive\n\n\n",
                vec!["one\n\n two\n\n \nthree", "  four", "five"],
            ),
            (DocumentUnit::Sections, "\n\n\n\n", vec![]),
            (separator.clone(), "one\n% \ntwo\n %\n%%\n%\n%\nthree\n%\n", vec!["one", "two\n %\n%%", "", "three"]),
            (separator, "여우\n%\n포도", vec!["여우", "포도"]),
            (DocumentUnit::Files, "", vec![]),
        ] {
            for length in 1..=text.len().max(1) {
                assert_eq!(documents(&unit, 1_000, text, length), expected, "{unit:?}, {length}");
            }
        }
    }

    #[test]
    fn long_documents_are_split_at_the_best_place_before_the_limit() {
        for (text, expected) in [
            ("aaaaa\n\nbb\ncc. dd ee", &["aaaaa", "bb\ncc.", " dd ee"][..]),
            ("aaaaa\nbb. cc dd", &["aaaaa", "bb. cc dd"]),
            ("aaaaa. b cc dd", &["aaaaa.", " b cc dd"]),
            ("포도여우。포도", &["포도여", "우。", "포도"]),
            ("aaaaaa bb cc", &["aaaaaa bb", "cc"]),
            ("aaaaaaaaaaaaaaa", &["aaaaaaaaaa", "aaaaa"]),
            ("aaaaaaaaaa", &["aaaaaaaaaa"]),
        ] {
            let found = documents(&DocumentUnit::Files, 10, text, 100);
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_rest_of_a_long_document_is_not_copied_for_each_part() {
        let text = "word ".repeat(1_000);
        let mut splitter = Splitter::new(DocumentUnit::Files, 64);
        splitter.push_document(&text);
        let at = splitter.document.as_ptr();
        let mut found = splitter.next().unwrap().text;
        while splitter.given > 0 {
            assert_eq!((splitter.document.as_ptr(), splitter.document.len()), (at, text.len()));
            found.push_str(&splitter.next().unwrap().text);
        }
        assert_eq!(found, text);
        // What was given is not kept when a text goes on.
        splitter.push(&"word ".repeat(100));
        while splitter.next().is_some() {}
        assert!(splitter.document.len() <= 64);
    }

    #[test]
    fn a_line_longer_than_the_limit_is_split_before_its_end_is_read() {
        let separator = DocumentUnit::Separator("%".into());
        for unit in [DocumentUnit::Lines, DocumentUnit::Paragraphs, DocumentUnit::Sections, separator] {
            let mut splitter = Splitter::new(unit, 10);
            splitter.push("aaaa bbbb cccc");
            let part = splitter.next().unwrap();
            assert_eq!((part.text.as_str(), part.is_first_of_several), ("aaaa bbbb ", true));
            splitter.push(" dddd eeee\n");
            splitter.end();
            let parts: Vec<_> = std::iter::from_fn(|| splitter.next()).collect();
            let texts: Vec<_> = parts.iter().map(|part| trimmed(&part.text)).collect();
            assert_eq!(texts, ["cccc dddd", "eeee"]);
            assert!(parts.iter().all(|part| !part.is_first_of_several));
        }
    }
}
