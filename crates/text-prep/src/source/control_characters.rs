//! Control characters in a text: which they are, where the first one is, and what happens to them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::line_ends::LineEnds;

/// What to do with control characters, which are those of Unicode's category Cc except tabs and line ends (line feed,
/// vertical tab, form feed, carriage return, U+0085).
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ControlCharacters {
    /// NUL, which no text has, is an error; others are kept.
    #[default]
    RejectNul,
    /// Every one is an error.
    Reject,
    /// All are kept.
    Keep,
    /// All are removed.
    Remove,
}

impl ControlCharacters {
    fn rejects(self, c: char) -> bool {
        match self {
            Self::RejectNul => c == '\0',
            Self::Reject => true,
            Self::Keep | Self::Remove => false,
        }
    }

    /// The control characters of a whole text that this policy rejects, if there are any.
    pub fn rejected_in(self, text: &str) -> Option<FoundControlCharacters> {
        next_control_character(text, 0)?;
        let mut finder = Finder::new(self);
        finder.find(&LineEnds::default().unify(text.to_owned()));
        finder.rejected
    }
}

/// The control characters that a text contains. Displayed as in "2 control characters, the first U+0007 (BEL) in line 3,
/// column 8".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundControlCharacters {
    /// How many there are.
    pub count: usize,
    /// The first one.
    pub first: char,
    /// The line of the first one, from 1.
    pub line: usize,
    /// The place of the first one in its line, in characters from 1.
    pub column: usize,
    /// Whether there may be more, because the text was not read to its end.
    pub at_least: bool,
}

impl fmt::Display for FoundControlCharacters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, first, line, column, at_least } = *self;
        let name = match first {
            '\0' => " (NUL)",
            '\u{7}' => " (BEL)",
            '\u{8}' => " (backspace)",
            '\u{1a}' => " (Ctrl-Z)",
            '\u{1b}' => " (ESC)",
            '\u{7f}' => " (DEL)",
            _ => "",
        };
        let at_least = if at_least { "at least " } else { "" };
        let what = if count == 1 { "1 control character," } else { &format!("{count} control characters, the first") };
        write!(f, "{at_least}{what} U+{:04X}{name} in line {line}, column {column}", u32::from(first))
    }
}

impl FoundControlCharacters {
    /// The control characters of a whole text, if it has any.
    pub fn of(text: &str) -> Option<Self> {
        ControlCharacters::Reject.rejected_in(text)
    }
}

/// Finds the control characters of a text in chunks with LF line ends.
pub(super) struct Finder {
    policy: ControlCharacters,
    /// Those that the policy keeps or removes.
    pub accepted: Option<FoundControlCharacters>,
    /// Those that the policy rejects.
    pub rejected: Option<FoundControlCharacters>,
    /// Line ends before the current place, and characters between the last one and this place.
    lines: usize,
    column: usize,
}

impl Finder {
    pub fn new(policy: ControlCharacters) -> Self {
        Self { policy, accepted: None, rejected: None, lines: 0, column: 0 }
    }

    /// Counts the control characters of the next chunk, and removes them if the policy is to do so.
    pub fn check(&mut self, chunk: &mut String) {
        if self.find(chunk) && self.policy == ControlCharacters::Remove {
            chunk.retain(|c| !is_control_character(c));
        }
    }

    /// Counts the control characters of the next chunk; returns whether it has any.
    fn find(&mut self, chunk: &str) -> bool {
        let (mut from, mut passed) = (0, 0);
        while let Some((at, c)) = next_control_character(chunk, from) {
            from = at + c.len_utf8();
            let is_rejected = self.policy.rejects(c);
            match if is_rejected { &mut self.rejected } else { &mut self.accepted } {
                Some(found) => found.count += 1,
                None => {
                    self.pass(&chunk[passed..at]);
                    passed = at;
                    let (line, column) = (self.lines + 1, self.column + 1);
                    let found = FoundControlCharacters { count: 1, first: c, line, column, at_least: false };
                    *(if is_rejected { &mut self.rejected } else { &mut self.accepted }) = Some(found);
                }
            }
        }
        self.pass(&chunk[passed..]);
        from > 0
    }

