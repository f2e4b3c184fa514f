//! The hash of the inputs of a dataset before cleaning.

use sha2::{Digest, Sha256};
use text_prep::{Document, DocumentSource, TextSource};

use crate::dataset_input::DatasetInput;
use crate::error::Result;
use crate::hash::{hex_digest, sha256};

/// The hash of the inputs for training, validation and test: equal to
/// [`TextDataset::text_sha256`](crate::TextDataset#structfield.text_sha256), without tokenizing them.
///
/// # Errors
/// If an input cannot be read.
pub fn text_sha256(
    train: DatasetInput<'_>,
    valid: Option<DatasetInput<'_>>,
    test: Option<DatasetInput<'_>>,
) -> Result<String> {
    let mut hashes = Vec::new();
    for (index, input) in [Some(train), valid, test].into_iter().enumerate() {
        match input {
            None => {}
            Some(DatasetInput::Text(mut source)) => {
                let mut hasher = InputHasher::text();
                while let Some(chunk) = source.next_chunk()? {
                    hasher.push_chunk(chunk);
                }
                hashes.push((index, hasher.finish()));
            }
            Some(DatasetInput::Documents(mut source)) => {
                let mut hasher = InputHasher::documents();
                while let Some(document) = source.next_document()? {
                    hasher.push_document(document);
                }
                hashes.push((index, hasher.finish()));
            }
        }
    }
    Ok(of_inputs(&hashes))
}

/// The hash of inputs with these hashes, each with its index: of a single running text, its own.
pub(crate) fn of_inputs(hashes: &[(usize, InputHash)]) -> String {
    match hashes {
        [(0, InputHash { kind: TEXT, hash })] => hash.clone(),
        _ => {
            let lines = hashes.iter().map(|(index, InputHash { kind, hash })| format!("{index} {kind} {hash}\n"));
            sha256(lines.collect::<String>().as_bytes())
        }
    }
}

/// The kinds of inputs, as the hash of several names them.
const TEXT: &str = "text";
const DOCUMENTS: &str = "documents";

/// The hash of one input.
pub(crate) struct InputHash {
    kind: &'static str,
    hash: String,
}

/// Hashes one input while it is read.
pub(crate) struct InputHasher {
    kind: &'static str,
    hasher: Sha256,
}

impl InputHasher {
    /// For a running text.
    pub fn text() -> Self {
        Self { kind: TEXT, hasher: Sha256::new() }
    }

    /// For documents.
    pub fn documents() -> Self {
        Self { kind: DOCUMENTS, hasher: Sha256::new() }
    }

    /// Adds the next chunk of a running text.
    pub fn push_chunk(&mut self, chunk: &str) {
        self.hasher.update(chunk);
    }

    /// Adds the next document.
    pub fn push_document(&mut self, document: Document<'_>) {
        for text in [Some(document.text), document.label] {
            self.hasher.update(text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
            self.hasher.update(text.unwrap_or_default());
        }
    }

    /// The hash of the whole input.
    pub fn finish(self) -> InputHash {
        InputHash { kind: self.kind, hash: hex_digest(self.hasher) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextDataset;

    #[test]
    fn the_hash_is_that_of_the_dataset() {
        let text = || DatasetInput::whole_text("a b a c a b d a b a c a b d");
        let dataset = TextDataset::from_input(text()).context_len(1).split(0.25, 0.0).build().unwrap();
        assert_eq!(text_sha256(text(), None, None).unwrap(), dataset.text_sha256);
        let dataset = TextDataset::from_input(text()).valid(text()).context_len(1).split(0.0, 0.0).build().unwrap();
        assert_eq!(text_sha256(text(), Some(text()), None).unwrap(), dataset.text_sha256);
        const DOCUMENTS: &[(&str, Option<&str>)] = &[("a b", Some("x")), ("b c", None), ("c a", Some("y"))];
        let dataset = TextDataset::from_documents(DOCUMENTS).build().unwrap();
        assert_eq!(text_sha256(DatasetInput::documents(DOCUMENTS), None, None).unwrap(), dataset.text_sha256);
    }
}
