//! From a text to token ids: clean, tokenize, count, build the vocabulary, encode, split.
//!
//! The text is read once, in chunks. Each token gets a provisional id in order of first appearance;
//! after counting, the provisional ids are replaced with those of the vocabulary. The text is never
//! in memory as a whole, and neither are its ids if they exceed the limit of [`IdsWriter`](crate::IdsWriter).

use std::sync::Arc;

use text_prep::Tokenizer;

use crate::counted_text::CountedText;
use crate::dataset_config::DatasetConfig;
use crate::dataset_input::{DatasetInput, INPUTS, check_kinds};
use crate::document_index::{check_documents, index_documents};
use crate::documents::Documents;
use crate::error::{ConfigError, Error, Result};
use crate::final_ids::{EncodedText, FinalIds};
use crate::ids::Ids;
use crate::sections::Sections;
use crate::sequence::Sequence;
use crate::split::{Part, Split};
use crate::streams::Streams;
use crate::unknown_tokens::UnknownTokens;
use crate::vocab_builder::{NewTokens, VocabInput, adapt_vocabulary, choose_vocabulary};
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
    /// Tokens with a letter or a digit, before words are divided into subwords.
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
    /// The tokenizer, which is saved with a model.
    pub tokenizer: Tokenizer,
    /// The ids of the whole text. With documents, each part of the split begins and ends with the document token, which
    /// also stands between the documents.
    pub ids: Arc<Ids>,
    /// The ranges of `ids` for training, validation and test.
    pub split: Split,
    /// The documents, if the text consists of documents.
    pub documents: Option<Arc<Documents>>,
    /// The tokens that are the unknown token in `ids`.
    pub unknown_tokens: Arc<UnknownTokens>,
    /// Training tokens that are not in `ids` because out-of-vocabulary tokens are dropped.
    pub train_dropped: usize,
    /// Validation tokens that are not in `ids` for the same reason.
    pub valid_dropped: usize,
    /// Test tokens that are not in `ids` for the same reason.
    pub test_dropped: usize,
    /// The number of ids that trained subwords were to have; the vocabulary has fewer if no other pair of subwords occurs
    /// twice.
    pub subwords_wanted: Option<usize>,
    pub(crate) context_len: usize,
    pub(crate) stride: usize,
}

