//! The language model, which predicts the next token from the tokens before it, and its
//! configuration.

mod config;
mod model;

pub use config::LanguageModelConfig;
pub use model::LanguageModel;
