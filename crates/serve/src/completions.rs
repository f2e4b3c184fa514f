//! `/v1/completions` and `/v1/chat/completions`: texts as a whole, or streamed as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event as ServerSentEvent, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::answer_format::{AnswerFormat, AnswerToken, Usage, add_scored_text, add_warnings, finish_reason};
use crate::api_error::ApiError;
use crate::app::App;
use crate::completion_request::{CompletionRequest, Style};
use crate::engine::{Event, EventReceiver, Job, Work, event_channel};
use crate::fields::Fields;
use crate::long_work::long_work;
use crate::offsets::{TokenNames, WrittenText};
use crate::prediction::{Prediction, PredictionRequest};
use crate::system::{random_bits, unix_time};

/// What ends a stream.
const DONE: &str = "[DONE]";
/// The shortest time between two writes of a stream. The tokens of this time are written together: with many streams, one
/// write per token takes much processor time (benchmarks/README.md, "The server").
const WRITE_INTERVAL: Duration = Duration::from_millis(10);

/// Continues texts.
pub(crate) async fn completions(State(app): State<Arc<App>>, fields: Fields) -> Result<Response, ApiError> {
    answer(Style::Completion, app, fields).await
}

/// Continues the last message of the user.
pub(crate) async fn chat_completions(State(app): State<Arc<App>>, fields: Fields) -> Result<Response, ApiError> {
    answer(Style::Chat, app, fields).await
}

async fn answer(style: Style, app: Arc<App>, fields: Fields) -> Result<Response, ApiError> {
    let (is_long, shared) = (fields.are_long(), app.clone());
    let begun = move || {
        let request = CompletionRequest::new(style, &fields, &shared)?;
        let events = begin(&shared, &request)?;
        Ok::<_, ApiError>((request, events))
    };
    let (request, events) = if is_long { long_work(&app, begun).await? } else { begun() }?;
    let answer = Answer { app, request, id: random_bits(), created: unix_time() };
    if answer.request.stream { Ok(answer.stream(events)) } else { answer.whole(events).await.map(Json::into_response) }
}

/// Begins all texts of a request.
fn begin(app: &App, request: &CompletionRequest) -> Result<EventReceiver, ApiError> {
    let answers = request.prompts.len() * request.n;
    let (sender, receiver) = event_channel(answers);
    let permits = app.engine.reserve(answers)?;
    let generator = app.models.generator(&request.model);
    let mut works = Vec::with_capacity(answers);
    for index in 0..answers {
        let prompt = &request.prompts[index / request.n];
        works.push(if request.only_scores() {
            let scored = generator.scored_ids(&prompt.text);
            let (context, ids) = scored.map_err(|error| ApiError::invalid("prompt", error.to_string()))?;
            let (label, log_probs) = (request.label.clone(), request.log_probs);
            Work::Predict(PredictionRequest { context, ids, label, log_probs, next: 0 })
        } else {
            app.metrics.prompt_tokens.add(prompt.encoded.ids.len() as u64);
            Work::Sample {
                prompt: prompt.encoded.clone(),
                sampling: Box::new(request.sampling.clone()),
                number: (index % request.n) as u64,
                in_pieces: request.stream,
                log_probs: request.log_probs,
                max_copied: request.max_copied,
            }
        });
    }
    for (index, (work, permit)) in works.into_iter().zip(permits).enumerate() {
        let (model, events) = (request.model.clone(), sender.clone());
        app.engine.begin(Job { index, answers, model, work, events, permit });
    }
    Ok(receiver)
}

/// The answer to a request.
struct Answer {
    app: Arc<App>,
    request: CompletionRequest,
    id: u64,
    /// When it was asked for, in seconds since 1970.
    created: u64,
}

/// A text as far as it has come.
#[derive(Default)]
struct Choice {
    text: String,
    tokens: Vec<AnswerToken>,
    scored_text: Option<String>,
    reason: Option<&'static str>,
}

/// What an event adds to a text.
struct Piece {
    text: String,
    tokens: Vec<AnswerToken>,
    /// The text that the tokens write, if they are those of a prompt.
    scored_text: Option<String>,
    reason: Option<&'static str>,
    completion_tokens: usize,
}

