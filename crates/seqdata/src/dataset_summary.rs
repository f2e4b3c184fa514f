//! Hashes of a dataset, and what can be counted in it: unknown tokens and the unigram baseline.

use crate::dataset::TextDataset;
use crate::hash::sha256;
use crate::split::Part;

impl TextDataset {
    /// The hash of the training ids, the context length and the stride; with documents, also of their labels.
    pub fn train_sha256(&self) -> String {
        let ids = self.part_sha256(Part::Train);
        sha256(format!("{ids} {} {}", self.context_len, self.stride).as_bytes())
    }

    /// The hash of the validation ids; with documents, also of their labels.
    pub fn valid_sha256(&self) -> String {
        self.part_sha256(Part::Valid)
    }

    fn part_sha256(&self, part: Part) -> String {
        let ids = self.ids.sha256(self.split.range(part));
        match &self.documents {
            None => ids,
            Some(documents) => documents.labels_sha256(part, &ids),
        }
    }

    /// The fractions of the training and the validation tokens that are not in the vocabulary, dropped ones included.
    /// Document tokens do not count.
    pub fn unknown_fractions(&self) -> [f64; 2] {
        let vocabulary = &self.tokenizer.vocabulary;
        let (unknown, document) = (vocabulary.unknown_id(), vocabulary.document_id());
        let parts = [(&self.split.train, self.train_dropped), (&self.split.valid, self.valid_dropped)];
        parts.map(|(range, dropped)| {
            let (mut count, mut tokens) = (dropped, dropped);
            self.ids.for_each(range.clone(), |id| {
                count += usize::from(Some(id) == unknown);
                tokens += usize::from(Some(id) != document);
            });
            count as f64 / tokens as f64
        })
    }

    /// The mean loss of a unigram model on the validation targets, in nats per token, with the token
    /// frequencies of the training split. A token that does not occur in training counts as one occurrence. The document
    /// token counts once per document: where it ends one.
    pub fn unigram_nats_per_token(&self) -> f64 {
        let mut counts = vec![0u64; self.tokenizer.vocabulary.len()];
        // The first document token is no target.
        let train = self.split.train.start + usize::from(self.documents.is_some())..self.split.train.end;
        self.ids.for_each(train.clone(), |id| counts[id as usize] += 1);
        let total = train.len() as f64;
        let targets = self.split.valid.start + self.valid_context_len()..self.split.valid.end;
        let nats = |at: usize| -(counts[self.ids.get(at) as usize].max(1) as f64 / total).ln();
        // Not −0, the negated logarithm of 1.
        (targets.clone().map(nats).sum::<f64>() + 0.0) / targets.len() as f64
    }
}