impl TextDataset {
    /// Reads the inputs for training, validation and test. With an `existing` tokenizer, its cleaner, pre-tokenizer,
    /// document separator and out-of-vocabulary policy replace those of `config`; `labels` are those of its model.
    /// Nothing is put before documents.
    pub(crate) fn read(
        mut inputs: [Option<DatasetInput<'_>>; INPUTS],
        config: DatasetConfig,
        existing: Option<(Tokenizer, NewTokens)>,
        labels: Option<Vec<String>>,
    ) -> Result<Self> {
        let has_documents = inputs[0].as_ref().is_some_and(DatasetInput::has_documents);
        let config = match &existing {
            None if has_documents => DatasetConfig { cleaner: config.cleaner.for_documents(), ..config },
            None => config,
            Some((tokenizer, _)) => {
                let Tokenizer { cleaner, pre_tokenizer, document_separator, oov, vocabulary } = tokenizer.clone();
                let is_first = has_documents && vocabulary.document_id().is_none();
                let cleaner = if is_first { cleaner.for_documents() } else { cleaner };
                DatasetConfig { cleaner, pre_tokenizer, document_separator, oov, ..config }
            }
        };
        config.validate()?;
        if config.each_file && has_documents {
            let expected = "false for documents, which are split as wholes";
            return Err(ConfigError::new("split.each_file", true, expected).into());
        }
        // A vocabulary that is extended gets the document token that documents need.
        let kept = existing.as_ref().filter(|(_, new)| !has_documents || *new != NewTokens::Extend);
        check_kinds(&inputs, kept.map(|(tokenizer, _)| tokenizer))?;
        let mut counted = CountedText::read(&mut inputs, &config)?;
        let is_given = [&inputs[1], &inputs[2]].map(Option::is_some);
        let sections = Sections::new(&mut counted, &config, is_given)
            .map_err(|error| error.about_long_tokens(counted.characters, counted.input_ends[INPUTS - 1]))?;

        let input = VocabInput { text: &counted, sections: &sections, source: config.vocab_source };
        let (vocabulary, subwords_wanted) = match &existing {
            None => choose_vocabulary(&input, &config),
            Some((tokenizer, new)) => (adapt_vocabulary(&tokenizer.vocabulary, *new, &input, &config)?, None),
        };
        let separator = config.document_separator.as_deref();
        let is_word = |id| !vocabulary.is_reserved(id) && vocabulary.token(id) != separator;
        let words = || (0..vocabulary.len() as u32).filter(|&id| is_word(id));
        if words().next().is_none() {
            return Err(Error::EmptyVocabulary { min_count: config.min_count });
        }
        let is_given_alone = existing.is_none() && config.vocabulary.is_some() && vocabulary.unknown_id().is_none();
        if is_given_alone && words().all(|id| vocabulary.count(id) == 0) {
            return Err(Error::NoGivenToken { given: words().count() });
        }
        let final_ids = FinalIds::new(&counted.counter, &vocabulary);
        let mut encoded = EncodedText::new(&counted, &sections, &final_ids, &vocabulary)?;
        match counted.documents {
            None => encoded.split.check_lengths(config.context_len)?,
            Some(_) => check_documents(&encoded.counts, is_given[1])?,
        }
        let (tokens, distinct_tokens) = final_ids.count(&counted.counter, &vocabulary);
        let CountedText { text_sha256, characters, counter, documents, .. } = counted;
        let known = labels.map(|labels| (labels, existing.as_ref().map_or(NewTokens::Error, |&(_, new)| new)));
        let documents =
            documents.map(|counted| index_documents(counted, &sections, &mut encoded, known)).transpose()?;
        let word_counts = || counter.iter().filter(|(token, _)| token.contains(char::is_alphanumeric)).map(|(_, n)| n);
        let stats = TextStats {
            characters,
            tokens,
            distinct_tokens,
            words: word_counts().sum::<u64>() as usize,
            single_words: word_counts().filter(|&count| count == 1).count(),
        };
        let DatasetConfig { cleaner, pre_tokenizer, document_separator, oov, context_len, stride, .. } = config;
        Ok(Self {
            text_sha256,
            stats,
            tokenizer: Tokenizer { cleaner, pre_tokenizer, vocabulary, document_separator, oov },
            ids: Arc::new(encoded.ids),
            split: encoded.split,
            documents: documents.map(Arc::new),
            unknown_tokens: Arc::new(UnknownTokens::new(encoded.unknown, &counter)),
            train_dropped: encoded.dropped[0],
            valid_dropped: encoded.dropped[1],
            test_dropped: encoded.dropped[2],
            subwords_wanted,
            context_len,
            stride,
        })
    }

    /// Input tokens per window. The first target of the validation split comes after this many tokens.
    pub fn context_len(&self) -> usize {
        self.context_len
    }

    /// The ids of `part` in their order, with the labels of documents.
    pub fn sequence(&self, part: Part) -> Sequence {
        let (ids, range) = (self.ids.clone(), self.split.range(part));
        match &self.documents {
            None => Sequence::new(ids, range),
            Some(documents) => Sequence::of_documents(ids, range, documents.clone(), part),
        }
    }

    /// Whether a part is held out for a test.
    pub fn has_test_part(&self) -> bool {
        match &self.documents {
            None => !self.split.test.is_empty(),
            Some(documents) => !documents.of(Part::Test).is_empty(),
        }
    }

    /// The ids of the validation split before the first target of a stream: as many as a window has, so that windows and
    /// streams have the same targets; with documents the document token alone, so that every token is a target.
    pub fn valid_context_len(&self) -> usize {
        if self.documents.is_some() { 1 } else { self.context_len }
    }

    /// The names of the labels of documents, in the order of their numbers from 1 on; none without labels.
    pub fn label_names(&self) -> &[String] {
        self.documents.as_ref().map_or(&[], |documents| &documents.label_names)
    }

    /// The training windows.
    pub fn train_windows(&self) -> Windows {
        Windows::over(self.sequence(Part::Train), self.context_len, self.stride)
    }

    /// The validation windows: one for every token with a whole window before it, whatever the
    /// stride of training, so that losses can be compared.
    pub fn valid_windows(&self) -> Windows {
        Windows::over(self.sequence(Part::Valid), self.context_len, 1)
    }

    /// Checks that the training and the validation split have windows. Those of running text have; documents may be too few
    /// or too short, and can then still be trained on in streams.
    ///
    /// # Errors
    /// Names the split that is shorter than a window and its target.
    pub fn check_windows(&self) -> Result<()> {
        self.split.check_lengths(self.context_len)
    }

    /// `count` training streams in chunks of `bptt_len` ids. Documents stand in their order; to shuffle them for every
    /// epoch see [`Streams::for_training`].
    ///
    /// # Errors
    /// If the training split has no input and target for every stream.
    pub fn train_streams(&self, count: usize, bptt_len: usize) -> Result<Streams> {
        let streams = Streams::over(self.sequence(Part::Train), count, bptt_len);
        if streams.chunks() > 0 {
            return Ok(streams);
        }
        let tokens = self.split.train.len();
        Err(Error::TooManyStreams { streams: count, tokens, needed: count + 1 })
    }

    /// The validation split as one stream, with the same targets as the validation windows; with documents, every token is
    /// a target.
    pub fn valid_stream(&self) -> Streams {
        Streams::evaluation(self.sequence(Part::Valid), self.valid_context_len())
    }

    /// The same targets in `count` parallel streams, or in as many as suit the length of the split if `count` is 0:
    /// much faster for a long split, with nearly the same loss. See [`Streams::parallel_evaluation`].
    ///
    /// # Errors
    /// If the split is too short for that many streams.
    pub fn valid_streams(&self, count: usize) -> Result<Streams> {
        let (valid, context_len) = (self.sequence(Part::Valid), self.valid_context_len());
        let automatic = || Streams::evaluation_count(&valid, context_len);
        let count = if count == 0 { automatic() } else { count };
        Streams::parallel_evaluation(valid, context_len, count)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;
    use text_prep::{Cleaner, OovPolicy, Vocabulary};

    use super::*;
    use crate::dataset_config::VocabSource;

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
        let unknown = &dataset.unknown_tokens;
        let of_parts = Part::ALL.map(|part| unknown.of(part).collect::<Vec<_>>());
        assert_eq!((of_parts, unknown.distinct()), ([vec![], vec!["f"], vec![]], 1));
    }

    #[test]
    fn a_given_vocabulary_without_any_token_of_the_text_is_named() {
        let read = |tokens: [&'static str; 2], has_unknown| {
            let given = Vocabulary::from_counts(tokens.map(|token| (token, 1)), 1, has_unknown);
            let config = config(OovPolicy::Unknown, 1, VocabSource::WholeText).vocabulary(given);
            TextDataset::from_text(TEXT).config(config).build()
        };
        let error = read(["x", "y"], false).unwrap_err().to_string();
        assert!(error.starts_with("no token of `tokens.path`, which has 2 tokens, occurs in the text"), "{error}");
        assert!(read(["x", "y"], true).is_ok() && read(["a", "b"], false).is_ok());
    }

    #[test]
    fn repetition_that_is_merged_into_few_tokens_is_named() {
        let text = "a".repeat(6_000);
        for config in [DatasetConfig::words(), DatasetConfig::subwords()] {
            let error = TextDataset::from_text(&text).config(config.context_len(30)).build().unwrap_err().to_string();
            assert!(
                error.contains(" characters, but only ") && error.contains("a passage that is repeated"),
                "{error}"
            );
        }
        assert!(TextDataset::from_text(&text).config(DatasetConfig::characters().context_len(30)).build().is_ok());
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
