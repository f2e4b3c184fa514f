//! Subwords: byte-level byte pair encoding (BPE), as in GPT-2. A text is divided into pre-tokens, such as ` fox`; the bytes
//! of a pre-token are merged to tokens, in the order of a list of merges that is trained on a text. All 256 bytes are
//! tokens, so every text can be encoded, and decoding gives it back.

mod alphabet;
mod bytes;
mod cache;
mod file;
mod file_writer;
mod merges;
mod split;
#[cfg(all(test, feature = "reference"))]
pub(crate) mod tests;
mod train;
mod vocabulary;

use serde::{Deserialize, Serialize};

pub(crate) use bytes::SubwordDetokenizer;
pub(crate) use cache::TokenEncoder;
pub(crate) use file::{is_subword_file, read_given, read_saved};
pub(crate) use file_writer::to_json;
pub(crate) use split::SubwordStream;
pub(crate) use vocabulary::{Subwords, SubwordsFile};

/// Options of [`PreTokenizer::Subwords`](crate::PreTokenizer::Subwords). There are none yet: pre-tokens are those of GPT-2.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct SubwordOptions {}

/// The token of a line end alone.
pub(crate) fn line_end() -> String {
    alphabet::char_of(b'\n').into()
}

/// Whether a subword is text by itself, and not a part of a character.
pub(crate) fn is_text(token: &str) -> bool {
    alphabet::to_bytes(token).is_some_and(|bytes| std::str::from_utf8(&bytes).is_ok())
}
