//! From documents to examples: a sentence, an answer in it and a question about that, as ids.

use std::ops::Range;
use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::Device;
use text_prep::Vocabulary;
use text_prep::passage::{Shape, Word, words};

use super::batch::{Known, QuestionBatch};
use seqdata::loader::Items;

/// A sentence as a network reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The ids of its words; the unknown one for those that have none.
    pub ids: Vec<u32>,
    /// The ids in the extended vocabulary: words without an id have V, V + 1, … as they first come.
    pub extended: Vec<u32>,
    /// The keys of these words, in order.
    pub further: Vec<String>,
    /// The shape of each word, and whether it is the first.
    pub shapes: Vec<u8>,
    /// What each word ends with, as a number below 2048: words that nobody counted still end like
    /// others.
    pub endings: Vec<u16>,
}

/// How many numbers there are for endings: some share one, few of those that are frequent do.
pub const ENDINGS: u32 = 2_048;

/// The number of a word's last three characters, all digits alike, by their FNV-1a hash.
fn ending(key: &str) -> u16 {
    let start = key.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
    let step = |hash: u32, byte: &u8| {
        let byte = if byte.is_ascii_digit() { b'0' } else { *byte };
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    };
    (key.as_bytes()[start..].iter().fold(2_166_136_261, step) % ENDINGS) as u16
}

impl Sentence {
    /// The sentence of these words of `text`. The vocabulary has an unknown id.
    pub fn new(text: &str, words: &[Word], vocabulary: &Vocabulary) -> Self {
        let mut further: Vec<String> = Vec::new();
        let extended = words.iter().map(|word| match vocabulary.id(&word.key) {
            Some(id) => id,
            None => {
                let known = further.iter().position(|key| *key == word.key);
                let at = known.unwrap_or_else(|| {
                    further.push(word.key.clone());
                    further.len() - 1
                });
                (vocabulary.len() + at) as u32
            }
        });
        let extended: Vec<u32> = extended.collect();
        let ids = extended.iter().map(|&id| match (id as usize) < vocabulary.len() {
            true => id,
            false => Vocabulary::UNKNOWN,
        });
        let shape = |(at, word): (usize, &Word)| {
            Shape::of(&text[word.range.clone()]) as u8 + if at == 0 { 8 } else { 0 }
        };
        Self {
            ids: ids.collect(),
            shapes: words.iter().enumerate().map(shape).collect(),
            endings: words.iter().map(|word| ending(&word.key)).collect(),
            extended,
            further,
        }
    }

    /// A question's words as ids of this sentence's extended vocabulary.
    pub fn extend(&self, question: &[Word], vocabulary: &Vocabulary) -> Vec<u32> {
        let id = |word: &Word| {
            let copied = || self.further.iter().position(|key| *key == word.key);
            let copied = || copied().map(|at| (vocabulary.len() + at) as u32);
            vocabulary.id(&word.key).or_else(copied).unwrap_or(Vocabulary::UNKNOWN)
        };
        question.iter().map(id).collect()
    }
}

/// For each of a sentence's words, whether a question holds it.
pub fn held(sentence: &[Word], question: &[Word]) -> Vec<bool> {
    let keys: std::collections::HashSet<&str> =
        question.iter().map(|word| word.key.as_str()).collect();
    sentence.iter().map(|word| keys.contains(word.key.as_str())).collect()
}

/// A question about an answer in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The sentence.
    pub sentence: Sentence,
    /// The words of the answer.
    pub answer: Range<usize>,
    /// For each word of the sentence, whether the question holds it.
    pub asked: Vec<bool>,
    /// The question in the sentence's extended vocabulary, without the 0 that ends it.
    pub question: Vec<u32>,
}

impl Example {
    /// The example of a question about the words `answer` of a sentence.
    pub fn new(
        text: &str,
        sentence: &[Word],
        answer: Range<usize>,
        question: &str,
        vocabulary: &Vocabulary,
    ) -> Self {
        let question = words(question);
        let asked = held(sentence, &question);
        let sentence = Sentence::new(text, sentence, vocabulary);
        let question = sentence.extend(&question, vocabulary);
        Self { sentence, answer, asked, question }
    }
}

/// Examples as a loader serves them.
#[derive(Clone, Debug)]
pub struct Examples {
    /// The examples.
    pub all: Arc<[Example]>,
    /// How many ids can be read and written.
    pub known: Known,
    /// Words in the longest answer that is to be found.
    pub longest_answer: usize,
}

impl Batcher<usize, QuestionBatch> for Examples {
    fn batch(&self, items: Vec<usize>, device: &Device) -> QuestionBatch {
        let examples: Vec<&Example> = items.into_iter().map(|item| &self.all[item]).collect();
        QuestionBatch::new(&examples, self.known, self.longest_answer, device)
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