impl Answer {
    fn format(&self) -> AnswerFormat<'_> {
        AnswerFormat {
            style: self.request.style,
            model: &self.request.model.name,
            id: self.id,
            created: self.created,
            seed: self.request.sampling.seed,
            vocabulary: &self.app.models.generator(&self.request.model).tokenizer().vocabulary,
        }
    }

    /// The prompt, where the answer begins with it.
    fn echo(&self, index: usize) -> &str {
        if self.request.echo { &self.request.prompts[index / self.request.n].text } else { "" }
    }

    /// The tokens of the prompts.
    fn usage(&self) -> Usage {
        let prompt = self.request.prompts.iter().map(|prompt| prompt.encoded.ids.len()).sum();
        Usage { prompt, completion: 0 }
    }

    /// What an event adds to the answer.
    fn piece(&self, event: Event) -> Result<Piece, ApiError> {
        let nothing =
            Piece { text: String::new(), tokens: Vec::new(), scored_text: None, reason: None, completion_tokens: 0 };
        Ok(match event {
            Event::Failed(error) => return Err(error),
            Event::Text { text, tokens } => {
                Piece { text, tokens: tokens.into_iter().map(AnswerToken::from).collect(), ..nothing }
            }
            Event::End { is_complete, tokens } => {
                Piece { reason: Some(finish_reason(is_complete)), completion_tokens: tokens, ..nothing }
            }
            Event::Predicted(result) => {
                let (text, tokens) = self.scored(result);
                let scored_text = self.request.log_probs.map(|_| text);
                Piece { tokens, scored_text, reason: Some(finish_reason(false)), ..nothing }
            }
        })
    }

    /// The tokens of a prompt that was scored, and the text that they write.
    fn scored(&self, result: Prediction) -> (String, Vec<AnswerToken>) {
        let tokenizer = self.app.models.generator(&self.request.model).tokenizer();
        let ids: Vec<u32> = result.tokens.iter().map(|(id, _)| *id).collect();
        let written = WrittenText::new(tokenizer, &ids);
        let mut names = TokenNames::new(tokenizer);
        let scored = result.tokens.into_iter().zip(written.tokens).map(|((id, scores), range)| {
            let (log_prob, top) = scores.map_or((None, Vec::new()), |scores| (Some(scores.log_prob), scores.top));
            let top = top.into_iter().map(|(id, log_prob)| (id, names.name(id), log_prob)).collect();
            let text = names.name(id);
            names.push(id);
            AnswerToken { id, text, start: range.start, log_prob, top }
        });
        (written.text, scored.collect())
    }

    async fn whole(self, mut events: EventReceiver) -> Result<Json<Value>, ApiError> {
        let count = self.request.prompts.len() * self.request.n;
        let mut choices: Vec<Choice> = (0..count).map(|_| Choice::default()).collect();
        let mut usage = self.usage();
        while choices.iter().any(|choice| choice.reason.is_none()) {
            let (index, event) = events.recv().await.ok_or_else(ApiError::stopping)?;
            let piece = self.piece(event)?;
            usage.completion += piece.completion_tokens;
            choices[index].text.push_str(&piece.text);
            choices[index].tokens.extend(piece.tokens);
            choices[index].scored_text = piece.scored_text;
            choices[index].reason = piece.reason;
        }
        let format = self.format();
        let has_log_probs = self.request.log_probs.is_some();
        let choices = choices.iter().enumerate().map(|(index, Choice { text, tokens, scored_text, reason })| {
            let text = [self.echo(index), text].concat();
            let tokens = has_log_probs.then_some(tokens.as_slice());
            let mut choice = format.choice(index, &text, tokens, reason.unwrap_or_default());
            add_scored_text(&mut choice, scored_text.as_deref());
            choice
        });
        let mut answer = format.whole(choices.collect(), usage);
        add_warnings(&mut answer, &self.request.warnings);
        Ok(Json(answer))
    }

    fn stream(self, events: EventReceiver) -> Response {
        let remaining = self.request.prompts.len() * self.request.n;
        let usage = self.usage();
        let (unsent, next_write) = (VecDeque::new(), Instant::now());
        let mut state = Stream { answer: self, events, unsent, next_write, has_begun: false, remaining, usage };
        for index in 0..remaining {
            let Answer { request, .. } = &state.answer;
            if request.style == Style::Chat {
                state.send(state.answer.format().role(index));
            } else if request.echo {
                state.send(state.answer.format().piece(index, state.answer.echo(index), None, None));
            }
        }
        let data = stream::unfold(state, |mut state| async move {
            let data = state.next().await?;
            Some((Ok::<_, Infallible>(ServerSentEvent::default().data(data)), state))
        });
        Sse::new(data).into_response()
    }
}

/// A streamed answer.
struct Stream {
    answer: Answer,
    events: EventReceiver,
    /// The events that are known already.
    unsent: VecDeque<String>,
    /// When more may be written.
    next_write: Instant,
    /// Whether there is an event, the first of which has the warnings.
    has_begun: bool,
    /// The number of texts that have not ended.
    remaining: usize,
    usage: Usage,
}

impl Stream {
    /// The data of the next event; `None` at the end. An error is the last event, also if the server stops.
    async fn next(&mut self) -> Option<String> {
        while self.unsent.is_empty() && self.remaining > 0 {
            sleep_until(self.next_write).await;
            let (mut events, all) = (Vec::new(), self.events.max_capacity());
            let count = self.events.recv_many(&mut events, all).await;
            self.next_write = Instant::now() + WRITE_INTERVAL;
            let added = if count > 0 { self.add_all(events) } else { Err(ApiError::stopping()) };
            if let Err(error) = added {
                self.remaining = 0;
                self.unsent.push_back(error.body().to_string());
            }
        }
        self.unsent.pop_front()
    }

    /// # Errors
    /// If a text cannot be written.
    fn add_all(&mut self, events: Vec<(usize, Event)>) -> Result<(), ApiError> {
        for (index, event) in events {
            let piece = self.answer.piece(event)?;
            self.add(index, &piece);
        }
        Ok(())
    }

    fn add(&mut self, index: usize, piece: &Piece) {
        let Piece { text, tokens, scored_text, reason, completion_tokens } = piece;
        self.usage.completion += completion_tokens;
        let format = self.answer.format();
        let has_log_probs = self.answer.request.log_probs.is_some();
        let tokens = (has_log_probs && !tokens.is_empty()).then_some(tokens.as_slice());
        let mut choice = format.piece(index, text, tokens, *reason);
        add_scored_text(&mut choice, scored_text.as_deref());
        self.send(choice);
        self.remaining -= usize::from(reason.is_some());
        if self.remaining == 0 {
            let usage = || self.answer.format().usage_chunk(self.usage).to_string();
            self.unsent.extend(self.answer.request.include_usage.then(usage));
            self.unsent.push_back(DONE.into());
        }
    }

    /// Makes an event of a part of an answer.
    fn send(&mut self, choice: Value) {
        let mut chunk = self.answer.format().chunk(vec![choice]);
        if !std::mem::replace(&mut self.has_begun, true) {
            add_warnings(&mut chunk, &self.answer.request.warnings);
        }
        self.unsent.push_back(chunk.to_string());
    }
}
