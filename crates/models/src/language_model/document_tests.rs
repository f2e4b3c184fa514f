//! Documents and their labels in the forward pass of a language model.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use super::{LanguageModel, LanguageModelConfig, TokenInput};
use crate::dropout::DropoutKey;
use crate::stack::LayerConfig;

/// The document token.
const B: i32 = 9;

fn config() -> LanguageModelConfig {
    LanguageModelConfig::new(11, 4, vec![LayerConfig::lstm(5), LayerConfig::gru(3)]).document_id(B as u32)
}

fn model(config: &LanguageModelConfig) -> LanguageModel {
    config.init(1, &Device::flex()).unwrap()
}

fn ids<const N: usize, const T: usize>(rows: [[i32; T]; N]) -> Tensor<2, Int> {
    Tensor::from_ints(rows, &Device::flex())
}

fn labelled<const N: usize, const T: usize>(rows: [[i32; T]; N], labels: [[i32; T]; N]) -> TokenInput {
    TokenInput { ids: ids(rows), labels: Some(ids(labels)) }
}

fn difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
    (a - b).abs().max().into_scalar::<f32>()
}

#[test]
fn a_document_has_the_same_logits_alone_and_after_others() {
    let model = model(&config());
    let (all, end) = model.forward_all(ids([[1, 2, B, 3, 4], [B, 5, 6, B, 7]]), model.init_state(2));
    let alone = |row, time| model.forward_all(row, model.init_state(1)).0.slice([0..1, 0..time, 0..11]);
    assert!(difference(all.clone().slice([0..1, 2..5, 0..11]), alone(ids([[B, 3, 4]]), 3)) < 1e-6);
    assert!(difference(all.clone().slice([1..2, 0..3, 0..11]), alone(ids([[B, 5, 6]]), 3)) < 1e-6);
    assert!(difference(all.slice([1..2, 3..5, 0..11]), alone(ids([[B, 7]]), 2)) < 1e-6);
    // The carried state of a document that has ended does not matter.
    let (again, _) = model.forward_last(ids([[B, 3], [B, 3]]), end.clone());
    let (fresh, _) = model.forward_last(ids([[B, 3], [B, 3]]), model.init_state(2));
    assert!(difference(again, fresh) < 1e-6);
    // In a model without documents it does.
    let plain = LanguageModel { document_id: None, ..model.clone() };
    let (again, _) = plain.forward_last(ids([[B, 3], [B, 3]]), end);
    assert!(difference(again, plain.forward_last(ids([[B, 3], [B, 3]]), plain.init_state(2)).0) > 1e-5);
}

#[test]
fn labels_condition_the_logits_and_number_0_is_no_label() {
    let config = config().labels(["a", "b"]);
    let model = model(&config);
    let last = |input: TokenInput| model.forward_last(input, model.init_state(2)).0;
    let rows = [[B, 1, 2], [B, 3, 4]];
    let with = |first, second| last(labelled(rows, [[first; 3], [second; 3]]));
    assert_eq!(difference(last(ids(rows).into()), with(0, 0)), 0.0);
    let (none, both) = (with(0, 0), with(1, 2));
    for row in 0..2 {
        assert!(difference(none.clone().narrow(0, row, 1), both.clone().narrow(0, row, 1)) > 1e-5);
    }
    // Each row has its own.
    assert_eq!(difference(both.narrow(0, 1, 1), with(0, 2).narrow(0, 1, 1)), 0.0);
    // A model without labels ignores them.
    let plain = LanguageModel { label_embedding: None, ..model.clone() };
    let plain = |labels| plain.forward_last(labelled(rows, [[labels; 3]; 2]), plain.init_state(2)).0;
    assert_eq!(difference(plain(0), plain(2)), 0.0);
}

#[test]
fn embedding_dropout_drops_no_labels_and_a_frozen_embedding_does_not_freeze_them() {
    let config = config().labels(["a"]).frozen_embedding(true).embedding_dropout(0.99);
    let model = model(&config).trainable();
    let device = Device::flex().autodiff();
    let [rows, labels] = [[[B, 1, 2]], [[1, 1, 1]]].map(|rows| ids(rows).to_device(&device));
    let input = TokenInput { ids: rows, labels: Some(labels) };
    let masks = |step| DropoutKey { seed: 1, step }.masks(crate::dropout::DropoutSite::Embedding, 0.99);
    let label = model.label_embedding.as_ref().unwrap().weight.val().slice([1..2, 0..4]).unsqueeze_dim::<3>(0);
    let all_dropped = (0..20).any(|step| {
        let vectors = model.layer_input(input.clone(), Some(masks(step))).into_vectors();
        difference(vectors, label.clone().expand([1, 3, 4])) == 0.0
    });
    assert!(all_dropped, "only the labels' vectors are left");
    let loss = model.forward_last(input, model.init_state(1)).0.sum();
    let gradients = loss.backward();
    assert!(model.embedding.weight.grad(&gradients).is_none());
    let gradient = model.label_embedding.unwrap().weight.grad(&gradients).unwrap();
    let sums: Vec<f32> = gradient.abs().sum_dim(1).try_into_vec_as().unwrap();
    assert!(sums[0] == 0.0 && sums[1] > 0.0, "{sums:?}");
}

#[test]
fn a_model_with_more_labels_keeps_those_it_has() {
    let old = model(&config().labels(["a"]));
    let fresh = config().vocab_size(12).labels(["a", "b"]).init(2, &Device::flex()).unwrap();
    let resized = old.clone().resize_vocab(fresh.clone());
    assert_eq!(resized.num_params(), fresh.num_params());
    let weights = |model: &LanguageModel| model.label_embedding.as_ref().unwrap().weight.val();
    assert_eq!(difference(weights(&resized).narrow(0, 0, 2), weights(&old)), 0.0);
    let new = weights(&resized).narrow(0, 2, 1);
    assert_eq!(difference(new.clone(), new.zeros_like()), 0.0);
}

#[test]
fn more_labels_do_not_change_what_a_model_predicts_without_a_label() {
    let logits = |model: &LanguageModel| model.forward_last(ids([[0, 3, 1, 2]]), model.init_state(1)).0;
    for own in [&[][..], &["a"]] {
        let old = model(&config().labels(own.iter().copied()));
        let fresh = config().labels(["a", "b"]).init(2, &Device::flex()).unwrap();
        let resized = old.clone().resize_vocab(fresh.clone());
        assert_eq!(resized.num_params(), fresh.num_params());
        assert_eq!(difference(logits(&resized), logits(&old)), 0.0);
    }
}

#[test]
fn the_label_embedding_has_weights_of_its_own_and_changes_no_others() {
    let (plain, labelled) = (model(&config()), model(&config().labels(["a", "b"])));
    let weight = |model: &LanguageModel| model.embedding.weight.val();
    assert_eq!(difference(weight(&plain), weight(&labelled)), 0.0);
    let labels = labelled.label_embedding.unwrap().weight.val();
    assert_eq!(labels.dims(), [3, 4]);
    assert!(difference(labels.clone(), weight(&plain).narrow(0, 0, 3)) > 0.0);
    assert!(labels.abs().max().into_scalar::<f32>() <= 0.05);
}
