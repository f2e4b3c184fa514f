//! Text generation with a trained language model, and evaluation on held-out text.
//!
//! A [`Generator`] generates samples for [`GenerateOptions`]. It uses [`Sampling`] (from logits to
//! probabilities), [`Sampler`] (from logits to token ids), [`Session`] (the state of texts in
//! progress) and [`Engine`] (the model itself). [`evaluate_text`] computes loss and perplexity.
//! This crate never trains a model.

pub mod engine;
pub mod error;
pub mod evaluate;
mod generator;
pub mod prompt;
pub mod sampler;
pub mod sampling;
pub mod session;

pub use engine::Engine;
pub use error::{Error, Result};
pub use evaluate::{Evaluation, bits_per_byte, evaluate_ids, evaluate_text};
pub use generator::{GenerateOptions, Generator, Sample};
pub use prompt::{Prompt, encode_prompt};
pub use sampler::Sampler;
pub use sampling::Sampling;
pub use session::Session;
