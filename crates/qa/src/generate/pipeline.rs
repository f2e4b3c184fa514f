//! Batched inference: span scores of sentences, and beam search for questions.

use std::ops::Range;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor};
use kernels::with_spinning_workers;
use models::{ModelBundle, Network};
use rayon::prelude::*;
use text_prep::{Segmentation, Vocabulary};

use super::beam::{BeamOptions, BeamSearch, Hypothesis, SearchLimits};
use super::top_k::{CopySource, top_k};
use crate::data::{AnswerBatch, EncodedSentence, SentenceBatch, SentenceFeatures, int_tensor};
use crate::error::{Error, Result};
use crate::model::{QuestionModel, SpanIndex};
use crate::ranking::{Fluency, RANKING, Ranking};

/// The number of most probable spans that [`SpanScores::min_bayes_risk`] considers.
const MIN_BAYES_RISK_SPANS: usize = 60;
/// The weight of an exact match in [`SpanScores::min_bayes_risk`]; that of F1 is 1.
const EXACT_MATCH_WEIGHT: f64 = 1.0;

/// The batch size for span scores.
const SCORING_BATCH_SIZE: usize = 64;
/// The batch size for beam search, in questions.
const SEARCH_BATCH_SIZE: usize = 48;

/// A question model with its vocabulary, ready to [`ask`](Self::ask) questions about texts; or rules alone.
#[derive(Clone, Debug)]
pub struct QaPipeline {
    /// `None` if rules ask alone.
    network: Option<QuestionNetwork>,
    /// Empty without a network.
    pub(super) vocabulary: Vocabulary,
    /// Where words end.
    pub(super) segmentation: Segmentation,
    /// Gives questions their confidence.
    pub(super) ranking: Ranking,
    /// A feature of the ranking.
    pub(super) fluency: Option<Fluency>,
}

/// A question model on its device.
#[derive(Clone, Debug)]
struct QuestionNetwork {
    model: QuestionModel,
    device: Device,
}

impl QuestionNetwork {
    fn with_workers<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        with_spinning_workers(self.model.kernels().fuses_all(&self.device), work)
    }

    fn ids(&self, ids: &[u32]) -> Tensor<1, Int> {
        int_tensor(ids.iter().map(|&id| id as i32).collect(), &self.device)
    }
}

/// For each span of a sentence, the probability that it is the answer.
#[derive(Clone, Debug)]
pub struct SpanScores {
    spans: SpanIndex,
    sentence_len: usize,
    /// `ln p` by span index.
    log_probs: Vec<f32>,
}

impl SpanScores {
    /// All spans with their probabilities, the most probable first.
    pub fn ranked(&self) -> Vec<(Range<usize>, f64)> {
        let mut all: Vec<(Range<usize>, f64)> = self.all().collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        all
    }

    /// The span with the highest expected score, where the score is word F1 plus exact match (minimum Bayes risk:
    /// Kumar and Byrne 2004). The most probable span has a lower one if no other probable span overlaps with it.
    pub fn min_bayes_risk(&self) -> Range<usize> {
        let mut spans = self.ranked();
        spans.truncate(MIN_BAYES_RISK_SPANS);
        let expected_score = |span: &Range<usize>| -> f64 {
            let term = |(other, p): &(Range<usize>, f64)| {
                let exact = if span == other { EXACT_MATCH_WEIGHT } else { 0.0 };
                let shared = shared_words(span, other) as f64;
                p * (2.0 * shared / (span.len() + other.len()) as f64 + exact)
            };
            spans.iter().map(term).sum()
        };
        let scored = spans.iter().map(|(span, _)| (span, expected_score(span)));
        let best = scored.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.expect("a sentence has at least one word").0.clone()
    }

    /// The most probable span.
    pub fn best(&self) -> Range<usize> {
        let best = self.all().reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.expect("a sentence has at least one word").0
    }

    /// All spans with their probabilities.
    pub fn all(&self) -> impl Iterator<Item = (Range<usize>, f64)> {
        let spans = (0..self.log_probs.len()).map(|index| (self.spans.span(index), index));
        let inside = spans.filter(|(span, _)| span.end <= self.sentence_len);
        inside.map(|(span, index)| (span, f64::from(self.log_probs[index]).exp()))
    }

    /// The total probability of the spans near `answer`: those that share with it at least half of their own words
    /// and at least half of its words. At most 1, which rounded terms may exceed.
    pub fn probability_near(&self, answer: &Range<usize>) -> f64 {
        self.all().filter(|(span, _)| is_near(span, answer)).map(|(_, p)| p).sum::<f64>().min(1.0)
    }
}

/// Whether the two share at least half of the words of each.
pub(super) fn is_near(one: &Range<usize>, other: &Range<usize>) -> bool {
    2 * shared_words(one, other) >= one.len().max(other.len())
}

fn shared_words(one: &Range<usize>, other: &Range<usize>) -> usize {
    one.end.min(other.end).saturating_sub(one.start.max(other.start))
}

