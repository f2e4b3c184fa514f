//! The JSON of answers, as OpenAI's API has it.

use generate::SampledToken;
use serde_json::{Map, Value, json};
use text_prep::Vocabulary;

use crate::completion_request::Style;

/// What all parts of an answer have in common.
pub(crate) struct AnswerFormat<'a> {
    pub style: Style,
    pub model: &'a str,
    /// What tells the answer from others.
    pub id: u64,
    /// When it was asked for, in seconds since 1970.
    pub created: u64,
    pub seed: u64,
    pub vocabulary: &'a Vocabulary,
}

/// A token of an answer; the first token of a text may have no log-probability.
pub(crate) struct AnswerToken {
    pub id: u32,
    /// Its name: the text that it adds.
    pub text: String,
    /// Where it begins in the text that is sampled or scored, in characters.
    pub start: usize,
    pub log_prob: Option<f64>,
    /// The likeliest tokens in its place: id, name and ln p.
    pub top: Vec<(u32, String, f64)>,
}

impl From<SampledToken> for AnswerToken {
    fn from(token: SampledToken) -> Self {
        let SampledToken { id, start, text, log_prob, top } = token;
        Self { id, text, start, log_prob: Some(log_prob), top }
    }
}

/// Adds what the reader of the answer should know of the prompts, if there is something: a line each.
pub(crate) fn add_warnings(answer: &mut Value, warnings: &[String]) {
    if !warnings.is_empty() {
        answer["warnings"] = warnings.into();
    }
}

/// Adds the text that the offsets of the log-probabilities refer to: that of the tokens of a prompt, which may have other
/// spaces and words than the prompt.
pub(crate) fn add_scored_text(choice: &mut Value, text: Option<&str>) {
    if let Some(text) = text {
        choice["logprobs"]["text"] = text.into();
    }
}

/// The numbers of tokens of an answer.
#[derive(Clone, Copy, Default)]
pub(crate) struct Usage {
    pub prompt: usize,
    pub completion: usize,
}

impl Usage {
    fn to_json(self) -> Value {
        let Self { prompt, completion } = self;
        json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
    }
}

/// The name of the reason why a text ends.
pub(crate) fn finish_reason(is_complete: bool) -> &'static str {
    if is_complete { "stop" } else { "length" }
}

impl AnswerFormat<'_> {
    /// The whole answer.
    pub fn whole(&self, choices: Vec<Value>, usage: Usage) -> Value {
        let mut answer = self.answer(self.object(false), choices);
        answer["usage"] = usage.to_json();
        answer
    }

    /// A part of a streamed answer.
    pub fn chunk(&self, choices: Vec<Value>) -> Value {
        self.answer(self.object(true), choices)
    }

    /// The part of a streamed answer that has only the numbers of tokens.
    pub fn usage_chunk(&self, usage: Usage) -> Value {
        let mut chunk = self.chunk(Vec::new());
        chunk["usage"] = usage.to_json();
        chunk
    }

    fn object(&self, is_chunk: bool) -> &'static str {
        match (self.style, is_chunk) {
            (Style::Completion, _) => "text_completion",
            (Style::Chat, false) => "chat.completion",
            (Style::Chat, true) => "chat.completion.chunk",
        }
    }

    fn answer(&self, object: &str, choices: Vec<Value>) -> Value {
        let Self { model, id, created, seed, .. } = self;
        let prefix = if self.style == Style::Chat { "chatcmpl" } else { "cmpl" };
        json!({
            "id": format!("{prefix}-{id:016x}"), "object": object, "created": created, "model": model, "seed": seed,
            "choices": choices,
        })
    }

    /// A whole text.
    pub fn choice(&self, index: usize, text: &str, tokens: Option<&[AnswerToken]>, reason: &str) -> Value {
        let log_probs = self.log_probs(tokens);
        match self.style {
            Style::Completion => {
                json!({ "index": index, "text": text, "logprobs": log_probs, "finish_reason": reason })
            }
            Style::Chat => {
                let message = json!({ "role": "assistant", "content": text, "refusal": null });
                json!({ "index": index, "message": message, "logprobs": log_probs, "finish_reason": reason })
            }
        }
    }

    /// A piece of a text; the last one has a reason.
    pub fn piece(&self, index: usize, text: &str, tokens: Option<&[AnswerToken]>, reason: Option<&str>) -> Value {
        let log_probs = self.log_probs(tokens);
        match self.style {
            Style::Completion => {
                json!({ "index": index, "text": text, "logprobs": log_probs, "finish_reason": reason })
            }
            Style::Chat => {
                let delta = if reason.is_some() && text.is_empty() { json!({}) } else { json!({ "content": text }) };
                json!({ "index": index, "delta": delta, "logprobs": log_probs, "finish_reason": reason })
            }
        }
    }

    /// The first piece of a message.
    pub fn role(&self, index: usize) -> Value {
        let delta = json!({ "role": "assistant", "content": "" });
        json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": null })
    }

    fn log_probs(&self, tokens: Option<&[AnswerToken]>) -> Value {
        let Some(tokens) = tokens else { return Value::Null };
        match self.style {
            Style::Completion => {
                let each = |of: &dyn Fn(&AnswerToken) -> Value| tokens.iter().map(of).collect::<Value>();
                let top = |token: &AnswerToken| {
                    let named = token.top.iter().map(|(_, name, log_prob)| (name.clone(), finite(*log_prob)));
                    token.log_prob.map_or(Value::Null, |_| Value::Object(named.collect::<Map<_, _>>()))
                };
                json!({
                    "tokens": each(&|token| token.text.as_str().into()),
                    "token_logprobs": each(&|token| token.log_prob.map_or(Value::Null, finite)),
                    "top_logprobs": each(&top),
                    "text_offset": each(&|token| token.start.into()),
                })
            }
            Style::Chat => {
                let one = |id: u32, name: &str, log_prob: f64| json!({ "token": name, "logprob": finite(log_prob), "bytes": self.bytes(id, name) });
                let each = tokens.iter().map(|token| {
                    let mut value = one(token.id, &token.text, token.log_prob.unwrap_or_default());
                    let top = token.top.iter().map(|(id, name, log_prob)| one(*id, name, *log_prob));
                    value["top_logprobs"] = top.collect();
                    value
                });
                json!({ "content": each.collect::<Vec<_>>() })
            }
        }
    }

    /// The bytes of a token, which may be a part of a character.
    fn bytes(&self, id: u32, name: &str) -> Vec<u8> {
        let bytes = self.vocabulary.subword_bytes(id).filter(|bytes| std::str::from_utf8(bytes).is_err());
        bytes.unwrap_or_else(|| name.as_bytes().to_vec())
    }
}

/// JSON has no −∞: a number that is lower than any other log-probability stands for it, as in OpenAI's API.
fn finite(log_prob: f64) -> Value {
    log_prob.max(-9999.0).into()
}
