//! A passage as a reader of questions and answers sees it: sentences and words, each with the bytes
//! where it stands, and words set as a sentence again.
//!
//! Unlike [`crate::tokenize`], which may clean a text before it is cut, nothing here changes the
//! text: an answer is a range of bytes, and it must still be found after cutting.
//!
//! What it does not know: questions, answers, ids.

mod join;
mod key;
mod sentences;
mod shape;
mod words;

pub use crate::chars::is_white_space;
pub use join::join;
pub use key::key;
pub use sentences::sentences;
pub use shape::Shape;
pub use words::{Word, words};
