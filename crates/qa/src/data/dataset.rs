//! Prepares documents for training: a vocabulary, training examples and validation examples.

use std::collections::HashSet;
use std::ops::Range;

use seqdata::hash::sha256;
use serde::Serialize;
use text_prep::spans::{Word, sentences, words};
use text_prep::{
    Cleaner, OovPolicy, PreTokenizer, Segmentation, SpanOptions, TokenCounter, Tokenizer, Vocabulary, counted,
};

use super::batch::VocabSizes;
use super::error::{Error, Result};
use super::example::{Example, Examples};
use super::{Document, Passage, QuestionCounts, word_range};

/// How examples are made from documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QaDatasetConfig {
    /// The minimum count of a word in the vocabulary. Default: 2.
    pub min_count: u64,
    /// The number of words that the decoder can generate: the most frequent words of questions. Other words can only
    /// be copied. 0 for the whole vocabulary. Default: 3000.
    pub decoder_vocab: usize,
    /// The maximum length of a sentence, in words; longer ones are left out. Default: 80.
    pub max_sentence_len: usize,
    /// The maximum length of an extractable answer, in words. Default: 12.
    pub max_answer_len: usize,
    /// Where words end. Default: `None`, as the training passages suggest, see [`Segmentation::detect`].
    pub segmentation: Option<Segmentation>,
}

impl Default for QaDatasetConfig {
    fn default() -> Self {
        Self { min_count: 2, decoder_vocab: 3_000, max_sentence_len: 80, max_answer_len: 12, segmentation: None }
    }
}

impl QaDatasetConfig {
    /// Sets [`min_count`](Self#structfield.min_count).
    pub fn min_count(self, min_count: u64) -> Self {
        Self { min_count, ..self }
    }

    /// Sets [`decoder_vocab`](Self#structfield.decoder_vocab).
    pub fn decoder_vocab(self, decoder_vocab: usize) -> Self {
        Self { decoder_vocab, ..self }
    }

    /// Sets [`max_sentence_len`](Self#structfield.max_sentence_len).
    pub fn max_sentence_len(self, max_sentence_len: usize) -> Self {
        Self { max_sentence_len, ..self }
    }

    /// Sets [`max_answer_len`](Self#structfield.max_answer_len).
    pub fn max_answer_len(self, max_answer_len: usize) -> Self {
        Self { max_answer_len, ..self }
    }

    /// Sets [`segmentation`](Self#structfield.segmentation).
    pub fn segmentation(self, segmentation: impl Into<Option<Segmentation>>) -> Self {
        Self { segmentation: segmentation.into(), ..self }
    }
}

/// A question and the sentence of its passage that contains the answer, or several consecutive sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedQuestion<'a> {
    /// The sentence.
    pub sentence: &'a str,
    /// The byte offset of the sentence in the passage.
    pub start: usize,
    /// The words of the sentence, with byte offsets in the sentence.
    pub words: Vec<Word>,
    /// The words of the answer.
    pub answer: Range<usize>,
    /// All reference answers, as in the passage.
    pub gold_answers: Vec<&'a str>,
    /// The question.
    pub question: &'a str,
}

impl LocatedQuestion<'_> {
    /// The text of the sentence from the first to the last of these words.
    pub fn text(&self, words: &Range<usize>) -> &str {
        match &self.words[words.clone()] {
            [] => "",
            [first, .., last] => &self.sentence[first.range.start..last.range.end],
            [only] => &self.sentence[only.range.clone()],
        }
    }
}

/// The numbers of questions used and left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExampleCounts {
    /// Questions with an answer.
    pub questions: usize,
    /// Examples made from them.
    pub examples: usize,
    /// Questions left out because the answer starts or ends within a word of its sentence.
    pub unmapped: usize,
    /// Questions left out because the sentence is too long.
    pub too_long: usize,
    /// Examples whose answer is too long to be extracted. They are still used for question generation.
    pub long_answers: usize,
}

