//! What is asked of the network: the answers in sentences, and questions about them, many at a time.

use std::ops::Range;

use crate::model::Spans;
use burn::tensor::{Device, Int, Tensor, TensorData};
use kernels::{are_fused, awake};
use models::Trained;

use crate::data::{Answers, Marks, Sentence, Sentences};
use crate::model::QuestionModel;
use rayon::prelude::*;
use text_prep::Vocabulary;

use super::beam::{Beams, Found, Search};
use super::top_k::{Copies, likeliest};
use crate::error::{Error, Result};

/// Spans that are looked at when one is to be named.
const LIKELY: usize = 60;
/// What being the answer is worth beside sharing all words with it.
const EXACT: f64 = 1.0;

/// Sentences that are read at once.
const READ: usize = 64;
/// Questions that are searched for at once.
const SEARCHED: usize = 48;

/// A network with its words, where it computes.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// The network.
    pub model: &'a QuestionModel,
    /// Its words.
    pub vocabulary: &'a Vocabulary,
    /// Where it computes.
    pub device: &'a Device,
}

/// How likely it is that a span of a sentence is the answer.
#[derive(Clone, Debug)]
pub struct Heard {
    spans: Spans,
    words: usize,
    /// ln p by the number of the span.
    logs: Vec<f32>,
}

impl Heard {
    /// All spans with their probabilities, the likeliest first.
    pub fn ranked(&self) -> Vec<(Range<usize>, f64)> {
        let mut all: Vec<(Range<usize>, f64)> = self.all().collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        all
    }

    /// The span to name where one must be named: that which is expected to share most with the answer, by F1
    /// over words, and by being it; what is likeliest may lie apart from all else that is
    /// likely (minimum Bayes risk: Kumar and Byrne 2004).
    pub fn named(&self) -> Range<usize> {
        let mut likely = self.ranked();
        likely.truncate(LIKELY);
        let worth = |span: &Range<usize>| -> f64 {
            let of = |(other, p): &(Range<usize>, f64)| {
                let shared =
                    span.end.min(other.end).saturating_sub(span.start.max(other.start)) as f64;
                let exact = if span == other { EXACT } else { 0.0 };
                p * (2.0 * shared / (span.len() + other.len()) as f64 + exact)
            };
            likely.iter().map(of).sum()
        };
        let worths = likely.iter().map(|(span, _)| (span, worth(span)));
        let best = worths.reduce(|best, one| if one.1 > best.1 { one } else { best });
        best.expect("a sentence has a word").0.clone()
    }

    /// The likeliest span.
    pub fn best(&self) -> Range<usize> {
        let best = self.all().reduce(|best, one| if one.1 > best.1 { one } else { best });
        best.expect("a sentence has a word").0
    }

    /// All spans with their probabilities.
    pub fn all(&self) -> impl Iterator<Item = (Range<usize>, f64)> {
        let spans = (0..self.logs.len()).map(|number| (self.spans.span(number), number));
        let real = spans.filter(|(span, _)| span.end <= self.words);
        real.map(|(span, number)| (span, f64::from(self.logs[number]).exp()))
    }

    /// The probability of all spans that share at least half of their words, and at least half of its, with
    /// `answer`.
    pub fn about(&self, answer: &Range<usize>) -> f64 {
        let close = |span: &Range<usize>| {
            let shared = span.end.min(answer.end).saturating_sub(span.start.max(answer.start));
            2 * shared >= span.len().max(answer.len())
        };
        self.all().filter(|(span, _)| close(span)).map(|(_, p)| p).sum()
    }
}

impl<'a> Asker<'a> {
    /// The asker that a trained network is.
    pub fn new(trained: &'a Trained<QuestionModel>, device: &'a Device) -> Self {
        let vocabulary = &trained.tokenizer.vocabulary;
        Self { model: &trained.model, vocabulary, device }
    }

    /// How likely each span of each sentence is an answer; of the question, where a question's words are
    /// marked.
    ///
    /// # Errors
    /// If the device does not give its numbers back, or they are none.
    pub fn hear(&self, sentences: &[(&Sentence, Option<&[bool]>)]) -> Result<Vec<Heard>> {
        let mut heard: Vec<Option<Heard>> = vec![None; sentences.len()];
        for chunk in by_length(sentences.len(), READ, |at| sentences[at].0.ids.len()) {
            let rows: Vec<&Sentence> = chunk.iter().map(|&at| sentences[at].0).collect();
            let marks: Vec<Marks> =
                chunk.iter().map(|&at| Marks { answer: 0..0, asked: sentences[at].1 }).collect();
            let lifted = Sentences::new(&rows, &marks, self.device);
            let asked = marks.iter().any(|marks| marks.asked.is_some());
            let logs = self.awake(|| match asked {
                true => self.model.answer(&lifted),
                false => self.model.find(&lifted),
            });
            let spans = Spans { words: lifted.words.dims()[1], longest: self.model.longest_answer };
            let logs: Vec<f32> = logs.try_into_vec_as()?;
            for (&at, logs) in chunk.iter().zip(logs.chunks_exact(spans.count())) {
                if logs.iter().any(|log| log.is_nan()) {
                    return Err(Error::NotFinite);
                }
                let words = sentences[at].0.ids.len();
                heard[at] = Some(Heard { spans, words, logs: logs.to_vec() });
            }
        }
        Ok(heard.into_iter().map(|heard| heard.expect("every sentence is in a chunk")).collect())
    }

