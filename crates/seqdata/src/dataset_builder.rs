//! From a text to a dataset: where the text comes from, and the options, one method each.

use std::borrow::Cow;
use std::path::PathBuf;

use text_prep::{Cleaner, DocumentSource, OovPolicy, PreTokenizer, TextSource, Tokenizer, Vocabulary};

use crate::dataset::TextDataset;
use crate::dataset_config::{DatasetConfig, VocabSource};
use crate::dataset_input::DatasetInput;
use crate::error::Result;
use crate::vocab_builder::NewTokens;

impl TextDataset {
    /// A dataset of a text in memory, which is used as it is.
    pub fn from_text<'a>(text: impl Into<Cow<'a, str>>) -> TextDatasetBuilder<'a> {
        Self::from_input(DatasetInput::whole_text(text))
    }

    /// A dataset of a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark, which is read in chunks and may be
    /// larger than memory. Byte order marks are removed, and CRLF becomes LF. For other encodings and for excerpts see
    /// [`from_source`](Self::from_source).
    pub fn from_file(path: impl Into<PathBuf>) -> TextDatasetBuilder<'static> {
        Self::from_input(DatasetInput::file(path))
    }

    /// A dataset of a text that is read in chunks, such as a file opened by
    /// [`SourceOptions::open`](text_prep::SourceOptions::open) or a reader opened by
    /// [`SourceOptions::open_reader`](text_prep::SourceOptions::open_reader).
    pub fn from_source<'a>(source: impl TextSource + 'a) -> TextDatasetBuilder<'a> {
        Self::from_input(DatasetInput::text(source))
    }

    /// A dataset of documents: independent texts, each with a label or without. They are split as wholes, and equal
    /// documents stay on one side. The model starts each of them with a fresh state and learns where it ends.
    ///
    /// ```
    /// use seqdata::{Part, TextDataset};
    ///
    /// let poems = [("The fox sang.", Some("fables")), ("A crow sat.", None), ("The fox sang.", Some("fables"))];
    /// let dataset = TextDataset::from_documents(&poems[..]).words().build()?;
    /// let documents = dataset.documents.as_ref().unwrap();
    /// assert_eq!((documents.len(), documents.duplicates, documents.label_names.len()), (3, 1, 1));
    /// assert!(!documents.of(Part::Valid).is_empty());
    /// # Ok::<(), seqdata::Error>(())
    /// ```
    pub fn from_documents<'a>(source: impl DocumentSource + 'a) -> TextDatasetBuilder<'a> {
        Self::from_input(DatasetInput::documents(source))
    }

    /// A dataset of a running text or of documents.
    pub fn from_input(input: DatasetInput<'_>) -> TextDatasetBuilder<'_> {
        let inputs = [Some(input), None, None];
        TextDatasetBuilder { inputs, config: DatasetConfig::default(), existing: None, labels: None }
    }
}

/// The options of a [`TextDataset`], whose text is read by [`build`](Self::build). Created by
/// [`TextDataset::from_text`], [`TextDataset::from_file`], [`TextDataset::from_source`],
/// [`TextDataset::from_documents`] and [`TextDataset::from_input`].
///
/// The defaults are those of [`DatasetConfig::words`].
#[must_use = "the text is read by `build`"]
pub struct TextDatasetBuilder<'a> {
    /// For training, validation and test.
    inputs: [Option<DatasetInput<'a>>; 3],
    config: DatasetConfig,
    existing: Option<(Tokenizer, NewTokens)>,
    labels: Option<Vec<String>>,
}

impl<'a> TextDatasetBuilder<'a> {
    /// Validates on this input, of the same kind as that for training, instead of a part of it.
    pub fn valid(mut self, input: DatasetInput<'a>) -> Self {
        self.inputs[1] = Some(input);
        self
    }

    /// Uses this input, of the same kind as that for training, for a test instead of a part of it.
    pub fn test(mut self, input: DatasetInput<'a>) -> Self {
        self.inputs[2] = Some(input);
        self
    }

    /// Replaces all options of the configuration.
    pub fn config(self, config: DatasetConfig) -> Self {
        Self { config, ..self }
    }

    /// Sets the cleaner and the pre-tokenizer of [`DatasetConfig::words`].
    pub fn words(self) -> Self {
        let DatasetConfig { cleaner, pre_tokenizer, .. } = DatasetConfig::words();
        self.cleaner(cleaner).pre_tokenizer(pre_tokenizer)
    }

    /// Sets the cleaner and the pre-tokenizer of [`DatasetConfig::characters`].
    pub fn characters(self) -> Self {
        let DatasetConfig { cleaner, pre_tokenizer, .. } = DatasetConfig::characters();
        self.cleaner(cleaner).pre_tokenizer(pre_tokenizer)
    }

    /// Sets the cleaner and the pre-tokenizer of [`DatasetConfig::subwords`]; see [`vocab_size`](Self::vocab_size).
    ///
    /// ```
    /// use seqdata::TextDataset;
    ///
    /// let text = "The fox looked at the grapes. The grapes hung high. The fox went away. ".repeat(9);
    /// let dataset = TextDataset::from_text(&text).subwords().vocab_size(280).context_len(5).build()?;
    /// assert_eq!(dataset.tokenizer.vocabulary.len(), 280);
    /// assert_eq!(dataset.tokenizer.decode(&dataset.ids.slice(0..dataset.ids.len())), text);
    /// # Ok::<(), seqdata::Error>(())
    /// ```
    pub fn subwords(self) -> Self {
        let DatasetConfig { cleaner, pre_tokenizer, .. } = DatasetConfig::subwords();
        self.cleaner(cleaner).pre_tokenizer(pre_tokenizer)
    }

