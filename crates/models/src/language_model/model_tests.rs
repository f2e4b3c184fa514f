//! Tests of the network of the language model and its forward pass.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{LanguageModel, LanguageModelConfig};
use crate::dropout::{DropoutKey, DropoutSite};
use crate::stack::{ForwardOptions, LayerConfig};

fn config() -> LanguageModelConfig {
    let layer = LayerConfig::lstm(4);
    LanguageModelConfig::new(11, 4, vec![layer; 2])
}

fn model(config: &LanguageModelConfig) -> LanguageModel {
    config.init(1, &Device::flex()).unwrap()
}

fn ids<const N: usize>(rows: [[i32; N]; 2]) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::from(rows), &Device::flex())
}

fn difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
    (a - b).abs().max().into_scalar::<f32>()
}

#[test]
fn logits_of_the_last_steps_are_the_last_of_all_logits() {
    let model = model(&config());
    let rows = ids([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
    let (all, _) = model.forward_all(rows.clone(), model.init_state(2));
    let (two, _) = model.forward(rows.clone(), model.init_state(2), 2, None);
    let (last, _) = model.forward_last(rows, model.init_state(2));
    assert!(difference(all.clone().slice([0..2, 3..5, 0..11]), two) < 1e-6);
    let end = all.slice([0..2, 4..5, 0..11]).squeeze_dim::<2>(1);
    assert!(difference(end, last) < 1e-6);
}

#[test]
fn a_larger_vocabulary_keeps_the_logits_of_the_old_tokens() {
    for config in [config(), config().tie_weights(true)] {
        let old = model(&config);
        let larger = config.vocab_size(14);
        let fresh = larger.init(2, &Device::flex()).unwrap();
        let resized = old.clone().resize_vocab(fresh.clone());
        assert_eq!(resized.num_params(), fresh.num_params());
        let rows = ids([[1, 2, 3], [3, 4, 5]]);
        let (expected, _) = old.forward_last(rows.clone(), old.init_state(2));
        let (found, _) = resized.forward_last(rows, resized.init_state(2));
        assert_eq!(found.dims(), [2, 14]);
        assert!(difference(found.narrow(1, 0, 11), expected) < 1e-6);
        let new = |model: &LanguageModel| model.embedding.weight.val().narrow(0, 11, 3);
        assert_eq!(difference(new(&resized), new(&fresh)), 0.0);
    }
}

#[test]
fn every_kind_of_dropout_needs_a_key_and_depends_on_it() {
    let recurrent = config().layers.remove(0).recurrent_dropout(0.5);
    let cases = [
        config().dropout(0.5),
        config().dropout(0.5).locked_dropout(true),
        config().layer_dropout(0.5),
        config().embedding_dropout(0.5),
        config().input_dropout(0.5),
        config().input_dropout(0.5).locked_dropout(true),
        config().layers(vec![recurrent]),
    ];
    let logits = |model: &LanguageModel, key| model.forward(ids([[1, 2, 3], [3, 4, 5]]), model.init_state(2), 3, key).0;
    let key = |step| Some(DropoutKey { seed: 1, step });
    for config in cases {
        let model = model(&config);
        let run = |key| logits(&model, key);
        assert_eq!(difference(run(None), run(None)), 0.0);
        assert_eq!(difference(run(key(1)), run(key(1))), 0.0);
        assert!(difference(run(None), run(key(1))) > 1e-4, "{config:?}");
        assert!(difference(run(key(2)), run(key(1))) > 1e-4, "{config:?}");
    }
    let model = model(&config());
    assert_eq!(difference(logits(&model, None), logits(&model, key(1))), 0.0);
}

#[test]
fn the_penalty_is_minimized_besides_the_loss() {
    let plain = config().dropout(0.5).locked_dropout(true);
    let key = DropoutKey { seed: 1, step: 1 };
    let device = Device::flex().autodiff();
    let run = |config: &LanguageModelConfig| {
        let model = model(config).trainable();
        let [ids, targets] = [[[1, 2, 3], [3, 4, 5]], [[2, 3, 4], [4, 5, 6]]].map(|rows| ids(rows).to_device(&device));
        let (loss, _) = model.forward_train(ids, targets, model.init_state(2), key);
        let gradients = loss.minimized().backward();
        let gradient = model.embedding.weight.grad(&gradients).unwrap();
        (loss.nats.clone().without_autodiff(), loss.minimized().without_autodiff(), gradient)
    };
    let (nats, minimized, gradient) = run(&plain);
    assert!(difference(nats.clone().mean(), minimized) < 1e-6);
    // The outputs of the layers, which have no dropout, and then dropout.
    let model = model(&plain);
    let input = model.layer_input(ids([[1, 2, 3], [3, 4, 5]]), None);
    let (outputs, _) = model.stack.forward(input, model.init_state(2), &ForwardOptions::default());
    let dropped = key.masks(DropoutSite::Output, 0.5).drop_steps(outputs.clone(), true);
    let ar = (dropped.clone() * dropped).mean();
    let steps = outputs.clone().narrow(1, 1, 2) - outputs.narrow(1, 0, 2);
    let tar = (steps.clone() * steps).mean();
    for (config, penalty) in [
        (plain.clone().activation_regularization(2.0), ar.mul_scalar(2.0)),
        (plain.clone().temporal_activation_regularization(3.0), tar.mul_scalar(3.0)),
    ] {
        let (nats_of_same, minimized, other_gradient) = run(&config);
        assert_eq!(difference(nats_of_same, nats.clone()), 0.0);
        assert!(difference(minimized, nats.clone().mean() + penalty) < 1e-5, "{config:?}");
        assert!(difference(other_gradient, gradient.clone()) > 0.0, "{config:?}");
    }
}

#[test]
fn tied_weights_are_the_embedding_rows() {
    let tied = config().tie_weights(true);
    let model = model(&tied);
    assert_eq!(model.num_params(), num_params(&config()) - 4 * 11);
    let mut scaled = model.clone();
    scaled.embedding.weight = scaled.embedding.weight.map(|rows| rows * 2.0);
    // The same hidden states, so that only the output layer sees the scaled rows.
    let hidden = Tensor::<2>::ones([1, 4], &Device::flex());
    let logits = |model: &LanguageModel| model.output.forward(hidden.clone(), &model.embedding);
    assert!(difference(logits(&model) * 2.0, logits(&scaled)) < 1e-6);
}

fn num_params(config: &LanguageModelConfig) -> usize {
    model(config).num_params()
}

#[test]
fn a_frozen_embedding_gets_no_gradient() {
    let frozen = config().frozen_embedding(true);
    for (config, expected) in [(frozen, false), (config(), true)] {
        let model = model(&config).trainable();
        let ids = ids([[1, 2], [3, 4]]).to_device(&Device::flex().autodiff());
        let loss = model.forward_last(ids, model.init_state(2)).0.sum();
        let gradients = loss.backward();
        assert_eq!(model.embedding.weight.grad(&gradients).is_some(), expected);
        assert!(model.output.bias.grad(&gradients).is_some());
    }
}
