//! The probabilities of the next token of a text: those of a model with its n-grams, or the mean of several models.

use std::borrow::Cow;
use std::ops::Range;

use kernels::inference::log_softmax;
use models::StateMode;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::generator::Generator;
use crate::prompt::Prompt;
use crate::session::Session;

/// One model, or several with one vocabulary, of which p = Σ w p is taken: the mean of their probabilities with the weights w.
#[derive(Clone)]
pub struct Blend<'a> {
    parts: Vec<(&'a Generator, f64)>,
}

impl<'a> Blend<'a> {
    /// One model.
    pub fn of(generator: &'a Generator) -> Self {
        Self { parts: vec![(generator, 1.0)] }
    }

    /// Several models with their weights, which are divided by their sum.
    ///
    /// # Errors
    /// [`Error::DifferentVocabularies`] if a model has other tokens than the first one, or divides text differently.
    ///
    /// # Panics
    /// If there are no models, a weight is not positive, or their sum is not finite.
    pub fn new(parts: Vec<(&'a Generator, f64)>) -> Result<Self> {
        let first = parts[0].0;
        parts[1..].iter().try_for_each(|(generator, _)| first.check_same_vocabulary(generator))?;
        Ok(Self::of_same_vocabulary(parts))
    }

    /// As [`new`](Self::new), for models that [have one vocabulary](Generator::check_same_vocabulary): with others the
    /// probabilities have no meaning.
    ///
    /// # Panics
    /// If there are no models, a weight is not positive, or their sum is not finite.
    pub fn of_same_vocabulary(mut parts: Vec<(&'a Generator, f64)>) -> Self {
        let sum: f64 = parts.iter().map(|(_, weight)| weight).sum();
        assert!(parts.iter().all(|(_, weight)| *weight > 0.0) && sum > 0.0 && sum.is_finite(), "weights are positive");
        parts.iter_mut().for_each(|(_, weight)| *weight /= sum);
        Self { parts }
    }

    /// The first model: prompts are encoded as for it.
    pub fn first(&self) -> &'a Generator {
        self.parts[0].0
    }
}

impl Generator {
    /// Checks that another model has the same tokens and divides text in the same way, so that both can be blended.
    ///
    /// # Errors
    /// [`Error::DifferentVocabularies`] if not.
    pub fn check_same_vocabulary(&self, other: &Self) -> Result<()> {
        let [one, other] = [self, other].map(Self::tokenizer);
        let lengths = [one, other].map(|tokenizer| tokenizer.vocabulary.len());
        let same_tokens = lengths[0] == lengths[1]
            && (0..lengths[0] as u32).all(|id| one.vocabulary.token(id) == other.vocabulary.token(id));
        let same_text =
            one.pre_tokenizer == other.pre_tokenizer && one.vocabulary.document_id() == other.vocabulary.document_id();
        if same_tokens && same_text { Ok(()) } else { Err(Error::DifferentVocabularies { lengths }) }
    }
}

/// One text in progress with the probabilities of its next token.
pub struct Predictor<'a> {
    parts: Vec<Part<'a>>,
}

/// A model of a blend.
struct Part<'a> {
    generator: &'a Generator,
    weight: f64,
    session: Session<'a>,
}

impl<'a> Predictor<'a> {
    /// A text without tokens. Each model uses past tokens as `state_mode` says, or its own mode.
    ///
    /// # Errors
    /// If a model does not have the label.
    pub fn new(blend: &Blend<'a>, label: Option<&str>, state_mode: Option<StateMode>) -> Result<Self> {
        let part = |&(generator, weight): &(&'a Generator, f64)| {
            let label = label.map(Into::into);
            let prompt = Prompt { ids: Vec::new(), text_start: 0, oov_tokens: Vec::new(), label };
            let session = Session::new(generator, &prompt, state_mode.unwrap_or_else(|| generator.state_mode()))?;
            Ok(Part { generator, weight, session })
        };
        Ok(Self { parts: blend.parts.iter().map(part).collect::<Result<_>>()? })
    }

    /// Appends tokens.
    ///
    /// # Errors
    /// If a device does not return the logits.
    ///
    /// # Panics
    /// If an id is not one of the vocabulary.
    pub fn extend(&mut self, ids: &[u32]) -> Result<()> {
        self.parts.iter_mut().try_for_each(|part| part.session.extend(ids))
    }

    /// Appends one token to each of several texts. Those of one model are a batch where that has the same results, bit for
    /// bit.
    ///
    /// # Panics
    /// If there are not as many ids as texts, or an id is not one of the vocabulary.
    pub fn push_each(texts: &mut [&mut Self], ids: &[u32]) -> Vec<Result<()>> {
        assert_eq!(texts.len(), ids.len(), "one id for each text");
        let mut results: Vec<Result<()>> = ids.iter().map(|_| Ok(())).collect();
        let mut parts: Vec<(usize, &mut Part)> = Vec::new();
        for (at, text) in texts.iter_mut().enumerate() {
            parts.extend(text.parts.iter_mut().map(|part| (at, part)));
        }
        let address = |generator: &Generator| std::ptr::from_ref(generator) as usize;
        parts.sort_by_key(|(_, part)| address(part.generator));
        for of_model in parts.chunk_by_mut(|(_, a), (_, b)| std::ptr::eq(a.generator, b.generator)) {
            let ids: Vec<u32> = of_model.iter().map(|&(at, _)| ids[at]).collect();
            let mut sessions: Vec<&mut Session> = of_model.iter_mut().map(|(_, part)| &mut part.session).collect();
            let read = Session::push_each(&mut sessions, &ids);
            for (&mut (at, _), read) in of_model.iter_mut().zip(read) {
                if read.is_err() {
                    results[at] = read;
                }
            }
        }
        results
    }

