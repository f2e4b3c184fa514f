//! Documents: texts that have nothing to do with one another, such as tweets, poems or the rows of a table.

use super::FoundControlCharacters;
use crate::error::Result;

/// One document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its text, which has more than white space.
    pub text: &'a str,
    /// Its label, if it has one: the value of a column, or the name of a folder.
    pub label: Option<&'a str>,
}

/// Documents that are read one after another.
pub trait DocumentSource {
    /// The next document; `None` after the last.
    ///
    /// # Errors
    /// If it cannot be read or is not valid.
    fn next_document(&mut self) -> Result<Option<Document<'_>>>;

    /// The control characters found in what was read, if any. They were removed if the options say so.
    fn control_characters(&self) -> Option<FoundControlCharacters>;
}

impl<T: DocumentSource + ?Sized> DocumentSource for Box<T> {
    fn next_document(&mut self) -> Result<Option<Document<'_>>> {
        (**self).next_document()
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        (**self).control_characters()
    }
}

impl<T: DocumentSource + ?Sized> DocumentSource for &mut T {
    fn next_document(&mut self) -> Result<Option<Document<'_>>> {
        (**self).next_document()
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        (**self).control_characters()
    }
}

/// Documents in memory, each with its label.
impl DocumentSource for &[(&str, Option<&str>)] {
    fn next_document(&mut self) -> Result<Option<Document<'_>>> {
        let Some((&(text, label), rest)) = self.split_first() else { return Ok(None) };
        *self = rest;
        Ok(Some(Document { text, label }))
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        None
    }
}
