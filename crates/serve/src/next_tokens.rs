//! `/api/next`: the likeliest next tokens of a text, to choose from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eval::Match;
use generate::Prompt;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::app::App;
use crate::completion_request::{max_copied, prompt_warnings};
use crate::engine::{Event, Job, Work, event_channel};
use crate::fields::Fields;
use crate::long_work::long_work;
use crate::models::ModelChoice;
use crate::prediction::{ListedToken, PredictionRequest, next_ids_read};
use crate::shortened::shortened;
use crate::trace::shortest_run;

/// The most tokens that are listed.
const MAX_TOKENS: usize = 1_000;
/// The tokens that are listed if the request does not say.
const DEFAULT_TOKENS: usize = 10;

/// A next token, with what it would copy.
#[derive(Serialize)]
struct NextChoice {
    #[serde(flatten)]
    token: ListedToken,
    /// Whether it is the end of a document.
    is_end: bool,
    /// The sequence of the training text that the text would end with; `None` without the training text.
    #[serde(flatten)]
    copied: Option<Copied>,
}

/// A sequence that is copied from the training text, to its end with a next token.
#[derive(Serialize)]
struct Copied {
    /// Its tokens, with the next one.
    copied_tokens: usize,
    /// Where it begins in the training text, in tokens; `None` if that does not have the token.
    copied_from: Option<usize>,
    /// Whether it is long enough to count as copied.
    is_copied: bool,
    /// Whether it is within the limit of the request, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_allowed: Option<bool>,
}

/// Which sequences count.
#[derive(Clone, Copy)]
struct CopyLimits {
    /// The tokens of the shortest one that counts as copied.
    shortest: usize,
    /// The tokens of the longest one that is allowed.
    most: Option<usize>,
}

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
    let limits = CopyLimits { shortest: shortest_run(&fields)?, most: max_copied(&fields, &model, &app)? };
    let generator = app.models.generator(&model);
    generator.label_number(label.as_deref()).map_err(|error| ApiError::invalid("label", error.to_string()))?;
    let (shared, of) = (app.clone(), model.clone());
    let encode = move || shared.models.generator(&of).prompt(&text);
    let prompt = if fields.are_long() { long_work(&app, encode).await? } else { encode() };
    let prompt = prompt.map_err(|error| ApiError::invalid("text", error.to_string()))?;
    let reads = generator.prompt_ids_read().min(next_ids_read(prompt.ids.len()));
    let warnings = prompt_warnings(generator, &prompt, reads);
    let Prompt { ids, text_start, oov_tokens, .. } = prompt;
    let permit = app.engine.reserve(1)?.remove(0);
    let (events, mut receiver) = event_channel(1);
    let request = PredictionRequest { context: ids.clone(), ids: Vec::new(), label, log_probs: None, next };
    let work = Work::Predict(request);
    app.engine.begin(Job { index: 0, answers: 1, model: model.clone(), work, events, permit });
    let next = match receiver.recv().await {
        Some((_, Event::Predicted(prediction))) => prediction.next,
        Some((_, Event::Failed(error))) => return Err(error),
        _ => return Err(ApiError::stopping()),
    };
    let no_training_text = app.models.training_text(&model).err().map(str::to_owned);
    let name = model.name.clone();
    let unknown: Vec<_> = oov_tokens.iter().map(|token| shortened(token)).collect();
    let (shared, is_traced) = (app.clone(), no_training_text.is_none());
    let trace = move || with_copies(&shared, &model, &ids[text_start..], next, limits);
    // Sequences of a large training text are looked for by another thread than that of the connections.
    let choices = if is_traced { long_work(&app, trace).await? } else { trace() };
    Ok(Json(json!({
        "model": name, "unknown_tokens": unknown, "next": choices, "no_training_text": no_training_text,
        "warnings": warnings,
    })))
}

/// The next tokens after the text with the ids `written`, with what each would copy of the training text, if it was read.
fn with_copies(
    app: &App,
    model: &ModelChoice,
    written: &[u32],
    next: Vec<ListedToken>,
    CopyLimits { shortest, most }: CopyLimits,
) -> Vec<NextChoice> {
    let vocabulary = &app.models.generator(model).tokenizer().vocabulary;
    let copied = |Match { length, in_text, .. }: Match| Copied {
        copied_tokens: length,
        copied_from: (length > 0).then_some(in_text),
        is_copied: length >= shortest,
        is_allowed: most.map(|most| length <= most),
    };
    let copied: Vec<Option<Copied>> = match app.models.training_text(model) {
        Err(_) => next.iter().map(|_| None).collect(),
        Ok(training_text) => {
            let ids: Vec<u32> = next.iter().map(|token| token.id).collect();
            let runs = training_text.continued_runs(written, &ids, vocabulary.unknown_id());
            runs.into_iter().map(|run| Some(copied(run))).collect()
        }
    };
    let choice = |(token, copied): (ListedToken, Option<Copied>)| {
        let is_end = vocabulary.document_id() == Some(token.id);
        NextChoice { token, is_end, copied }
    };
    next.into_iter().zip(copied).map(choice).collect()
}
