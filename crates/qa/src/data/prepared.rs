//! From documents to all that a run about questions works with: a vocabulary, examples to learn from and
//! examples to be judged by.

use std::collections::HashSet;
use std::ops::Range;

use serde::Serialize;
use text_prep::passage::{Word, sentences, words};
use text_prep::{Cleaner, Interner, Rare, Splitter, Tokenizer, Vocabulary};

use super::batch::Known;
use super::error::{Error, Result};
use super::example::{Example, Examples};
use super::{Document, Passage, words_of};
use seqdata::hash::sha256;

/// How documents become examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuestionRecipe {
    /// Rarer words have no id.
    pub min_count: u64,
    /// How many of the words that questions hold, the most frequent, can be chosen when one is written; the
    /// others can only be copied. 0 for all words that have an id.
    pub written: usize,
    /// Words in the longest sentence that is learned from.
    pub longest_sentence: usize,
    /// Words in the longest answer that is to be found.
    pub longest_answer: usize,
}

/// A question with the sentence, or the few in a row, that hold its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<'a> {
    /// The sentence, cut out of its passage.
    pub text: &'a str,
    /// Where it begins in the passage, in bytes.
    pub start: usize,
    /// Its words, with bytes counted from its own beginning.
    pub words: Vec<Word>,
    /// The words of the answer.
    pub answer: Range<usize>,
    /// All true answers, as they stand in the passage.
    pub truths: Vec<&'a str>,
    /// The question.
    pub question: &'a str,
}

/// How many questions of some documents were used, and why the others were not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Questions with an answer.
    pub questions: usize,
    /// Examples made of them.
    pub examples: usize,
    /// Answers whose sentence cuts them out of a word.
    pub unmapped: usize,
    /// Examples left out because their sentence is too long.
    pub too_long: usize,
    /// Examples whose answer is too long to be found; their questions are learned all the same.
    pub long_answers: usize,
}

/// Calls `each` with every question of `passage` whose first answer consists of whole words of its sentence;
/// gives how many others there are.
pub fn locate<'a>(passage: &'a Passage, mut each: impl FnMut(Located<'a>)) -> usize {
    let sentences = sentences(&passage.text);
    let mut unmapped = 0;
    for question in &passage.questions {
        let Some(answer) = question.answers.first() else { continue };
        let over = sentences.iter().filter(|s| s.start < answer.end && answer.start < s.end);
        let range = over.cloned().reduce(|first, next| first.start..next.end);
        let found = range.and_then(|range| {
            // An answer may begin before its first whole sentence does, in what is no sentence at all.
            let range = range.start.min(answer.start)..range.end.max(answer.end);
            let text = &passage.text[range.clone()];
            let words = words(text);
            let answer = answer.start - range.start..answer.end - range.start;
            let answer = words_of(&answer, &words)?;
            let truths = question.answers.iter().map(|answer| &passage.text[answer.clone()]);
            Some(Located {
                text,
                start: range.start,
                words,
                answer,
                truths: truths.collect(),
                question: &question.text,
            })
        });
        match found {
            Some(located) => each(located),
            None => unmapped += 1,
        }
    }
    unmapped
}

/// All that a run about questions works with.
#[derive(Clone, Debug)]
pub struct PreparedQuestions {
    /// The words that have an id; counted on what is learned from alone.
    pub tokenizer: Tokenizer,
    /// What is learned from.
    pub train: Examples,
    /// What is judged by.
    pub valid: Examples,
    /// What became of the questions of each.
    pub used: [Used; 2],
    /// SHA-256 of the documents as they were read, both parts.
    pub text_sha256: String,
    /// SHA-256 of the examples that are learned from.
    pub train_sha256: String,
    /// SHA-256 of those that are judged by.
    pub valid_sha256: String,
    /// Words in the longest sentence that is learned from.
    pub longest_sentence: usize,
}

