//! The bytes of the targets of an evaluation, by the label of their documents.

use seqdata::Sequence;
use text_prep::Tokenizer;

/// The bytes of decoded targets, and how many targets are unknown. The end of a document has one byte, which is the line end
/// of a document that is a line, whatever stands between the documents of the text.
#[derive(Clone, Debug, Default)]
pub struct TargetBytes {
    /// By the number of the label.
    by_label: Vec<Count>,
}

/// The targets of one label.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    bytes: usize,
    unknown: usize,
}

impl TargetBytes {
    /// Decodes the ids of `sequence` after the first `context_len`, document by document. All have label 0 unless they have
    /// their own labels.
    pub fn count(tokenizer: &Tokenizer, sequence: &Sequence, context_len: usize, own_labels: bool) -> Self {
        let (unknown, document) = (tokenizer.vocabulary.unknown_id(), tokenizer.vocabulary.document_id());
        let mut count = Self { by_label: vec![Count::default()] };
        let mut ids = Vec::new();
        let (mut label, mut context) = (0, 0);
        let everywhere = 0..sequence.len();
        for (position, (id, of_id)) in sequence.ids(everywhere.clone()).zip(sequence.labels(everywhere)).enumerate() {
            if Some(id) == document {
                count.add(tokenizer, &ids, context, label);
                count.of_label(label).bytes += usize::from(position >= context_len);
                ids.clear();
                (label, context) = (if own_labels { of_id as usize } else { 0 }, 0);
                continue;
            }
            ids.push(id);
            context += usize::from(position < context_len);
            if Some(id) == unknown && position >= context_len {
                count.of_label(label).unknown += 1;
            }
        }
        count.add(tokenizer, &ids, context, label);
        count
    }

    /// Adds the bytes of `ids` after the first `context`.
    fn add(&mut self, tokenizer: &Tokenizer, ids: &[u32], context: usize, label: usize) {
        // Subwords may begin and end within a character.
        let before = tokenizer.decoded_len(&ids[..context]);
        self.of_label(label).bytes += tokenizer.decoded_len(ids).saturating_sub(before);
    }

    fn of_label(&mut self, label: usize) -> &mut Count {
        self.by_label.resize(self.by_label.len().max(label + 1), Count::default());
        &mut self.by_label[label]
    }

    /// The number of targets that are the unknown token.
    pub fn unknown(&self) -> usize {
        self.by_label.iter().map(|count| count.unknown).sum()
    }

    /// The bytes of all targets; `None` if some are unknown, because their number of bytes is not known.
    pub fn total(&self) -> Option<usize> {
        (self.unknown() == 0).then(|| self.by_label.iter().map(|count| count.bytes).sum())
    }

    /// The loss in bits per byte, comparable between kinds of tokens, of the documents with this label, whose `targets` have
    /// a mean loss of `nats_per_token`; `None` if some are unknown, because their number of bytes is not known.
    pub fn bits_per_byte(&self, label: usize, nats_per_token: f64, targets: usize) -> Option<f64> {
        bits_per_byte(*self.by_label.get(label)?, nats_per_token, targets)
    }

    /// The same for all documents, or a running text.
    pub fn total_bits_per_byte(&self, nats_per_token: f64, targets: usize) -> Option<f64> {
        bits_per_byte(Count { bytes: self.total()?, unknown: 0 }, nats_per_token, targets)
    }
}

fn bits_per_byte(Count { bytes, unknown }: Count, nats_per_token: f64, targets: usize) -> Option<f64> {
    let nats = nats_per_token * targets as f64;
    (unknown == 0 && bytes > 0).then(|| nats / std::f64::consts::LN_2 / bytes as f64)
}
