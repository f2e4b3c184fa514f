//! The laws of a network that asks: gradients, padding, and words one by one.

#[path = "../../../models/tests/laws/gradient_check.rs"]
mod gradient_check;

use std::ops::Range;

use crate::data::{Example, Known, QuestionBatch};
use crate::model::{Attending, Extraction, QuestionModel, QuestionModelConfig, ReadAnswer, copy};
use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, Int, Tensor};
use models::{CellKind, DropoutKey, LayerConfig};
use text_prep::Vocabulary;
use text_prep::passage::words;

use gradient_check::{assert_gradients, noisy, values};

/// Words in the longest answer that is found; one of the answers below is longer.
const LONGEST: usize = 3;

/// A sentence, its answer's words and a question. Some words have no id, some are rare, and sentences,
/// answers and questions are of different lengths.
const CASES: [(&str, Range<usize>, &str); 3] = [
    ("the fox saw Zed", 2..3, "who did the fox see, Zed?"),
    ("a crow ate the old cheese of Quix at noon", 3..9, "what was eaten?"),
    ("no", 0..1, "did the crow answer?"),
];

fn vocabulary() -> Vocabulary {
    let asked = ["the", "?", "who", "fox", "did", "what", "was", "crow"].map(|word| (word, 2));
    let read = ["saw", "ate", "old", "cheese", "a", "at"].map(|word| (word, 1));
    Vocabulary::from_counts(asked, 1, true).extended(read, 1)
}

/// Fewer ids can be chosen than read.
const WRITTEN: usize = 10;

fn examples() -> Vec<Example> {
    let example = |(text, answer, question): (&str, Range<usize>, &str)| {
        Example::new(text, &words(text), answer, question, &vocabulary())
    };
    CASES.map(example).to_vec()
}

fn batch(examples: &[Example], device: &Device) -> QuestionBatch {
    let known = Known { read: vocabulary().len(), written: WRITTEN };
    let examples: Vec<&Example> = examples.iter().collect();
    QuestionBatch::new(&examples, known, LONGEST, device).cast(DType::F64)
}

fn config() -> QuestionModelConfig {
    let gru = LayerConfig::new(CellKind::Gru { reset_after: true }, 3);
    let both = LayerConfig { bidirectional: true, ..gru.clone() };
    QuestionModelConfig {
        vocabulary: vocabulary().len(),
        written: WRITTEN,
        embedding: 4,
        features: 2,
        encoder: vec![both.clone()],
        extractor: vec![both],
        decoder: vec![LayerConfig { units: 6, ..gru }],
        answer: ReadAnswer::Marked,
        attention: Some(Attending::General),
        copy: true,
        coverage: 0.0,
        readout: 4,
        tied: true,
        extraction: Extraction::Pointers,
        longest_answer: LONGEST,
        finding_teaches_words: true,
        frozen_embedding: false,
        dropout: 0.0,
        embedding_dropout: 0.0,
    }
}

/// The book's network, and every choice that ours has.
fn variants() -> Vec<(&'static str, QuestionModelConfig)> {
    let lstm = |units| LayerConfig::new(CellKind::Lstm, units);
    let both = |layer| LayerConfig { bidirectional: true, ..layer };
    let additive =
        QuestionModelConfig { attention: Some(Attending::Additive), coverage: 0.7, ..config() };
    let deep = QuestionModelConfig {
        encoder: vec![both(lstm(2)), both(lstm(3))],
        decoder: vec![lstm(4), lstm(6)],
        attention: Some(Attending::Dot),
        ..config()
    };
    let book = QuestionModelConfig {
        features: 0,
        extractor: Vec::new(),
        decoder: vec![LayerConfig::new(CellKind::Gru { reset_after: true }, 5)],
        answer: ReadAnswer::Again,
        attention: None,
        copy: false,
        tied: false,
        extraction: Extraction::Tags,
        ..config()
    };
    vec![
        ("ours", config()),
        ("additive, with coverage", additive),
        ("deep, dot", deep),
        ("the book's", book),
        ("one encoder for both", QuestionModelConfig { extractor: Vec::new(), ..config() }),
    ]
}

