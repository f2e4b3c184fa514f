//! Texts of a model of subwords, whose tokens may end within a character.

use std::sync::Arc;

use burn::tensor::Tensor;
use models::StateMode;
use seqdata::Sequence;
use text_prep::OovPolicy;

use crate::error::Error;
use crate::target_bytes::TargetBytes;
use crate::test_model::{composed, subword_generator};
use crate::{
    CacheSettings, EvaluationMode, EvaluationPlan, Generator, LabelChoice, Mixture, NgramOrder, Prompt, Sampling,
    Session, StopText, evaluate_sequence,
};

#[test]
fn streamed_pieces_join_to_the_sample_and_never_end_within_a_character() {
    let packed = subword_generator();
    for generator in [composed(&packed), packed] {
        for seed in 0..20 {
            let sampling = Sampling::default().max_tokens(30).seed(seed);
            let pieces: Vec<String> = generator.stream("the f", &sampling).unwrap().map(Result::unwrap).collect();
            let sample = generator.sample("the f", &sampling, 0).unwrap();
            assert_eq!(pieces.concat(), sample.text);
            // The first tokens write the end of the prompt.
            assert_eq!(format!(" f{}", sample.text), generator.tokenizer().decode(&sample.ids));
            assert!(pieces.iter().all(|piece| !piece.is_empty()));
            assert!(sample.ids.iter().all(|&id| id != 0));
        }
    }
}

#[test]
fn a_stop_text_is_text_and_ends_a_sample_within_a_token() {
    let generator = subword_generator();
    let stop = |text: &str| generator.stop_text(text);
    assert_eq!(stop(" fox").unwrap(), StopText::Text(" fox".into()));
    assert_eq!(stop("e\u{301}\r\n").unwrap(), StopText::Text("é\n".into()));
    assert_eq!(stop(" ").unwrap(), StopText::Text(" ".into()));
    assert!(matches!(stop(""), Err(Error::EmptyStopText)));
    // Taken from what the model writes: all places, also within tokens of several characters.
    let sampling = Sampling::default().max_tokens(40).seed(1);
    let whole = generator.generate("a the", &sampling).unwrap();
    let chars: Vec<(usize, char)> = whole.char_indices().filter(|(_, c)| !['\u{fffd}', '\r'].contains(c)).collect();
    for &(_, c) in &chars {
        let (before, _) = whole.split_once(c).unwrap();
        let stopped = generator.sample("a the", &sampling.clone().stop_texts([c]), 0).unwrap();
        assert_eq!(stopped.text, before, "{c:?} in {whole:?}");
        assert!(generator.tokenizer().decode(&stopped.ids).starts_with(&format!(" the{before}")));
        let pieces = generator.stream("a the", &sampling.clone().stop_texts([c])).unwrap();
        assert_eq!(pieces.map(Result::unwrap).collect::<String>(), before);
    }
}

/// A generator that always prefers this token.
fn writing(token: &str) -> Generator {
    let mut bundle = subword_generator().bundle().clone();
    let likely = bundle.tokenizer.vocabulary.id(token).unwrap();
    let ids = 0..bundle.tokenizer.vocabulary.len() as u32;
    let bias: Vec<f32> = ids.map(|id| 20.0 * f32::from(id == likely)).collect();
    bundle.model.output.bias =
        bundle.model.output.bias.map(|bias_of| Tensor::from_floats(bias.as_slice(), &bias_of.device()));
    Generator::new(bundle)
}

#[test]
fn a_word_at_the_end_of_a_prompt_is_not_divided_into_other_tokens() {
    let generator = writing("Ġ");
    let fox = generator.tokenizer().vocabulary.id("Ġfox").unwrap();
    let sampling = Sampling::default().temperature(0.0).max_tokens(1);
    for generator in [composed(&generator), generator] {
        // The token that writes the last word again does not count.
        let sample = generator.sample("the fox", &sampling, 0).unwrap();
        assert_eq!((sample.ids[0], sample.text.as_str()), (fox, " "));
    }
}

