//! From bytes to tokens and back: reading, cleaning, tokenizing, numbering.
//!
//! The path of a text through this crate:
//!
//! | hop | from → to | module |
//! |---|---|---|
//! | read | bytes → text | [`source`] |
//! | clean | text → text | [`clean`] |
//! | tokenize | text → tokens | [`tokenize`] |
//! | number | tokens → ids | [`vocabulary`] |
//!
//! [`TextStream`] goes from read text to tokens in pieces, so that a text may be larger than the memory.
//! [`Tokenizer`] holds the last three hops together and is what is saved beside a model's weights;
//! [`passage`] cuts a text without changing it, so that answers in it are found again.
//! [`keras`] speaks the dialect of Keras's `Tokenizer` for those who come from there.
//!
//! What it does not know: tensors, devices, models, how ids are cut into windows.

mod chars;
pub mod clean;
pub mod error;
mod interner;
pub mod keras;
mod nearest;
pub mod passage;
mod saved;
mod scan;
pub mod source;
pub mod stem;
mod table;
pub mod text_stream;
pub mod tokenize;
pub mod tokenizer;
pub mod vocabulary;

#[cfg(test)]
mod aesop;
#[cfg(test)]
mod samples;

pub use clean::{Cleaner, CleaningStream, PunctuationSet, RuleSpec};
pub use error::{Error, Result};
pub use interner::Interner;
pub use keras::{KerasConfig, KerasTokenizer, TextItem};
pub use source::{Excerpt, Pieces, Source, Text};
pub use stem::Stemmer;
pub use text_stream::TextStream;
pub use tokenize::{
    Capitals, Characters, Joiner, Punctuation, SEAM, SHIFT, Splitter, TokenStream, Unit, Words,
};
pub use tokenizer::{Encoded, EncodedCounts, Rare, Tokenizer, UnseenPolicy};
pub use vocabulary::Vocabulary;
