//! `/api/next`: the likeliest next tokens of a text, to choose from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use generate::Prompt;
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::app::App;
use crate::engine::{Event, Job, Work, event_channel};
use crate::fields::Fields;
use crate::reading::Reading;

/// The most tokens that are listed.
const MAX_TOKENS: usize = 1_000;
/// The tokens that are listed if the request does not say.
const DEFAULT_TOKENS: usize = 10;

/// The `k` likeliest tokens after `text`.
pub(crate) async fn next_tokens(State(app): State<Arc<App>>, fields: Fields) -> Result<Json<Value>, ApiError> {
    let model = app.models.choose(fields.get::<String>("model", "the name of a model")?.as_deref())?;
    let text = fields.get::<String>("text", "a text")?.unwrap_or_default();
    let label = fields.get::<String>("label", "the name of a label")?;
    let expected = "a number from 1 to 1000";
    let next: usize = fields.get("k", expected)?.unwrap_or(DEFAULT_TOKENS);
    if !(1..=MAX_TOKENS).contains(&next) {
        return Err(Fields::unexpected("k", &json!(next), expected));
    }
    let generator = app.models.generator(&model);
    generator.label_number(label.as_deref()).map_err(|error| ApiError::invalid("label", error.to_string()))?;
    let prompt = generator.prompt(&text).map_err(|error| ApiError::invalid("text", error.to_string()))?;
    let Prompt { ids, oov_tokens, .. } = prompt;
    let permit = app.engine.reserve(1)?.remove(0);
    let (events, mut receiver) = event_channel(1);
    let work = Work::Read(Reading { context: ids, ids: Vec::new(), label, log_probs: None, next });
    app.engine.begin(Job { index: 0, answers: 1, model: model.clone(), work, events, permit });
    match receiver.recv().await {
        Some((_, Event::Read(result))) => {
            Ok(Json(json!({ "model": model.name, "unknown_tokens": oov_tokens, "next": result.next })))
        }
        Some((_, Event::Failed(error))) => Err(error),
        _ => Err(ApiError::stopping()),
    }
}
