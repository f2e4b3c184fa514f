//! The initial weights of a language model by each scheme.

use burn::tensor::{Device, Tensor};

use super::{LanguageModel, LanguageModelConfig};
use crate::init::InitScheme;
use crate::stack::LayerConfig;

const INPUTS: usize = 25;

fn config(init_scheme: InitScheme) -> LanguageModelConfig {
    LanguageModelConfig::new(400, 8, vec![LayerConfig::gru(INPUTS).layer_norm(true)]).init_scheme(init_scheme)
}

fn model(config: &LanguageModelConfig) -> LanguageModel {
    config.init(1, &Device::flex()).unwrap()
}

fn largest<const D: usize>(weights: Tensor<D>) -> f32 {
    weights.abs().max().into_scalar::<f32>()
}

/// Checks that the values fill the interval up to ±`limit`.
fn assert_limit(weights: Tensor<2>, limit: f64) {
    let found = f64::from(largest(weights));
    assert!(found <= 1.000_001 * limit && found > 0.98 * limit, "{found}, expected {limit}");
}

fn assert_same<const D: usize>(a: Tensor<D>, b: Tensor<D>) {
    assert_eq!(largest(a - b), 0.0);
}

#[test]
fn the_scheme_determines_the_embeddings_and_the_output_layer_alone() {
    let [keras, uniform] =
        [InitScheme::Keras, InitScheme::Uniform].map(|scheme| model(&config(scheme).projection_dim(16).labels(["a"])));
    assert_limit(keras.embedding.weight.val(), 0.05);
    assert_limit(uniform.embedding.weight.val(), 0.1);
    assert_limit(keras.output.kernel.as_ref().unwrap().val(), (6.0f64 / (16.0 + 400.0)).sqrt());
    assert_limit(uniform.output.kernel.as_ref().unwrap().val(), 0.25);
    let labels = |model: &LanguageModel| model.label_embedding.as_ref().unwrap().weight.val();
    assert!(largest(labels(&keras)) <= 0.05);
    assert_same(labels(&uniform), labels(&keras) * 2.0);

    let cell = |model: &LanguageModel| model.stack.layers[0].cell.clone();
    assert_same(cell(&keras).kernel().val(), cell(&uniform).kernel().val());
    assert_same(cell(&keras).recurrent_kernel().val(), cell(&uniform).recurrent_kernel().val());
    assert_same(cell(&keras).bias().val(), cell(&uniform).bias().val());
    let projection = |model: &LanguageModel| model.output.projection.clone().unwrap();
    assert_same(projection(&keras).kernel.val(), projection(&uniform).kernel.val());
    assert_eq!(largest(projection(&uniform).bias.val()), 0.0);
    assert_eq!(largest(uniform.output.bias.val()), 0.0);
}

#[test]
fn without_a_projection_the_inputs_of_the_output_layer_are_the_units() {
    let output = model(&config(InitScheme::Uniform)).output;
    assert_limit(output.kernel.unwrap().val(), 1.0 / (INPUTS as f64).sqrt());
}

#[test]
fn tied_weights_have_the_distribution_of_the_embedding() {
    let tied = |scheme| model(&config(scheme).embedding_dim(INPUTS).tie_weights(true));
    let [keras, uniform] = [InitScheme::Keras, InitScheme::Uniform].map(tied);
    assert!(uniform.output.kernel.is_none());
    assert_limit(keras.embedding.weight.val(), 0.05);
    assert_limit(uniform.embedding.weight.val(), 0.1);
}

#[test]
fn new_tokens_get_weights_of_the_scheme_of_the_model() {
    let config = config(InitScheme::Uniform);
    let old = model(&config);
    let fresh = config.vocab_size(700).init(2, &Device::flex()).unwrap();
    let resized = old.clone().resize_vocab(fresh);
    assert_same(resized.embedding.weight.val().narrow(0, 0, 400), old.embedding.weight.val());
    assert_limit(resized.embedding.weight.val().narrow(0, 400, 300), 0.1);
    let kernel = |model: &LanguageModel| model.output.kernel.as_ref().unwrap().val();
    assert_same(kernel(&resized).narrow(1, 0, 400), kernel(&old));
    assert_limit(kernel(&resized).narrow(1, 400, 300), 0.2);
}

#[test]
fn weights_depend_on_seed_and_scheme_alone() {
    let weights = |seed, scheme| {
        let model = config(scheme).init(seed, &Device::flex()).unwrap();
        let of_embedding: Vec<f32> = model.embedding.weight.val().try_into_vec_as().unwrap();
        let of_output: Vec<f32> = model.output.kernel.unwrap().val().try_into_vec_as().unwrap();
        (of_embedding, of_output)
    };
    assert_eq!(weights(1, InitScheme::Uniform), weights(1, InitScheme::Uniform));
    for (seed, scheme) in [(2, InitScheme::Uniform), (1, InitScheme::Keras)] {
        let (a, b) = (weights(1, InitScheme::Uniform), weights(seed, scheme));
        assert!(a.0 != b.0 && a.1 != b.1, "{seed} {scheme:?}");
    }
}

#[test]
fn files_without_the_scheme_have_that_of_keras_and_leave_it_out() {
    let of = |config: &LanguageModelConfig| serde_json::to_string(config).unwrap();
    let read = |json: &str| serde_json::from_str::<LanguageModelConfig>(json).unwrap();
    let keras = of(&config(InitScheme::Keras));
    assert!(!keras.contains("init"), "{keras}");
    assert_eq!(read(&keras), config(InitScheme::Keras));
    let uniform = of(&config(InitScheme::Uniform));
    assert!(uniform.contains(r#""init":"uniform""#), "{uniform}");
    assert_eq!(read(&uniform), config(InitScheme::Uniform));
    let wrong = serde_json::from_str::<LanguageModelConfig>(&uniform.replace("uniform", "normal")).unwrap_err();
    assert!(wrong.to_string().contains("expected `keras` or `uniform`"), "{wrong}");
}
