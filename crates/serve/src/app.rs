//! The addresses that the server answers, and what their handlers share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use generate::Sampling;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::access::{Access, check_access};
use crate::api_error::ApiError;
use crate::completions::{chat_completions, completions};
use crate::engine::EngineHandle;
use crate::metrics::Metrics;
use crate::model_list::model_list;
use crate::models::Models;
use crate::next_tokens::next_tokens;
use crate::page_routes::page_router;
use crate::questions::{QuestionTurns, questions};
use crate::run_events::{run_events, runs};
use crate::trace::trace;

/// What handlers share.
pub(crate) struct App {
    pub models: Arc<Models>,
    pub engine: EngineHandle,
    /// A permit for each request whose long work may be done at once.
    pub long_work: Arc<Semaphore>,
    pub metrics: Arc<Metrics>,
    /// The sampling of requests that do not say otherwise.
    pub sampling: Sampling,
    /// The folder of the runs that can be watched.
    pub runs: Option<PathBuf>,
    pub access: Access,
    /// How long a client may take to send a body.
    pub body_limit: Duration,
    /// The turns of texts that questions are made about.
    pub question_turns: QuestionTurns,
    /// Says when the server stops.
    pub stop: watch::Receiver<bool>,
}

/// What `/api` answers.
const INDEX: &str = "\
Pastiche serves language models over HTTP.

GET  /                     the page with which texts are written
GET  /health               whether the server answers
GET  /metrics              counts, in the text format of Prometheus
GET  /v1/models            the models
POST /v1/completions       continue a text, as OpenAI's API does
POST /v1/chat/completions  continue the last message of the user
POST /api/next             the likeliest next tokens of a text
POST /api/trace            what a text has in common with the training text
POST /api/questions        questions with answers about a text
GET  /api/models           the models, with what can be done with each
GET  /api/runs             the runs that can be watched
GET  /api/runs/NAME/events the metrics of a run, as training writes them
";

/// The handlers of all addresses.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(page_router())
        .route("/api", get(async || INDEX))
        .route("/health", get(async || Json(json!({ "status": "ok" }))))
        .route("/metrics", get(async |State(app): State<Arc<App>>| app.metrics.to_text()))
        .route("/v1/models", get(models))
        .route("/v1/completions", post(completions))
        .route("/v1/chat/completions", post(chat_completions))
        .route("/api/next", post(next_tokens))
        .route("/api/trace", post(trace))
        .route("/api/questions", post(questions))
        .route("/api/models", get(model_list))
        .route("/api/runs", get(runs))
        .route("/api/runs/{name}/events", get(run_events))
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "there is no such address: `/api` lists all of them"))
        .method_not_allowed_fallback(async || {
            let message = "the address has another method: `/api` lists the addresses with their methods";
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .layer(middleware::from_fn_with_state(app.clone(), check_access))
        .with_state(app)
}

/// The models, the default first.
async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    let created = app.models.started;
    let model = |id| json!({ "id": id, "object": "model", "created": created, "owned_by": "pastiche" });
    Json(json!({ "object": "list", "data": app.models.names().map(model).collect::<Vec<_>>() }))
}
