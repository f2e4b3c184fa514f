//! The options that determine how a text becomes a dataset.

use serde::{Deserialize, Serialize};
use text_prep::{CharacterOptions, Cleaner, OovPolicy, PreTokenizer, SubwordOptions, Vocabulary, WordOptions};

use crate::error::{ConfigError, Result};
use crate::split::Fractions;

/// The part of a text that the vocabulary is built from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VocabSource {
    /// The training split only, so that the held-out loss includes out-of-vocabulary tokens.
    #[default]
    Training,
    /// The whole text, as in the Keras baseline: no held-out token is out of vocabulary.
    WholeText,
}

/// How a text is cleaned, tokenized, split and cut into windows.
///
/// [`words`](Self::words), the default, [`characters`](Self::characters) and [`subwords`](Self::subwords) are starting
/// points; the methods with the names of the fields change single options.
#[derive(Clone, Debug)]
pub struct DatasetConfig {
    /// Cleans the text.
    pub cleaner: Cleaner,
    /// Splits the cleaned text into tokens.
    pub pre_tokenizer: PreTokenizer,
    /// The token between two documents, if the text has one. Default: none.
    pub document_separator: Option<String>,
    /// The part of the text that the vocabulary is built from. Default: the training split.
    pub vocab_source: VocabSource,
    /// The most ids of the vocabulary, reserved ones included: the most frequent tokens are kept, or subwords are merged
    /// until there are as many. Default: all tokens; for subwords a number that
    /// [depends on the length of the text](crate::vocab_builder::default_subwords).
    pub vocab_size: Option<usize>,
    /// A vocabulary whose tokens are used instead of those of the text; words are counted and ordered anew. Default: none.
    pub vocabulary: Option<Vocabulary>,
    /// Tokens with a lower count are not in the vocabulary; not for subwords. Default: 1.
    pub min_count: u64,
    /// How out-of-vocabulary tokens are encoded. Default: as the unknown token.
    pub oov: OovPolicy,
    /// The fractions of the text for validation and test. Default: 0.1 and 0.
    pub fractions: Fractions,
    /// Hold out the end of each file of a running text instead of the end of the whole. Each file is then cleaned and
    /// tokenized as a text of its own. Default: false.
    pub each_file: bool,
    /// Input tokens per window. Default: 20.
    pub context_len: usize,
    /// Tokens from the start of a training window to the start of the next. Default: 1.
    pub stride: usize,
}

/// More ids than any vocabulary has.
const MAX_SIZE: usize = 1_000_000;
/// The fewest ids of a vocabulary of subwords: padding, the document token and the 256 bytes.
const SUBWORDS: (usize, &str) = (258, "258 (the 256 bytes and two reserved ids) to 1000000");
/// Of other vocabularies: padding, the unknown token, the document token and a word.
const OTHERS: (usize, &str) = (4, "4 to 1000000");

impl Default for DatasetConfig {
    fn default() -> Self {
        Self::words()
    }
}

impl DatasetConfig {
    /// Words as tokens, cleaned by the preset `prose`.
    pub fn words() -> Self {
        Self::new("prose", PreTokenizer::Words(WordOptions::default()))
    }

    /// Characters as tokens, cleaned by the preset `verbatim`.
    pub fn characters() -> Self {
        Self::new("verbatim", PreTokenizer::Characters(CharacterOptions::default()))
    }

    /// Subwords as tokens, cleaned by the preset `verbatim`.
    pub fn subwords() -> Self {
        Self::new("verbatim", PreTokenizer::Subwords(SubwordOptions::default()))
    }

    fn new(preset: &str, pre_tokenizer: PreTokenizer) -> Self {
        Self {
            cleaner: Cleaner::preset(preset).expect("the preset is built in"),
            pre_tokenizer,
            document_separator: None,
            vocab_source: VocabSource::default(),
            vocab_size: None,
            vocabulary: None,
            min_count: 1,
            oov: OovPolicy::Unknown,
            fractions: Fractions { valid: 0.1, test: 0.0 },
            each_file: false,
            context_len: 20,
            stride: 1,
        }
    }

    /// Sets [`cleaner`](Self#structfield.cleaner).
    pub fn cleaner(self, cleaner: Cleaner) -> Self {
        Self { cleaner, ..self }
    }

    /// Sets [`pre_tokenizer`](Self#structfield.pre_tokenizer): [`WordOptions`], [`CharacterOptions`],
    /// [`SubwordOptions`] or a [`PreTokenizer`].
    pub fn pre_tokenizer(self, pre_tokenizer: impl Into<PreTokenizer>) -> Self {
        Self { pre_tokenizer: pre_tokenizer.into(), ..self }
    }

    /// Sets [`document_separator`](Self#structfield.document_separator).
    pub fn document_separator(self, separator: impl Into<String>) -> Self {
        Self { document_separator: Some(separator.into()), ..self }
    }

    /// Sets [`vocab_source`](Self#structfield.vocab_source).
    pub fn vocab_source(self, vocab_source: VocabSource) -> Self {
        Self { vocab_source, ..self }
    }

    /// Sets [`vocab_size`](Self#structfield.vocab_size).
    pub fn vocab_size(self, vocab_size: usize) -> Self {
        Self { vocab_size: Some(vocab_size), ..self }
    }

    /// Sets [`vocabulary`](Self#structfield.vocabulary).
    pub fn vocabulary(self, vocabulary: Vocabulary) -> Self {
        Self { vocabulary: Some(vocabulary), ..self }
    }

    /// Sets [`min_count`](Self#structfield.min_count).
    pub fn min_count(self, min_count: u64) -> Self {
        Self { min_count, ..self }
    }

    /// Sets [`oov`](Self#structfield.oov).
    pub fn oov(self, oov: OovPolicy) -> Self {
        Self { oov, ..self }
    }

    /// Sets [`fractions`](Self#structfield.fractions): the fractions of the windows for validation and for a test.
    pub fn split(self, valid: f64, test: f64) -> Self {
        Self { fractions: Fractions { valid, test }, ..self }
    }

    /// Sets [`each_file`](Self#structfield.each_file).
    pub fn each_file(self, each_file: bool) -> Self {
        Self { each_file, ..self }
    }

    /// Sets [`context_len`](Self#structfield.context_len).
    pub fn context_len(self, context_len: usize) -> Self {
        Self { context_len, ..self }
    }

    /// Sets [`stride`](Self#structfield.stride).
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Checks the options that do not depend on the text.
    ///
    /// # Errors
    /// Names the first option that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.cleaner.validate()?;
        self.pre_tokenizer.validate()?;
        self.oov.validate_for_training()?;
        if let Some(size) = self.vocab_size {
            let is_subwords = matches!(self.pre_tokenizer, PreTokenizer::Subwords(_));
            let (least, expected) = if is_subwords { SUBWORDS } else { OTHERS };
            if !(least..=MAX_SIZE).contains(&size) {
                return Err(ConfigError::new("vocabulary.size", size, expected).into());
            }
        }
        for (key, value) in [("windows.context_len", self.context_len), ("windows.stride", self.stride)] {
            if value == 0 {
                return Err(ConfigError::new(key, 0, "1 or more").into());
            }
        }
        Ok(())
    }
}