    /// Appends the tokens `range` of `ids`, before which the text has those before the range, and returns the
    /// [`logits`](Self::logits) after each of them: those of one token at a time, bit for bit, but faster.
    ///
    /// # Errors
    /// If a device does not return the logits.
    ///
    /// # Panics
    /// If the range is not one of `ids`, or an id is not one of the vocabulary.
    pub fn logits_of_each(&mut self, ids: &[u32], range: Range<usize>) -> Result<Vec<Vec<f32>>> {
        let mut of_parts: Vec<(f64, &Generator, Vec<Vec<f32>>)> = Vec::new();
        for part in &mut self.parts {
            let logits = part.session.logits_of_each(&ids[range.clone()])?;
            of_parts.push((part.weight, part.generator, logits));
        }
        let after = |at: usize| {
            let context = &ids[..=range.start + at];
            let parts = of_parts.iter();
            let parts = parts.map(|(weight, generator, logits)| (*weight, generator.mixed(&logits[at], context)));
            blended(parts.collect()).into_owned()
        };
        Ok((0..range.len()).into_par_iter().map(after).collect())
    }

    /// The logits of the next token, V values, after the tokens `context`, which n-grams need: those of the model, or, with
    /// n-grams or several models, the logarithms of the probabilities.
    ///
    /// # Panics
    /// Before the first token.
    pub fn logits(&self, context: &[u32]) -> Cow<'_, [f32]> {
        let parts = self.parts.iter();
        let parts = parts.map(|part| (part.weight, part.generator.mixed(part.session.logits(), context)));
        blended(parts.collect())
    }
}

/// The logits of one model, or those of several with their weights: the logarithms of the mean of their probabilities.
fn blended(mut parts: Vec<(f64, Cow<'_, [f32]>)>) -> Cow<'_, [f32]> {
    if let [_] = parts.as_slice() {
        return parts.remove(0).1;
    }
    let mut probabilities = vec![0.0; parts[0].1.len()];
    for (weight, logits) in parts {
        let both = probabilities.iter_mut().zip(log_softmax(&logits));
        both.for_each(|(sum, log_prob)| *sum += weight * log_prob.exp());
    }
    probabilities.into_iter().map(|probability| probability.ln() as f32).collect()
}

impl Generator {
    /// These logits of the model, mixed with its n-grams.
    fn mixed<'l>(&self, logits: &'l [f32], context: &[u32]) -> Cow<'l, [f32]> {
        self.mixture().map_or(Cow::Borrowed(logits), |mixture| mixture.mix(logits, context).into())
    }
}

#[cfg(test)]
mod tests {
    use models::LayerConfig;

    use crate::test_model::{JAMO, WORDS, bundle, generator};

    use super::*;

    fn predicted(blend: &Blend, ids: &[u32]) -> Vec<f64> {
        let mut predictor = Predictor::new(blend, None, None).unwrap();
        predictor.extend(ids).unwrap();
        log_softmax(&predictor.logits(ids))
    }

    #[test]
    fn a_blend_has_the_weighted_mean_of_the_probabilities() {
        let generators = [generator(WORDS, None), Generator::new(bundle(WORDS, None, LayerConfig::gru(5)))];
        let [one, other] = &generators;
        let blend = Blend::new(vec![(one, 3.0), (other, 1.0)]).unwrap();
        let ids = [5, 6, 8];
        let [one, other] = [one, other].map(|generator| predicted(&Blend::of(generator), &ids));
        let blended = predicted(&blend, &ids);
        for (id, found) in blended.into_iter().enumerate() {
            let expected = 0.75 * one[id].exp() + 0.25 * other[id].exp();
            assert!((found.exp() - expected).abs() < 1e-6, "{id}");
        }
    }

    #[test]
    fn models_with_other_tokens_cannot_be_blended() {
        let generators = [generator(WORDS, None), generator(JAMO, None)];
        let [one, other] = &generators;
        let error = Blend::new(vec![(one, 0.5), (other, 0.5)]).err().unwrap().to_string();
        assert!(error.contains("same tokens"), "{error}");
    }

    #[test]
    fn texts_of_several_models_are_read_as_alone() {
        let generators = [generator(WORDS, None), Generator::new(bundle(WORDS, None, LayerConfig::gru(5)))];
        let [one, other] = &generators;
        let blends =
            [Blend::of(one), Blend::new(vec![(other, 1.0), (one, 2.0)]).unwrap(), Blend::of(other), Blend::of(one)];
        let ids = [5, 6, 7, 8];
        let mut texts: Vec<Predictor> = blends.iter().map(|blend| Predictor::new(blend, None, None).unwrap()).collect();
        let mut texts: Vec<&mut Predictor> = texts.iter_mut().collect();
        for _ in 0..3 {
            assert!(Predictor::push_each(&mut texts, &ids).iter().all(Result::is_ok));
        }
        for ((text, blend), id) in texts.iter().zip(&blends).zip(ids) {
            assert_eq!(log_softmax(&text.logits(&[id; 3])), predicted(blend, &[id; 3]));
        }
        for blend in &blends {
            let mut predictor = Predictor::new(blend, None, None).unwrap();
            let logits = [0..1, 1..4].map(|range| predictor.logits_of_each(&ids, range).unwrap()).concat();
            for (at, logits) in logits.iter().enumerate() {
                assert_eq!(log_softmax(logits), predicted(blend, &ids[..=at]));
            }
        }
    }
}
