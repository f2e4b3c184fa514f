//! Where the documents of a dataset stand in its ids, and their labels.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::hash::hex_digest;
use crate::split::Part;

/// More labels are probably names of single documents.
pub(crate) const MAX_LABELS: usize = 65_536;

/// The documents of a dataset, numbered in the order of its ids: those for training, for validation and for a test, each
/// in the order of the input.
///
/// Takes 8 bytes per document, and 4 more if there are labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Documents {
    /// The position in the ids of the first token of each document; before it stands the document token.
    pub(crate) starts: Vec<u64>,
    /// The number of ids, including the document token after the last document.
    pub(crate) end: u64,
    /// The number of documents of each part.
    pub(crate) counts: [usize; 3],
    /// The number of the label of each document; empty if there are no labels.
    pub(crate) labels: Vec<u32>,
    /// The names of the labels in the order of their numbers, which start at 1: those of a trained model first, the others
    /// by name. 0 is no label.
    pub label_names: Vec<String>,
    /// Documents with the same tokens as one before them in the same input.
    pub duplicates: usize,
    /// Training documents with the same tokens as one in a separate validation or test input.
    pub also_held_out: usize,
    /// Documents without a token after cleaning, or whose tokens are all dropped. They are left out.
    pub empty: usize,
    /// Documents whose label has no number: held-out ones whose label no training document has, and those whose label the
    /// trained model does not have. They count as without label. By part, in the order of [`Part::ALL`].
    pub unknown_labels: [usize; 3],
}

/// The lengths of documents in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DocumentLengths {
    /// The shortest.
    pub min: usize,
    /// The median; of an even number, the lower of the two in the middle.
    pub median: usize,
    /// The mean.
    pub mean: f64,
    /// The 99th percentile: the shortest length that at most 1 % of the documents exceed.
    pub p99: usize,
    /// The longest.
    pub max: usize,
}

impl Documents {
    /// No documents, with these names of labels.
    pub(crate) fn none(label_names: Vec<String>) -> Self {
        Self {
            starts: Vec::new(),
            end: 0,
            counts: [0; 3],
            labels: Vec::new(),
            label_names,
            duplicates: 0,
            also_held_out: 0,
            empty: 0,
            unknown_labels: [0; 3],
        }
    }

    /// Adds a document of `part` with this number of its label. Its tokens start at the position `start` of the ids.
    pub(crate) fn push(&mut self, part: Part, start: usize, label: u32) {
        self.starts.push(start as u64);
        self.counts[part as usize] += 1;
        if self.has_labels() {
            self.labels.push(label);
        }
    }

    /// The number of documents.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The documents of `part`.
    pub fn of(&self, part: Part) -> Range<usize> {
        let [train, valid, test] = self.counts;
        match part {
            Part::Train => 0..train,
            Part::Valid => train..train + valid,
            Part::Test => train + valid..train + valid + test,
        }
    }

    /// The positions of the tokens of a document in the ids, without the document tokens around it.
    ///
    /// # Panics
    /// If there is no document with this number.
    pub fn tokens(&self, document: usize) -> Range<usize> {
        let [train, valid, _] = self.counts;
        // Each part ends with a document token of its own.
        let ends_part = document + 1 == train || document + 1 == train + valid;
        let end = match self.starts.get(document + 1) {
            Some(&next) => next - 1 - u64::from(ends_part),
            None => self.end - 1,
        };
        self.starts[document] as usize..end as usize
    }

    /// The number of a document's label, 0 if it has none.
    ///
    /// # Panics
    /// If there are labels and no document with this number.
    pub fn label(&self, document: usize) -> u32 {
        if self.labels.is_empty() { 0 } else { self.labels[document] }
    }

    /// Whether any document has a label.
    pub fn has_labels(&self) -> bool {
        !self.label_names.is_empty()
    }

    /// How many of `documents` have each label, by its number: first those without one.
    pub fn label_counts(&self, documents: Range<usize>) -> Vec<usize> {
        let mut counts = vec![0; self.label_names.len() + 1];
        documents.for_each(|document| counts[self.label(document) as usize] += 1);
        counts
    }

    /// The lengths of `documents` in tokens; `None` if there are none.
    pub fn lengths(&self, documents: Range<usize>) -> Option<DocumentLengths> {
        let mut lengths: Vec<usize> = documents.map(|document| self.tokens(document).len()).collect();
        lengths.sort_unstable();
        let (&min, &max) = (lengths.first()?, lengths.last()?);
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        let p99 = lengths[(99 * lengths.len()).div_ceil(100) - 1];
        Some(DocumentLengths { min, median: lengths[(lengths.len() - 1) / 2], mean, p99, max })
    }

    /// The document at a position of the ids of `part`, including the document token before it, and in the last document
    /// the one after it.
    pub(crate) fn at(&self, part: Part, position: usize) -> usize {
        let documents = self.of(part);
        let starts = &self.starts[documents.clone()];
        documents.start + starts.partition_point(|&start| start <= position as u64 + 1).max(1) - 1
    }

    /// The hash of the documents of `part`, whose ids have the hash `ids`.
    pub(crate) fn labels_sha256(&self, part: Part, ids: &str) -> String {
        let mut hasher = Sha256::new_with_prefix(format!("documents {ids}\n"));
        for name in &self.label_names {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
        }
        if self.has_labels() {
            self.of(part).for_each(|document| hasher.update(self.label(document).to_le_bytes()));
        }
        hex_digest(hasher)
    }
}

/// The first 64 bits of a hash.
pub(crate) fn first_bits(hasher: Sha256) -> u64 {
    let digest = hasher.finalize();
    u64::from_le_bytes(digest.first_chunk().copied().unwrap_or_default())
}
