//! `/api/models`: the models, with what can be done with each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use text_prep::PreTokenizer;

use crate::app::App;
use crate::completion_request::MAX_TOKENS;
use crate::models::{ServedModel, ServedQuestionModel};

/// All models, of each kind the default first.
pub(crate) async fn model_list(State(app): State<Arc<App>>) -> Json<Value> {
    let models = app.models.all();
    let listed = |model: &ServedModel| language_model(model, models);
    let questions = |ServedQuestionModel { name, pipeline }: &ServedQuestionModel| json!({ "name": name, "has_network": pipeline.has_network() });
    let no_runs = app.runs.is_none().then_some("the server was started without a folder of runs");
    Json(json!({
        "program": concat!("Pastiche ", env!("CARGO_PKG_VERSION")),
        "models": models.iter().map(listed).collect::<Vec<_>>(),
        "question_models": app.models.all_questions().iter().map(questions).collect::<Vec<_>>(),
        "no_questions": null,
        "no_runs": no_runs,
    }))
}

/// A language model, of `all`.
fn language_model(model: &ServedModel, all: &[ServedModel]) -> Value {
    let ServedModel { name, generator, training_text, manifest_sha256 } = model;
    let tokenizer = generator.tokenizer();
    let unit = match tokenizer.pre_tokenizer {
        PreTokenizer::Words(_) | PreTokenizer::Spans(_) => "word",
        PreTokenizer::Characters(_) => "character",
        PreTokenizer::Subwords(_) => "subword",
    };
    // The name of a blend has no way to write one with a comma.
    let has_comma = |name: &str| name.contains(',');
    let others = all.iter().filter(|other| other.name != *name && !has_comma(name) && !has_comma(&other.name));
    let can_blend = others.filter(|other| generator.check_same_vocabulary(&other.generator).is_ok());
    json!({
        "name": name, "sha256": manifest_sha256, "unit": unit, "vocabulary": tokenizer.vocabulary.len(),
        "max_tokens": MAX_TOKENS, "labels": generator.bundle().metadata.config.labels,
        "has_ngrams": generator.mixture().is_some(), "no_training_text": training_text.as_ref().err(),
        "blends_with": can_blend.map(|other| &other.name).collect::<Vec<_>>(),
    })
}
