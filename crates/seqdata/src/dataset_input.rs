//! What a dataset is made from: a running text, or documents.

use std::borrow::Cow;
use std::path::PathBuf;

use text_prep::{DocumentSource, FoundControlCharacters, SourceOptions, TextReader, TextSource, Tokenizer};

use crate::error::{Error, Result};

/// Inputs: training, validation, test.
pub(crate) const INPUTS: usize = 3;

/// An input of a dataset, which is read when the dataset is built.
pub enum DatasetInput<'a> {
    /// A running text, whose order matters as a whole.
    Text(Box<dyn TextSource + 'a>),
    /// Documents that have nothing to do with one another.
    Documents(Box<dyn DocumentSource + 'a>),
}

impl<'a> DatasetInput<'a> {
    /// A running text that is read in chunks.
    pub fn text(source: impl TextSource + 'a) -> Self {
        Self::Text(Box::new(source))
    }

    /// A running text in memory.
    pub fn whole_text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::text(InMemory { text: text.into(), is_read: false })
    }

    /// The running text of a file, opened with the default of [`SourceOptions`].
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::text(UnopenedFile { path: path.into(), reader: None })
    }

    /// Documents, with or without labels.
    pub fn documents(source: impl DocumentSource + 'a) -> Self {
        Self::Documents(Box::new(source))
    }

    /// Whether these are documents.
    pub(crate) fn has_documents(&self) -> bool {
        matches!(self, Self::Documents(_))
    }
}

/// Checks that all inputs, and the model with the tokenizer, if there is one, are of the kind of the training input.
pub(crate) fn check_kinds(inputs: &[Option<DatasetInput<'_>>; INPUTS], existing: Option<&Tokenizer>) -> Result<()> {
    let documents = inputs[0].as_ref().is_some_and(DatasetInput::has_documents);
    for (part, input) in [("validation", &inputs[1]), ("test", &inputs[2])] {
        if input.as_ref().is_some_and(|input| input.has_documents() != documents) {
            return Err(Error::MixedInputs { part, documents });
        }
    }
    match existing {
        Some(tokenizer) if tokenizer.vocabulary.document_id().is_some() != documents => {
            Err(Error::OtherKindOfText { documents })
        }
        _ => Ok(()),
    }
}

/// A text as one chunk.
struct InMemory<'a> {
    text: Cow<'a, str>,
    is_read: bool,
}

impl TextSource for InMemory<'_> {
    fn next_chunk(&mut self) -> text_prep::Result<Option<&str>> {
        let is_read = std::mem::replace(&mut self.is_read, true);
        Ok(Some(&*self.text).filter(|text| !is_read && !text.is_empty()))
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        None
    }
}

/// A file that is opened when its first chunk is read.
struct UnopenedFile {
    path: PathBuf,
    reader: Option<TextReader<std::fs::File>>,
}

impl TextSource for UnopenedFile {
    fn next_chunk(&mut self) -> text_prep::Result<Option<&str>> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => SourceOptions::default().open(&self.path)?,
        };
        self.reader.insert(reader).next_chunk()
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.reader.as_ref().and_then(TextReader::control_characters)
    }
}
