//! A text that is read: the log-probability of each of its tokens, and the likeliest next ones.

use generate::{Blend, Generator, MAX_READ, NextToken, Predictor, Scores};
use serde::Serialize;

use crate::offsets::common_characters;

/// The ids that are read in one round, so that other texts need not wait long for their next token.
const IDS_PER_ROUND: usize = 64;

/// What is to be read.
pub(crate) struct Reading {
    /// The ids before the text, which have no scores. Only the last [`MAX_READ`] are read.
    pub context: Vec<u32>,
    /// The ids of the text.
    pub ids: Vec<u32>,
    /// The label of the text.
    pub label: Option<String>,
    /// The number of likeliest tokens to report beside each token, if each is to be scored.
    pub log_probs: Option<usize>,
    /// The number of likeliest next tokens.
    pub next: usize,
}

/// A token that may come next, as an answer lists it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ListedToken {
    pub id: u32,
    /// The token, as people read it.
    pub token: String,
    /// What it would add to the text.
    pub text: String,
    /// The characters at the end of the text in whose place it would be, because the token completes a syllable.
    pub replaces: usize,
    /// Its probability among the tokens that can come next.
    pub probability: f64,
    /// The same in the n-grams of the training text, if the model has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ngram_probability: Option<f64>,
}

/// What was read.
pub(crate) struct ReadingResult {
    /// The tokens of the text, if their scores are wanted: the first one has none if nothing comes before it.
    pub tokens: Vec<(u32, Option<Scores>)>,
    /// The likeliest next tokens.
    pub next: Vec<ListedToken>,
}

/// A text that is being read.
pub(crate) struct OngoingReading<'a> {
    generator: &'a Generator,
    predictor: Predictor<'a>,
    /// Context and text.
    ids: Vec<u32>,
    /// The number of ids of the context.
    context: usize,
    /// The number of ids that were read.
    read: usize,
    log_probs: Option<usize>,
    next: usize,
    tokens: Vec<(u32, Option<Scores>)>,
    result: Option<ReadingResult>,
}

impl<'a> OngoingReading<'a> {
    /// A text before its first token.
    pub fn new(blend: &Blend<'a>, reading: Reading) -> generate::Result<Self> {
        let Reading { context, ids, label, log_probs, next } = reading;
        let context = &context[context.len().saturating_sub(MAX_READ)..];
        Ok(Self {
            generator: blend.first(),
            predictor: Predictor::new(blend, label.as_deref(), None)?,
            context: context.len(),
            ids: [context, &ids].concat(),
            read: 0,
            log_probs,
            next,
            tokens: Vec::new(),
            result: None,
        })
    }

    /// Reads the next ids.
    pub fn step(&mut self) -> generate::Result<()> {
        let end = self.ids.len().min(self.read + IDS_PER_ROUND);
        match self.log_probs {
            None => self.predictor.extend(&self.ids[self.read..end])?,
            Some(count) => {
                for at in self.read..end {
                    self.score(at, count);
                    self.predictor.extend(&self.ids[at..=at])?;
                }
            }
        }
        self.read = end;
        if end == self.ids.len() {
            let (tokens, next) = (std::mem::take(&mut self.tokens), self.next_tokens()?);
            self.result = Some(ReadingResult { tokens, next });
        }
        Ok(())
    }

    /// Adds the score of the id at this index, if it is one of the text. Nothing predicts the first id of all.
    fn score(&mut self, at: usize, count: usize) {
        if at < self.context {
            return;
        }
        let (before, rest) = self.ids.split_at(at);
        let scores = (at > 0).then(|| Scores::new(&self.predictor.logits(before), rest[0], count));
        self.tokens.push((rest[0], scores));
    }

    /// Takes the result, if the text has been read.
    pub fn take_result(&mut self) -> Option<ReadingResult> {
        self.result.take()
    }

    /// The likeliest next tokens, without those that cannot come next.
    fn next_tokens(&self) -> generate::Result<Vec<ListedToken>> {
        if self.next == 0 {
            return Ok(Vec::new());
        }
        let tokenizer = self.generator.tokenizer();
        let log_probs = self.generator.next_log_probs(&self.predictor.logits(&self.ids), &self.ids)?;
        let ngrams = self.generator.mixture().map(|mixture| {
            let mut probabilities = mixture.ngrams().distribution(&self.ids);
            let possible = probabilities.iter_mut().zip(&log_probs);
            let sum: f64 = possible.filter(|(_, log_prob)| log_prob.is_finite()).map(|(ngrams, _)| *ngrams).sum();
            probabilities.iter_mut().for_each(|probability| *probability /= sum);
            probabilities
        });
        let mut before = tokenizer.detokenizer();
        before.extend(self.ids.iter().map(|&id| tokenizer.vocabulary.written(id)));
        let pending = before.pending();
        let listed = |NextToken { id, probability }| {
            let mut detokenizer = before.clone();
            let added = detokenizer.push(tokenizer.vocabulary.written(id)).to_owned() + &detokenizer.pending();
            let kept = common_characters(&pending, &added);
            ListedToken {
                id,
                token: tokenizer.vocabulary.readable(id).unwrap_or_default().into_owned(),
                text: added.chars().skip(kept).collect(),
                replaces: pending.chars().count() - kept,
                probability,
                ngram_probability: ngrams.as_ref().map(|ngrams| ngrams[id as usize]),
            }
        };
        Ok(NextToken::likeliest(&log_probs, self.next).into_iter().map(listed).collect())
    }
}

#[cfg(test)]
mod tests {
    use models::LayerConfig;
    use text_prep::{CharacterOptions, PreTokenizer};

    use crate::test_server::generator_of;

    use super::*;

    fn next(generator: &Generator, text: &str) -> Vec<ListedToken> {
        let context = generator.prompt(text).unwrap().ids;
        let reading = Reading { context, ids: Vec::new(), label: None, log_probs: None, next: usize::MAX };
        let mut reading = OngoingReading::new(&Blend::of(generator), reading).unwrap();
        while reading.result.is_none() {
            reading.step().unwrap();
        }
        reading.take_result().unwrap().next
    }

    #[test]
    fn a_token_that_completes_a_syllable_replaces_its_beginning() {
        let pre_tokenizer: PreTokenizer = CharacterOptions::default().jamo(true).into();
        let generator = generator_of(&["a", "\u{1112}", "\u{1161}", "\u{11ab}"], pre_tokenizer, LayerConfig::lstm(4));
        let next = next(&generator, "a하");
        let of = |token: &str| {
            let id = generator.tokenizer().vocabulary.id(token);
            next.iter().find(|next| Some(next.id) == id).map(|next| (next.text.as_str(), next.replaces)).unwrap()
        };
        assert_eq!(of("\u{11ab}"), ("한", 1));
        assert_eq!(of("a"), ("a", 0));
        assert_eq!(of("\u{1112}"), ("\u{1112}", 0));
        assert!((next.iter().map(|next| next.probability).sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
