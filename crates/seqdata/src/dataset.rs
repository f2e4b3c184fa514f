//! From a text to token ids: clean, tokenize, count, build the vocabulary, encode, split.
//!
//! The text is read once, in chunks. Each token gets a provisional id in order of first appearance;
//! after counting, the provisional ids are replaced with those of the vocabulary. The text is never
//! in memory as a whole, and neither are its ids if they exceed the limit of [`IdsWriter`].

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use text_prep::{FoundControlCharacters, TextSource, TextStream, TokenCounter, Tokenizer};

use crate::dataset_config::DatasetConfig;
use crate::error::{Error, Result};
use crate::final_ids::FinalIds;
use crate::hash::{hex_digest, sha256};
use crate::ids::Ids;
use crate::ids_writer::IdsWriter;
use crate::split::Split;
use crate::streams::Streams;
use crate::vocab_builder::{CountedText, NewTokens, VocabSource, adapt_vocabulary, choose_vocabulary};
use crate::windows::Windows;

/// Counts over the whole cleaned text, whatever the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStats {
    /// Unicode scalar values after cleaning.
    pub characters: usize,
    /// Tokens.
    pub tokens: usize,
    /// Distinct tokens.
    pub distinct_tokens: usize,
    /// Tokens with a letter or a digit.
    pub words: usize,
    /// Those of them that occur only once.
    pub single_words: usize,
}

impl TextStats {
    /// The size of a vocabulary of all distinct tokens and the reserved id 0.
    pub fn vocab_size(&self) -> usize {
        self.distinct_tokens + 1
    }
}

/// The token ids of a text with its tokenizer and splits, ready for training.
///
/// ```
/// use seqdata::TextDataset;
///
/// let text = "The fox looked at the grapes. The grapes hung high. The fox went away. ".repeat(9);
/// let dataset = TextDataset::from_text(text).words().context_len(5).build()?;
/// assert_eq!(dataset.context_len(), 5);
/// assert_eq!(dataset.stats.tokens, dataset.ids.len());
/// # Ok::<(), seqdata::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TextDataset {
    /// SHA-256 of the text before cleaning, in hexadecimal.
    pub text_sha256: String,
    /// Counts over the whole text.
    pub stats: TextStats,
    /// The control characters of the text, if its source found any: kept or removed, as the source's options say.
    pub control_characters: Option<FoundControlCharacters>,
    /// The tokenizer, which is saved with a model.
    pub tokenizer: Tokenizer,
    /// The ids of the whole text.
    pub ids: Arc<Ids>,
    /// The ranges of `ids` for training, validation and test.
    pub split: Split,
    /// Training tokens that are not in `ids` because out-of-vocabulary tokens are dropped.
    pub train_dropped: usize,
    /// Validation tokens that are not in `ids` for the same reason.
    pub valid_dropped: usize,
    /// The number of ids that trained subwords were to have; the vocabulary has fewer if no other pair of subwords occurs
    /// twice.
    pub subwords_wanted: Option<usize>,
    context_len: usize,
    stride: usize,
}