#[test]
fn a_prompt_that_ends_within_a_word_is_continued_by_the_token_of_the_word() {
    let generator = writing("Ġfox");
    let sampling = Sampling::default().temperature(0.0).max_tokens(2);
    for generator in [composed(&generator), generator] {
        for (prompt, expected) in
            [("the fo", "x fox"), ("the ", "fox fox"), ("the fox", " fox fox"), ("the", " fox fox")]
        {
            let sample = generator.sample(prompt, &sampling, 0).unwrap();
            assert_eq!(sample.text, expected, "{prompt:?}");
            let pieces = generator.stream(prompt, &sampling).unwrap();
            assert_eq!(pieces.map(Result::unwrap).collect::<String>(), expected);
        }
        // No token begins with these bytes: single bytes write them.
        let sample = generator.sample("the zebra", &sampling, 0).unwrap();
        assert_eq!((sample.text.as_str(), sample.ids.len()), (" fox fox", 8));
        assert_eq!(generator.sample("the zebra", &sampling.clone().max_tokens(1), 0).unwrap().text, " fox");
        let stopped = generator.sample("the fo", &sampling.clone().stop_texts(["x f"]), 0).unwrap();
        assert_eq!((stopped.text.as_str(), stopped.ids.len()), ("", 0));
    }
}

#[test]
fn a_very_long_last_word_is_not_written_again() {
    let generator = writing("Ġfox");
    let sampling = Sampling::default().temperature(0.0).max_tokens(2);
    // With the space before it, a word of 64 bytes, each a token, and one that is longer.
    for (letters, ids) in [(63, 64 + 2), (64, 2), (1_000, 2)] {
        let prompt = format!("the {}", "z".repeat(letters));
        let sample = generator.sample(&prompt, &sampling, 0).unwrap();
        assert_eq!((sample.text.as_str(), sample.ids.len()), (" fox fox", ids), "{letters}");
        let pieces = generator.stream(&prompt, &sampling).unwrap();
        assert_eq!(pieces.map(Result::unwrap).collect::<String>(), " fox fox");
    }
}

#[test]
fn the_best_of_several_texts_continues_the_word_of_its_prompt() {
    let packed = subword_generator();
    for generator in [composed(&packed), packed] {
        let sampling = Sampling::default().temperature(1.2).max_tokens(6);
        for number in 0..5 {
            let best = generator.sample("the fo", &sampling.clone().best_of(4), number).unwrap();
            let candidates = generator.samples("the fo", &sampling, number * 4..number * 4 + 4).unwrap();
            let texts: Vec<String> = candidates.map(|sample| sample.unwrap().text).collect();
            assert!(texts.contains(&best.text), "{best:?} {texts:?}");
            assert!(best.log_prob_per_token.is_some_and(|mean| mean < 0.0), "{best:?}");
        }
        // The text may continue the word, and its ids begin with those of the prompt's last word.
        let best = generator.sample("the fo", &sampling.best_of(4), 0).unwrap();
        assert!(generator.tokenizer().decode(&best.ids).starts_with(" fo"), "{best:?}");
    }
}

#[test]
fn an_empty_prompt_is_the_most_frequent_token_that_is_text() {
    let generator = subword_generator();
    let ids = generator.encode("", OovPolicy::Error).unwrap().ids;
    assert_eq!(generator.tokenizer().decode(&ids), " the");
    let prompt = generator.encode("<padding> Ω", OovPolicy::Error).unwrap();
    assert_eq!(generator.tokenizer().decode(&prompt.ids), "<padding> Ω");
    assert!(prompt.oov_tokens.is_empty());
}

#[test]
fn bits_per_byte_count_the_bytes_of_the_targets() {
    let generator = subword_generator();
    let tokenizer = generator.tokenizer();
    let fox: Vec<u32> = "🦊".bytes().map(|byte| tokenizer.vocabulary.id(&char_of(byte)).unwrap()).collect();
    // The first target is within a character.
    let sequence = Sequence::new(Arc::new(fox.iter().chain(&fox).copied().collect()), 0..8);
    let bytes = TargetBytes::count(tokenizer, &sequence, 2, false);
    let bits = bytes.total_bits_per_byte(std::f64::consts::LN_2, 6).unwrap();
    assert!((bits - 1.0).abs() < 1e-12, "{bits}");
    let scored = generator.token_log_probs("a the fox é").unwrap();
    let tokens: Vec<&str> = scored.iter().map(|scored| scored.token.as_str()).collect();
    assert_eq!(tokens, [" the", " fox", " ", "é"]);
    let evaluation = generator.evaluate("a the fox é 🦊 the <padding>").unwrap();
    assert!(evaluation.bits_per_byte.is_some() && evaluation.unknown_fraction == 0.0);
    // A text of given ids may begin within a character.
    let sample = generator.sample(&Prompt::from(fox[..2].to_vec()), &Sampling::default().max_tokens(5), 0).unwrap();
    assert_eq!(sample.text, tokenizer.decode(&sample.ids));
}

