//! Hashes of the documents that a model was trained on, by which they are recognised.

use sha2::{Digest, Sha256};

use crate::dataset::TextDataset;
use crate::documents::first_bits;
use crate::split::Part;

/// The hashes of different documents: 8 bytes for each, whatever its length.
///
/// ```
/// use seqdata::DocumentHashes;
///
/// let hashes = DocumentHashes::of(["Anna", "Otto", "Anna"]);
/// assert!(hashes.contains("Otto") && !hashes.contains("Otta"));
/// assert_eq!(hashes.len(), 2);
/// assert_eq!(DocumentHashes::from_bytes(&hashes.to_bytes()).unwrap(), hashes);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentHashes {
    /// In ascending order, without repetitions.
    hashes: Vec<u64>,
}

impl DocumentHashes {
    /// The hashes of these documents, as [`Tokenizer::decode`](text_prep::Tokenizer::decode) writes them.
    pub fn of<T: AsRef<str>>(documents: impl IntoIterator<Item = T>) -> Self {
        documents.into_iter().map(|document| document_hash(document.as_ref())).collect()
    }

    /// Whether this document is one of them.
    pub fn contains(&self, document: &str) -> bool {
        self.hashes.binary_search(&document_hash(document)).is_ok()
    }

    /// These documents and those of `other`.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.hashes.iter().chain(&other.hashes).copied().collect()
    }

    /// These documents, but for those of `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.hashes.iter().filter(|&hash| other.hashes.binary_search(hash).is_err()).copied().collect()
    }

    /// The number of different documents.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hashes in ascending order, 8 bytes each in little-endian order.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect()
    }

    /// The hashes that [`to_bytes`](Self::to_bytes) wrote; `None` if the bytes are others.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks();
        let hashes: Vec<u64> = hashes.iter().map(|&hash| u64::from_le_bytes(hash)).collect();
        (rest.is_empty() && hashes.is_sorted_by(|one, next| one < next)).then_some(Self { hashes })
    }
}

impl TextDataset {
    /// The hashes of the training documents as the model sees them, after cleaning; none of running text.
    pub fn training_documents(&self) -> DocumentHashes {
        self.documents_of(Part::Train)
    }

    /// The hashes of the validation documents that are no training documents, too; none of running text.
    pub fn held_out_documents(&self) -> DocumentHashes {
        self.documents_of(Part::Valid).difference(&self.training_documents())
    }

    fn documents_of(&self, part: Part) -> DocumentHashes {
        let Some(documents) = &self.documents else { return DocumentHashes::default() };
        let ids = |document| documents.tokens(document).map(|at| self.ids.get(at)).collect::<Vec<u32>>();
        DocumentHashes::of(documents.of(part).map(|document| self.tokenizer.decode(&ids(document))))
    }
}

impl FromIterator<u64> for DocumentHashes {
    fn from_iter<T: IntoIterator<Item = u64>>(hashes: T) -> Self {
        let mut hashes: Vec<u64> = hashes.into_iter().collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self { hashes }
    }
}

/// The hash of a document: the first 64 bits of its SHA-256. Two of ten million different documents have the same one with
/// a probability of 3 in a million.
pub fn document_hash(document: &str) -> u64 {
    first_bits(Sha256::new_with_prefix(document))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bits of SHA-256 of `abc`, as published in FIPS 180.
    #[test]
    fn a_hash_is_the_beginning_of_the_sha_256() {
        assert_eq!(document_hash("abc").to_le_bytes(), [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]);
    }

    #[test]
    fn a_union_has_the_documents_of_both() {
        let both = DocumentHashes::of(["a", "b"]).union(&DocumentHashes::of(["c", "b"]));
        assert_eq!(both, DocumentHashes::of(["a", "b", "c"]));
        assert_eq!(both.difference(&DocumentHashes::of(["c", "x"])), DocumentHashes::of(["a", "b"]));
        assert_eq!(DocumentHashes::from_bytes(&both.to_bytes()), Some(both));
    }

    #[test]
    fn bytes_that_are_no_hashes_are_rejected() {
        let bytes = DocumentHashes::of(["a", "b"]).to_bytes();
        assert_eq!(bytes.len(), 16);
        assert_eq!(DocumentHashes::from_bytes(&[]), Some(DocumentHashes::default()));
        let swapped = [&bytes[8..], &bytes[..8]].concat();
        let repeated = [&bytes[..8], &bytes[..8]].concat();
        for invalid in [&bytes[1..], &swapped[..], &repeated[..]] {
            assert_eq!(DocumentHashes::from_bytes(invalid), None, "{invalid:?}");
        }
    }
}
