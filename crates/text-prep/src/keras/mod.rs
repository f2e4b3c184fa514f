//! A compatible implementation of Keras's `Tokenizer`: the same indices for the same text, and the
//! same JSON.
//!
//! It follows the documented behaviour of `keras.preprocessing.text` in Keras 2 (in Keras 3
//! `keras/src/legacy/preprocessing/text.py`); the tests quote the sentences that they check. Lower
//! case is that of whole strings, with final sigma, as in Python.
//!
//! Models use [`Tokenizer`](crate::Tokenizer) instead.

mod config;
#[cfg(test)]
mod golden_tests;
mod json;
mod python_json;
mod text;
mod tokenizer;

pub use config::{DEFAULT_FILTERS, KerasConfig};
pub use text::TextItem;
pub use tokenizer::KerasTokenizer;
