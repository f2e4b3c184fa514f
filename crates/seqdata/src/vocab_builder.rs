//! Builds the vocabulary of a dataset from token counts, or adapts that of a trained model.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use text_prep::{OovPolicy, PreTokenizer, TokenCounter, Vocabulary};

use crate::dataset_config::DatasetConfig;
use crate::error::{Error, Result};
use crate::ids::Ids;

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

/// How many new tokens an error message lists, the most frequent first.
const MAX_LISTED: usize = 50;

/// What to do with tokens of a text that are not in a trained model's vocabulary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewTokens {
    /// Reject the text; the error lists the most frequent new tokens.
    #[default]
    Error,
    /// Map them to the unknown token, or drop them if the vocabulary has none.
    Unk,
    /// Add them to the vocabulary, with ids after the existing ones.
    Extend,
}

/// A tokenized text with provisional ids, numbered by first appearance.
pub(crate) struct CountedText {
    /// SHA-256 of the text before cleaning, in hexadecimal.
    pub text_sha256: String,
    /// Unicode scalar values after cleaning.
    pub characters: usize,
    /// The distinct tokens; a token's number is its provisional id.
    pub counter: TokenCounter,
    /// The provisional ids of the whole text.
    pub provisional_ids: Ids,
}

impl CountedText {
    /// The tokens at `positions` with their counts, in order of first appearance in the text.
    fn token_counts(&self, positions: Range<usize>) -> impl Iterator<Item = (&str, u64)> + Clone {
        let mut counts = vec![0u64; self.counter.len()];
        self.provisional_ids.for_each(positions, |id| counts[id as usize] += 1);
        let counted = (0u32..).zip(counts).filter(|&(_, count)| count > 0);
        counted.map(|(id, count)| (self.counter.token(id), count))
    }
}

/// A new vocabulary from the tokens at `positions`, and if subwords are trained, the number of ids that it was to have.
pub(crate) fn choose_vocabulary(
    text: &CountedText,
    positions: Range<usize>,
    config: &DatasetConfig,
) -> (Vocabulary, Option<usize>) {
    if let Some(given) = &config.subword_vocabulary {
        return (given.clone().recounted(text.token_counts(positions)), None);
    }
    if let PreTokenizer::Subwords(_) = config.pre_tokenizer {
        let counts = text.token_counts(positions);
        let size = config.vocab_size.unwrap_or_else(|| default_subwords(bytes(counts.clone())));
        return (Vocabulary::train_subwords(counts, size - 1), Some(size));
    }
    // If every token gets an id, an unknown token would never be used.
    let all_known = positions.len() == text.provisional_ids.len() && config.min_count <= 1;
    let unknown = config.oov == OovPolicy::Unknown;
    let counts = text.token_counts(positions);
    let vocabulary = Vocabulary::from_counts(counts, config.min_count, unknown && !all_known);
    let vocabulary = match config.vocab_size {
        Some(size) if vocabulary.len() > size => vocabulary.truncated(size, unknown),
        _ => vocabulary,
    };
    (vocabulary, None)
}

fn bytes<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> u64 {
    counts.map(|(token, count)| token.len() as u64 * count).sum()
}

/// The number of ids of a vocabulary of subwords for a training text of `bytes` bytes, if none is given: the square root of
/// `bytes`, rounded down to a multiple of 64, at least 512 and at most 8,000. So a longer text has both longer tokens and
/// more occurrences of each, on average about a third of that root.
pub fn default_subwords(bytes: u64) -> usize {
    (bytes.isqrt() / 64 * 64).clamp(512, 8_000) as usize
}

/// The vocabulary of a trained model, unchanged or extended with the new tokens at `positions`.
///
/// # Errors
/// [`Error::NewTokens`] if there are new tokens and `policy` is [`NewTokens::Error`].
pub(crate) fn adapt_vocabulary(
    existing: &Vocabulary,
    policy: NewTokens,
    text: &CountedText,
    positions: Range<usize>,
    min_count: u64,
) -> Result<Vocabulary> {
    match policy {
        // All bytes are in the vocabulary.
        _ if existing.is_subwords() => Ok(existing.clone()),
        NewTokens::Unk => Ok(existing.clone()),
        NewTokens::Extend => Ok(existing.extended(text.token_counts(positions), min_count)),
        NewTokens::Error => {
            let mut new: Vec<_> =
                text.token_counts(positions).filter(|&(token, _)| existing.id(token).is_none()).collect();
            if new.is_empty() {
                return Ok(existing.clone());
            }
            new.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
            let first = new.iter().take(MAX_LISTED).map(|(token, _)| format!("`{token}`"));
            let mut first = first.collect::<Vec<_>>().join(", ");
            if new.len() > MAX_LISTED {
                first.push_str(", …");
            }
            Err(Error::NewTokens { count: new.len(), first })
        }
    }
}
