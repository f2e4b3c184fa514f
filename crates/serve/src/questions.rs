//! `/api/questions`: questions with answers about a text, by a question model with rules or by rules alone: those that the
//! command `ask` prints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use qa::generate::BeamOptions;
use qa::{AskReport, QgOptions, QuestionFormat, QuestionFormatter};
use rayon::ThreadPoolBuilder;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::api_error::ApiError;
use crate::app::App;
use crate::fields::Fields;

/// The texts that may wait while questions about another one are made.
const MAX_WAITING: usize = 16;
/// The stack of the threads that compute, in bytes, as in the pool of the program.
const STACK_SIZE: usize = 8 << 20;
/// The title of the text in SQuAD's format if the request has none.
const DEFAULT_NAME: &str = "text";
/// What tells spreadsheets that a table is in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The turns of texts that questions are made about, one at a time.
pub(crate) struct QuestionTurns {
    /// A permit for each text whose turn it is or that waits.
    places: Semaphore,
    turn: Semaphore,
}

impl QuestionTurns {
    /// Nobody's turn.
    pub fn new() -> Self {
        Self { places: Semaphore::new(1 + MAX_WAITING), turn: Semaphore::new(1) }
    }
}

/// What a request wants.
struct QuestionRequest {
    /// The number of the question model.
    model: usize,
    text: String,
    /// The title of the text.
    name: String,
    options: QgOptions,
    /// The form of the answer; `None` for one JSON object.
    format: Option<QuestionFormat>,
    has_byte_order_mark: bool,
}

/// Set when nobody waits for the questions any more.
struct Cancelled(Arc<AtomicBool>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes questions about `text`.
pub(crate) async fn questions(State(app): State<Arc<App>>, fields: Fields) -> Result<Response, ApiError> {
    let request = QuestionRequest::new(&fields, &app)?;
    let shared = app.clone();
    let _place = shared.question_turns.places.try_acquire().map_err(|_| ApiError::busy())?;
    let _turn = shared.question_turns.turn.acquire().await.map_err(|_| ApiError::stopping())?;
    let is_cancelled = Arc::new(AtomicBool::new(false));
    let _cancelled = Cancelled(is_cancelled.clone());
    let computed = tokio::task::spawn_blocking(move || ask(&app, &request, &is_cancelled));
    let failed = || ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "no questions could be made: try another text");
    computed.await.map_err(|_| failed())?
}

impl QuestionRequest {
    /// Reads and checks all fields.
    fn new(fields: &Fields, app: &App) -> Result<Self, ApiError> {
        let model = app.models.choose_questions(fields.get::<String>("model", "the name of a model")?.as_deref())?;
        let text: String = fields.get("text", "a text")?.unwrap_or_default();
        let count = |key: &str, expected: &str, limit: usize| -> Result<Option<usize>, ApiError> {
            match fields.get(key, expected)? {
                Some(count) if !(1..=limit).contains(&count) => Err(Fields::unexpected(key, &json!(count), expected)),
                count => Ok(count),
            }
        };
        let default = QgOptions::default();
        let per_sentence = count("per_sentence", "a number from 1 to 20", 20)?.unwrap_or(default.max_per_sentence);
        let beam = count("beam", "a number from 1 to 100", 100)?.unwrap_or(default.beam.beam_size);
        let probability = "a number from 0 to 1";
        let min_confidence: Option<f64> = fields.get("min_confidence", probability)?;
        if let Some(found) = min_confidence.filter(|min| !(0.0..=1.0).contains(min)) {
            return Err(Fields::unexpected("min_confidence", &json!(found), probability));
        }
        let rules = fields.get("rules", "true or false")?.unwrap_or(true);
        if !rules && !app.models.questions(model).pipeline.has_network() {
            let message =
                "`rules` is false, but there is no question model: start the server with one, or leave it out";
            return Err(ApiError::invalid("rules", message));
        }
        let format = fields.get("format", "jsonl, text, csv, tsv, squad or anki")?;
        let has_byte_order_mark = fields.get("bom", "true or false")?.unwrap_or(false);
        if has_byte_order_mark && !matches!(format, Some(QuestionFormat::Csv | QuestionFormat::Tsv)) {
            let message = "`bom` is true, which is for spreadsheets; expected `format` as csv or tsv";
            return Err(ApiError::invalid("bom", message));
        }
        Ok(Self {
            model,
            text,
            name: fields.get("name", "the title of the text")?.unwrap_or_else(|| DEFAULT_NAME.into()),
            options: default
                .max_per_sentence(per_sentence)
                .beam(BeamOptions::default().beam_size(beam))
                .min_confidence(min_confidence)
                .rules(rules),
            format,
            has_byte_order_mark,
        })
    }
}

/// The answer. The threads of the program belong to the engine, which may sleep on one of them, so that these are others.
fn ask(app: &App, request: &QuestionRequest, is_cancelled: &AtomicBool) -> Result<Response, ApiError> {
    let model = app.models.questions(request.model);
    let invalid = |error: qa::Error| match error {
        qa::Error::NoSentences | qa::Error::OnlyLongWords => ApiError::invalid("text", error.to_string()),
        error => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let threads = ThreadPoolBuilder::new().stack_size(STACK_SIZE).build().map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no threads can be started: {error}; try again"))
    })?;
    let keep_going = |_: qa::AskProgress| !is_cancelled.load(Ordering::Relaxed);
    let report = threads.install(|| model.pipeline.ask_while(&request.text, &request.options, keep_going));
    // Nobody reads this error.
    let report = report.map_err(invalid)?.ok_or_else(ApiError::stopping)?;
    Ok(match request.format {
        None => Json(whole(&model.name, &report)).into_response(),
        Some(format) => {
            let mut formatter = QuestionFormatter::new(format);
            let mark = if request.has_byte_order_mark { BYTE_ORDER_MARK.to_string() } else { String::new() };
            let parts = [mark, formatter.start(), formatter.next(&report.questions)];
            let text = parts.concat() + &formatter.end(&request.text, &request.name, &report.questions);
            ([(CONTENT_TYPE, content_type(format))], text).into_response()
        }
    })
}

/// All questions as one JSON object, and how many others there were.
fn whole(model: &str, report: &AskReport) -> Value {
    let AskReport { questions, sentences, generated, inconsistent, low_confidence, min_confidence, long_words, .. } =
        report;
    json!({
        "model": model, "questions": questions.iter().map(qa::formats::to_json).collect::<Vec<_>>(), "sentences": sentences,
        "generated": generated, "inconsistent": inconsistent, "low_confidence": low_confidence,
        "min_confidence": min_confidence, "long_words": long_words.len(),
    })
}

fn content_type(format: QuestionFormat) -> &'static str {
    match format {
        QuestionFormat::Jsonl => "application/jsonl",
        QuestionFormat::Squad => "application/json",
        QuestionFormat::Csv => "text/csv; charset=utf-8",
        QuestionFormat::Tsv => "text/tab-separated-values; charset=utf-8",
        QuestionFormat::Text | QuestionFormat::Anki => "text/plain; charset=utf-8",
    }
}
