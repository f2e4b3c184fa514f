//! `/api/trace`: which parts of a text are copied from the training text, and from where.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eval::Match;
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::app::App;
use crate::fields::Fields;
use crate::long_work::long_work;
use crate::models::ModelChoice;
use crate::offsets::WrittenText;

/// What `shortest` may be at least: nearly every pair of tokens is in every training text.
const LOWEST_SHORTEST: usize = 3;
/// The shortest sequence that counts as copied if the request does not say.
const DEFAULT_SHORTEST: usize = 5;
/// The most sequences that are listed.
const MAX_RUNS: usize = 1_000;
/// The tokens of the training text that are shown before and after a copied sequence.
const SHOWN: usize = 12;

/// The sequences of at least `shortest` tokens that `text` has in common with the training text of the model.
pub(crate) async fn trace(State(app): State<Arc<App>>, fields: Fields) -> Result<Json<Value>, ApiError> {
    let model = app.models.choose(fields.get::<String>("model", "the name of a model")?.as_deref())?;
    let text = fields.get::<String>("text", "a text")?.unwrap_or_default();
    let shortest = shortest_run(&fields)?;
    let traced = Arc::clone(&app);
    long_work(&app, move || copied(&traced, &model, &text, shortest)).await?.map(Json)
}

/// The length in tokens of the shortest sequence that counts as copied.
///
/// # Errors
/// 400 if nearly every text has sequences of this length.
pub(crate) fn shortest_run(fields: &Fields) -> Result<usize, ApiError> {
    let expected = "a number of tokens from 3 on";
    let shortest = fields.get("shortest", expected)?.unwrap_or(DEFAULT_SHORTEST);
    if shortest < LOWEST_SHORTEST {
        Err(Fields::unexpected("shortest", &json!(shortest), expected))
    } else {
        Ok(shortest)
    }
}

/// The answer.
fn copied(app: &App, model: &ModelChoice, text: &str, shortest: usize) -> Result<Value, ApiError> {
    let generator = app.models.generator(model);
    let training_text = app.models.training_text(model);
    let training_text = training_text.map_err(|reason| ApiError::no_training_text(&model.name, reason))?;
    let scored = generator.scored_ids(text);
    let (_, ids) = scored.map_err(|error| ApiError::invalid("text", error.to_string()))?;
    let tokenizer = generator.tokenizer();
    // Separators that cleaning puts before a text are not copied.
    let ids = &ids[tokenizer.leading_separators(&ids)..];
    let written = WrittenText::new(tokenizer, ids);
    let source = training_text.text();
    let run = |&Match { length, in_sample, in_text }: &Match| {
        let end = in_text + length;
        let before = tokenizer.decode(&source[in_text.saturating_sub(SHOWN)..in_text]);
        let after = tokenizer.decode(&source[end..source.len().min(end + SHOWN)]);
        json!({
            "start": written.tokens[in_sample].start, "end": written.tokens[in_sample + length - 1].end, "tokens": length,
            "source": {
                "position": in_text, "before": before, "text": tokenizer.decode(&source[in_text..end]), "after": after,
            },
        })
    };
    let found = training_text.copied_runs(ids, shortest, tokenizer.vocabulary.unknown_id());
    Ok(json!({
        "model": model.name, "text": written.text, "tokens": ids.len(), "training_tokens": source.len(),
        "runs": found.iter().take(MAX_RUNS).map(run).collect::<Vec<_>>(), "has_more": found.len() > MAX_RUNS,
    }))
}
