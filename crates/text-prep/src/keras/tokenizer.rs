//! Counting and encoding as in Keras.

use super::{KerasConfig, TextItem};
use crate::error::Result;
use crate::token_counter::TokenCounter;

/// Keras's `Tokenizer`.
#[derive(Clone, Debug, PartialEq)]
pub struct KerasTokenizer {
    pub(super) config: KerasConfig,
    pub(super) document_count: u64,
    pub(super) word_counts: TokenCounter,
    pub(super) word_docs: TokenCounter,
    /// Word to index, in the order of Python's dictionary: the "counts" are the indices.
    pub(super) word_index: TokenCounter,
    /// `index_word[i - 1]` is the provisional id in `word_index` of the word with index `i`.
    pub(super) index_word: Vec<Option<u32>>,
}

impl KerasTokenizer {
    /// A tokenizer without words.
    ///
    /// # Errors
    /// [`Error::BadKeras`](crate::Error::BadKeras) if `split` is empty.
    pub fn new(config: KerasConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config,
            document_count: 0,
            word_counts: TokenCounter::new(),
            word_docs: TokenCounter::new(),
            word_index: TokenCounter::new(),
            index_word: Vec::new(),
        })
    }

    /// Counts texts, in addition to those counted before, and assigns new indices: by descending
    /// count, ties in order of first appearance, from 1 on, or from 2 with an `oov_token`.
    pub fn fit_on_texts<T>(&mut self, texts: &[T])
    where
        for<'a> &'a T: Into<TextItem<'a>>,
    {
        // The last document, counted from 1, that contains each word.
        let mut last_document = vec![0; self.word_counts.len()];
        for (document, text) in (1usize..).zip(texts) {
            self.document_count += 1;
            text.into().for_each_token(&self.config, |token| {
                let id = self.word_counts.add(token) as usize;
                if id == last_document.len() {
                    last_document.push(0);
                }
                if last_document[id] != document {
                    last_document[id] = document;
                    self.word_docs.add(token);
                }
            });
        }
        self.assign_indices();
    }

    fn assign_indices(&mut self) {
        let mut words: Vec<(&str, u64)> = self.word_counts.iter().collect();
        words.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let order = self.config.oov_token.as_deref().into_iter().chain(words.into_iter().map(|(word, _)| word));
        let mut word_index = TokenCounter::new();
        for (index, word) in (1..).zip(order) {
            // As in Python's `dict(zip(…))`: an `oov_token` that also occurs in the texts keeps its
            // position and gets the later index; index 1 is then unused.
            word_index.set(word, index);
        }
        self.word_index = word_index;
        self.index_words();
    }

    /// Makes `index_word` the inverse of `word_index`.
    pub(super) fn index_words(&mut self) {
        let largest = self.word_index.counts().iter().copied().max().unwrap_or(0);
        self.index_word = vec![None; largest as usize];
        for (id, &index) in (0..).zip(self.word_index.counts()) {
            self.index_word[index as usize - 1] = Some(id);
        }
    }

    /// The arguments of the tokenizer.
    pub fn config(&self) -> &KerasConfig {
        &self.config
    }

    /// Number of texts counted.
    pub fn document_count(&self) -> u64 {
        self.document_count
    }

    /// Words and their counts, in order of first appearance.
    pub fn word_counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.word_counts.iter()
    }

    /// Words and the number of texts that contain them, in order of first appearance (in Python, the
    /// arbitrary order of a set).
    pub fn word_docs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.word_docs.iter()
    }

    /// All words and their indices, in the order of the indices. Ignores `num_words`.
    pub fn word_index(&self) -> impl Iterator<Item = (&str, u64)> {
        self.word_index.iter()
    }

    /// The index of a word.
    pub fn index(&self, word: &str) -> Option<u64> {
        self.word_index.find(word).map(|id| self.word_index.counts()[id as usize])
    }

    /// The word with this index.
    pub fn word(&self, index: u64) -> Option<&str> {
        let at = usize::try_from(index.checked_sub(1)?).ok()?;
        self.index_word.get(at).copied().flatten().map(|id| self.word_index.token(id))
    }

    /// Encodes texts. A word that is unknown or excluded by `num_words` becomes the index of the
    /// `oov_token`, or is left out if there is none.
    pub fn texts_to_sequences<T>(&self, texts: &[T]) -> Vec<Vec<u64>>
    where
        for<'a> &'a T: Into<TextItem<'a>>,
    {
        let oov = self.oov_index();
        let sequence = |text: &T| {
            let mut sequence = Vec::new();
            text.into().for_each_token(&self.config, |token| {
                let index = self.index(token).filter(|&index| !self.config.excludes(index));
                sequence.extend(index.or(oov));
            });
            sequence
        };
        texts.iter().map(sequence).collect()
    }

    /// Decodes indices, with one space between words. An index that is unknown or excluded by
    /// `num_words` becomes the `oov_token`, or is left out if there is none.
    pub fn sequences_to_texts<S: AsRef<[u64]>>(&self, sequences: &[S]) -> Vec<String> {
        let oov = self.oov_index().and_then(|index| self.word(index));
        let text = |sequence: &S| {
            let words = sequence
                .as_ref()
                .iter()
                .filter_map(|&index| self.word(index).filter(|_| !self.config.excludes(index)).or(oov));
            words.collect::<Vec<_>>().join(" ")
        };
        sequences.iter().map(text).collect()
    }

    fn oov_index(&self) -> Option<u64> {
        self.index(self.config.oov_token.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(config: KerasConfig, texts: &[&str]) -> KerasTokenizer {
        let mut tokenizer = KerasTokenizer::new(config).unwrap();
        tokenizer.fit_on_texts(texts);
        tokenizer
    }

    /// `if num_words and i >= num_words`: indices from 3 on are excluded; 0 is no limit in Python.
    #[test]
    fn num_words_keeps_one_word_fewer() {
        let texts = ["a a a b b c"];
        let limited = |num_words| fit(KerasConfig { num_words, ..KerasConfig::default() }, &texts);
        assert_eq!(limited(Some(3)).texts_to_sequences(&["c b a z"]), [[2, 1]]);
        assert_eq!(limited(Some(3)).word_index().count(), 3);
        assert_eq!(limited(Some(3)).sequences_to_texts(&[[1, 2, 3, 9]]), ["a b"]);
        assert_eq!(limited(Some(0)).texts_to_sequences(&["c b a z"]), [[3, 2, 1]]);
        assert_eq!(limited(None).texts_to_sequences(&["c b a z"]), [[3, 2, 1]]);
    }

    /// "if given, it will be added to word_index and used to replace out-of-vocabulary words".
    #[test]
    fn the_oov_token_has_index_one_and_replaces_excluded_words() {
        let config = KerasConfig { num_words: Some(3), oov_token: Some("<OOV>".into()), ..KerasConfig::default() };
        let tokenizer = fit(config, &["a a b"]);
        let index: Vec<_> = tokenizer.word_index().collect();
        assert_eq!(index, [("<OOV>", 1), ("a", 2), ("b", 3)]);
        assert_eq!(tokenizer.texts_to_sequences(&["a b z"]), [[2, 1, 1]]);
        assert_eq!(tokenizer.sequences_to_texts(&[[2, 3, 9, 0]]), ["a <OOV> <OOV> <OOV>"]);
    }

    /// `dict(zip(sorted_voc, range(1, …)))` with the word twice in `sorted_voc`.
    #[test]
    fn an_oov_token_that_occurs_in_the_text_gets_the_later_index() {
        let config = KerasConfig { oov_token: Some("b".into()), ..KerasConfig::default() };
        let tokenizer = fit(config, &["a a b"]);
        assert_eq!(tokenizer.word_index().collect::<Vec<_>>(), [("b", 3), ("a", 2)]);
        assert_eq!(tokenizer.word(1), None);
        assert_eq!(tokenizer.texts_to_sequences(&["z a b"]), [[3, 2, 3]]);
    }

    #[test]
    fn fitting_again_adds_to_the_counts() {
        let mut tokenizer = fit(KerasConfig::default(), &["a b", "a"]);
        tokenizer.fit_on_texts(&["b b c".to_owned()]);
        assert_eq!(tokenizer.word_counts().collect::<Vec<_>>(), [("a", 2), ("b", 3), ("c", 1)]);
        assert_eq!(tokenizer.word_docs().collect::<Vec<_>>(), [("a", 2), ("b", 2), ("c", 1)]);
        assert_eq!((tokenizer.index("b"), tokenizer.document_count()), (Some(1), 3));
    }

    #[test]
    fn char_level_counts_characters() {
        let config = KerasConfig { char_level: true, ..KerasConfig::default() };
        let tokenizer = fit(config, &["Aba, "]);
        assert_eq!(tokenizer.texts_to_sequences(&["b a!"]), [[2, 4, 1]]);
        assert_eq!(tokenizer.sequences_to_texts(&[[1, 2, 3]]), ["a b ,"]);
    }

    #[test]
    fn an_empty_split_is_rejected() {
        let config = KerasConfig { split: String::new(), ..KerasConfig::default() };
        assert!(KerasTokenizer::new(config).is_err());
    }
}
