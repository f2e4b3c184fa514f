//! The log-probability of each token of a given text, and the likeliest next ones.

use generate::{Blend, Generator, MAX_READ, NextToken, Predictor, Scores};
use rayon::prelude::*;
use serde::Serialize;
use text_prep::AddedText;

use crate::models::ModelChoice;
use crate::recent_texts::{RecentText, RecentTexts};

/// The ids that are read in one step at most, so that other texts need not wait long for their next token.
const IDS_PER_STEP: usize = 64;

/// The ids of a long text that are read at least for its next token. Those before them hardly change its probability.
const NEXT_READ: usize = 1_024;

/// How many of the ids of a text are read for its next token: the last ones, less than 2,048. A text that grows is read from
/// the same id on until there are too many, so that only what is new is read.
pub(crate) fn next_ids_read(ids: usize) -> usize {
    ids - (ids / NEXT_READ).saturating_sub(1) * NEXT_READ
}

/// Which predictions about a text are wanted.
pub(crate) struct PredictionRequest {
    /// The ids before the text, which have no scores. Only the last [`MAX_READ`] are read, or, where no tokens are to be scored,
    /// the last [`next_ids_read`].
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

/// What was predicted.
pub(crate) struct Prediction {
    /// The tokens of the text, if their scores are wanted: the first one has none if nothing comes before it.
    pub tokens: Vec<(u32, Option<Scores>)>,
    /// The likeliest next tokens.
    pub next: Vec<ListedToken>,
}

/// A text that is being read to predict its tokens.
pub(crate) struct OngoingPrediction<'a> {
    generator: &'a Generator,
    model: ModelChoice,
    label: Option<String>,
    predictor: Predictor<'a>,
    /// Context and text.
    ids: Vec<u32>,
    /// The number of ids of the context.
    context: usize,
    /// The number of ids that were read.
    read: usize,
    /// The logits after the ids that were read, if they are needed for the score of the next one.
    last_logits: Option<Vec<f32>>,
    log_probs: Option<usize>,
    /// The ids that are not listed among the likeliest ones.
    never_sampled: Vec<u32>,
    next: usize,
    tokens: Vec<(u32, Option<Scores>)>,
    result: Option<Prediction>,
}

impl<'a> OngoingPrediction<'a> {
    /// A text of which nothing is read; without scores, the beginning that is among the recent texts of this model.
    pub fn new(
        blend: &Blend<'a>,
        model: ModelChoice,
        request: PredictionRequest,
        recent: &mut RecentTexts<'a>,
    ) -> generate::Result<Self> {
        let PredictionRequest { context, ids, label, log_probs, next } = request;
        let reads = if log_probs.is_some() { MAX_READ } else { next_ids_read(context.len()) };
        let context = &context[context.len().saturating_sub(reads)..];
        let all = [context, &ids].concat();
        let recent = if log_probs.is_some() { None } else { recent.take(&model, label.as_deref(), &all) };
        let (read, predictor) = match recent {
            Some(RecentText { ids, predictor, .. }) => (ids.len(), predictor),
            None => (0, Predictor::new(blend, label.as_deref(), None)?),
        };
        Ok(Self {
            generator: blend.first(),
            model,
            label,
            predictor,
            context: context.len(),
            ids: all,
            read,
            last_logits: None,
            log_probs,
            never_sampled: blend.first().tokenizer().vocabulary.never_sampled().collect(),
            next,
            tokens: Vec::new(),
            result: None,
        })
    }

    /// Reads the next ids; at most `limit`, which is lowered by their number.
    pub fn step(&mut self, limit: &mut usize) -> generate::Result<()> {
        let end = self.ids.len().min(self.read + IDS_PER_STEP.min(*limit));
        *limit -= end - self.read;
        match self.log_probs {
            None => self.predictor.extend(&self.ids[self.read..end])?,
            Some(count) => self.score(end, count)?,
        }
        self.read = end;
        if end == self.ids.len() {
            let (tokens, next) = (std::mem::take(&mut self.tokens), self.next_tokens()?);
            self.result = Some(Prediction { tokens, next });
        }
        Ok(())
    }

    /// Reads the ids before `end` and adds the scores of those that are of the text. Nothing predicts the first id of all.
    fn score(&mut self, end: usize, count: usize) -> generate::Result<()> {
        let mut after = self.predictor.logits_of_each(&self.ids, self.read..end)?;
        let before = |at: usize| {
            if at == self.read { self.last_logits.as_ref() } else { after.get(at - self.read - 1) }
        };
        let one = |at: usize| {
            let id = self.ids[at];
            (id, before(at).map(|logits| Scores::new(logits, id, count, &self.never_sampled)))
        };
        let scored: Vec<_> = (self.read.max(self.context)..end).into_par_iter().map(one).collect();
        self.tokens.extend(scored);
        self.last_logits = after.pop().or(self.last_logits.take());
        Ok(())
    }

