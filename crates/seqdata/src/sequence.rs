//! The ids of one part of a split in the order in which they are read, with the labels of their documents.

use std::ops::Range;
use std::sync::Arc;

use crate::documents::Documents;
use crate::error::Result;
use crate::ids::Ids;
use crate::ids_writer::IdsWriter;
use crate::random::Random;
use crate::split::Part;

/// The fraction of the training documents that lose their label in a pass, so that the model also learns to write
/// without one.
pub const LABEL_DROPOUT: f64 = 0.1;

/// Every how many documents of a shuffled sequence their position is stored.
const STORED_EVERY: usize = 32;

/// The ids of one part of a split in the order in which they are read. Positions are counted from 0.
///
/// Running text has one order. Documents, each after its document token and the last one followed by one more, may be in
/// a new order in every pass over them, and some may lose their label: see [`for_training`](Self::for_training) and
/// [`for_pass`](Self::for_pass).
#[derive(Clone, Debug)]
pub struct Sequence {
    ids: Arc<Ids>,
    range: Range<usize>,
    documents: Option<DocumentSequence>,
}

/// The documents of a sequence.
#[derive(Clone, Debug)]
struct DocumentSequence {
    documents: Arc<Documents>,
    part: Part,
    /// The seed of a sequence for training.
    seed: Option<u64>,
    shuffled: Option<Arc<Shuffled>>,
    /// For each document of the part, whether its label is left out; empty for none.
    without_label: Arc<Vec<bool>>,
}

/// The order of documents in a pass.
#[derive(Debug)]
struct Shuffled {
    /// Documents, counted from the first of the part.
    order: Vec<u32>,
    /// The positions of the documents 0, 32, 64, … of the order.
    positions: Vec<u64>,
}

/// Consecutive ids of one document, or of a running text.
struct Segment {
    ids: Range<usize>,
    label: u32,
}

impl Sequence {
    /// The ids of `range`, as a running text.
    pub fn new(ids: Arc<Ids>, range: Range<usize>) -> Self {
        Self { ids, range, documents: None }
    }

    /// The documents of `part`, which are those of `range`, in their order and with their labels.
    pub(crate) fn of_documents(ids: Arc<Ids>, range: Range<usize>, documents: Arc<Documents>, part: Part) -> Self {
        let without_label = Arc::new(Vec::new());
        let documents = DocumentSequence { documents, part, seed: None, shuffled: None, without_label };
        Self { ids, range, documents: Some(documents) }
    }

    /// The sequence for training: its documents are shuffled for every pass, and each loses its label with a probability
    /// of [`LABEL_DROPOUT`], as a function of `seed` and the number of the pass. Running text stays as it is.
    #[must_use]
    pub fn for_training(mut self, seed: u64) -> Self {
        if let Some(documents) = &mut self.documents {
            documents.seed = Some(seed);
        }
        self
    }

    /// The sequence as it is read in `pass`, counted from 1, if it is [for training](Self::for_training); its documents are
    /// shuffled if `shuffle` is true.
    #[must_use]
    pub fn for_pass(&self, pass: usize, shuffle: bool) -> Self {
        let Some(DocumentSequence { documents, part, seed: Some(seed), .. }) = &self.documents else {
            return self.clone();
        };
        let (of_part, key) = (documents.of(*part), [pass as u64]);
        let count = of_part.len();
        let shuffled = shuffle.then(|| {
            let order = Random::keyed(*seed, "document order", &key).permutation(count);
            Arc::new(Shuffled::new(order, |document| with_token(documents, of_part.start + document).len()))
        });
        let mut random = Random::keyed(*seed, "label dropout", &key);
        let count = if documents.has_labels() { count } else { 0 };
        let without_label = Arc::new((0..count).map(|_| random.uniform() < LABEL_DROPOUT).collect());
        let mut sequence = self.clone();
        if let Some(documents) = &mut sequence.documents {
            (documents.shuffled, documents.without_label) = (shuffled, without_label);
        }
        sequence
    }

    /// The same ids after the id `first`, as a running text.
    ///
    /// # Errors
    /// If they cannot be stored.
    pub fn after(&self, first: u32) -> Result<Self> {
        let mut ids = IdsWriter::default();
        ids.push(first);
        self.ids(0..self.len()).for_each(|id| ids.push(id));
        let ids = ids.finish()?;
        let range = 0..ids.len();
        Ok(Self::new(Arc::new(ids), range))
    }

