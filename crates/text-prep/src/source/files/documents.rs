//! The documents of several files.

use super::reading::{Files, Found};
use super::split::{Splitter, trimmed};
use super::{DocumentUnit, InputError};
use crate::error::Result;
use crate::source::{Document, DocumentSource, FoundControlCharacters};

/// The least limit on the length of documents.
const MIN_LIMIT: usize = 64;

/// What was found in documents that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentCounts {
    /// Documents, and parts of those that were split.
    pub documents: usize,
    /// Those of them without a label.
    pub unlabelled: usize,
    /// Documents without text, which are left out: blank lines, empty files, and rows whose column is empty, null or
    /// missing.
    pub empty: usize,
    /// Documents that were split because they were too long.
    pub split: usize,
    /// The file of the first one that was split.
    pub first_split: Option<String>,
}

/// The documents of files, made by [`TextFiles::open_documents`](super::TextFiles::open_documents).
pub struct FileDocuments<'a> {
    files: Files<'a>,
    splitter: Splitter,
    text: String,
    label: Option<String>,
    counts: DocumentCounts,
}

impl<'a> FileDocuments<'a> {
    pub(super) fn new(files: Files<'a>, unit: DocumentUnit, max_len: usize) -> Result<Self> {
        let bad = |problem| Err(InputError::BadSetting { problem }.into());
        if let DocumentUnit::Separator(separator) = &unit
            && (separator.trim().is_empty() || separator.contains(['\n', '\r']))
        {
            return bad(
                "the separator of documents is blank or has a line end: expected a text that is a line between two documents",
            );
        }
        if max_len < MIN_LIMIT {
            return bad("the limit on the length of documents is below 64 bytes: expected 64 or more");
        }
        let splitter = Splitter::new(unit, max_len);
        Ok(Self { files, splitter, text: String::new(), label: None, counts: DocumentCounts::default() })
    }

    /// What was found so far.
    pub fn counts(&self) -> &DocumentCounts {
        &self.counts
    }

    /// The control characters found so far, and the name of the first file that has some.
    pub fn control_characters_in(&self) -> Option<(String, FoundControlCharacters)> {
        self.files.control_characters_in()
    }
}

impl DocumentSource for FileDocuments<'_> {
    fn next_document(&mut self) -> Result<Option<Document<'_>>> {
        loop {
            let Some(part) = self.splitter.next() else {
                let Some(found) = self.files.next()? else { return Ok(None) };
                match found {
                    Found::Chunk => self.splitter.push(&self.files.text),
                    Found::Row => self.splitter.push_document(&self.files.text),
                    Found::FileEnd => self.splitter.end(),
                }
                if found != Found::FileEnd {
                    self.label.clone_from(&self.files.label);
                }
                continue;
            };
            if part.is_first_of_several {
                self.counts.split += 1;
                self.counts.first_split.get_or_insert_with(|| self.files.name.clone());
            }
            if part.text.trim().is_empty() {
                self.counts.empty += 1;
                continue;
            }
            self.counts.documents += 1;
            self.counts.unlabelled += usize::from(self.label.is_none());
            self.text = part.text;
            return Ok(Some(Document { text: trimmed(&self.text), label: self.label.as_deref() }));
        }
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.control_characters_in().map(|(_, found)| found)
    }
}