    /// Moves the current place behind `text`.
    fn pass(&mut self, text: &str) {
        self.lines += text.bytes().filter(|&byte| byte == b'\n').count();
        match text.rfind('\n') {
            Some(at) => self.column = text[at + 1..].chars().count(),
            None => self.column += text.chars().count(),
        }
    }
}

fn is_control_character(c: char) -> bool {
    c.is_control() && !matches!(c, '\t'..='\r' | '\u{85}')
}

/// Bytes that are searched at once, with vector instructions.
const BLOCK: usize = 64;

/// The first control character at or after `from`, and its offset.
fn next_control_character(text: &str, from: usize) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    // The first bytes of control characters; 0xC2 is that of U+0080..U+00BF. Without branches, for vectors.
    let is_candidate = |byte: u8| (byte < b'\t') | (0x0E..=0x1F).contains(&byte) | (byte == 0x7F) | (byte == 0xC2);
    let has_candidate = |block: &[u8]| block.iter().fold(false, |found, &byte| found | is_candidate(byte));
    let mut from = from;
    loop {
        let at = from + BLOCK * bytes[from..].chunks(BLOCK).position(has_candidate)?;
        let at = at + bytes[at..].iter().position(|&byte| is_candidate(byte))?;
        let c = text[at..].chars().next()?;
        if is_control_character(c) {
            return Some((at, c));
        }
        from = at + c.len_utf8();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_those_of_category_cc_except_tabs_and_line_ends() {
        for c in '\0'..=char::MAX {
            let expected = c.is_control() && !['\t', '\n', '\u{b}', '\u{c}', '\r', '\u{85}'].contains(&c);
            let found = FoundControlCharacters::of(&String::from(c));
            assert_eq!(found.map(|found| found.first), expected.then_some(c), "{c:?}");
        }
    }

    #[test]
    fn number_and_place_do_not_depend_on_the_chunks() {
        let text = "é\tone\n\ntwo \u{1b}[31m\n\0\0 \u{9f}";
        let at =
            |count, first, line, column| Some(FoundControlCharacters { count, first, line, column, at_least: false });
        for (policy, accepted, rejected) in [
            (ControlCharacters::Keep, at(4, '\u{1b}', 3, 5), None),
            (ControlCharacters::Remove, at(4, '\u{1b}', 3, 5), None),
            (ControlCharacters::Reject, None, at(4, '\u{1b}', 3, 5)),
            (ControlCharacters::RejectNul, at(2, '\u{1b}', 3, 5), at(2, '\0', 4, 1)),
        ] {
            for length in 1..=text.len() {
                let (mut finder, mut checked, mut rest) = (Finder::new(policy), String::new(), text);
                while !rest.is_empty() {
                    let (chunk, tail) = rest.split_at(rest.ceil_char_boundary(length));
                    let mut chunk = chunk.to_owned();
                    finder.check(&mut chunk);
                    checked += &chunk;
                    rest = tail;
                }
                assert_eq!((finder.accepted, finder.rejected), (accepted, rejected), "{policy:?}, {length}");
                let removed = "é\tone\n\ntwo [31m\n ";
                assert_eq!(checked, if policy == ControlCharacters::Remove { removed } else { text });
            }
        }
    }

    #[test]
    fn the_description_has_number_and_place() {
        let found = |text: &str| FoundControlCharacters::of(text).unwrap().to_string();
        assert_eq!(found("a\0"), "1 control character, U+0000 (NUL) in line 1, column 2");
        let several = "2 control characters, the first U+0081 in line 2, column 1";
        assert_eq!(found("a\n\u{81}\u{1b}"), several);
        assert_eq!(found("a\r\u{81}\u{1b}"), several);
    }
}