    /// What was read, so that a longer text is read from there on; `None` if tokens were scored.
    pub fn into_recent(self) -> Option<RecentText<'a>> {
        let Self { model, label, mut ids, read, predictor, log_probs, .. } = self;
        ids.truncate(read);
        log_probs.is_none().then_some(RecentText { model, label, ids, predictor })
    }

    /// Takes the result, if the text has been read.
    pub fn take_result(&mut self) -> Option<Prediction> {
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
        let listed = |NextToken { id, probability }| {
            let AddedText { text, replaces } = before.added(tokenizer.vocabulary.written(id));
            ListedToken {
                id,
                token: tokenizer.vocabulary.readable(id).unwrap_or_default().into_owned(),
                text,
                replaces,
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

    use crate::test_server::{generator_of, models_of, one};

    use super::*;

    fn next(generator: &Generator, text: &str) -> Vec<ListedToken> {
        let context = generator.prompt(text).unwrap().ids;
        let request = PredictionRequest { context, ids: Vec::new(), label: None, log_probs: None, next: usize::MAX };
        predicted(generator, request).next
    }

    fn predicted(generator: &Generator, request: PredictionRequest) -> Prediction {
        predicted_after(generator, request, &mut RecentTexts::default()).0
    }

    /// The prediction with these recent texts, and how many ids were read for it.
    fn predicted_after<'a>(
        generator: &'a Generator,
        request: PredictionRequest,
        recent: &mut RecentTexts<'a>,
    ) -> (Prediction, usize) {
        let model = models_of(vec![("one", one())]).choose(None).unwrap();
        let mut prediction = OngoingPrediction::new(&Blend::of(generator), model, request, recent).unwrap();
        let before = prediction.read;
        for limit in (0..).map(|step| step % 4) {
            let mut left = limit;
            prediction.step(&mut left).unwrap();
            assert!(left <= limit);
            if let Some(result) = prediction.take_result() {
                let read = prediction.read - before;
                prediction.into_recent().into_iter().for_each(|text| recent.keep(text));
                return (result, read);
            }
        }
        unreachable!("the steps do not end");
    }

    #[test]
    fn a_text_that_continues_a_recent_one_is_read_from_its_end_on() {
        let generator = generator_of(&["a", "b", "c"], CharacterOptions::default().into(), LayerConfig::gru(4));
        let request = |text: &str| {
            let context = generator.prompt(text).unwrap().ids;
            PredictionRequest { context, ids: Vec::new(), label: None, log_probs: None, next: 3 }
        };
        let mut recent = RecentTexts::default();
        let long = "abcab".repeat(500);
        let mut read = Vec::new();
        for text in ["ab", "abc", "abc", "ab", &long[..2049], &long[..2500]] {
            let (found, ids) = predicted_after(&generator, request(text), &mut recent);
            let alone = predicted(&generator, request(text));
            let listed = |prediction: &Prediction| -> Vec<(u32, f64)> {
                prediction.next.iter().map(|next| (next.id, next.probability)).collect()
            };
            assert_eq!(listed(&found), listed(&alone), "{}", text.len());
            read.push(ids);
        }
        assert_eq!(read, [2, 1, 0, 2, 1025, 451]);
    }

    #[test]
    fn of_a_long_text_the_last_thousand_ids_are_read() {
        assert_eq!([0, 5, 1_024, 2_047].map(next_ids_read), [0, 5, 1_024, 2_047]);
        assert_eq!([2_048, 2_049, 3_071, 3_072, 9_000].map(next_ids_read), [1_024, 1_025, 2_047, 1_024, 1_832]);
    }

    #[test]
    fn the_scores_are_the_same_in_any_steps_and_padding_is_not_among_the_likeliest() {
        let generator = generator_of(&["a", "b", "c"], CharacterOptions::default().into(), LayerConfig::gru(4));
        let (context, ids) = generator.scored_ids("abcabzbca").unwrap();
        let log_probs = generator.token_log_probs("abcabzbca").unwrap();
        for count in [0, 9] {
            let (context, ids) = (context.clone(), ids.clone());
            let request = PredictionRequest { context, ids, label: None, log_probs: Some(count), next: 0 };
            let tokens = predicted(&generator, request).tokens;
            assert!(tokens.len() == 9 && tokens[0].1.is_none());
            for ((id, scores), expected) in tokens.iter().skip(1).zip(&log_probs) {
                let scores = scores.as_ref().unwrap();
                assert_eq!((*id, scores.log_prob), (expected.id, expected.log_prob));
                // Neither padding nor the token of unknown characters, which the text has.
                assert!(scores.top.len() == count.min(3) && scores.top.iter().all(|(id, _)| *id > 1), "{scores:?}");
            }
        }
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