impl QaPipeline {
    /// Loads the model in `directory` onto the [default device](kernels::default_device).
    ///
    /// # Errors
    /// If it is not the directory of a question model, or a file in it is missing, truncated or of another model.
    pub fn load(directory: impl AsRef<Path>) -> Result<Self> {
        Self::load_on(directory, &kernels::default_device())
    }

    /// Loads the model in `directory` onto `device`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_on(directory: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::new(ModelBundle::load(directory, device)?)
    }

    /// The pipeline of the model of `bundle`, on its device and with its kernels. Questions are ranked as its run found best;
    /// those of an earlier version have the default ranking.
    ///
    /// # Errors
    /// If the ranking is not valid.
    pub fn new(bundle: ModelBundle<QuestionModel>) -> Result<Self> {
        let segmentation = bundle.tokenizer.pre_tokenizer.segmentation();
        let ranking = match bundle.extra_files.get(RANKING) {
            Some(bytes) => Ranking::from_bytes(bytes).ok_or(Error::InvalidRanking)?,
            None => Ranking::default(),
        };
        Ok(Self { ranking, ..Self::from_parts(bundle.model, bundle.tokenizer.vocabulary, segmentation) })
    }

    /// The pipeline of a model without metadata, such as one that is being trained, with the default ranking.
    pub fn from_parts(model: QuestionModel, vocabulary: Vocabulary, segmentation: Segmentation) -> Self {
        let device = model.device();
        let network = Some(QuestionNetwork { model, device });
        Self { network, vocabulary, segmentation, ranking: Ranking::default(), fluency: None }
    }

    /// Questions by rules alone, without a trained model, with the default ranking: about English texts.
    pub fn by_rules() -> Self {
        let vocabulary = Vocabulary::from_counts([], 1, true);
        Self {
            network: None,
            vocabulary,
            segmentation: Segmentation::Spaces,
            ranking: Ranking::default(),
            fluency: None,
        }
    }

    /// Whether there is a network that answers questions.
    pub(super) fn supports_answering(&self) -> bool {
        self.network.as_ref().is_some_and(|network| network.model.supports_answering())
    }

    /// Whether a network asks, too.
    pub fn has_network(&self) -> bool {
        self.network.is_some()
    }

    fn network(&self) -> Result<&QuestionNetwork> {
        self.network.as_ref().ok_or(Error::NoNetwork)
    }

    /// The same pipeline with a language model that tells the ranking how fluent questions are; without one, and about texts
    /// in a language that it does not know, all are taken for equally fluent.
    #[must_use]
    pub fn with_fluency(self, fluency: impl Into<Option<Fluency>>) -> Self {
        Self { fluency: fluency.into(), ..self }
    }

    /// The span scores of each sentence. With flags, which mark the sentence's words that occur in a question, a span
    /// is scored as the answer to that question; without, as the answer to any question. Flags are given for all
    /// sentences or for none.
    ///
    /// # Errors
    /// If there is no network, the device fails to return the results, or they are not finite.
    pub fn score_spans(&self, sentences: &[(&EncodedSentence, Option<&[bool]>)]) -> Result<Vec<SpanScores>> {
        let network = self.network()?;
        let mut scores: Vec<Option<SpanScores>> = vec![None; sentences.len()];
        let length = |at: usize| sentences[at].0.ids.len();
        for chunk in chunks_by_length(sentences.len(), SCORING_BATCH_SIZE, length) {
            let rows: Vec<&EncodedSentence> = chunk.iter().map(|&at| sentences[at].0).collect();
            let features = |&at: &usize| SentenceFeatures { answer: 0..0, in_question: sentences[at].1 };
            let features: Vec<SentenceFeatures> = chunk.iter().map(features).collect();
            let batch = SentenceBatch::new(&rows, &features, &network.device);
            let has_questions = features.iter().any(|features| features.in_question.is_some());
            let log_probs = network.with_workers(|| {
                if has_questions {
                    network.model.answer_questions(&batch)
                } else {
                    network.model.extract_answers(&batch)
                }
            });
            let spans = SpanIndex { sentence_len: batch.ids.dims()[1], max_len: network.model.max_answer_len };
            let log_probs: Vec<f32> = log_probs.try_into_vec_as()?;
            for (&at, log_probs) in chunk.iter().zip(log_probs.chunks_exact(spans.count())) {
                if log_probs.iter().any(|log| log.is_nan()) {
                    return Err(Error::NotFinite);
                }
                let (sentence_len, log_probs) = (length(at), log_probs.to_vec());
                scores[at] = Some(SpanScores { spans, sentence_len, log_probs });
            }
        }
        Ok(scores.into_iter().map(|scores| scores.expect("every sentence is in a chunk")).collect())
    }

    /// The best questions about an answer in each sentence, the best first, as ids of the sentence's extended
    /// vocabulary. None of them contains its answer.
    ///
    /// # Errors
    /// If there is no network, the device fails to return the results, or they are not finite.
    pub fn search_questions(
        &self,
        answers: &[(&EncodedSentence, Range<usize>)],
        options: BeamOptions,
    ) -> Result<Vec<Vec<Hypothesis>>> {
        Ok(self.search_questions_while(answers, options, |_| true)?.expect("nothing cuts it off"))
    }

    /// As [`search_questions`](Self::search_questions), as long as `keep_going`, which is called before each batch with
    /// the fraction of the answers that are done, returns true; `None` if it does not.
    pub(super) fn search_questions_while(
        &self,
        answers: &[(&EncodedSentence, Range<usize>)],
        options: BeamOptions,
        mut keep_going: impl FnMut(f64) -> bool,
    ) -> Result<Option<Vec<Vec<Hypothesis>>>> {
        let mut done = 0;
        let mut questions: Vec<Vec<Hypothesis>> = vec![Vec::new(); answers.len()];
        let length = |at: usize| answers[at].0.ids.len();
        for chunk in chunks_by_length(answers.len(), SEARCH_BATCH_SIZE, length) {
            if !keep_going(done as f64 / answers.len() as f64) {
                return Ok(None);
            }
            done += chunk.len();
            let rows: Vec<&(&EncodedSentence, Range<usize>)> = chunk.iter().map(|&at| &answers[at]).collect();
            let network = self.network()?;
            let found = network.with_workers(|| self.search_chunk(network, &rows, options))?;
            for (at, found) in chunk.into_iter().zip(found) {
                questions[at] = found;
            }
        }
        Ok(Some(questions))
    }

    fn search_chunk(
        &self,
        network: &QuestionNetwork,
        rows: &[&(&EncodedSentence, Range<usize>)],
        options: BeamOptions,
    ) -> Result<Vec<Vec<Hypothesis>>> {
        let sentences: Vec<&EncodedSentence> = rows.iter().map(|(sentence, _)| *sentence).collect();
        let answers: Vec<Range<usize>> = rows.iter().map(|(_, answer)| answer.clone()).collect();
        let features = |answer: &Range<usize>| SentenceFeatures { answer: answer.clone(), in_question: None };
        let features: Vec<SentenceFeatures> = answers.iter().map(features).collect();
        let sentence_batch = SentenceBatch::new(&sentences, &features, &network.device);
        let width = sentence_batch.ids.dims()[1];
        let answer_batch = AnswerBatch::new(&answers, width, network.model.max_answer_len, &network.device);
        let limits = rows.iter().map(|(sentence, answer)| SearchLimits {
            banned: sentence.extended_ids[answer.clone()].to_vec(),
            sentence: sentence.extended_ids.clone(),
        });
        let mut search = BeamSearch::new(options, limits.collect());
        let mut state = network.model.init_decoder(&sentence_batch, &answer_batch);
        let mut words = vec![0u32; sentences.len()];
        loop {
            let (next_word, next_state) = network.model.decode_step(network.ids(&words), state);
            let vocab_size = next_word.logits.dims()[1];
            let values = |tensor: Tensor<2>| -> Result<Vec<f32>> { Ok(tensor.try_into_vec_as()?) };
            let logits = values(next_word.logits)?;
            let copy = match next_word.copy {
                None => None,
                Some((gates, weights)) => Some((values(gates.unsqueeze())?, values(weights)?)),
            };
            if logits.iter().any(|logit| logit.is_nan()) {
                return Err(Error::NotFinite);
            }
            let count = search.candidates_per_row();
            let candidates = search.rows().par_iter().enumerate().map(|(row, &sentence)| {
                let words = &sentences[sentence].extended_ids;
                let source = copy.as_ref().map(|(gates, weights)| CopySource {
                    gate: gates[row],
                    weights: &weights[row * width..row * width + words.len()],
                    words,
                });
                let logits = &logits[row * vocab_size..][..vocab_size];
                top_k(logits, source, count, Vocabulary::UNKNOWN)
            });
            let Some(next) = search.advance(candidates.collect()) else { break };
            // The attention keys of rows change only when a search ends and at the first step, when one row
            // becomes several.
            let parents: Vec<u32> = next.parents.iter().map(|&parent| parent as u32).collect();
            let same_sentences = !next.search_ended && next.words.len() == words.len();
            let parents = network.ids(&parents);
            state = if same_sentences { next_state.select_states(parents) } else { next_state.select_rows(parents) };
            words = next.words.into_iter().map(|word| self.input_id(word)).collect();
        }
        Ok(search.into_hypotheses())
    }

    /// The decoder's input for a word: the unknown token for a copied word without an id.
    fn input_id(&self, word: u32) -> u32 {
        if (word as usize) < self.vocabulary.len() { word } else { Vocabulary::UNKNOWN }
    }
}

/// The indexes below `count` in chunks of up to `size` items of similar length, so that there is little padding.
fn chunks_by_length(count: usize, size: usize, length: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&at| length(at));
    order.chunks(size).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_probabilities_do_not_add_up_to_more_than_one() {
        // The second span reaches beyond the sentence.
        let spans = SpanIndex { sentence_len: 1, max_len: 2 };
        let scores = SpanScores { spans, sentence_len: 1, log_probs: vec![1e-7, f32::NEG_INFINITY] };
        assert!(scores.all().map(|(_, p)| p).sum::<f64>() > 1.0);
        assert_eq!(scores.probability_near(&(0..1)).to_bits(), 1f64.to_bits());
    }
}
