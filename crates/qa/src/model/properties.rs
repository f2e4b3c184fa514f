//! Property tests of the question model: gradients, padding, and stepwise decoding.

#[path = "../../../models/tests/properties/gradient_check.rs"]
mod gradient_check;

use std::ops::Range;

use crate::data::{Example, QuestionBatch, VocabSizes};
use crate::model::{AnswerEncoding, AttentionScore, ExtractorHead, QuestionModel, QuestionModelConfig, copy};
use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, Int, Tensor};
use models::int8_weights::{int8_weights_from_bytes, int8_weights_to_bytes};
use models::parameters::{is_finite, parameters};
use models::{DropoutKey, LayerConfig, Network};
use text_prep::Segmentation;
use text_prep::Vocabulary;
use text_prep::spans::words;

use gradient_check::{assert_gradients, noisy, values};

/// The maximum length of an extracted answer in words; one of the answers below is longer.
const MAX_ANSWER_LEN: usize = 3;

/// Sentences, the words of their answers, and questions. Some words have no id, some are rare, and sentences,
/// answers and questions differ in length.
const CASES: [(&str, Range<usize>, &str); 3] = [
    ("the fox saw Zed", 2..3, "who did the fox see, Zed?"),
    ("a crow ate the old cheese of Quix at noon", 3..9, "what was eaten?"),
    ("no", 0..1, "did the crow answer?"),
];

fn vocabulary() -> Vocabulary {
    let in_questions = ["the", "?", "who", "fox", "did", "what", "was", "crow"].map(|word| (word, 2));
    let in_sentences = ["saw", "ate", "old", "cheese", "a", "at"].map(|word| (word, 1));
    Vocabulary::from_counts(in_questions, 1, true).extended(in_sentences, 1)
}

/// The decoder's vocabulary is smaller than the encoder's.
const DECODER_VOCAB: usize = 10;

fn examples() -> Vec<Example> {
    let example = |(text, answer, question): (&str, Range<usize>, &str)| {
        let words = |text| words(text, Segmentation::Spaces);
        Example::new(text, &words(text), answer, &words(question), &vocabulary())
    };
    CASES.map(example).to_vec()
}

fn batch(examples: &[Example], device: &Device) -> QuestionBatch {
    let vocab_sizes = VocabSizes { input: vocabulary().len(), output: DECODER_VOCAB };
    let examples: Vec<&Example> = examples.iter().collect();
    QuestionBatch::new(&examples, vocab_sizes, MAX_ANSWER_LEN, device).cast(DType::F64)
}

fn config() -> QuestionModelConfig {
    let gru = LayerConfig::gru(3);
    let both = gru.clone().bidirectional(true);
    QuestionModelConfig {
        vocab_size: vocabulary().len(),
        decoder_vocab: DECODER_VOCAB,
        embedding_dim: 4,
        feature_dim: 2,
        encoder: vec![both.clone()],
        extractor: vec![both],
        decoder: vec![gru.units(6)],
        answer_encoding: AnswerEncoding::Feature,
        attention: Some(AttentionScore::General),
        copy: true,
        coverage: 0.0,
        readout_dim: 4,
        tie_weights: true,
        extractor_head: ExtractorHead::Span,
        max_answer_len: MAX_ANSWER_LEN,
        extractor_updates_embeddings: true,
        frozen_embedding: false,
        dropout: 0.0,
        embedding_dropout: 0.0,
    }
}

/// The model of Foster (2019), and every option of ours.
fn variants() -> Vec<(&'static str, QuestionModelConfig)> {
    let lstm = LayerConfig::lstm;
    let both = |layer: LayerConfig| layer.bidirectional(true);
    let additive = QuestionModelConfig { attention: Some(AttentionScore::Additive), coverage: 0.7, ..config() };
    let deep = QuestionModelConfig {
        encoder: vec![both(lstm(2)), both(lstm(3))],
        decoder: vec![lstm(4), lstm(6)],
        attention: Some(AttentionScore::Dot),
        ..config()
    };
    let foster2019 = QuestionModelConfig {
        feature_dim: 0,
        extractor: Vec::new(),
        decoder: vec![LayerConfig::gru(5)],
        answer_encoding: AnswerEncoding::Reencode,
        attention: None,
        copy: false,
        tie_weights: false,
        extractor_head: ExtractorHead::Tagger,
        ..config()
    };
    vec![
        ("default", config()),
        ("additive, with coverage", additive),
        ("deep, dot", deep),
        ("Foster (2019)", foster2019),
        ("shared encoder", QuestionModelConfig { extractor: Vec::new(), ..config() }),
    ]
}

fn model(config: &QuestionModelConfig) -> QuestionModel {
    noisy(config.init_with_dtype(1, DType::F64, &Device::flex()).unwrap())
}