/// Calls `visit` for each question of `passage` whose first answer consists of whole words of its sentence. Returns the
/// number of other questions with an answer.
pub fn locate_answers<'a>(
    passage: &'a Passage,
    segmentation: Segmentation,
    mut visit: impl FnMut(LocatedQuestion<'a>),
) -> usize {
    let sentences = sentences(&passage.text);
    let mut unmapped = 0;
    for question in &passage.questions {
        let Some(answer) = question.answers.first() else { continue };
        let overlapping = sentences.iter().filter(|s| s.start < answer.end && answer.start < s.end);
        let range = overlapping.cloned().reduce(|first, next| first.start..next.end);
        let located = range.and_then(|range| {
            // Part of an answer may be in text that belongs to no sentence.
            let range = range.start.min(answer.start)..range.end.max(answer.end);
            let sentence = &passage.text[range.clone()];
            let words = words(sentence, segmentation);
            let answer = answer.start - range.start..answer.end - range.start;
            let answer = word_range(&answer, &words)?;
            let gold_answers = question.answers.iter().map(|answer| &passage.text[answer.clone()]);
            Some(LocatedQuestion {
                sentence,
                start: range.start,
                words,
                answer,
                gold_answers: gold_answers.collect(),
                question: &question.text,
            })
        });
        match located {
            Some(located) => visit(located),
            None => unmapped += 1,
        }
    }
    unmapped
}

/// The data for training a question model.
#[derive(Clone, Debug)]
pub struct QaDataset {
    /// The vocabulary, counted on the training documents only.
    pub tokenizer: Tokenizer,
    /// The training examples.
    pub train: Examples,
    /// The validation examples.
    pub valid: Examples,
    /// The question counts of training and validation data.
    pub counts: [ExampleCounts; 2],
    /// The questions in the files that were read, the file for training first. Empty if none was read.
    pub file_counts: Vec<QuestionCounts>,
    /// SHA-256 of all documents, training and validation.
    pub text_sha256: String,
    /// SHA-256 of the training examples.
    pub train_sha256: String,
    /// SHA-256 of the validation examples.
    pub valid_sha256: String,
    /// The length of the longest training sentence, in words.
    pub max_sentence_len: usize,
}

impl QaDataset {
    /// Makes examples from training and validation documents. [`from_file`](Self::from_file) reads and splits a file.
    ///
    /// # Errors
    /// If one of the two gives no example.
    pub fn new(train: &[Document], valid: &[Document], config: &QaDatasetConfig) -> Result<Self> {
        let segmentation = config.segmentation.unwrap_or_else(|| {
            let passages = train.iter().flat_map(|document| &document.passages);
            Segmentation::detect(passages.map(|passage| passage.text.as_str()))
        });
        let vocabulary = vocabulary(train, config.min_count, segmentation);
        let (train_examples, train_counts) = examples(train, config, segmentation, &vocabulary);
        let (valid_examples, valid_counts) = examples(valid, config, segmentation, &vocabulary);
        for (part, counts) in [("training", &train_counts), ("validation", &valid_counts)] {
            if counts.examples == 0 {
                let ExampleCounts { questions, unmapped, too_long, .. } = counts;
                let advice = match segmentation {
                    Segmentation::Dictionary if *unmapped > 0 => "; or set `tokens.segmentation` to spaces",
                    _ => "",
                };
                return Err(Error::NoExamples(format!(
                    "of {}, none is usable ({too_long} with a sentence of more than {} words, {unmapped} with an answer that \
                     starts or ends within a word): raise `max_sentence_len` or use other data{advice}",
                    counted(*questions, &format!("{part} question")),
                    config.max_sentence_len
                )));
            }
        }
        let (train_sha256, valid_sha256) = (hash(&train_examples), hash(&valid_examples));
        let max_sentence_len = train_examples.iter().map(|example| example.sentence.ids.len()).max();
        let output = if config.decoder_vocab == 0 {
            vocabulary.len()
        } else {
            (NUM_RESERVED + config.decoder_vocab).min(vocabulary.len())
        };
        let part = |all: Vec<Example>| Examples {
            all: all.into(),
            vocab_sizes: VocabSizes { input: vocabulary.len(), output },
            max_answer_len: config.max_answer_len,
        };
        let text: Vec<&str> = train
            .iter()
            .chain(valid)
            .flat_map(|document| &document.passages)
            .flat_map(|passage| {
                let questions = passage.questions.iter().map(|question| question.text.as_str());
                std::iter::once(passage.text.as_str()).chain(questions)
            })
            .collect();
        Ok(Self {
            train: part(train_examples),
            valid: part(valid_examples),
            tokenizer: Tokenizer {
                cleaner: Cleaner::new(Vec::new()),
                pre_tokenizer: PreTokenizer::Spans(SpanOptions { segmentation }),
                vocabulary,
                document_separator: None,
                oov: OovPolicy::Unknown,
            },
            counts: [train_counts, valid_counts],
            file_counts: Vec::new(),
            text_sha256: sha256(text.join("\n").as_bytes()),
            train_sha256,
            valid_sha256,
            max_sentence_len: max_sentence_len.unwrap_or(0),
        })
    }
}