    /// The best questions about an answer in each sentence, the best first, in the sentence's extended
    /// vocabulary. None holds its answer.
    ///
    /// # Errors
    /// If the device does not give its numbers back, or they are none.
    pub fn question(
        &self,
        about: &[(&Sentence, Range<usize>)],
        search: Search,
    ) -> Result<Vec<Vec<Found>>> {
        let mut questions: Vec<Vec<Found>> = vec![Vec::new(); about.len()];
        for chunk in by_length(about.len(), SEARCHED, |at| about[at].0.ids.len()) {
            let rows: Vec<&(&Sentence, Range<usize>)> =
                chunk.iter().map(|&at| &about[at]).collect();
            let found = self.awake(|| self.search(&rows, search))?;
            for (at, found) in chunk.into_iter().zip(found) {
                questions[at] = found;
            }
        }
        Ok(questions)
    }

    fn search(
        &self,
        about: &[&(&Sentence, Range<usize>)],
        search: Search,
    ) -> Result<Vec<Vec<Found>>> {
        let sentences: Vec<&Sentence> = about.iter().map(|(sentence, _)| *sentence).collect();
        let answers: Vec<Range<usize>> = about.iter().map(|(_, answer)| answer.clone()).collect();
        let mark = |answer: &Range<usize>| Marks { answer: answer.clone(), asked: None };
        let marks: Vec<Marks> = answers.iter().map(mark).collect();
        let lifted = Sentences::new(&sentences, &marks, self.device);
        let width = lifted.words.dims()[1];
        let lifted_answers = Answers::new(&answers, width, self.model.longest_answer, self.device);
        let banned =
            about.iter().map(|(sentence, answer)| sentence.extended[answer.clone()].to_vec());
        let mut beams = Beams::new(search, banned.collect());
        let mut wave = self.model.hear(&lifted, &lifted_answers);
        let mut words = vec![0u32; sentences.len()];
        loop {
            let (choice, after) = self.model.next(self.list(&words), wave);
            let vocabulary = choice.logits.dims()[1];
            let numbers = |tensor: Tensor<2>| -> Result<Vec<f32>> { Ok(tensor.try_into_vec_as()?) };
            let logits = numbers(choice.logits)?;
            let copies = match choice.copy {
                None => None,
                Some((gate, shares)) => Some((numbers(gate.unsqueeze())?, numbers(shares)?)),
            };
            if logits.iter().any(|logit| logit.is_nan()) {
                return Err(Error::NotFinite);
            }
            let (rows, count) = (beams.rows(), beams.candidates());
            let candidates = rows.par_iter().enumerate().map(|(row, &group)| {
                let words = &sentences[group].extended;
                let copies = copies.as_ref().map(|(gates, shares)| Copies {
                    gate: gates[row],
                    shares: &shares[row * width..row * width + words.len()],
                    words,
                });
                let logits = &logits[row * vocabulary..][..vocabulary];
                likeliest(logits, copies, count, Vocabulary::UNKNOWN)
            });
            let Some(next) = beams.advance(candidates.collect()) else { break };
            // Rows of searches that ended take what they looked at with them; a search's first step makes
            // several rows of one.
            let parents: Vec<u32> = next.parents.iter().map(|&parent| parent as u32).collect();
            let same = !next.fewer && next.words.len() == words.len();
            let parents = self.list(&parents);
            wave = if same { after.picked(parents) } else { after.repeated(parents) };
            words = next.words.into_iter().map(|word| self.known(word)).collect();
        }
        Ok(beams.found())
    }

    /// What is read of a word that was copied: the unknown one, where it has no id of its own.
    fn known(&self, word: u32) -> u32 {
        if (word as usize) < self.vocabulary.len() { word } else { Vocabulary::UNKNOWN }
    }

    fn list(&self, numbers: &[u32]) -> Tensor<1, Int> {
        let numbers: Vec<i32> = numbers.iter().map(|&number| number as i32).collect();
        let count = numbers.len();
        Tensor::from_data(TensorData::new(numbers, [count]), self.device)
    }

    fn awake<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        awake(are_fused(self.device), work)
    }
}

/// The numbers below `count` in chunks of up to `size` of like length, so that little of one is padding.
fn by_length(count: usize, size: usize, length: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&at| length(at));
    order.chunks(size).map(<[usize]>::to_vec).collect()
}
