//! Several files as one running text.

use super::reading::{Files, Found};
use crate::error::Result;
use crate::source::{FoundControlCharacters, TextSource};

/// Files as one text, made by [`TextFiles::open_text`](super::TextFiles::open_text).
pub struct JoinedText<'a> {
    files: Files<'a>,
    /// Whether the next chunk is the first one of a file or row.
    is_start: bool,
    /// Whether the text so far ends within a line.
    is_in_line: bool,
    /// Whether the next chunk is the first one of a file.
    is_new_file: bool,
    /// Whether the last chunk is.
    begins_file: bool,
}

impl<'a> JoinedText<'a> {
    pub(super) fn new(files: Files<'a>) -> Self {
        Self { files, is_start: true, is_in_line: false, is_new_file: true, begins_file: false }
    }

    /// The control characters found so far, and the name of the first file that has some.
    pub fn control_characters_in(&self) -> Option<(String, FoundControlCharacters)> {
        self.files.control_characters_in()
    }
}

impl TextSource for JoinedText<'_> {
    fn next_chunk(&mut self) -> Result<Option<&str>> {
        loop {
            let Some(found) = self.files.next()? else { return Ok(None) };
            self.is_start = self.is_start || found != Found::Chunk;
            self.is_new_file = self.is_new_file || found == Found::FileEnd;
            if found == Found::FileEnd || (found == Found::Row && self.files.text.trim().is_empty()) {
                continue;
            }
            if std::mem::take(&mut self.is_start) && self.is_in_line {
                self.files.text.insert(0, '\n');
            }
            self.is_in_line = !self.files.text.ends_with('\n');
            self.begins_file = std::mem::take(&mut self.is_new_file);
            return Ok(Some(&self.files.text));
        }
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.control_characters_in().map(|(_, found)| found)
    }

    fn begins_file(&self) -> bool {
        self.begins_file
    }
}
