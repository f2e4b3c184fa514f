//! Examples: a sentence, an answer span in it and a question about the answer, as ids.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::Device;
use seqdata::Items;
use text_prep::Vocabulary;
use text_prep::spans::{Word, WordShape};

use super::batch::{QuestionBatch, VocabSizes};

/// A sentence as model input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedSentence {
    /// The id of each word; the unknown id for out-of-vocabulary words.
    pub ids: Vec<u32>,
    /// The id of each word in the extended vocabulary: out-of-vocabulary words have V, V + 1, … in order of first
    /// appearance.
    pub extended_ids: Vec<u32>,
    /// The keys of the distinct out-of-vocabulary words, in order of first appearance.
    pub oov_words: Vec<String>,
    /// The shape of each word, plus 8 for the first word.
    pub shapes: Vec<u8>,
    /// The hash bucket of each word's suffix, below `SUFFIX_BUCKETS`. Suffixes carry information about
    /// out-of-vocabulary words.
    pub suffix_ids: Vec<u16>,
}

/// The number of hash buckets for suffixes. Few frequent suffixes collide.
pub const SUFFIX_BUCKETS: u32 = 2_048;

/// The bucket of a word's last three characters: their FNV-1a hash, with all digits replaced by 0.
fn suffix_id(key: &str) -> u16 {
    let start = key.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
    let step = |hash: u32, byte: &u8| {
        let byte = if byte.is_ascii_digit() { b'0' } else { *byte };
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    };
    (key.as_bytes()[start..].iter().fold(2_166_136_261, step) % SUFFIX_BUCKETS) as u16
}

impl EncodedSentence {
    /// Encodes the sentence `text`, which consists of `words`. The vocabulary must have an unknown id.
    pub fn new(text: &str, words: &[Word], vocabulary: &Vocabulary) -> Self {
        let mut oov_words: Vec<String> = Vec::new();
        let extended_id = |word: &Word| {
            vocabulary.id(&word.key).unwrap_or_else(|| {
                let index = oov_words.iter().position(|key| *key == word.key).unwrap_or_else(|| {
                    oov_words.push(word.key.clone());
                    oov_words.len() - 1
                });
                (vocabulary.len() + index) as u32
            })
        };
        let extended_ids: Vec<u32> = words.iter().map(extended_id).collect();
        let id = |&id: &u32| {
            if (id as usize) < vocabulary.len() { id } else { Vocabulary::UNKNOWN }
        };
        let shape = |(index, word): (usize, &Word)| {
            WordShape::of(&text[word.range.clone()]) as u8 + if index == 0 { 8 } else { 0 }
        };
        Self {
            ids: extended_ids.iter().map(id).collect(),
            shapes: words.iter().enumerate().map(shape).collect(),
            suffix_ids: words.iter().map(|word| suffix_id(&word.key)).collect(),
            extended_ids,
            oov_words,
        }
    }

    /// The ids of a question's words in this sentence's extended vocabulary.
    pub fn question_ids(&self, question: &[Word], vocabulary: &Vocabulary) -> Vec<u32> {
        let id = |word: &Word| {
            let oov_index = || self.oov_words.iter().position(|key| *key == word.key);
            let copied = || oov_index().map(|index| (vocabulary.len() + index) as u32);
            vocabulary.id(&word.key).or_else(copied).unwrap_or(Vocabulary::UNKNOWN)
        };
        question.iter().map(id).collect()
    }
}

/// For each word of a sentence, whether it occurs in a question.
pub fn in_question(sentence: &[Word], question: &[Word]) -> Vec<bool> {
    let keys: HashSet<&str> = question.iter().map(|word| word.key.as_str()).collect();
    sentence.iter().map(|word| keys.contains(word.key.as_str())).collect()
}

/// A question about an answer in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The sentence.
    pub sentence: EncodedSentence,
    /// The words of the answer.
    pub answer: Range<usize>,
    /// For each word of the sentence, whether it occurs in the question.
    pub in_question: Vec<bool>,
    /// The question in the sentence's extended vocabulary, without the final 0.
    pub question_ids: Vec<u32>,
}

impl Example {
    /// Makes the example of a question about the words `answer` of a sentence.
    pub fn new(
        text: &str,
        sentence: &[Word],
        answer: Range<usize>,
        question: &[Word],
        vocabulary: &Vocabulary,
    ) -> Self {
        let in_question = in_question(sentence, question);
        let sentence = EncodedSentence::new(text, sentence, vocabulary);
        let question_ids = sentence.question_ids(question, vocabulary);
        Self { sentence, answer, in_question, question_ids }
    }
}

/// Examples and the settings for making batches of them.
#[derive(Clone, Debug)]
pub struct Examples {
    /// The examples.
    pub all: Arc<[Example]>,
    /// The vocabulary sizes.
    pub vocab_sizes: VocabSizes,
    /// The maximum length of an extractable answer, in words.
    pub max_answer_len: usize,
}

impl Batcher<usize, QuestionBatch> for Examples {
    fn batch(&self, items: Vec<usize>, device: &Device) -> QuestionBatch {
        let examples: Vec<&Example> = items.into_iter().map(|item| &self.all[item]).collect();
        QuestionBatch::new(&examples, self.vocab_sizes, self.max_answer_len, device)
    }
}

impl Items for Examples {
    type Batch = QuestionBatch;

    fn count(&self) -> usize {
        self.all.len()
    }

    fn length(&self, item: usize) -> usize {
        self.all[item].sentence.ids.len()
    }
}