impl TextDataset {
    /// Reads the text. With an `existing` tokenizer, its cleaner, pre-tokenizer, document separator and
    /// out-of-vocabulary policy replace those of `config`.
    pub(crate) fn read(
        text: &mut dyn TextSource,
        config: DatasetConfig,
        existing: Option<(&Tokenizer, NewTokens)>,
    ) -> Result<Self> {
        let config = match existing {
            None => config,
            Some((tokenizer, _)) => {
                let Tokenizer { cleaner, pre_tokenizer, document_separator, oov, .. } = tokenizer.clone();
                DatasetConfig { cleaner, pre_tokenizer, document_separator, oov, ..config }
            }
        };
        config.validate()?;
        let counted = count(text, &config)?;
        let control_characters = text.control_characters();
        let tokens = counted.provisional_ids.len();
        let split = Split::new(tokens, config.context_len, config.fractions)?;

        let positions = match config.vocab_source {
            VocabSource::Training => split.train.clone(),
            VocabSource::WholeText => 0..tokens,
        };
        let min_count = config.min_count;
        let (vocabulary, subwords_wanted) = match existing {
            None => choose_vocabulary(&counted, positions, &config),
            Some((tokenizer, new)) => {
                (adapt_vocabulary(&tokenizer.vocabulary, new, &counted, positions, min_count)?, None)
            }
        };
        let separator = config.document_separator.as_deref();
        let is_word = |id| !vocabulary.is_reserved(id) && vocabulary.token(id) != separator;
        if !(0..vocabulary.len() as u32).any(is_word) {
            return Err(Error::EmptyVocabulary { min_count });
        }
        let final_ids = FinalIds::new(&counted.counter, &vocabulary);

        let remaining = |range: &Range<usize>| {
            let (mut ids, mut dropped) = (0, 0);
            counted.provisional_ids.for_each(range.clone(), |id| {
                let count = final_ids.get(id).len();
                ids += count;
                dropped += usize::from(count == 0);
            });
            (ids, dropped)
        };
        let (train_dropped, valid_dropped) = (remaining(&split.train).1, remaining(&split.valid).1);
        let split = split.resized(|range| remaining(range).0);
        split.check_lengths(config.context_len)?;
        let mut ids = IdsWriter::default();
        counted.provisional_ids.for_each(0..tokens, |id| final_ids.get(id).iter().for_each(|&id| ids.push(id)));
        let ids = Arc::new(ids.finish()?);

        let CountedText { text_sha256, characters, counter, .. } = counted;
        let word_counts = || counter.iter().filter(|(token, _)| token.contains(char::is_alphanumeric)).map(|(_, n)| n);
        let stats = TextStats {
            characters,
            tokens,
            distinct_tokens: counter.len(),
            words: word_counts().sum::<u64>() as usize,
            single_words: word_counts().filter(|&count| count == 1).count(),
        };
        let DatasetConfig { cleaner, pre_tokenizer, document_separator, oov, context_len, stride, .. } = config;
        let tokenizer = Tokenizer { cleaner, pre_tokenizer, vocabulary, document_separator, oov };
        Ok(Self {
            text_sha256,
            stats,
            control_characters,
            tokenizer,
            ids,
            split,
            train_dropped,
            valid_dropped,
            subwords_wanted,
            context_len,
            stride,
        })
    }

    /// Input tokens per window. The first target of the validation split comes after this many tokens.
    pub fn context_len(&self) -> usize {
        self.context_len
    }

    /// The training windows.
    pub fn train_windows(&self) -> Windows {
        Windows::new(self.ids.clone(), self.split.train.clone(), self.context_len, self.stride)
    }

    /// The validation windows: one for every token with a whole window before it, whatever the
    /// stride of training, so that losses can be compared.
    pub fn valid_windows(&self) -> Windows {
        Windows::new(self.ids.clone(), self.split.valid.clone(), self.context_len, 1)
    }

    /// `count` training streams in chunks of `bptt_len` ids.
    ///
    /// # Errors
    /// If the training split has no input and target for every stream.
    pub fn train_streams(&self, count: usize, bptt_len: usize) -> Result<Streams> {
        let streams = Streams::new(self.ids.clone(), self.split.train.clone(), count, bptt_len);
        if streams.chunks() > 0 {
            return Ok(streams);
        }
        let tokens = self.split.train.len();
        Err(Error::TooManyStreams { streams: count, tokens, needed: count + 1 })
    }

    /// The validation split as one stream, with the same targets as the validation windows.
    pub fn valid_stream(&self) -> Streams {
        Streams::for_evaluation(self.ids.clone(), self.split.valid.clone(), self.context_len)
    }

    /// The same targets in `count` parallel streams, or in as many as suit the length of the split if `count` is 0:
    /// much faster for a long split, with nearly the same loss. See [`Streams::for_parallel_evaluation`].
    ///
    /// # Errors
    /// If the split is too short for that many streams.
    pub fn valid_streams(&self, count: usize) -> Result<Streams> {
        let valid = self.split.valid.clone();
        let automatic = || Streams::evaluation_count(valid.len(), self.context_len);
        let count = if count == 0 { automatic() } else { count };
        Streams::for_parallel_evaluation(self.ids.clone(), valid, self.context_len, count)
    }