#[test]
fn a_long_text_is_evaluated_in_parallel_with_nearly_the_same_loss() {
    let generator = subword_generator();
    let bundle = generator.bundle();
    let ids = generator.encode(&"a the fox é ".repeat(2_000), OovPolicy::Error).unwrap().ids;
    let length = ids.len();
    let sequence = Sequence::new(Arc::new(ids.into_iter().collect()), 0..length);
    let one = evaluate_sequence(bundle, &sequence, 0, LabelChoice::Own, StateMode::Carry).unwrap();
    let in_parallel = EvaluationMode::InParallel(StateMode::Carry);
    let parallel = evaluate_sequence(bundle, &sequence, 0, LabelChoice::Own, in_parallel).unwrap();
    assert_eq!(one.tokens, parallel.tokens);
    let difference = one.loss_nats_per_token - parallel.loss_nats_per_token;
    assert!(difference.abs() < 1e-3, "{difference}");
    assert!(!one.protocol.contains("parallel"), "{}", one.protocol);
    let streams = "parallel streams, each after a warm-up of 256 tokens";
    assert!(parallel.protocol.ends_with(streams), "{}", parallel.protocol);
}

#[test]
fn every_token_is_scored_after_a_line_end() {
    let generator = subword_generator();
    let bundle = generator.bundle();
    let line_end = bundle.tokenizer.line_end_id().unwrap();
    let ids = generator.encode("a the fox é\nthe 🦊", OovPolicy::Error).unwrap().ids;
    assert!(ids.contains(&line_end), "{ids:?}");
    let mut session = Session::new(&generator, &Prompt::from(vec![line_end]), StateMode::Carry).unwrap();
    let mut nats = 0.0;
    for &id in &ids {
        nats -= session.log_probs()[id as usize];
        session.push(id).unwrap();
    }
    // Also of a part of a longer text.
    let all = [&[9, 9][..], &ids].concat();
    let sequence = Sequence::new(Arc::new(all.iter().copied().collect()), 2..all.len());
    let found = evaluate_sequence(bundle, &sequence, 0, LabelChoice::Own, EvaluationMode::EveryToken).unwrap();
    assert_eq!(found.tokens, ids.len());
    assert!((found.loss_nats_per_token - nats / ids.len() as f64).abs() < 1e-5, "{found:?} {nats}");
    assert!(found.protocol.ends_with("the first from a line end"), "{}", found.protocol);
    // With a cache, and mixed with n-grams, the same targets are scored.
    let mode = EvaluationMode::EveryToken;
    for chunk in [3, 100] {
        let plan = EvaluationPlan::in_order(bundle, &sequence, 0, LabelChoice::Own, mode, chunk).unwrap();
        let cached = plan.with_cache(&CacheSettings::default(), |_| {}).unwrap();
        assert_eq!((cached.evaluation.tokens, &cached.evaluation.protocol), (found.tokens, &found.protocol));
        assert!((cached.loss_without_nats_per_token - found.loss_nats_per_token).abs() < 1e-5, "{cached:?}");
        assert!((cached.evaluation.loss_nats_per_token - found.loss_nats_per_token).abs() > 1e-4, "{cached:?}");
    }
    let mixture = Mixture::fit(bundle, &all, &sequence, NgramOrder::Tokens(2), StateMode::Carry).unwrap();
    let mixed = mixture.evaluate(bundle, &sequence, 0, LabelChoice::Own, mode).unwrap();
    assert_eq!((mixed.tokens, &mixed.protocol), (found.tokens, &found.protocol));
    // The first token is predicted from the line end.
    let context = [&[line_end][..], &ids].concat();
    let ngrams = (1..context.len()).map(|at| -mixture.ngrams().probability(&context[..at], context[at]).ln());
    let expected = ngrams.sum::<f64>() / ids.len() as f64;
    let of_ngrams = mixed.mixture.unwrap().ngrams.loss_nats_per_token;
    assert!((of_ngrams - expected).abs() < 1e-9, "{of_ngrams} {expected}");
    let bits = nats / std::f64::consts::LN_2 / "a the fox é\nthe 🦊".len() as f64;
    assert!((found.bits_per_byte.unwrap() - bits).abs() < 1e-4, "{found:?} {bits}");
    let without = crate::test_model::generator(crate::test_model::WORDS, None);
    let error = evaluate_sequence(without.bundle(), &sequence, 0, LabelChoice::Own, EvaluationMode::EveryToken);
    assert!(matches!(error, Err(crate::Error::NoLineEnd)), "{error:?}");
}

/// The characters of the bytes of 🦊 in a vocabulary.
fn char_of(byte: u8) -> String {
    match byte {
        0xf0 => "ð",
        0x9f => "Ł",
        0xa6 => "¦",
        _ => "Ĭ",
    }
    .into()
}
