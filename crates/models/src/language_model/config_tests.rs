//! Tests of the configuration of a language model.

use super::config::LanguageModelConfig;
use crate::cell::Activation;
use crate::stack::LayerConfig;

fn layer() -> LayerConfig {
    LayerConfig::lstm(4)
}

fn config() -> LanguageModelConfig {
    LanguageModelConfig::new(9, 3, vec![layer()]).dropout(0.2)
}

#[test]
fn invalid_settings_are_rejected_by_name() {
    let with = |layer| config().layers([layer]);
    let cases = [
        (LanguageModelConfig::default(), "vocab_size"),
        (config().document_id(9), "document_id"),
        (config().labels(["a", "b", "a"]), "labels[2]"),
        (config().embedding_dim(0), "model.embedding_dim"),
        (config().dropout(1.0), "model.dropout"),
        (config().dropout(f64::NAN), "model.dropout"),
        (config().layer_dropout(-0.1), "model.layer_dropout"),
        (config().embedding_dropout(1.5), "embedding_dropout"),
        (config().input_dropout(1.0), "model.input_dropout"),
        (config().activation_regularization(-1.0), "model.activation_regularization"),
        (config().temporal_activation_regularization(f64::NAN), "model.temporal_activation_regularization"),
        (config().layers([]), "model.layers"),
        (config().projection_dim(9_000), "model.projection"),
        (with(layer().units(0)), "model.layers[0].units"),
        (with(layer().recurrent_dropout(1.0)), "[0].recurrent_dropout"),
        (with(layer().activation(Activation::Relu)), "`model.layers[0].activation`"),
        (with(layer().reset_after(true)), "[0].reset_after`"),
        (with(LayerConfig::gru(4).cell_norm(true)), "[0].cell_norm`"),
        (with(LayerConfig::rnn(4).mogrifier_rounds(5)), "[0].mogrifier_rounds`"),
        (with(LayerConfig::gru(4).mogrifier_rank(2)), "[0].mogrifier_rank`"),
        (with(layer().mogrifier_rounds(33)), "[0].mogrifier_rounds`"),
        (with(layer().mogrifier_rounds(5).mogrifier_rank(8_193)), "[0].mogrifier_rank`"),
        (with(layer().mogrifier_rank(2)), "[0].mogrifier_rank`"),
    ];
    for (config, key) in cases {
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    config().check().unwrap();
}

#[test]
fn documents_labels_penalties_and_options_of_cells_are_left_out_of_files_when_unused() {
    let json = serde_json::to_string(&config()).unwrap();
    for key in ["document", "labels", "input_dropout", "regularization", "cell_norm", "mogrifier"] {
        assert!(!json.contains(key), "{json}");
    }
    let penalties = config().input_dropout(0.5).activation_regularization(2.0);
    let penalties = penalties.temporal_activation_regularization(1.0);
    let json_of_penalties = serde_json::to_string(&penalties).unwrap();
    assert_eq!(serde_json::from_str::<LanguageModelConfig>(&json_of_penalties).unwrap(), penalties);
    assert_eq!(serde_json::from_str::<LanguageModelConfig>(&json).unwrap(), config());
    let documents = config().document_id(8).labels(["a", "b"]);
    documents.check().unwrap();
    let json = serde_json::to_string(&documents).unwrap();
    assert!(json.contains(r#""document_id":8,"labels":["a","b"]"#), "{json}");
    assert_eq!(serde_json::from_str::<LanguageModelConfig>(&json).unwrap(), documents);
    let extended = config().layers([layer().cell_norm(true).mogrifier_rounds(5).mogrifier_rank(2)]);
    let json_of_extended = serde_json::to_string(&extended).unwrap();
    assert_eq!(serde_json::from_str::<LanguageModelConfig>(&json_of_extended).unwrap(), extended);
    assert_eq!(["a", "b", "c"].map(|label| documents.label_number(label)), [Some(1), Some(2), None]);
}

#[test]
fn a_bidirectional_language_model_is_rejected_with_the_reason() {
    let layers = [layer(), layer().bidirectional(true)];
    let error = config().document_id(1).layers(layers).check().unwrap_err().to_string();
    assert!(error.contains("model.layers[1].bidirectional"), "{error}");
    assert!(error.contains("the tokens that it has to predict"), "{error}");
}

#[test]
fn tied_sizes_must_match_and_a_projection_makes_them_match() {
    let tied = config().tie_weights(true);
    let error = tied.check().unwrap_err().to_string();
    assert!(error.contains("`model.layers[0].units` is 4, expected 3"), "{error}");
    assert!(error.contains("model.projection"), "{error}");
    let error = tied.clone().projection_dim(5).check().unwrap_err();
    for part in ["`model.projection` is 5, expected 3", "to 3, or `model.tie_weights` to false"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    tied.clone().projection_dim(3).check().unwrap();
    tied.embedding_dim(4).check().unwrap();
}
