//! Text generation with a trained language model, and evaluation on held-out text.
//!
//! A [`Generator`] is loaded from the directory of a model. It generates text: a [`String`], a [`SampleStream`] of
//! pieces, or many [`Samples`]; [`Sampling`] has the options. A [`Session`] gives the logits and log-probabilities of
//! each next token. [`Generator::evaluate`] computes loss and perplexity.
//!
//! ```
//! # use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
//! # use text_prep::{Cleaner, OovPolicy, PreTokenizer, Tokenizer, Vocabulary, WordOptions};
//! # let tokenizer = Tokenizer {
//! #     cleaner: Cleaner::preset("prose")?,
//! #     pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
//! #     vocabulary: Vocabulary::from_counts([("the", 3), ("fox", 2), ("crow", 2), (".", 1)], 1, true),
//! #     document_separator: None,
//! #     oov: OovPolicy::Unknown,
//! # };
//! # let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, vec![LayerConfig::lstm(4)]);
//! # let model = config.init(1, &kernels::default_device())?;
//! # let folder = tempfile::tempdir()?;
//! # let directory = folder.path();
//! # LmBundle::new(model, tokenizer, LmMetadata::new(config, 3, 1, String::new())).save(directory)?;
//! use generate::{Generator, Sampling};
//!
//! let generator = Generator::load(directory)?;
//! let sampling = Sampling::default().temperature(0.8).max_tokens(20);
//! let text = generator.generate("the fox", &sampling)?;
//!
//! // The same text, in pieces as soon as they are sampled.
//! let pieces: String = generator.stream("the fox", &sampling)?.collect::<generate::Result<_>>()?;
//! assert_eq!(pieces, text);
//!
//! // The probability of the next token.
//! let session = generator.session("the fox")?;
//! let crow = generator.tokenizer().vocabulary.id("crow").unwrap();
//! assert!(session.log_probs()[crow as usize] < 0.0);
//!
//! let evaluation = generator.evaluate("the fox . the crow .")?;
//! assert!(evaluation.perplexity > 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Mixture`] adds the n-grams of the training text to a model: in texts, by [`Generator::with_mixture`], and in an
//! evaluation.
//!
//! A [`Blend`] is one model, or several of one vocabulary whose probabilities are mixed. An [`OngoingSample`] is advanced
//! together with others that come and go, and its text is the same as alone; a [`Predictor`] has the probabilities of the
//! next token of one text.
//!
//! Below that are [`Sampler`] (from logits to token ids), [`BatchSession`] (the state of texts in progress) and
//! [`Engine`] (the model itself). This crate never trains a model.

mod batch_session;
mod cache;
mod cache_evaluation;
#[cfg(test)]
mod document_tests;
mod draft;
pub mod engine;
pub mod error;
pub mod evaluate;
mod evaluation_plan;
mod filters;
mod generator;
mod label;
mod likelihood;
mod mirostat;
mod mixture;
mod mixture_evaluation;
#[cfg(test)]
mod mixture_tests;
mod next_token;
mod ongoing_sample;
mod predictor;
pub mod prompt;
mod sample_batch;
mod sample_in_progress;
pub mod sampler;
mod samples;
pub mod sampling;
mod scores;
mod session;
mod stop;
#[cfg(test)]
mod subword_tests;
pub mod target_bytes;
#[cfg(test)]
mod test_model;
mod token_log_probs;
mod token_surprise;
mod unfinished;
mod unique;

pub use batch_session::{BatchSession, MAX_READ};
pub use cache::CacheSettings;
pub use cache_evaluation::CacheEvaluation;
pub use draft::Draft;
pub use engine::Engine;
pub use error::{Error, Result};
pub use evaluate::{
    Evaluation, EvaluationMode, LabelChoice, LabelEvaluation, carried_protocol, evaluate_input, evaluate_sequence,
    window_protocol,
};
pub use evaluation_plan::EvaluationPlan;
pub use generator::Generator;
pub use mixture::{Mixture, NgramOrder};
pub use mixture_evaluation::{Losses, MixtureEvaluation};
pub use next_token::NextToken;
pub use ongoing_sample::{OngoingSample, SampledToken};
pub use predictor::{Blend, Predictor};
pub use prompt::{Prompt, ToPrompt};
pub use sample_in_progress::{Sample, TokenSpan};
pub use sampler::Sampler;
pub use samples::{SampleStream, Samples};
pub use sampling::Sampling;
pub use scores::Scores;
pub use session::Session;
pub use stop::StopText;
pub use target_bytes::TargetBytes;
pub use token_log_probs::TokenLogProb;
pub use token_surprise::each_surprise;
pub use unique::{LeftOut, UniqueDocuments};
