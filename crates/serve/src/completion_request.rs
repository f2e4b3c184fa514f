//! From the fields of a request to the texts that are wanted.

use generate::{Error, Generator, Prompt, Sampling};
use serde_json::{Map, Value, json};
use text_prep::OovPolicy;

use crate::api_error::ApiError;
use crate::app::App;
use crate::engine::MAX_RUNNING;
use crate::fields::Fields;
use crate::models::ModelChoice;
use crate::shortened::shortened;
use crate::system::random_bits;

/// The most tokens of a text.
pub(crate) const MAX_TOKENS: usize = 4_096;
/// The most likeliest tokens beside each token.
const MAX_LOG_PROBS: usize = 20;
/// The most texts that end a sample.
const MAX_STOP_TEXTS: usize = 16;
/// The lowest limit on copied tokens: nearly all texts have shorter sequences in common.
const LOWEST_MAX_COPIED: usize = 3;
/// The unknown tokens of a prompt that a warning lists.
const LISTED: usize = 20;
/// The largest seed that is chosen: JavaScript reads it exactly.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Whether texts or messages are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `/v1/completions`.
    Completion,
    /// `/v1/chat/completions`.
    Chat,
}

/// What a request wants.
pub(crate) struct CompletionRequest {
    pub style: Style,
    pub model: ModelChoice,
    pub prompts: Vec<WantedPrompt>,
    pub sampling: Sampling,
    /// The number of texts for each prompt.
    pub n: usize,
    /// The number of likeliest tokens beside each token, if log-probabilities are wanted.
    pub log_probs: Option<usize>,
    /// Whether the answer begins with the prompt.
    pub echo: bool,
    pub stream: bool,
    pub include_usage: bool,
    pub label: Option<String>,
    /// The most tokens in a row that a text may copy from the training text.
    pub max_copied: Option<usize>,
    /// What the reader of the answer should know of the prompts, a line each.
    pub warnings: Vec<String>,
}

/// A prompt.
pub(crate) struct WantedPrompt {
    pub text: String,
    pub encoded: Prompt,
}

impl CompletionRequest {
    /// Reads and checks all fields.
    ///
    /// # Errors
    /// 400 or 404 with the field that is wrong.
    pub fn new(style: Style, fields: &Fields, app: &App) -> Result<Self, ApiError> {
        reject_unsupported(fields)?;
        let model = app.models.choose(fields.get::<String>("model", "the name of a model")?.as_deref())?;
        let generator = app.models.generator(&model);
        let label = fields.get::<String>("label", "the name of a label")?;
        generator.label_number(label.as_deref()).map_err(|error| ApiError::invalid("label", error.to_string()))?;
        let texts = match style {
            Style::Completion => prompts(fields)?,
            Style::Chat => vec![last_user_message(fields)?],
        };
        let n = texts_per_prompt(fields, texts.len())?;
        let encode = |text: String| {
            let encoded = generator.prompt(&text).map_err(|error| ApiError::invalid("prompt", error.to_string()))?;
            Ok(WantedPrompt { text, encoded: Prompt { label: label.clone(), ..encoded } })
        };
        let prompts: Vec<WantedPrompt> = texts.into_iter().map(encode).collect::<Result<_, ApiError>>()?;
        let sampling = sampling(fields, generator, &app.sampling)?;
        // In a chat the answer is the message of the model alone.
        let echo = style == Style::Completion && fields.get("echo", "true or false")?.unwrap_or(false);
        let log_probs = log_probs(style, fields)?;
        if echo && log_probs.is_some() && sampling.max_tokens > 0 {
            return Err(ApiError::invalid(
                "echo",
                "`echo` with `logprobs` scores a text, and more is not written after it: give `max_tokens` as 0, or leave \
                 one of them out",
            ));
        }
        if sampling.max_tokens == 0 && !echo {
            let key = max_tokens_key(fields);
            let or = if style == Style::Completion { ", or `echo` with it, to score the prompt" } else { "" };
            return Err(ApiError::invalid(key, format!("`{key}` is 0; expected 1 or more{or}")));
        }
        let max_copied = max_copied(fields, &model, app)?;
        // A text that is scored is read as a whole.
        let reads = if sampling.max_tokens == 0 { usize::MAX } else { generator.prompt_ids_read() };
        let warnings = prompts.iter().flat_map(|prompt| prompt_warnings(generator, &prompt.encoded, reads)).collect();
        Ok(Self {
            style,
            model,
            prompts,
            sampling,
            n,
            log_probs,
            echo,
            stream: fields.get("stream", "true or false")?.unwrap_or(false),
            include_usage: include_usage(fields)?,
            label,
            max_copied,
            warnings,
        })
    }

