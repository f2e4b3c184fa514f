//! A text whose beginning was read to decide how it is tokenized.

use std::collections::VecDeque;

use text_prep::{
    Document, DocumentSource, FileDocuments, FoundControlCharacters, JoinedText, Segmentation, TextSource,
    has_gutenberg_header,
};

use super::OpenInput;
use crate::error::Result;

/// An input of a run whose beginning was read.
pub enum StartedInput<'a, 'b> {
    /// A running text.
    Text(Started<&'a mut JoinedText<'b>>),
    /// Documents.
    Documents(Started<&'a mut FileDocuments<'b>>),
}

impl<'a, 'b> StartedInput<'a, 'b> {
    /// Reads the beginning of `input`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(input: &'a mut OpenInput<'b>) -> Result<Self> {
        Ok(match input {
            OpenInput::Text(text) => Self::Text(Started::text(text)?),
            OpenInput::Documents(documents) => Self::Documents(Started::documents(documents)?),
        })
    }

    /// The segmentation that the beginning suggests.
    pub fn detect_segmentation(&self) -> Segmentation {
        match self {
            Self::Text(text) => text.detect_segmentation(),
            Self::Documents(documents) => documents.detect_segmentation(),
        }
    }

    /// Whether it begins with the header of Project Gutenberg.
    pub fn has_gutenberg_header(&self) -> bool {
        match self {
            Self::Text(text) => text.has_gutenberg_header(),
            Self::Documents(documents) => documents.has_gutenberg_header(),
        }
    }
}

/// A chunk, or a document with its label.
struct Piece {
    text: String,
    label: Option<String>,
    /// Whether it is the first chunk of a file.
    begins_file: bool,
}

/// A text, or documents, whose beginning was read and is read again.
pub struct Started<S> {
    pieces: VecDeque<Piece>,
    /// The last piece, until the rest is read.
    piece: Option<Piece>,
    rest: S,
}

impl<S: TextSource> Started<S> {
    /// Reads the beginning of a running text.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn text(rest: S) -> Result<Self> {
        Self::new(rest, |text| {
            let Some(chunk) = text.next_chunk()?.map(str::to_owned) else { return Ok(None) };
            Ok(Some(Piece { text: chunk, label: None, begins_file: text.begins_file() }))
        })
    }
}

impl<S: DocumentSource> Started<S> {
    /// Reads the first documents.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn documents(rest: S) -> Result<Self> {
        Self::new(rest, |documents| {
            let document = documents.next_document()?;
            Ok(document.map(|Document { text, label }| Piece {
                text: text.to_owned(),
                label: label.map(str::to_owned),
                begins_file: false,
            }))
        })
    }
}

impl<S> Started<S> {
    fn new(mut rest: S, mut next: impl FnMut(&mut S) -> text_prep::Result<Option<Piece>>) -> Result<Self> {
        let (mut pieces, mut length) = (VecDeque::new(), 0);
        while length < Segmentation::DETECTION_BYTES
            && let Some(piece) = next(&mut rest)?
        {
            length += piece.text.len();
            pieces.push_back(piece);
        }
        Ok(Self { pieces, piece: None, rest })
    }

    /// The segmentation that the beginning suggests.
    pub fn detect_segmentation(&self) -> Segmentation {
        Segmentation::detect(self.pieces.iter().map(|piece| piece.text.as_str()))
    }

    /// Whether the first piece has the header of Project Gutenberg.
    fn has_gutenberg_header(&self) -> bool {
        self.pieces.front().is_some_and(|piece| has_gutenberg_header(&piece.text))
    }
}

impl<S: TextSource> TextSource for Started<S> {
    fn next_chunk(&mut self) -> text_prep::Result<Option<&str>> {
        self.piece = self.pieces.pop_front();
        match &self.piece {
            Some(piece) => Ok(Some(&piece.text)),
            None => self.rest.next_chunk(),
        }
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.rest.control_characters()
    }

    fn begins_file(&self) -> bool {
        self.piece.as_ref().map_or_else(|| self.rest.begins_file(), |piece| piece.begins_file)
    }
}

impl<S: DocumentSource> DocumentSource for Started<S> {
    fn next_document(&mut self) -> text_prep::Result<Option<Document<'_>>> {
        self.piece = self.pieces.pop_front();
        match &self.piece {
            Some(Piece { text, label, .. }) => Ok(Some(Document { text, label: label.as_deref() })),
            None => self.rest.next_document(),
        }
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.rest.control_characters()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_text_is_read_from_its_beginning() {
        const BEGINNING: usize = Segmentation::DETECTION_BYTES;
        let chunks = ["a".repeat(BEGINNING - 1), "é".repeat(9), "b".into(), "灰".repeat(BEGINNING)];
        struct Chunks(VecDeque<String>, String);
        impl TextSource for Chunks {
            fn next_chunk(&mut self) -> text_prep::Result<Option<&str>> {
                let Some(chunk) = self.0.pop_front() else { return Ok(None) };
                self.1 = chunk;
                Ok(Some(&self.1))
            }

            fn control_characters(&self) -> Option<FoundControlCharacters> {
                None
            }
        }
        let mut text = Started::text(Chunks(chunks.clone().into(), String::new())).unwrap();
        assert_eq!(text.pieces.len(), 2);
        assert_eq!(text.detect_segmentation(), Segmentation::Spaces);
        let mut read = Vec::new();
        while let Some(chunk) = text.next_chunk().unwrap() {
            read.push(chunk.to_owned());
        }
        assert_eq!(read, chunks);
    }

    #[test]
    fn started_documents_are_read_from_the_first_one() {
        let documents = [("灰猫在桥下睡觉", Some("a")), ("b", None), ("c", Some("c"))];
        let mut started = Started::documents(&documents[..]).unwrap();
        assert_eq!(started.detect_segmentation(), Segmentation::Dictionary);
        for (text, label) in documents {
            assert_eq!(started.next_document().unwrap(), Some(Document { text, label }));
        }
        assert_eq!(started.next_document().unwrap(), None);
    }
}
