//! Tests of [`Mixture`]: its probabilities, its evaluation and its samples.

use std::sync::Arc;

use models::bundle::NGRAM_COUNTS;
use models::{LmBundle, StateMode};
use seqdata::{DatasetInput, EvaluationText, Sequence};
use text_prep::OovPolicy;

use crate::batch_session::BatchSession;
use crate::cache::Cache;
use crate::test_model::{JAMO, WORDS, composed, document_generator, generator, subword_generator};
use crate::{
    CacheSettings, Error, Evaluation, Generator, LabelChoice, Mixture, NgramOrder, Prompt, Sample, Sampling, Session,
    evaluate_sequence,
};

/// A text in which two tokens are mostly followed by the same third one, of `size` ids from `first` on.
fn ids(first: u32, size: u32, count: u32) -> Vec<u32> {
    (0..count).map(|at| first + (at / 3 * 7 + at % 3 * at % 5) % size).collect()
}

/// A mixture for the model of `generator`, of running text.
fn mixture(generator: &Generator, order: NgramOrder) -> Mixture {
    let (training, held_out) = (ids(1, 8, 300), sequence(ids(1, 8, 90)));
    Mixture::fit(generator.bundle(), &training, &held_out, order, generator.state_mode()).unwrap()
}

fn sequence(ids: Vec<u32>) -> Sequence {
    let count = ids.len();
    Sequence::new(Arc::new(ids.into_iter().collect()), 0..count)
}