#[test]
fn gradients_match_finite_differences() {
    let device = Device::flex();
    for (name, config) in variants() {
        let with_dropout = QuestionModelConfig { dropout: 0.2, ..config };
        let batch = batch(&examples(), &device);
        let key = Some(DropoutKey { seed: 1, step: 2 });
        assert_gradients(name, &model(&with_dropout), |model| model.forward_loss(batch.clone(), key).mean());
    }
}

#[test]
fn answer_extraction_updates_the_embeddings_only_if_configured() {
    let gradients = |extractor_updates_embeddings, part: fn(usize, usize) -> Range<usize>| {
        let config = QuestionModelConfig { extractor_updates_embeddings, ..config() };
        let model = model(&config).trainable();
        let batch = batch(&examples(), &Device::flex());
        let generation = batch.targets.unpadded_rows.dims()[0];
        let losses = model.forward_loss(batch, None);
        let part = part(generation, losses.dims()[0]);
        let gradients = losses.slice([part]).sum().backward();
        values(&model.embedding.weight.val().grad(&gradients).unwrap())
    };
    let (all, generation) = (|_, all| 0..all, |generation, _| 0..generation);
    assert_eq!(gradients(false, all), gradients(false, generation));
    assert_eq!(gradients(false, generation), gradients(true, generation));
    assert_ne!(gradients(true, all), gradients(true, generation));
}

#[test]
fn padding_does_not_change_the_loss() {
    for (name, config) in variants() {
        let model = model(&config);
        let sum = |examples: &[Example]| -> f64 {
            values(&model.forward_loss(batch(examples, &Device::flex()), None)).iter().sum()
        };
        let batched = sum(&examples());
        let alone: f64 = examples().iter().map(|one| sum(std::slice::from_ref(one))).sum();
        assert!((batched - alone).abs() < 1e-9, "{name}: {batched} {alone}");
    }
}

#[test]
fn stepwise_decoding_gives_the_loss_of_the_whole_question() {
    let device = Device::flex();
    for (name, config) in variants() {
        let model = model(&config);
        for example in examples() {
            let one = batch(std::slice::from_ref(&example), &device);
            let losses = values(&model.forward_loss(one.clone(), None));
            let mut state = model.init_decoder(&one.sentences, &one.answers);
            let inputs = values(&one.targets.inputs.clone().float());
            let targets = values(&one.targets.extended_ids.clone().float());
            for (at, target) in targets.iter().enumerate() {
                let word = Tensor::<1, Int>::from_ints([inputs[at] as i32], &device);
                let (next, next_state) = model.decode_step(word, state);
                state = next_state;
                let p = match next.copy {
                    None => log_softmax(next.logits, 1).exp(),
                    Some((gate, weights)) => {
                        let words = one.sentences.extended_ids.clone();
                        let num_ids = config.vocab_size + one.sentences.max_oov_words;
                        copy::distribution(next.logits, gate, weights, words, num_ids)
                    }
                };
                let p = values(&p);
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{name}");
                // Without copying, an out-of-vocabulary word of the sentence is the unknown token.
                let target = if *target < p.len() as f64 { *target as usize } else { 1 };
                let loss = -(p[target] + if config.copy { 1e-9 } else { 0.0 }).ln();
                let expected = losses[at];
                assert!((loss - expected).abs() < 1e-9, "{name}, word {at}: {loss} {expected}");
            }
        }
    }
}

#[test]
fn an_out_of_vocabulary_word_of_the_sentence_is_a_target_for_copying() {
    let one = batch(&examples()[..1], &Device::flex());
    // The seventh word of the first question is Zed, which has no id.
    let copies = values(&one.targets.copy_mask);
    let zed: Vec<f64> = copies.chunks(4).map(|row| row[3]).collect();
    assert_eq!(zed, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(values(&one.targets.in_vocab)[6], 0.0);
    // “see” can be neither generated nor copied: its target is the unknown token, which is not copied.
    let see = values(&one.targets.extended_ids.clone().float())[4];
    assert_eq!(see, f64::from(Vocabulary::UNKNOWN));
    assert!(copies[4 * 4..5 * 4].iter().all(|&copy| copy == 0.0));
}

#[test]
fn weights_in_8_bits_are_those_of_the_same_parameters() {
    for (name, config) in variants() {
        let model = config.init(1, &Device::flex()).unwrap();
        let bytes = int8_weights_to_bytes(&model).unwrap();
        let zeros = QuestionModel::zeros(&config, &Device::flex()).unwrap();
        let read = int8_weights_from_bytes(zeros, &bytes).unwrap();
        assert_eq!(parameters(&read), parameters(&model), "{name}");
        assert!(is_finite(&read), "{name}");
    }
}
