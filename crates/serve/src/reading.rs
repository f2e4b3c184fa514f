//! A text that is read: the log-probability of each of its tokens, and the likeliest next ones.

use generate::{Blend, Generator, Predictor, Sampling, Scores, likeliest};
use serde::Serialize;

/// The ids that are read in one round, so that other texts need not wait long for their next token.
const IDS_PER_ROUND: usize = 64;

/// What is to be read.
pub(crate) struct Reading {
    /// The ids before the text, which have no scores.
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

/// A token that may be next.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NextToken {
    pub id: u32,
    /// The token, as people read it.
    pub token: String,
    /// What it would add to the text.
    pub text: String,
    pub probability: f64,
    /// Its probability in the n-grams of the training text, if the model has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ngram_probability: Option<f64>,
}

/// What was read.
pub(crate) struct ReadingResult {
    /// The tokens of the text, if their scores are wanted: the first one has none if nothing comes before it.
    pub tokens: Vec<(u32, Option<Scores>)>,
    /// The likeliest next tokens.
    pub next: Vec<NextToken>,
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
        Ok(Self {
            generator: blend.first(),
            predictor: Predictor::new(blend, label.as_deref(), None)?,
            context: context.len(),
            ids: [context, ids].concat(),
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

    /// The likeliest next tokens, without those that are never written.
    fn next_tokens(&self) -> generate::Result<Vec<NextToken>> {
        if self.next == 0 {
            return Ok(Vec::new());
        }
        let tokenizer = self.generator.tokenizer();
        let logits = self.predictor.logits(&self.ids);
        let mut logits: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
        let never = tokenizer.vocabulary.never_sampled();
        never.for_each(|id| logits[id as usize] = f64::NEG_INFINITY);
        let probabilities = Sampling::default().probabilities(&logits)?;
        let before = tokenizer.decode(&self.ids);
        let ngrams = self.generator.mixture().map(generate::Mixture::ngrams);
        let token = |(id, probability): (u32, f64)| {
            let after = tokenizer.decode(&[self.ids.as_slice(), &[id]].concat());
            NextToken {
                id,
                token: tokenizer.vocabulary.readable(id).unwrap_or_default().into_owned(),
                text: after.strip_prefix(&before).unwrap_or_default().into(),
                probability,
                ngram_probability: ngrams.map(|ngrams| ngrams.probability(&self.ids, id)),
            }
        };
        Ok(likeliest(&probabilities, self.next).into_iter().map(token).collect())
    }
}