#[test]
fn the_probabilities_of_a_mixture_are_weighted_means_that_sum_to_one() {
    for generator in [generator(WORDS, None), generator(JAMO, None), subword_generator(), document_generator()] {
        let mixture = mixture(&generator, NgramOrder::Tokens(3));
        for context in [&[1][..], &[2, 5, 3], &[1, 2, 3, 4, 5, 6], &[8, 8]] {
            let session = generator.session(&Prompt::from(context.to_vec())).unwrap();
            let mixed = mixture.mix(session.logits(), context);
            let (weight, ngrams) = (mixture.weight(context), mixture.ngrams().distribution(context));
            for ((log_prob, ngrams), mixed) in session.log_probs().iter().zip(ngrams).zip(&mixed) {
                let expected = weight * log_prob.exp() + (1.0 - weight) * ngrams;
                assert!((f64::from(*mixed) - expected.ln()).abs() < 2e-6, "{mixed} {expected}");
            }
            let sum: f64 = mixed.iter().map(|&mixed| f64::from(mixed).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        }
        let weights = [mixture.weight(&[1, 2, 3]), mixture.weight(&[])];
        assert!(weights.iter().all(|weight| (0.001..=0.999).contains(weight)), "{weights:?}");
    }
}

#[test]
fn an_evaluation_is_that_of_each_target() {
    for state_mode in [StateMode::Carry, StateMode::Window] {
        let generator = generator(WORDS, None);
        let bundle = generator.bundle();
        let mixture = mixture(&generator, NgramOrder::Tokens(3));
        let text = ids(1, 7, 80);
        let evaluation = mixture.evaluate(bundle, &sequence(text.clone()), 0, LabelChoice::Own, state_mode).unwrap();
        let found = evaluation.mixture.clone().unwrap();
        // The first three ids, a window, are context.
        let mut nats = [0.0; 3];
        for at in 3..text.len() {
            let session = Session::new(&generator, &Prompt::from(text[..at].to_vec()), state_mode).unwrap();
            let ngrams = mixture.ngrams().probability(&text[..at], text[at]);
            let mixed = mixture.mix(session.logits(), &text[..at])[text[at] as usize];
            let log_probs = [session.log_probs()[text[at] as usize], ngrams.ln(), mixed.into()];
            nats.iter_mut().zip(log_probs).for_each(|(nats, log_prob)| *nats -= log_prob);
        }
        for (nats, losses) in nats.into_iter().zip([found.network, found.ngrams, found.mixture]) {
            let expected = nats / (text.len() - 3) as f64;
            assert!((losses.loss_nats_per_token - expected).abs() < 1e-5, "{losses:?} {expected}");
            assert_eq!(losses.perplexity, losses.loss_nats_per_token.exp());
            assert!(losses.bits_per_byte.unwrap() > 0.0);
        }
        let model = evaluate_sequence(bundle, &sequence(text), 0, LabelChoice::Own, state_mode).unwrap();
        // What the model alone has is found in the same pass.
        let same = Evaluation { mixture: None, loss_nats_per_token: model.loss_nats_per_token, ..evaluation.clone() };
        assert!((evaluation.loss_nats_per_token - model.loss_nats_per_token).abs() < 1e-9);
        assert_eq!(
            Evaluation { perplexity: same.perplexity, bits_per_byte: same.bits_per_byte, ..model.clone() },
            same
        );
        assert_eq!(found.network.loss_nats_per_token, evaluation.loss_nats_per_token);
        assert!((found.network.bits_per_byte.unwrap() - model.bits_per_byte.unwrap()).abs() < 1e-6);
        // On the text that it was fitted on, it is better than both, and the evaluation that was made with it is the same.
        let (training, held_out, order) = (ids(1, 8, 300), sequence(ids(1, 8, 90)), NgramOrder::Tokens(3));
        let fitted = Mixture::fit_and_evaluate(bundle, &training, &held_out, 0, order, state_mode).unwrap();
        let evaluation = mixture.evaluate(bundle, &held_out, 0, LabelChoice::Own, state_mode).unwrap();
        assert!(fitted.1 == fitted.0.evaluate(bundle, &held_out, 0, LabelChoice::Own, state_mode).unwrap());
        let best = evaluation.mixture.unwrap();
        assert!(best.mixture.loss_nats_per_token < best.network.loss_nats_per_token - 0.1, "{best:?}");
        assert!(best.mixture.loss_nats_per_token < best.ngrams.loss_nats_per_token + 0.02, "{best:?}");
        assert!(best.network_weight > 0.0 && best.network_weight < 1.0 && best.order == 3, "{best:?}");
    }
}

#[test]
fn documents_and_their_labels_are_evaluated() {
    let generator = document_generator();
    let bundle = generator.bundle();
    let documents: Vec<(&str, Option<&str>)> =
        (0..12).map(|n| (["a . a", "é ."][n % 2], [None, Some("two")][n % 2])).collect();
    let input = DatasetInput::documents(&documents[..]);
    let text = EvaluationText::read(input, &bundle.tokenizer, &bundle.metadata.config.labels).unwrap();
    let training: Vec<u32> = text.sequence.ids(0..text.sequence.len()).collect();
    let mixture = Mixture::fit(bundle, &training, &text.sequence, NgramOrder::Best, StateMode::Carry).unwrap();
    assert_eq!(mixture.ngrams().document(), generator.document_id());
    for labels in [LabelChoice::Own, LabelChoice::Without, LabelChoice::All("one")] {
        let evaluation = mixture.evaluate(bundle, &text.sequence, 0, labels, StateMode::Carry).unwrap();
        let model = evaluate_sequence(bundle, &text.sequence, 0, labels, StateMode::Carry).unwrap();
        let tokens_by_label = |evaluation: &Evaluation| -> Vec<(Option<String>, usize)> {
            evaluation.labels.iter().map(|label| (label.label.clone(), label.tokens)).collect()
        };
        assert_eq!(tokens_by_label(&evaluation), tokens_by_label(&model), "{labels:?}");
        let found = evaluation.mixture.unwrap();
        assert!((found.network.loss_nats_per_token - model.loss_nats_per_token).abs() < 1e-6, "{labels:?}");
        assert!(found.mixture.loss_nats_per_token < found.network.loss_nats_per_token, "{labels:?} {found:?}");
    }
}

#[test]
fn a_saved_mixture_is_the_same() {
    let generator = generator(WORDS, None);
    let mixture = mixture(&generator, NgramOrder::Best);
    assert!((2..=8).contains(&mixture.ngrams().order()));
    let mut bundle = generator.bundle().clone();
    assert!(Mixture::of(&bundle).unwrap().is_none());
    bundle.extra_files.insert(NGRAM_COUNTS.into(), mixture.to_bytes());
    let folder = tempfile::tempdir().unwrap();
    bundle.save(folder.path()).unwrap();
    let loaded = LmBundle::load(folder.path(), &bundle.model.device()).unwrap();
    let read = Mixture::of(&loaded).unwrap().unwrap();
    assert_eq!(read.to_bytes(), mixture.to_bytes());
    let logits = [0.5, -0.5, 1.0, 0.0, 2.0, 0.1, 0.2, 0.3, 0.4];
    assert_eq!(read.mix(&logits, &[1, 2]), mixture.mix(&logits, &[1, 2]));

    // What is not a mixture for this model is rejected.
    let bytes = mixture.to_bytes();
    let of_other = self::mixture(&subword_generator(), NgramOrder::Tokens(2)).to_bytes();
    for invalid in [&bytes[1..], &bytes[..bytes.len() - 1], &[], &of_other] {
        bundle.extra_files.insert(NGRAM_COUNTS.into(), invalid.to_vec());
        assert!(matches!(Mixture::of(&bundle), Err(Error::InvalidNgrams)));
    }
}

#[test]
fn texts_are_sampled_from_the_mixture_alone_in_a_batch_and_with_any_number_of_threads() {
    let packed = generator(WORDS, None);
    for generator in [composed(&packed), packed] {
        let alone = generator.generate("a", &Sampling::default()).unwrap();
        let mixture = mixture(&generator, NgramOrder::Tokens(3));
        let generator = generator.with_mixture(mixture.clone());
        for sampling in [Sampling::default(), Sampling::default().temperature(0.7).top_p(0.9).best_of(2)] {
            let sampling = sampling.max_tokens(20);
            let run = |threads: usize| -> Vec<Sample> {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| generator.samples("a", &sampling, 0..9).unwrap().map(Result::unwrap).collect())
            };
            let many = run(1);
            assert!(many == run(3) || !generator.engine().is_packed());
            assert_eq!(many[4], generator.sample("a", &sampling, 4).unwrap());
            assert_eq!(many[0].text, generator.generate("a", &sampling).unwrap());
        }
        assert_ne!(generator.generate("a", &Sampling::default()).unwrap(), alone);

        // The likeliest token of the mixture, and how likely the tokens are.
        let sampling = Sampling::default().max_tokens(12);
        let greedy = generator.sample("a", &sampling.clone().temperature(0.0), 0).unwrap();
        let mut history = generator.encode("a", OovPolicy::Error).unwrap().ids;
        let mut session = generator.session(&Prompt::from(history.clone())).unwrap();
        for &id in &greedy.ids {
            let mixed = mixture.mix(session.logits(), &history);
            // Id 0 is padding, which is never sampled.
            assert!(mixed[1..].iter().all(|&other| other <= mixed[id as usize]), "{mixed:?} {id}");
            history.push(id);
            session.push(id).unwrap();
        }
        let best = generator.sample("a", &sampling.best_of(3), 0).unwrap();
        assert!(best.log_prob_per_token.unwrap() < 0.0);
    }
}