fn model(config: &QuestionModelConfig) -> QuestionModel {
    noisy(config.init_as(1, DType::F64, &Device::flex()).unwrap())
}

#[test]
fn gradients_are_what_the_loss_does_when_a_weight_is_moved() {
    let device = Device::flex();
    for (name, config) in variants() {
        let dropped = QuestionModelConfig { dropout: 0.2, ..config };
        let batch = batch(&examples(), &device);
        let key = Some(DropoutKey { seed: 1, step: 2 });
        assert_gradients(name, &model(&dropped), |model| model.learn(batch.clone(), key).mean());
    }
}

#[test]
fn words_are_taught_by_writing_alone_where_finding_may_not() {
    let words = |finding_teaches_words, parts: fn(usize, usize) -> std::ops::Range<usize>| {
        let config = QuestionModelConfig { finding_teaches_words, ..config() };
        let model = model(&config).trainable();
        let batch = batch(&examples(), &Device::flex());
        let written = batch.targets.rows.dims()[0];
        let nats = model.learn(batch, None);
        let part = parts(written, nats.dims()[0]);
        let gradients = nats.slice([part]).sum().backward();
        values(&model.embedding.weight.val().grad(&gradients).unwrap())
    };
    let (all, writing) = (|_, all| 0..all, |written, _| 0..written);
    assert_eq!(words(false, all), words(false, writing));
    assert_eq!(words(false, writing), words(true, writing));
    assert_ne!(words(true, all), words(true, writing));
}

#[test]
fn padding_changes_nothing() {
    for (name, config) in variants() {
        let model = model(&config);
        let sum = |examples: &[Example]| -> f64 {
            values(&model.learn(batch(examples, &Device::flex()), None)).iter().sum()
        };
        let together = sum(&examples());
        let alone: f64 = examples().iter().map(|one| sum(std::slice::from_ref(one))).sum();
        assert!((together - alone).abs() < 1e-9, "{name}: {together} {alone}");
    }
}

#[test]
fn word_by_word_costs_what_all_at_once_does() {
    let device = Device::flex();
    for (name, config) in variants() {
        let model = model(&config);
        for example in examples() {
            let one = batch(std::slice::from_ref(&example), &device);
            let all = values(&model.learn(one.clone(), None));
            let mut wave = model.hear(&one.sentences, &one.answers);
            let inputs = values(&one.targets.inputs.clone().float());
            let targets = values(&one.targets.extended.clone().float());
            for (at, target) in targets.iter().enumerate() {
                let word = Tensor::<1, Int>::from_ints([inputs[at] as i32], &device);
                let (choice, after) = model.next(word, wave);
                wave = after;
                let p = match choice.copy {
                    None => log_softmax(choice.logits, 1).exp(),
                    Some((gate, shares)) => {
                        let words = one.sentences.extended.clone();
                        let every = config.vocabulary + one.sentences.further;
                        copy::distribution(choice.logits, gate, shares, words, every)
                    }
                };
                let p = values(&p);
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{name}");
                // Without copying, a word of the sentence alone is the unknown one.
                let target = if *target < p.len() as f64 { *target as usize } else { 1 };
                let nats = -(p[target] + if config.copy { 1e-9 } else { 0.0 }).ln();
                assert!((nats - all[at]).abs() < 1e-9, "{name}, word {at}: {nats} {}", all[at]);
            }
        }
    }
}

#[test]
fn a_word_that_only_the_sentence_knows_is_learned_to_be_copied() {
    let one = batch(&examples()[..1], &Device::flex());
    // The seventh word of the first question is Zed, which has no id.
    let copies = values(&one.targets.copies);
    let zed: Vec<f64> = copies.chunks(4).map(|row| row[3]).collect();
    assert_eq!(zed, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(values(&one.targets.has_id)[6], 0.0);
    // “see” can be neither chosen nor copied: it is the unknown word, and is no copy of one.
    let see = values(&one.targets.extended.clone().float())[4];
    assert_eq!(see, f64::from(Vocabulary::UNKNOWN));
    assert!(copies[4 * 4..5 * 4].iter().all(|&copy| copy == 0.0));
}
