//! Builds the vocabulary of a dataset from token counts, or adapts that of a trained model.

use serde::{Deserialize, Serialize};
use text_prep::{OovPolicy, PreTokenizer, Vocabulary};

use crate::counted_text::CountedText;
use crate::dataset_config::{DatasetConfig, VocabSource};
use crate::error::{Error, Result};
use crate::sections::Sections;
use crate::split::Part;

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
    /// Add them to the vocabulary, with ids after the existing ones. All texts are known to subwords: more of them are merged,
    /// up to the size of the configuration or, if it gives none, a quarter more. The present size adds no subwords.
    Extend,
}

/// Where the tokens come from that a vocabulary is built from.
pub(crate) struct VocabInput<'a> {
    pub text: &'a CountedText,
    pub sections: &'a Sections,
    pub source: VocabSource,
}

impl VocabInput<'_> {
    fn uses(&self, part: Part) -> bool {
        self.source == VocabSource::WholeText || part == Part::Train
    }

    /// The number of documents whose tokens are counted.
    fn document_count(&self) -> u64 {
        self.sections.count(|part| self.uses(part)) as u64
    }

    /// The tokens with their counts, in order of first appearance in the text.
    fn token_counts(&self) -> impl Iterator<Item = (&str, u64)> + Clone {
        let Self { text, sections, .. } = self;
        let mut counts = vec![0u64; text.counter.len()];
        sections.for_each(&text.provisional_ids, |part| self.uses(part), |_, id| counts[id as usize] += 1);
        let counted = (0u32..).zip(counts).filter(|&(_, count)| count > 0);
        counted.map(|(id, count)| (text.counter.token(id), count))
    }
}

/// A new vocabulary, and if subwords are trained, the number of ids that it was to have. With documents, it has a document
/// token.
pub(crate) fn choose_vocabulary(input: &VocabInput, config: &DatasetConfig) -> (Vocabulary, Option<usize>) {
    let counts = input.token_counts();
    // A size includes padding and the document token.
    let reserved = 1 + usize::from(input.text.documents.is_some());
    let (vocabulary, wanted) = match (&config.vocabulary, &config.pre_tokenizer) {
        (Some(given), _) => (given.clone().recounted(counts), None),
        (None, PreTokenizer::Subwords(_)) => {
            let bytes = counts.clone().map(|(token, count)| token.len() as u64 * count).sum();
            let size = config.vocab_size.unwrap_or_else(|| default_subwords(bytes));
            (Vocabulary::train_subwords(counts, size.saturating_sub(reserved)), Some(size))
        }
        (None, _) => {
            let unknown = config.oov == OovPolicy::Unknown;
            // If every token gets an id, an unknown token would never be used.
            let has_all = Part::ALL.into_iter().all(|part| input.uses(part) || input.sections.len(part) == 0);
            let all_known = has_all && config.min_count <= 1;
            let vocabulary = Vocabulary::from_counts(counts, config.min_count, unknown && !all_known);
            let most = config.vocab_size.map_or(usize::MAX, |size| size.saturating_sub(reserved - 1));
            (if vocabulary.len() > most { vocabulary.truncated(most, unknown) } else { vocabulary }, None)
        }
    };
    match input.text.documents {
        None => (vocabulary, wanted),
        Some(_) => (vocabulary.with_documents(input.document_count()), wanted),
    }
}

/// The number of ids of a vocabulary of subwords for a training text of `bytes` bytes, if none is given: the square root of
/// `bytes`, rounded down to a multiple of 64, at least 512 and at most 8,000. So a longer text has both longer tokens and
/// more occurrences of each, on average about a third of that root.
pub fn default_subwords(bytes: u64) -> usize {
    (bytes.isqrt() / 64 * 64).clamp(512, 8_000) as usize
}

/// The number of ids of a vocabulary of subwords that is extended: the given one or, if none is given, a quarter more than
/// it has.
///
/// # Errors
/// [`Error::SmallerVocabulary`] if fewer are given than it has.
pub(crate) fn extended_size(existing: usize, given: Option<usize>) -> Result<usize> {
    match given {
        None => Ok(existing + existing / 4),
        Some(given) if given >= existing => Ok(given),
        Some(given) => Err(Error::SmallerVocabulary { given, existing }),
    }
}

/// The vocabulary of a trained model, unchanged or extended with the new tokens. Subwords are extended by those that are
/// merged of the model's. With [`NewTokens::Extend`], a model of running text gets a document token for documents.
///
/// # Errors
/// [`Error::NewTokens`] if there are new tokens and `policy` is [`NewTokens::Error`]; [`Error::SmallerVocabulary`] if subwords
/// are extended and the configuration has a size below the present one.
pub(crate) fn adapt_vocabulary(
    existing: &Vocabulary,
    policy: NewTokens,
    input: &VocabInput,
    config: &DatasetConfig,
) -> Result<Vocabulary> {
    match policy {
        NewTokens::Extend => {
            let gets_document_token = input.text.documents.is_some() && existing.document_id().is_none();
            let extended = if existing.is_subwords() {
                // A size includes padding and the document token.
                let reserved = existing.len() - existing.num_words() + usize::from(gets_document_token);
                let size = extended_size(existing.len(), config.vocab_size)?;
                existing.extended_subwords(input.token_counts(), size - reserved)
            } else {
                existing.extended(input.token_counts(), config.min_count)
            };
            Ok(if gets_document_token { extended.with_documents(input.document_count()) } else { extended })
        }
        // All bytes are in the vocabulary.
        _ if existing.is_subwords() => Ok(existing.clone()),
        NewTokens::Unk => Ok(existing.clone()),
        NewTokens::Error => {
            let mut new: Vec<_> = input.token_counts().filter(|&(token, _)| existing.id(token).is_none()).collect();
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