    /// Sets [`DatasetConfig::cleaner`](DatasetConfig#structfield.cleaner).
    pub fn cleaner(self, cleaner: Cleaner) -> Self {
        Self { config: self.config.cleaner(cleaner), ..self }
    }

    /// Sets [`DatasetConfig::pre_tokenizer`](DatasetConfig#structfield.pre_tokenizer).
    pub fn pre_tokenizer(self, pre_tokenizer: impl Into<PreTokenizer>) -> Self {
        Self { config: self.config.pre_tokenizer(pre_tokenizer), ..self }
    }

    /// Sets [`DatasetConfig::document_separator`](DatasetConfig#structfield.document_separator).
    pub fn document_separator(self, separator: impl Into<String>) -> Self {
        Self { config: self.config.document_separator(separator), ..self }
    }

    /// Sets [`DatasetConfig::vocab_source`](DatasetConfig#structfield.vocab_source).
    pub fn vocab_source(self, vocab_source: VocabSource) -> Self {
        Self { config: self.config.vocab_source(vocab_source), ..self }
    }

    /// Sets [`DatasetConfig::vocab_size`](DatasetConfig#structfield.vocab_size): the most ids of the vocabulary.
    pub fn vocab_size(self, vocab_size: usize) -> Self {
        Self { config: self.config.vocab_size(vocab_size), ..self }
    }

    /// Sets [`DatasetConfig::vocabulary`](DatasetConfig#structfield.vocabulary).
    pub fn vocabulary(self, vocabulary: Vocabulary) -> Self {
        Self { config: self.config.vocabulary(vocabulary), ..self }
    }

    /// Sets [`DatasetConfig::min_count`](DatasetConfig#structfield.min_count).
    pub fn min_count(self, min_count: u64) -> Self {
        Self { config: self.config.min_count(min_count), ..self }
    }

    /// Sets [`DatasetConfig::oov`](DatasetConfig#structfield.oov).
    pub fn oov(self, oov: OovPolicy) -> Self {
        Self { config: self.config.oov(oov), ..self }
    }

    /// Sets [`DatasetConfig::fractions`](DatasetConfig#structfield.fractions): the fractions of the windows for
    /// validation and for a test.
    pub fn split(self, valid: f64, test: f64) -> Self {
        Self { config: self.config.split(valid, test), ..self }
    }

    /// Sets [`DatasetConfig::each_file`](DatasetConfig#structfield.each_file): whether the end of each file is held out.
    pub fn each_file(self, each_file: bool) -> Self {
        Self { config: self.config.each_file(each_file), ..self }
    }

    /// Sets [`DatasetConfig::context_len`](DatasetConfig#structfield.context_len).
    pub fn context_len(self, context_len: usize) -> Self {
        Self { config: self.config.context_len(context_len), ..self }
    }

    /// Sets [`DatasetConfig::stride`](DatasetConfig#structfield.stride).
    pub fn stride(self, stride: usize) -> Self {
        Self { config: self.config.stride(stride), ..self }
    }

    /// Encodes the text with the tokenizer of a trained model, to fine-tune or to evaluate that model. Its cleaner,
    /// pre-tokenizer, document separator and out-of-vocabulary policy replace those of the configuration;
    /// `new_tokens` decides on tokens that it does not know.
    pub fn tokenizer(self, tokenizer: &Tokenizer, new_tokens: NewTokens) -> Self {
        Self { existing: Some((tokenizer.clone(), new_tokens)), ..self }
    }

    /// Numbers the labels of documents as in a trained model, which has these. The policy of
    /// [`tokenizer`](Self::tokenizer) for new tokens decides on others, too: they are an error, which is the default, count
    /// as no label, or get numbers after those of the model. Without this, the labels of the training documents are
    /// numbered by name.
    pub fn labels(self, labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { labels: Some(labels.into_iter().map(Into::into).collect()), ..self }
    }

    /// Reads, cleans, tokenizes and splits the text.
    ///
    /// Uses memory for the vocabulary and up to 128 MiB of ids; further ids go to a temporary file, see
    /// [`IdsWriter`](crate::IdsWriter).
    ///
    /// # Errors
    /// If the text cannot be read, an option is out of range, a split is shorter than a window or there are too few
    /// documents, the inputs or the model are of different kinds, the temporary file cannot be written; and
    /// [`Error::NewTokens`](crate::Error::NewTokens) by [`NewTokens::Error`].
    pub fn build(self) -> Result<TextDataset> {
        let Self { inputs, config, existing, labels } = self;
        TextDataset::read(inputs, config, existing, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a b a c\r\na b d a";

    fn options(builder: TextDatasetBuilder<'_>) -> TextDataset {
        builder.context_len(1).characters().split(0.25, 0.0).build().unwrap()
    }

    #[test]
    fn the_order_of_the_options_does_not_matter() {
        let dataset = options(TextDataset::from_text(TEXT));
        assert_eq!((dataset.context_len(), dataset.stats.tokens), (1, TEXT.len()));
        let words = TextDataset::from_text(TEXT).context_len(1).words().split(0.25, 0.0);
        assert_eq!(words.build().unwrap().stats.tokens, 8);
    }

    #[test]
    fn the_line_ends_of_a_file_are_converted_and_those_of_a_text_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, TEXT).unwrap();
        let file = options(TextDataset::from_file(&path));
        let source = options(TextDataset::from_source(text_prep::SourceOptions::default().open(&path).unwrap()));
        assert_eq!(file.text_sha256, source.text_sha256);
        assert_eq!(file.stats.characters, TEXT.len() - 1);
        assert_eq!(options(TextDataset::from_text(TEXT)).stats.characters, TEXT.len());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = TextDataset::from_file("none.txt").build().unwrap_err().to_string();
        assert!(error.contains("none.txt"), "{error}");
    }
}