    /// The hash of the training ids, the context length and the stride.
    pub fn train_sha256(&self) -> String {
        let ids = self.ids.sha256(self.split.train.clone());
        sha256(format!("{ids} {} {}", self.context_len, self.stride).as_bytes())
    }

    /// The hash of the validation ids.
    pub fn valid_sha256(&self) -> String {
        self.ids.sha256(self.split.valid.clone())
    }

    /// The fractions of the training and the validation tokens that are not in the vocabulary, dropped ones included.
    pub fn unknown_fractions(&self) -> [f64; 2] {
        let unknown = self.tokenizer.vocabulary.unknown_id();
        let parts = [(&self.split.train, self.train_dropped), (&self.split.valid, self.valid_dropped)];
        parts.map(|(range, dropped)| {
            let mut count = dropped;
            self.ids.for_each(range.clone(), |id| count += usize::from(Some(id) == unknown));
            count as f64 / (range.len() + dropped) as f64
        })
    }

    /// The mean loss of a unigram model on the validation targets, in nats per token, with the token
    /// frequencies of the training split. A token that does not occur in training counts as one occurrence.
    pub fn unigram_nats_per_token(&self) -> f64 {
        let mut counts = vec![0u64; self.tokenizer.vocabulary.len()];
        self.ids.for_each(self.split.train.clone(), |id| counts[id as usize] += 1);
        let total = self.split.train.len() as f64;
        let targets = self.split.valid.start + self.context_len..self.split.valid.end;
        let nats = |at: usize| -(counts[self.ids.get(at) as usize].max(1) as f64 / total).ln();
        // Not −0, the negated logarithm of 1.
        (targets.clone().map(nats).sum::<f64>() + 0.0) / targets.len() as f64
    }
}