    /// Whether only the prompts are scored.
    pub fn only_scores(&self) -> bool {
        self.sampling.max_tokens == 0
    }
}

/// The number of texts for each of so many prompts.
///
/// # Errors
/// 400 if it is 0, or there are too many prompts or texts.
fn texts_per_prompt(fields: &Fields, prompts: usize) -> Result<usize, ApiError> {
    let n: usize = fields.get("n", "a number of texts")?.unwrap_or(1);
    if prompts > MAX_RUNNING {
        return Err(ApiError::invalid(
            "prompt",
            format!("`prompt` has {prompts} prompts; expected at most {MAX_RUNNING}"),
        ));
    }
    if n == 0 || n.saturating_mul(prompts) > MAX_RUNNING {
        let of = if prompts > 1 { format!(" for each of {prompts} prompts") } else { String::new() };
        let expected = format!("at least 1, and at most {MAX_RUNNING} texts for all prompts");
        return Err(ApiError::invalid("n", format!("`n` is {n}{of}; expected {expected}")));
    }
    Ok(n)
}

/// The most tokens in a row that a text may copy from the training text of its model.
///
/// # Errors
/// 400 if there are fewer than nearly every text copies, 404 if the training text was not read.
pub(crate) fn max_copied(fields: &Fields, model: &ModelChoice, app: &App) -> Result<Option<usize>, ApiError> {
    let expected = "a number of tokens from 3 on";
    let Some(max_copied) = fields.get("max_copied", expected)? else { return Ok(None) };
    if max_copied < LOWEST_MAX_COPIED {
        return Err(Fields::unexpected("max_copied", &json!(max_copied), expected));
    }
    let training_text = app.models.training_text(model);
    training_text.map_err(|reason| ApiError::no_training_text(&model.name, reason))?;
    Ok(Some(max_copied))
}

/// Whether a streamed answer ends with the numbers of tokens.
fn include_usage(fields: &Fields) -> Result<bool, ApiError> {
    let expected = "an object, with `include_usage` as true or false";
    let options: Option<Map<String, Value>> = fields.get("stream_options", expected)?;
    match options.as_ref().and_then(|options| options.get("include_usage")) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(include)) => Ok(*include),
        Some(_) => Err(Fields::unexpected("stream_options", &json!(options), expected)),
    }
}

/// What a prompt loses: tokens that the model does not have, and those before the last ones that it `reads`.
pub(crate) fn prompt_warnings(generator: &Generator, prompt: &Prompt, reads: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    let count = prompt.ids.len();
    if count > reads {
        warnings.push(format!("the prompt has {count} tokens, of which the model reads the last {reads}"));
    }
    if !prompt.oov_tokens.is_empty() {
        let fate = if generator.tokenizer().oov == OovPolicy::Drop { "left out" } else { "read as the unknown token" };
        warnings.push(format!("not in the vocabulary and {fate}: {}", listed(&prompt.oov_tokens)));
    }
    warnings
}

