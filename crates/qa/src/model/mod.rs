//! A network that asks questions about sentences and finds answers in them.
//!
//! It reads a sentence from both ends and writes a question about a marked answer, word by word, each chosen
//! from the vocabulary or copied from the sentence; and it says where in a sentence answers stand. The book's
//! network (Foster 2019, chapter 7) is one of its configurations. Lives here: equations and weights. Does not
//! live here: the search for a good question (`generate`).

pub mod attention;
pub mod config;
pub mod copy;
mod decoder;
mod encoder;
pub mod model;
pub mod spans;

pub use attention::Score as Attending;
pub use config::{Extraction, QuestionModelConfig, ReadAnswer};
pub use decoder::{Choice, Wave};
pub use encoder::Read;
pub use model::QuestionModel;
pub use spans::Spans;

#[cfg(test)]
mod properties;