/// Reads, cleans, tokenizes and counts the text.
fn count(text: &mut dyn TextSource, config: &DatasetConfig) -> Result<CountedText> {
    let (mut hasher, mut counter) = (Sha256::new(), TokenCounter::new());
    let (mut characters, mut ids) = (0, IdsWriter::default());
    let mut count = |clean: &str| characters += clean.chars().count();
    let mut stream = TextStream::new(&config.cleaner, &config.pre_tokenizer);
    while let Some(chunk) = text.next_chunk()? {
        hasher.update(chunk);
        stream.push(chunk, &mut count, |token| ids.push(counter.add(token)));
        ids.check()?;
    }
    stream.finish(&mut count, |token| ids.push(counter.add(token)));
    let (text_sha256, provisional_ids) = (hex_digest(hasher), ids.finish()?);
    Ok(CountedText { text_sha256, characters, counter, provisional_ids })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use text_prep::{Cleaner, OovPolicy};

    use super::*;

    fn config(oov: OovPolicy, min_count: u64, vocab_source: VocabSource) -> DatasetConfig {
        let config = DatasetConfig::words().split(0.25, 0.0).context_len(2);
        config.oov(oov).min_count(min_count).vocab_source(vocab_source)
    }

    const TEXT: &str = "a b a c a b d a b a e a f a b a";

    fn tokens(dataset: &TextDataset, range: Range<usize>) -> Vec<&str> {
        let token = |at| dataset.tokenizer.vocabulary.token(dataset.ids.get(at)).unwrap();
        range.map(token).collect()
    }

    #[test]
    fn held_out_words_are_unknown() {
        let config = config(OovPolicy::Unknown, 1, VocabSource::Training);
        let dataset = TextDataset::from_text(TEXT).config(config).build().unwrap();
        let stats = TextStats { characters: 31, tokens: 16, distinct_tokens: 6, words: 16, single_words: 4 };
        assert_eq!(dataset.stats, stats);
        assert_eq!(dataset.split.train, 0..12);
        assert_eq!(tokens(&dataset, 10..16), ["e", "a", "<unknown>", "a", "b", "a"]);
        assert_eq!(dataset.tokenizer.vocabulary.len(), 7);
    }

    #[test]
    fn a_vocabulary_of_the_whole_text_has_every_word() {
        let config = config(OovPolicy::Unknown, 1, VocabSource::WholeText);
        let dataset = TextDataset::from_text(TEXT).config(config).build().unwrap();
        assert_eq!(dataset.tokenizer.vocabulary.len(), dataset.stats.vocab_size());
        assert_eq!(dataset.tokenizer.vocabulary.unknown_id(), None);
    }

    #[test]
    fn new_tokens_are_rejected_or_unknown_or_extend_the_vocabulary() {
        let config = || config(OovPolicy::Unknown, 1, VocabSource::Training);
        let old = TextDataset::from_text(TEXT).config(config()).build().unwrap().tokenizer;
        let text = "a b x a x y a b a b z b a a b z";
        let read = |policy| TextDataset::from_text(text).config(config()).tokenizer(&old, policy).build();
        let error = read(NewTokens::Error).unwrap_err().to_string();
        assert!(error.contains("3 tokens") && error.contains("`x`, `y`, `z`"), "{error}");
        let unknown = read(NewTokens::Unk).unwrap();
        assert_eq!(unknown.tokenizer, old);
        assert_eq!(tokens(&unknown, 0..4), ["a", "b", "<unknown>", "a"]);
        assert_eq!(unknown.unknown_fractions(), [4.0 / 12.0, 1.0 / 4.0]);
        let extended = read(NewTokens::Extend).unwrap();
        assert_eq!(tokens(&extended, 0..6), ["a", "b", "x", "a", "x", "y"]);
        let vocabulary = extended.tokenizer.vocabulary;
        assert_eq!(vocabulary.len(), old.vocabulary.len() + 3);
        assert_eq!(vocabulary.id("b"), old.vocabulary.id("b"));
        let again = TextDataset::from_text(TEXT).config(config()).tokenizer(&old, NewTokens::Error);
        assert_eq!(again.build().unwrap().tokenizer, old);
    }

    #[test]
    fn dropped_words_move_the_split_boundaries() {
        let config = config(OovPolicy::Drop, 2, VocabSource::WholeText);
        let dataset = TextDataset::from_text(TEXT).config(config).build().unwrap();
        assert_eq!(dataset.ids.len(), 12);
        assert_eq!(dataset.split.train, 0..9);
        assert_eq!(tokens(&dataset, 9..12), ["a", "b", "a"]);
        assert_eq!((dataset.train_dropped, dataset.valid_dropped), (3, 1));
        assert_eq!(dataset.unknown_fractions(), [0.25, 0.25]);
    }

    #[test]
    fn a_vocabulary_of_the_separator_alone_is_rejected() {
        let config = config(OovPolicy::Unknown, 5, VocabSource::WholeText);
        let config = config.document_separator("a");
        let error = TextDataset::from_text(TEXT).config(config).build().unwrap_err().to_string();
        assert!(error.contains("`vocabulary.min_count`"), "{error}");
    }

    #[test]
    fn the_policy_error_is_rejected_for_training() {
        let config = config(OovPolicy::Error, 1, VocabSource::Training);
        assert!(TextDataset::from_text(TEXT).config(config).build().is_err());
    }

    #[test]
    fn the_unigram_loss_is_the_entropy_of_a_stationary_text() {
        let text = "a b ".repeat(200);
        let config = config(OovPolicy::Unknown, 1, VocabSource::Training);
        let nats = TextDataset::from_text(&text).config(config).build().unwrap().unigram_nats_per_token();
        assert!((nats - 2f64.ln()).abs() < 0.01, "{nats}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn encoding_and_decoding_characters_gives_the_same_text(text in "[a-zA-Z가-힣 .\n]{60,200}") {
            let config = DatasetConfig::characters()
                .cleaner(Cleaner::preset("verbatim").unwrap())
                .vocab_source(VocabSource::WholeText)
                .split(0.25, 0.0)
                .context_len(2);
            let dataset = TextDataset::from_text(&text).config(config).build().unwrap();
            let ids: Vec<u32> = dataset.ids.iter().collect();
            prop_assert_eq!(dataset.tokenizer.decode(&ids), text);
        }
    }
}
