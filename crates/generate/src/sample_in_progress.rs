//! One sample in progress: from logits to ids, and from ids to the text that is certain.

use std::borrow::Cow;

use serde::Serialize;
use text_prep::{Detokenizer, Tokenizer};

use crate::error::Result;
use crate::likelihood::LogLikelihood;
use crate::sampler::Sampler;
use crate::sampling::Sampling;
use crate::stop::{GeneratedSoFar, Stops};
use crate::unfinished::Unfinished;

/// A generated text, without the prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The text to append to the prompt.
    pub text: String,
    /// The ids of the text. Those of subwords begin with the last word of the prompt, of at most 64 bytes, which they may
    /// continue; tokens that only write that word do not count in the maximum number of tokens.
    pub ids: Vec<u32>,
    /// Whether the text ended by itself: at the end of its document, or where the options say. Otherwise it has the maximum
    /// number of tokens.
    #[serde(skip)]
    pub is_complete: bool,
    /// The mean of ln p over the tokens in nats, with the one or those that ended the text, under the model with its cache and
    /// n-grams, if it has any, but without other methods of sampling; only with [`Sampling::best_of`] above 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_prob_per_token: Option<f64>,
    /// What each token wrote, with its log-probability; empty without [`Sampling::token_spans`].
    #[serde(skip)]
    pub spans: Vec<TokenSpan>,
}

/// What a token wrote in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenSpan {
    /// Bytes of the text after the token. It wrote those after the token before it, which may be none: a part of a syllable
    /// or of a character is written with the next token.
    pub end: usize,
    /// ln p in nats, of the distribution of [`Sample::log_prob_per_token`].
    pub log_prob: f64,
}

/// A sample in progress.
pub(crate) struct SampleInProgress<'a> {
    tokenizer: &'a Tokenizer,
    sampler: Sampler,
    detokenizer: Detokenizer,
    /// Bytes of the prompt's text.
    prompt_len: usize,
    /// The end of the prompt that the next tokens write.
    unfinished: Unfinished,
    ids: Vec<u32>,
    /// The number of ids that write only that end.
    rewritten: usize,
    /// The number of ids that may follow.
    remaining: usize,
    /// Bytes of the text after each id.
    ends: Vec<usize>,
    /// Bytes of the text that is certain.
    certain: usize,
    /// Bytes of it that were taken.
    taken: usize,
    /// Whether the text ends there, because a stop text begins.
    cut: bool,
    /// Whether the sample has ended by itself.
    pub stopped: bool,
    /// That of the ids, and those that ended the text, if it is one of several candidates or the sampling asks for spans.
    likelihood: Option<LogLikelihood>,
    is_candidate: bool,
    has_spans: bool,
}

impl<'a> SampleInProgress<'a> {
    /// Sample `number`, before its first token: of these ids of its prompt and the end of it that is to be written.
    pub fn new(
        tokenizer: &'a Tokenizer,
        prompt: &[u32],
        unfinished: Unfinished,
        document: Option<u32>,
        sampling: &Sampling,
        number: u64,
    ) -> Self {
        let vocabulary = &tokenizer.vocabulary;
        let separator = tokenizer.document_separator_id();
        let reserved = vocabulary.never_sampled().chain(separator.filter(|_| sampling.single_document));
        let mut sampler = Sampler::new(sampling.clone(), number, reserved, separator).document_id(document);
        sampler.extend_history(prompt);
        // The detokenizer needs the prompt for the space before the first token. `finish` completes the
        // prompt's text: a sample cannot add a final consonant to the prompt's last syllable.
        let mut detokenizer = tokenizer.detokenizer();
        detokenizer.extend(prompt.iter().map(|&id| vocabulary.written(id)));
        detokenizer.finish();
        let prompt_len = detokenizer.text().len() + unfinished.len();
        let (ids, ends) = (Vec::new(), Vec::new());
        Self {
            tokenizer,
            sampler,
            detokenizer,
            prompt_len,
            unfinished,
            ids,
            rewritten: 0,
            remaining: sampling.max_tokens,
            ends,
            certain: 0,
            taken: 0,
            cut: false,
            stopped: false,
            likelihood: (sampling.best_of > 1 || sampling.token_spans).then(LogLikelihood::default),
            is_candidate: sampling.best_of > 1,
            has_spans: sampling.token_spans,
        }
    }

    /// The ids of the prompt and those sampled.
    pub fn history(&self) -> &[u32] {
        self.sampler.history()
    }

    /// Whether an id may follow: not after the maximum number of tokens, nor from the end of the text on.
    pub fn has_next(&self) -> bool {
        self.remaining > 0 && !self.stopped
    }

