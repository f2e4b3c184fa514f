//! Sentences and words as byte ranges of a text, for span extraction; and joining words to sentences.
//!
//! The text is never changed (unlike the cleaned text of [`crate::tokenize`]), so an answer given as a
//! byte range stays valid.

mod join;
mod key;
mod lines;
mod sentences;
mod shape;
mod short_sentences;
mod words;

pub use crate::chars::is_white_space;
pub use join::join;
pub use key::key;
pub use lines::{line_number, paragraphs};
pub use sentences::sentences;
pub use shape::WordShape;
pub use short_sentences::{ShortSentences, short_sentences};
pub use words::{Word, words};