impl PreparedQuestions {
    /// Prepares documents, of which `train` are learned from and `valid` are judged by.
    ///
    /// # Errors
    /// If either part holds no example.
    pub fn new(train: &[Document], valid: &[Document], recipe: &QuestionRecipe) -> Result<Self> {
        let vocabulary = vocabulary(train, recipe.min_count);
        let (train_examples, used_train) = examples(train, recipe, &vocabulary);
        let (valid_examples, used_valid) = examples(valid, recipe, &vocabulary);
        for (part, used) in [("training", &used_train), ("validation", &used_valid)] {
            if used.examples == 0 {
                let Used { questions, unmapped, too_long, .. } = used;
                return Err(Error::NoExamples(format!(
                    "none of the {questions} {part} questions can be learned from: {too_long} are about \
                     sentences of more than {} words and {unmapped} have answers that their sentence cuts \
                     out of a word; raise `sentences.longest` or give other data",
                    recipe.longest_sentence
                )));
            }
        }
        let (train_sha256, valid_sha256) = (hash(&train_examples), hash(&valid_examples));
        let longest = train_examples.iter().map(|example| example.sentence.ids.len()).max();
        let part = |all: Vec<Example>| Examples {
            all: all.into(),
            known: Known {
                read: vocabulary.len(),
                written: match recipe.written {
                    0 => vocabulary.len(),
                    written => (RESERVED + written).min(vocabulary.len()),
                },
            },
            longest_answer: recipe.longest_answer,
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
                splitter: Splitter::Passage,
                vocabulary,
                story_mark: None,
                rare: Rare::Unknown,
            },
            used: [used_train, used_valid],
            text_sha256: sha256(text.join("\n").as_bytes()),
            train_sha256,
            valid_sha256,
            longest_sentence: longest.unwrap_or(0),
        })
    }
}

/// Ids that are no words: padding, which also begins and ends questions, and the unknown one.
const RESERVED: usize = 2;

/// Counts the words of all sentences, each once, and of all questions. The words of questions come first,
/// so that those that are asked with most have the lowest ids.
fn vocabulary(documents: &[Document], min_count: u64) -> Vocabulary {
    let (mut asked, mut counts) = (Interner::new(), Interner::new());
    for passage in documents.iter().flat_map(|document| &document.passages) {
        let mut counted = HashSet::new();
        locate(passage, |located| {
            if counted.insert(located.start) {
                for word in &located.words {
                    counts.add(&word.key, 1);
                }
            }
            for word in words(located.question) {
                asked.add(&word.key, 1);
                counts.add(&word.key, 1);
            }
        });
    }
    Vocabulary::from_counts(asked.iter(), min_count, true).extended(counts.iter(), min_count)
}

fn examples(
    documents: &[Document],
    recipe: &QuestionRecipe,
    vocabulary: &Vocabulary,
) -> (Vec<Example>, Used) {
    let (mut examples, mut used) = (Vec::new(), Used::default());
    for passage in documents.iter().flat_map(|document| &document.passages) {
        used.questions += passage.questions.iter().filter(|q| !q.answers.is_empty()).count();
        used.unmapped += locate(passage, |located| {
            if located.words.len() > recipe.longest_sentence {
                used.too_long += 1;
                return;
            }
            used.long_answers += usize::from(located.answer.len() > recipe.longest_answer);
            let Located { text, words, answer, question, .. } = located;
            examples.push(Example::new(text, &words, answer, question, vocabulary));
        });
    }
    used.examples = examples.len();
    (examples, used)
}

/// The hash of all that a network sees of some examples.
fn hash(examples: &[Example]) -> String {
    let mut bytes = Vec::new();
    for example in examples {
        let Example { sentence, answer, question, asked } = example;
        let lengths = [sentence.extended.len(), answer.start, answer.end, question.len()];
        let numbers = lengths.into_iter().map(|n| n as u32);
        let ids = sentence.extended.iter().chain(question).copied();
        bytes.extend(numbers.chain(ids).flat_map(u32::to_le_bytes));
        bytes.extend(sentence.shapes.iter().copied().chain(asked.iter().map(|&a| u8::from(a))));
    }
    sha256(&bytes)
}