    /// `logits` without those of tokens that do not continue the prompt.
    pub fn continuing<'l>(&self, logits: &'l [f32]) -> Cow<'l, [f32]> {
        if self.unfinished.len() == 0 { logits.into() } else { self.unfinished.filter(self.tokenizer, logits).into() }
    }

    /// The next id, from the logits of the model and all that it is mixed with; `None` from one of `ends` or a stop text on.
    pub fn sample(&mut self, logits: &[f32], ends: &[u32]) -> Result<Option<u32>> {
        if !self.has_next() {
            return Ok(None);
        }
        let logits = self.continuing(logits);
        let id = self.sampler.sample(&logits)?;
        if let Some(likelihood) = &mut self.likelihood {
            likelihood.add(&logits, id);
        }
        self.stopped = ends.contains(&id);
        Ok((!self.stopped).then_some(id))
    }

    /// Appends `id`.
    pub fn push(&mut self, id: u32, stops: &Stops) {
        self.ids.push(id);
        // What only writes the end of the prompt again adds nothing to the text.
        if self.unfinished.advance(self.tokenizer, id) {
            self.remaining -= 1;
        } else {
            self.rewritten += 1;
        }
        self.detokenizer.push(self.tokenizer.vocabulary.written(id));
        self.ends.push(self.detokenizer.text().len().saturating_sub(self.prompt_len));
        self.advance(stops, Stops::certain_len);
    }

    /// Completes the text.
    pub fn finish(&mut self, stops: &Stops) {
        if self.unfinished.len() == 0 {
            self.detokenizer.finish();
        }
        self.advance(stops, |_, written| written.text.len());
    }

    /// Ends the sample if a stop text is complete, and else sets how much of the text is certain.
    fn advance(&mut self, stops: &Stops, certain_len: fn(&Stops, GeneratedSoFar) -> usize) {
        let Self { ids, ends, certain, .. } = self;
        if self.cut {
            return;
        }
        let text = self.detokenizer.text().get(self.prompt_len..).unwrap_or_default();
        let written = GeneratedSoFar { text, ids, ends, certain: *certain };
        match stops.find(written) {
            Some(len) => {
                ids.truncate(written.ids_before(len, self.tokenizer));
                (*certain, self.cut, self.stopped) = (len, true, true);
            }
            None => *certain = certain_len(stops, written),
        }
    }

    /// The text that has become certain since the last call.
    pub fn take_text(&mut self) -> &str {
        let start = std::mem::replace(&mut self.taken, self.certain);
        let text = self.detokenizer.text().get(self.prompt_len..).unwrap_or_default();
        &text[start..self.certain]
    }

    /// Where the text of each token of the text that was taken begins, in bytes.
    pub fn taken_starts(&self) -> impl Iterator<Item = usize> {
        let ends = &self.ends[..self.ids.len()];
        let is_whole = self.stopped || self.taken >= ends.last().copied().unwrap_or_default();
        let count = if is_whole { ends.len() } else { ends.partition_point(|&end| end <= self.taken) };
        std::iter::once(0).chain(ends.iter().copied()).take(count)
    }

    /// The number of ids, the first ones, that write only the end of the prompt.
    pub fn rewritten(&self) -> usize {
        self.rewritten
    }

    /// The token `id` by the text that it would add: ` fox` after `the`. A token that adds none, or a part of a character or
    /// a syllable, has the name that people read.
    pub fn token_text(&self, id: u32) -> String {
        let text = self.tokenizer.token_text(&self.detokenizer, id);
        text.get(self.unfinished.len()..).filter(|rest| !rest.is_empty()).map_or_else(|| text.clone(), String::from)
    }

    /// The text so far, of which [`take_text`](Self::take_text) returns what is certain.
    pub fn text(&self) -> &str {
        self.detokenizer.text().get(self.prompt_len..).unwrap_or_default()
    }

    /// The ids so far.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The mean log-probability of its tokens; `None` if it has none, or is the only candidate.
    pub fn log_prob_per_token(&self) -> Option<f64> {
        self.likelihood.as_ref().filter(|_| self.is_candidate).and_then(LogLikelihood::per_token)
    }

    /// What its tokens wrote; empty unless the sampling asks for it.
    pub fn spans(&self) -> Vec<TokenSpan> {
        let log_probs = self.likelihood.as_ref().filter(|_| self.has_spans).map_or(&[][..], LogLikelihood::log_probs);
        // A stop text has removed ids, and the token that ended the text is none of them.
        let ends = self.ends.iter().take(self.ids.len());
        ends.zip(log_probs).map(|(&end, &log_prob)| TokenSpan { end, log_prob }).collect()
    }

    /// The sample.
    pub fn into_sample(self) -> Sample {
        let (log_prob_per_token, spans) = (self.log_prob_per_token(), self.spans());
        let mut text = match self.unfinished.len() {
            0 => self.detokenizer.into_text().split_off(self.prompt_len),
            _ => String::new(),
        };
        if self.cut {
            text.truncate(self.certain);
        }
        Sample { text, ids: self.ids, is_complete: self.stopped, log_prob_per_token, spans }
    }
}