    /// The number of ids.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there are no ids.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Whether the documents have labels.
    pub fn has_labels(&self) -> bool {
        self.documents.as_ref().is_some_and(|documents| documents.documents.has_labels())
    }

    /// The length of the longest document in tokens; `None` for running text.
    pub fn longest_document(&self) -> Option<usize> {
        let DocumentSequence { documents, part, .. } = self.documents.as_ref()?;
        documents.of(*part).map(|document| documents.tokens(document).len()).max()
    }

    /// The id at `position`.
    ///
    /// # Panics
    /// If `position` is not below [`len`](Self::len).
    pub fn id(&self, position: usize) -> u32 {
        let (index, offset) = self.find(position);
        self.ids.get(self.segment(index).ids.start + offset)
    }

    /// The ids at `positions`.
    ///
    /// # Panics
    /// If `positions` ends after [`len`](Self::len).
    pub fn ids(&self, positions: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        self.segments(positions).flat_map(|segment| segment.ids.map(|at| self.ids.get(at)))
    }

    /// The number of the label at each of `positions`: that of the document to which the id belongs, or which its document
    /// token starts; 0 for none.
    ///
    /// # Panics
    /// If `positions` ends after [`len`](Self::len).
    pub fn labels(&self, positions: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        self.segments(positions).flat_map(|segment| std::iter::repeat_n(segment.label, segment.ids.len()))
    }

    /// The segments at `positions`.
    fn segments(&self, positions: Range<usize>) -> impl Iterator<Item = Segment> + '_ {
        assert!(positions.end <= self.len(), "ids {positions:?} of {}", self.len());
        let mut left = positions.len();
        let (mut index, mut offset) = if left == 0 { (0, 0) } else { self.find(positions.start) };
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let Segment { ids, label } = self.segment(index);
            let start = ids.start + offset;
            let ids = start..ids.end.min(start + left);
            left -= ids.len();
            (index, offset) = (index + 1, 0);
            Some(Segment { ids, label })
        })
    }

    /// The segment that has `position`, and where in it.
    fn find(&self, position: usize) -> (usize, usize) {
        let Some(DocumentSequence { documents, part, shuffled, .. }) = &self.documents else { return (0, position) };
        let Some(shuffled) = shuffled else {
            let at = self.range.start + position;
            let index = documents.at(*part, at) - documents.of(*part).start;
            return (index, at - self.segment(index).ids.start);
        };
        let block = shuffled.positions.partition_point(|&start| start <= position as u64).max(1) - 1;
        let (mut index, mut start) = (block * STORED_EVERY, shuffled.positions[block] as usize);
        loop {
            let length = self.segment(index).ids.len();
            if position < start + length {
                return (index, position - start);
            }
            (index, start) = (index + 1, start + length);
        }
    }

    /// Segment `index` of the order. The last one is the document token after the last document.
    fn segment(&self, index: usize) -> Segment {
        let Some(DocumentSequence { documents, part, shuffled, without_label, .. }) = &self.documents else {
            return Segment { ids: self.range.clone(), label: 0 };
        };
        let of_part = documents.of(*part);
        if index >= of_part.len() {
            return Segment { ids: self.range.end - 1..self.range.end, label: 0 };
        }
        let index = shuffled.as_ref().map_or(index, |shuffled| shuffled.order[index] as usize);
        let document = of_part.start + index;
        let label = if without_label.get(index) == Some(&true) { 0 } else { documents.label(document) };
        Segment { ids: with_token(documents, document), label }
    }
}

impl Shuffled {
    /// The order with these lengths of documents.
    fn new(order: Vec<u32>, length: impl Fn(usize) -> usize) -> Self {
        let mut positions = Vec::with_capacity(order.len() / STORED_EVERY + 1);
        let mut position = 0;
        for (index, &document) in order.iter().enumerate() {
            if index.is_multiple_of(STORED_EVERY) {
                positions.push(position);
            }
            position += length(document as usize) as u64;
        }
        Self { order, positions }
    }
}

/// The positions of a document in the ids, with the document token before it.
fn with_token(documents: &Documents, document: usize) -> Range<usize> {
    let tokens = documents.tokens(document);
    tokens.start - 1..tokens.end
}
