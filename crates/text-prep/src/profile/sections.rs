//! Counts sections: texts between three or more blank lines.

use super::line::Line;
use super::share;
use crate::source::files::BLANK_LINES_BETWEEN_SECTIONS;

/// The texts between three or more blank lines, as the stories of a collection and the chapters of a book are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SectionProfile {
    /// Sections; 1 if the text has no three blank lines in a row, 0 if it is blank.
    pub count: u64,
    /// The mean length of a section in bytes, with one for each line end.
    pub mean_len: f64,
    /// Sections of 200 to 20,000 bytes.
    pub medium: u64,
    /// Sections whose first line has a number: a digit, or a Roman numeral as the first or second word. Chapters have.
    pub numbered: u64,
}

/// The lengths of sections that may be documents, in bytes.
const MEDIUM: std::ops::RangeInclusive<u64> = 200..=20_000;

/// The counts so far.
#[derive(Default)]
pub(super) struct SectionCounter {
    ended: SectionProfile,
    /// Bytes of the sections that have ended.
    bytes: u64,
    /// Bytes of the section so far, from its first to its last line that is not blank.
    len: u64,
    /// Bytes and number of the blank lines since then.
    blank_len: u64,
    blank: usize,
}

impl SectionCounter {
    pub fn add(&mut self, line: &Line) {
        let len = line.len + 1;
        if line.is_blank() {
            self.blank += 1;
            self.blank_len += len;
            return;
        }
        if self.blank >= BLANK_LINES_BETWEEN_SECTIONS {
            self.end();
        }
        if self.len == 0 {
            self.ended.numbered += u64::from(has_number(line.head()));
            self.blank_len = 0;
        }
        self.len += self.blank_len + len;
        (self.blank, self.blank_len) = (0, 0);
    }

    /// Ends the section, if there is one.
    fn end(&mut self) {
        if self.len > 0 {
            self.ended.count += 1;
            self.ended.medium += u64::from(MEDIUM.contains(&self.len));
            self.bytes += std::mem::take(&mut self.len);
        }
    }

    pub fn profile(mut self) -> SectionProfile {
        self.end();
        SectionProfile { mean_len: share(self.bytes, self.ended.count), ..self.ended }
    }
}

/// Whether a title has a number, such as `Chapter 1`, `제1장` or `IV. The Crow`.
fn has_number(title: &str) -> bool {
    let is_roman = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        !word.is_empty() && word.bytes().all(|byte| b"IVXLCDM".contains(&byte))
    };
    title.contains(char::is_numeric) || title.starts_with('第') || title.split_whitespace().take(2).any(is_roman)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_of_chapters_have_numbers() {
        for title in ["Chapter 1", "CHAPTER XII.", "IV. THE CROW", "제1장", "第一章", "1984"] {
            assert!(has_number(title), "{title}");
        }
        for title in ["", "THE FOX AND THE CROW", "The Civil Dog", "A letter"] {
            assert!(!has_number(title), "{title}");
        }
    }
}
