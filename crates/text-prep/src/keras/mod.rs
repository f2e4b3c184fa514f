//! Keras's `Tokenizer`, for those who come from there: the same numbers from the same text, and
//! the same file.
//!
//! Written after the documented behaviour of `keras.preprocessing.text` in Keras 2 (kept as
//! `keras/src/legacy/preprocessing/text.py` in Keras 3); the tests say which sentence of it they
//! hold us to. Lower case here is that of whole strings, final sigma included, as in Python.
//!
//! What it does not know: the rest of this crate. A model's own tokenizer is
//! [`Tokenizer`](crate::Tokenizer).

#[cfg(test)]
mod barber;
mod config;
mod json;
mod python_json;
mod text;
mod tokenizer;

pub use config::{DEFAULT_FILTERS, KerasConfig};
pub use text::TextItem;
pub use tokenizer::KerasTokenizer;
