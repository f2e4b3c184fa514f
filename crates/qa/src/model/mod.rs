//! The question model: answer extraction, question generation and question answering. Searching for the best
//! question is the task of [`generate`](mod@crate::generate).

pub mod answer_head;
pub mod attention;
pub mod config;
pub mod copy;
mod decoder;
mod encoder;
mod passage_model;
mod question_model;

pub use answer_head::SpanIndex;
pub use attention::AttentionScore;
pub use config::{AnswerEncoding, ExtractorHead, QuestionModelConfig};
pub use decoder::{DecoderState, NextWord};
pub use encoder::EncoderOutput;
pub use passage_model::PassageModel;
pub use question_model::QuestionModel;

#[cfg(test)]
mod properties;
