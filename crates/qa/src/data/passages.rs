//! The sentences of passages, also those without questions: what the encoders are pretrained on.

use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::Device;
use seqdata::hash::sha256;
use seqdata::{Items, WithStep};
use text_prep::Tokenizer;
use text_prep::spans::{sentences, words};

use super::Document;
use super::batch::{SentenceBatch, SentenceFeatures};
use super::example::EncodedSentence;

/// The sentences for pretraining and for its validation.
#[derive(Clone, Debug)]
pub struct PassageDataset {
    /// The sentences for training.
    pub train: PassageSentences,
    /// The sentences for validation.
    pub valid: PassageSentences,
}

impl PassageDataset {
    /// The sentences of at most `max_sentence_len` words of training and validation documents.
    pub fn new(train: &[Document], valid: &[Document], tokenizer: &Tokenizer, max_sentence_len: usize) -> Self {
        let part = |documents| PassageSentences::new(documents, tokenizer, max_sentence_len);
        Self { train: part(train), valid: part(valid) }
    }
}

/// Sentences as training items.
#[derive(Clone, Debug)]
pub struct PassageSentences {
    /// The sentences in the order of the documents.
    pub all: Arc<[EncodedSentence]>,
}

impl PassageSentences {
    /// The sentences of `documents` of at most `max_sentence_len` words, each with at least one.
    pub fn new(documents: &[Document], tokenizer: &Tokenizer, max_sentence_len: usize) -> Self {
        let segmentation = tokenizer.pre_tokenizer.segmentation();
        let mut all = Vec::new();
        for passage in documents.iter().flat_map(|document| &document.passages) {
            for range in sentences(&passage.text) {
                let sentence = &passage.text[range];
                let words = words(sentence, segmentation);
                if (1..=max_sentence_len).contains(&words.len()) {
                    all.push(EncodedSentence::new(sentence, &words, &tokenizer.vocabulary));
                }
            }
        }
        Self { all: all.into() }
    }

    /// SHA-256 of the ids and shapes of all words.
    pub fn sha256(&self) -> String {
        let mut bytes = Vec::new();
        for sentence in self.all.iter() {
            let ids = sentence.ids.iter().copied();
            bytes.extend(std::iter::once(sentence.ids.len() as u32).chain(ids).flat_map(u32::to_le_bytes));
            bytes.extend(&sentence.shapes);
        }
        sha256(&bytes)
    }
}

/// A batch of sentences.
#[derive(Clone, Debug)]
pub struct PassageBatch {
    /// The sentences, without answers and questions.
    pub sentences: SentenceBatch,
    /// The number of words.
    pub num_tokens: usize,
    /// The index of this batch in the whole run, from 0.
    pub step: u64,
}

impl WithStep for PassageBatch {
    fn with_step(self, _index: usize, step: u64) -> Self {
        Self { step, ..self }
    }
}

impl Batcher<usize, PassageBatch> for PassageSentences {
    fn batch(&self, items: Vec<usize>, device: &Device) -> PassageBatch {
        let sentences: Vec<&EncodedSentence> = items.into_iter().map(|item| &self.all[item]).collect();
        let features = vec![SentenceFeatures::default(); sentences.len()];
        let num_tokens = sentences.iter().map(|sentence| sentence.ids.len()).sum();
        PassageBatch { sentences: SentenceBatch::new(&sentences, &features, device), num_tokens, step: 0 }
    }
}

impl Items for PassageSentences {
    type Batch = PassageBatch;

    fn count(&self) -> usize {
        self.all.len()
    }

    fn length(&self, item: usize) -> usize {
        self.all[item].ids.len()
    }
}
