//! Line ends of every convention: LF, CR LF, CR, vertical tab, form feed, NEL, and Unicode's line and paragraph
//! separators.

use std::ops::Range;

use crate::chars::is_white_space;
use crate::source::BYTE_ORDER_MARK;

/// Whether `c` ends a line; the CR of CR LF does not count as a second line end.
pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | PARAGRAPH_SEPARATOR)
}

/// Ends a line and the paragraph.
const PARAGRAPH_SEPARATOR: char = '\u{2029}';

/// The byte ranges of the lines of `text`, with their ends.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let length = match rest.find(is_line_end) {
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + rest[at..].chars().next().map_or(0, char::len_utf8),
            None => rest.len(),
        };
        start += length;
        Some(start - length..start)
    })
}

/// The number of the line that contains the byte `at`, from 1.
pub fn line_number(text: &str, at: usize) -> usize {
    lines(text).take_while(|line| line.start <= at).count().max(1)
}

/// The byte ranges between blank lines, paragraph separators and byte order marks, which are where files were joined.
pub fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for part in text.split(BYTE_ORDER_MARK) {
        let mut after_break = true;
        for line in lines(part) {
            let range = start + line.start..start + line.end;
            let is_blank = part[line.clone()].chars().all(is_white_space);
            match found.last_mut() {
                _ if is_blank => {}
                Some(paragraph) if !after_break => paragraph.end = range.end,
                _ => found.push(range),
            }
            after_break = is_blank || part[line].ends_with(PARAGRAPH_SEPARATOR);
        }
        start += part.len() + BYTE_ORDER_MARK.len_utf8();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_convention_ends_a_line() {
        let text = "a\nb\r\nc\rd\u{b}e\u{c}f\u{85}g\u{2028}h\u{2029}\r\ni";
        let all: Vec<&str> = lines(text).map(|line| &text[line]).collect();
        let expected = ["a\n", "b\r\n", "c\r", "d\u{b}", "e\u{c}", "f\u{85}", "g\u{2028}", "h\u{2029}", "\r\n", "i"];
        assert_eq!(all, expected);
        assert_eq!([0, 1, 2, 5, text.len()].map(|at| line_number(text, at)), [1, 1, 2, 3, 10]);
        assert_eq!((lines("").count(), line_number("", 0)), (0, 1));
    }

    #[test]
    fn blank_lines_and_marks_end_a_paragraph() {
        let split = |text: &'static str| -> Vec<&str> { paragraphs(text).into_iter().map(|at| &text[at]).collect() };
        for end in ["\n", "\r\n", "\r", "\u{c}", "\u{85}", "\u{2028}"] {
            let text = ["a", "b", " ", "c", "", "d"].join(end).leak();
            assert_eq!(split(text), [format!("a{end}b{end}"), format!("c{end}"), "d".into()], "{end:?}");
        }
        assert_eq!(split("a\u{2029}b\n\u{c}c"), ["a\u{2029}", "b\n", "c"]);
        assert_eq!(split("\u{feff}a\u{feff}\u{feff}b\n\u{feff}"), ["a", "b\n"]);
    }
}