#[test]
fn the_mixture_is_that_of_the_model_with_its_cache() {
    let packed = generator(WORDS, None);
    for generator in [composed(&packed), packed] {
        let mixture = mixture(&generator, NgramOrder::Tokens(3));
        let settings = CacheSettings { size: 6, weight: 0.6, theta: 1.0 };
        let sampling = Sampling::default().max_tokens(15).temperature(0.0).cache(Some(settings));
        let mut history = generator.encode("a . é", OovPolicy::Error).unwrap().ids;
        let prompt = Prompt::from(history.clone());
        let alone = generator.sample(&prompt, &sampling, 0).unwrap().ids;
        let generator = generator.with_mixture(mixture.clone());
        let mixed = generator.sample(&prompt, &sampling, 0).unwrap().ids;
        assert_eq!(mixed.len(), 15);
        let mut cache = Cache::new(settings, None);
        let mut session = BatchSession::new(generator.engine(), StateMode::Carry, generator.context_len());
        let mut read = |ids: &[u32], cache: &mut Cache| {
            for &id in ids {
                session.forward(&[id]).unwrap();
                cache.push(id, session.outputs().remove(0));
            }
            cache.mixed(session.logits()[0])
        };
        let mut logits = read(&history, &mut cache);
        for &id in &mixed {
            let expected = mixture.mix(&logits, &history);
            // Id 0 is padding, which is never sampled.
            assert!(expected[1..].iter().all(|&other| other <= expected[id as usize]), "{expected:?} {id}");
            history.push(id);
            logits = read(&[id], &mut cache);
        }
        assert_ne!(mixed, alone);
    }
}