/// The number of reserved ids: padding, which also starts and ends questions, and the unknown word.
const NUM_RESERVED: usize = 2;

/// Counts the words of all sentences, each sentence once, and of all questions. The words of questions come first, so
/// that the most frequent of them have the lowest ids.
fn vocabulary(documents: &[Document], min_count: u64, segmentation: Segmentation) -> Vocabulary {
    let (mut question_words, mut all_words) = (TokenCounter::new(), TokenCounter::new());
    for passage in documents.iter().flat_map(|document| &document.passages) {
        let mut counted = HashSet::new();
        locate_answers(passage, segmentation, |located| {
            if counted.insert(located.start) {
                for word in &located.words {
                    all_words.add(&word.key);
                }
            }
            for word in words(located.question, segmentation) {
                question_words.add(&word.key);
                all_words.add(&word.key);
            }
        });
    }
    Vocabulary::from_counts(question_words.iter(), min_count, true).extended(all_words.iter(), min_count)
}

fn examples(
    documents: &[Document],
    config: &QaDatasetConfig,
    segmentation: Segmentation,
    vocabulary: &Vocabulary,
) -> (Vec<Example>, ExampleCounts) {
    let (mut examples, mut counts) = (Vec::new(), ExampleCounts::default());
    for passage in documents.iter().flat_map(|document| &document.passages) {
        counts.questions += passage.questions.iter().filter(|q| !q.answers.is_empty()).count();
        counts.unmapped += locate_answers(passage, segmentation, |located| {
            if located.words.len() > config.max_sentence_len {
                counts.too_long += 1;
                return;
            }
            counts.long_answers += usize::from(located.answer.len() > config.max_answer_len);
            let LocatedQuestion { sentence, words, answer, question, .. } = located;
            let question = text_prep::spans::words(question, segmentation);
            examples.push(Example::new(sentence, &words, answer, &question, vocabulary));
        });
    }
    counts.examples = examples.len();
    (examples, counts)
}

/// The hash of the examples' model inputs and targets.
fn hash(examples: &[Example]) -> String {
    let mut bytes = Vec::new();
    for example in examples {
        let Example { sentence, answer, question_ids, in_question } = example;
        let lengths = [sentence.extended_ids.len(), answer.start, answer.end, question_ids.len()];
        let lengths = lengths.into_iter().map(|n| n as u32);
        let ids = sentence.extended_ids.iter().chain(question_ids).copied();
        bytes.extend(lengths.chain(ids).flat_map(u32::to_le_bytes));
        bytes.extend(sentence.shapes.iter().copied());
        bytes.extend(in_question.iter().map(|&is_in_question| u8::from(is_in_question)));
    }
    sha256(&bytes)
}
