//! Text preprocessing: reading, cleaning, tokenizers, vocabularies. Independent of tensors and models.
//!
//! A text passes through four stages:
//!
//! | stage | from → to | module |
//! |---|---|---|
//! | read | bytes → text | [`source`] |
//! | clean | text → text | [`clean`] |
//! | pre-tokenize | text → tokens | [`tokenize`] |
//! | look up | tokens → ids | [`vocabulary`] |
//!
//! [`TextStream`] cleans and tokenizes a text in chunks, so it may be larger than memory.
//! [`Tokenizer`] combines the last three stages and is saved with a model's weights.
//! [`profile`] summarises a text, for a configuration that suits it.
//! [`spans`] finds sentences and words without changing the text, for span extraction.
//! [`keras`] is compatible with Keras's `Tokenizer`, including its JSON format.

mod byte_search;
mod chars;
pub mod clean;
pub mod error;
pub mod given_tokens;
mod hugging_face;
pub mod keras;
mod nearest;
mod numbers;
mod page;
pub mod profile;
mod segmentation;
pub mod source;
pub mod spans;
pub mod stem;
mod string_table;
mod subwords;
pub mod text_stream;
mod token_counter;
pub mod tokenize;
pub mod tokenizer;
mod tokenizer_json;
pub mod vocabulary;

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod test_strategies;
#[cfg(test)]
mod vocabulary_tests;

pub use clean::{Cleaner, CleaningStream, KerasBaselineCheck, PunctuationSet, RuleSpec};
pub use error::{Error, Result};
pub use given_tokens::GivenTokens;
pub use keras::{KerasConfig, KerasTokenizer, TextItem};
pub use nearest::list_nearest;
pub use numbers::{counted, short_number, thousands};
pub use profile::{DocumentGuess, TextProfile, TextProfiler};
pub use segmentation::Segmentation;
pub use source::{
    ControlCharacters, Document, DocumentSource, DocumentUnit, Excerpt, FileDocuments, FoundControlCharacters,
    FoundFile, InputError, JoinedText, LabelSource, SourceOptions, TextFiles, TextReader, TextSource, absolute_input,
    has_gutenberg_header,
};
pub use stem::Stemmer;
pub use subwords::SubwordOptions;
pub use text_stream::TextStream;
pub use token_counter::TokenCounter;
pub use tokenize::{
    AddedText, Capitals, CharacterOptions, CharacterUnit, Detokenizer, JAMO_SEPARATOR, PreTokenizer, Punctuation,
    SHIFT, SpanOptions, TokenStream, WordOptions,
};
pub use tokenizer::{Encoded, EncodedCounts, OovPolicy, Tokenizer};
pub use vocabulary::Vocabulary;
