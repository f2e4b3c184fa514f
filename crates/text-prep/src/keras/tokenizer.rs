//! Counting, numbering and looking up as Keras does it.
//!
//! What it does not know: how its state is written to a file.

use super::{KerasConfig, TextItem};
use crate::error::Result;
use crate::interner::Interner;

/// Keras's `Tokenizer`.
#[derive(Clone, Debug, PartialEq)]
pub struct KerasTokenizer {
    pub(super) config: KerasConfig,
    pub(super) document_count: u64,
    pub(super) word_counts: Interner,
    pub(super) word_docs: Interner,
    /// Word to index, in the order of Python's dictionary: the values are the indices.
    pub(super) word_index: Interner,
    /// `index_word[i - 1]` is the number in `word_index` of the word with index `i`.
    pub(super) index_word: Vec<Option<u32>>,
}

impl KerasTokenizer {
    /// A tokenizer that has seen nothing.
    ///
    /// # Errors
    /// [`Error::BadKeras`](crate::Error::BadKeras) when `split` is empty.
    pub fn new(config: KerasConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            config,
            document_count: 0,
            word_counts: Interner::new(),
            word_docs: Interner::new(),
            word_index: Interner::new(),
            index_word: Vec::new(),
        })
    }

    /// Counts texts, on top of those counted before, and numbers all words anew: by falling
    /// count, ties in order of first appearance, from 1 on, or from 2 with an `oov_token`.
    pub fn fit_on_texts<T>(&mut self, texts: &[T])
    where
        for<'a> &'a T: Into<TextItem<'a>>,
    {
        // In which document, counted from 1, each word was seen last.
        let mut seen_in = vec![0; self.word_counts.len()];
        for (document, text) in (1usize..).zip(texts) {
            self.document_count += 1;
            text.into().for_each_token(&self.config, |token| {
                let number = self.word_counts.intern(token) as usize;
                if number == seen_in.len() {
                    seen_in.push(0);
                }
                if seen_in[number] != document {
                    seen_in[number] = document;
                    self.word_docs.intern(token);
                }
            });
        }
        self.number();
    }

    fn number(&mut self) {
        let mut words: Vec<(&str, u64)> = self.word_counts.iter().collect();
        words.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let order = self
            .config
            .oov_token
            .as_deref()
            .into_iter()
            .chain(words.into_iter().map(|(word, _)| word));
        let mut word_index = Interner::new();
        for (index, word) in (1..).zip(order) {
            // As in Python's `dict(zip(…))`: an `oov_token` that the texts hold too keeps its
            // place and gets the later index; index 1 is then nobody's.
            word_index.set(word, index);
        }
        self.word_index = word_index;
        self.index_words();
    }

    /// Makes `index_word` the inverse of `word_index`.
    pub(super) fn index_words(&mut self) {
        let largest = self.word_index.counts().iter().copied().max().unwrap_or(0);
        self.index_word = vec![None; largest as usize];
        for (number, &index) in (0..).zip(self.word_index.counts()) {
            self.index_word[index as usize - 1] = Some(number);
        }
    }

    /// The arguments it was made with.
    pub fn config(&self) -> &KerasConfig {
        &self.config
    }

    /// How many texts were counted.
    pub fn document_count(&self) -> u64 {
        self.document_count
    }

    /// How often each word came, in order of first appearance.
    pub fn word_counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.word_counts.iter()
    }

    /// In how many texts each word came. Python's order is that of a set, hence arbitrary; ours
    /// is that of first appearance.
    pub fn word_docs(&self) -> impl Iterator<Item = (&str, u64)> {
        self.word_docs.iter()
    }

    /// Every word and its index, in the order of the indices. All words, whatever `num_words` is.
    pub fn word_index(&self) -> impl Iterator<Item = (&str, u64)> {
        self.word_index.iter()
    }

    /// The index of a word.
    pub fn index(&self, word: &str) -> Option<u64> {
        self.word_index.find(word).map(|number| self.word_index.counts()[number as usize])
    }

    /// The word with this index.
    pub fn word(&self, index: u64) -> Option<&str> {
        let place = usize::try_from(index.checked_sub(1)?).ok()?;
        self.index_word.get(place).copied().flatten().map(|number| self.word_index.token(number))
    }

    /// Texts as indices. A word that is unknown, or that `num_words` leaves out, becomes the
    /// `oov_token`'s index where there is one and is left out otherwise.
    pub fn texts_to_sequences<T>(&self, texts: &[T]) -> Vec<Vec<u64>>
    where
        for<'a> &'a T: Into<TextItem<'a>>,
    {
        let oov = self.oov_index();
        let sequence = |text: &T| {
            let mut sequence = Vec::new();
            text.into().for_each_token(&self.config, |token| {
                let index = self.index(token).filter(|&index| !self.config.leaves_out(index));
                sequence.extend(index.or(oov));
            });
            sequence
        };
        texts.iter().map(sequence).collect()
    }

    /// Indices as texts, one space between words. An index that is unknown, or that `num_words`
    /// leaves out, becomes the `oov_token` where there is one and is left out otherwise.
    pub fn sequences_to_texts<S: AsRef<[u64]>>(&self, sequences: &[S]) -> Vec<String> {
        let oov = self.oov_index().and_then(|index| self.word(index));
        let text = |sequence: &S| {
            let words = sequence.as_ref().iter().filter_map(|&index| {
                self.word(index).filter(|_| !self.config.leaves_out(index)).or(oov)
            });
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

    /// `if num_words and i >= num_words`: index 3 and above go; 0 is no limit in Python.
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
    fn the_oov_token_takes_index_one_and_all_that_is_left_out() {
        let config = KerasConfig {
            num_words: Some(3),
            oov_token: Some("<OOV>".into()),
            ..KerasConfig::default()
        };
        let tokenizer = fit(config, &["a a b"]);
        let index: Vec<_> = tokenizer.word_index().collect();
        assert_eq!(index, [("<OOV>", 1), ("a", 2), ("b", 3)]);
        assert_eq!(tokenizer.texts_to_sequences(&["a b z"]), [[2, 1, 1]]);
        assert_eq!(tokenizer.sequences_to_texts(&[[2, 3, 9, 0]]), ["a <OOV> <OOV> <OOV>"]);
    }

    /// `dict(zip(sorted_voc, range(1, …)))` with the word twice in `sorted_voc`.
    #[test]
    fn an_oov_token_that_the_text_holds_keeps_the_later_index() {
        let config = KerasConfig { oov_token: Some("b".into()), ..KerasConfig::default() };
        let tokenizer = fit(config, &["a a b"]);
        assert_eq!(tokenizer.word_index().collect::<Vec<_>>(), [("b", 3), ("a", 2)]);
        assert_eq!(tokenizer.word(1), None);
        assert_eq!(tokenizer.texts_to_sequences(&["z a b"]), [[3, 2, 3]]);
    }

    #[test]
    fn counting_again_adds_up() {
        let mut tokenizer = fit(KerasConfig::default(), &["a b", "a"]);
        tokenizer.fit_on_texts(&["b b c".to_owned()]);
        assert_eq!(tokenizer.word_counts().collect::<Vec<_>>(), [("a", 2), ("b", 3), ("c", 1)]);
        assert_eq!(tokenizer.word_docs().collect::<Vec<_>>(), [("a", 2), ("b", 2), ("c", 1)]);
        assert_eq!((tokenizer.index("b"), tokenizer.document_count()), (Some(1), 3));
    }

    #[test]
    fn characters_are_counted_on_request() {
        let config = KerasConfig { char_level: true, ..KerasConfig::default() };
        let tokenizer = fit(config, &["Aba, "]);
        assert_eq!(tokenizer.texts_to_sequences(&["b a!"]), [[2, 4, 1]]);
        assert_eq!(tokenizer.sequences_to_texts(&[[1, 2, 3]]), ["a b ,"]);
    }

    #[test]
    fn an_empty_split_is_refused() {
        let config = KerasConfig { split: String::new(), ..KerasConfig::default() };
        assert!(KerasTokenizer::new(config).is_err());
    }
}
