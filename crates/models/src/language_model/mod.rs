//! The language model, which predicts the next token from the tokens before it, and its
//! configuration.

mod adapt;
mod config;
#[cfg(test)]
mod config_tests;
#[cfg(test)]
mod document_tests;
mod forward;
#[cfg(test)]
mod init_tests;
mod model;
#[cfg(test)]
mod model_tests;
mod network;
mod token_input;

pub use config::LanguageModelConfig;
pub use model::LanguageModel;
pub use token_input::TokenInput;