/// The first ones of these tokens.
fn listed(tokens: &[String]) -> String {
    let first = tokens.iter().take(LISTED).map(|token| shortened(token)).collect::<Vec<_>>().join(", ");
    match tokens.len().saturating_sub(LISTED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Rejects the fields that cannot be honoured.
fn reject_unsupported(fields: &Fields) -> Result<(), ApiError> {
    let none = [json!([]), json!({})];
    fields.reject("best_of", &[json!(1)])?;
    fields.reject("suffix", &[json!("")])?;
    fields.reject("logit_bias", &none)?;
    fields.reject("response_format", &[json!({ "type": "text" })])?;
    fields.reject("presence_penalty", &[json!(0), json!(0.0)])?;
    fields.reject("frequency_penalty", &[json!(0), json!(0.0)])?;
    fields.reject("tools", &none)?;
    fields.reject("functions", &none)
}

fn prompts(fields: &Fields) -> Result<Vec<String>, ApiError> {
    let expected = "a text, or a list of texts";
    let Some(value) = fields.value("prompt") else { return Ok(vec![String::new()]) };
    let texts = match value {
        Value::String(text) => vec![text.clone()],
        _ => fields.get::<Vec<String>>("prompt", expected)?.unwrap_or_default(),
    };
    if texts.is_empty() { Err(Fields::unexpected("prompt", value, expected)) } else { Ok(texts) }
}

/// The text of the last message of the user: a model that continues texts has no other roles.
fn last_user_message(fields: &Fields) -> Result<String, ApiError> {
    let expected = "a list of messages with `role` and `content`, one of them with the role `user`";
    let messages: Vec<Value> = fields.get("messages", expected)?.unwrap_or_default();
    let last = messages.iter().rev().find(|message| message["role"] == json!("user"));
    let content = last.map(|message| &message["content"]);
    match content {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) if parts.iter().all(|part| part["type"] == json!("text")) => {
            Ok(parts.iter().filter_map(|part| part["text"].as_str()).collect())
        }
        _ => Err(ApiError::invalid("messages", format!("`messages` has no text of the user; expected {expected}"))),
    }
}

/// In a chat `logprobs` says whether, and `top_logprobs` how many; elsewhere `logprobs` says how many.
fn log_probs(style: Style, fields: &Fields) -> Result<Option<usize>, ApiError> {
    let (key, expected) = match style {
        Style::Completion => ("logprobs", "a number from 0 to 20"),
        Style::Chat => ("top_logprobs", "a number from 0 to 20, with `logprobs` as true"),
    };
    let count: Option<usize> = fields.get(key, expected)?;
    if count.is_some_and(|count| count > MAX_LOG_PROBS) {
        return Err(Fields::unexpected(key, &json!(count), expected));
    }
    Ok(match style {
        Style::Completion => count,
        Style::Chat => {
            let wanted = fields.get("logprobs", "true or false")?.unwrap_or(false);
            wanted.then_some(count.unwrap_or(0))
        }
    })
}

/// The field with the most tokens of a text, which has two names.
fn max_tokens_key(fields: &Fields) -> &'static str {
    let newer = "max_completion_tokens";
    if fields.value(newer).is_some() { newer } else { "max_tokens" }
}

fn sampling(fields: &Fields, generator: &Generator, default: &Sampling) -> Result<Sampling, ApiError> {
    let number = "a number";
    let count = "a whole number of 0 or more";
    let key = max_tokens_key(fields);
    let max_tokens = fields.get(key, count)?.unwrap_or(default.max_tokens);
    if max_tokens > MAX_TOKENS {
        return Err(ApiError::invalid(key, format!("`{key}` is {max_tokens}; expected at most {MAX_TOKENS}")));
    }
    // As a negative number the same bits are a seed as well.
    let seed = match fields.get("seed", "a whole number of at most 64 bits") {
        Ok(seed) => seed,
        Err(error) => Some(fields.get::<i64>("seed", "").map_err(|_| error)?.unwrap_or_default().cast_unsigned()),
    };
    let (top_k, min_p) = (fields.get("top_k", count)?, fields.get("min_p", number)?);
    // The default filter is not meant to be combined with another one.
    let default_top_p = default.top_p.filter(|_| top_k.is_none() && min_p.is_none());
    let sampling = Sampling {
        temperature: fields.get("temperature", number)?.unwrap_or(default.temperature),
        top_p: fields.get("top_p", number)?.or(default_top_p),
        top_k,
        min_p,
        no_repeat_ngram: fields.get("no_repeat_ngram", count)?.or(default.no_repeat_ngram),
        stop_texts: stop_texts(fields, generator)?,
        max_tokens,
        seed: seed.unwrap_or_else(|| random_bits() & LARGEST_SEED),
        ..default.clone()
    };
    sampling.check().map_err(|error| match error {
        Error::Config(error) => ApiError::invalid(&error.key, error.to_string()),
        error => ApiError::invalid("temperature", error.to_string()),
    })?;
    Ok(sampling)
}

/// The texts that end a sample. One that the model never writes has no effect: clients have some of their own.
fn stop_texts(fields: &Fields, generator: &Generator) -> Result<Vec<String>, ApiError> {
    let expected = "a text, or a list of at most 16 texts";
    let Some(value) = fields.value("stop") else { return Ok(Vec::new()) };
    let mut texts = match value {
        Value::String(text) => vec![text.clone()],
        _ => fields.get::<Vec<String>>("stop", expected)?.unwrap_or_default(),
    };
    if texts.len() > MAX_STOP_TEXTS {
        return Err(Fields::unexpected("stop", value, expected));
    }
    texts.retain(|text| !matches!(generator.stop_text(text), Err(Error::StopTextNotInVocabulary { .. })));
    let invalid = texts.iter().find_map(|text| generator.stop_text(text).err());
    invalid.map_or(Ok(texts), |error| Err(ApiError::invalid("stop", error.to_string())))
}
