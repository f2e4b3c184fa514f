//! Checks a configuration, reads its text and makes the configurations of model and trainer.

use std::path::{Path, PathBuf};

use models::LanguageModelConfig;
use seqdata::{DatasetConfig, DocumentHashes, Fractions, Streams, TextDataset};
use text_prep::source::files::DocumentCounts;
use text_prep::{Cleaner, GivenTokens, OovPolicy};
use trainer::{TrainConfig, TrainMode};

use super::read_text::{ReadText, read_text};
use super::short_epochs;
use super::tokens::pre_tokenizer;
use super::train_config::train_config;
use super::{Config, FOLDER, ModeKind, Model, Newlines, PretrainedModel, Text, Vectors, Windows};
use crate::base;
use crate::error::{Error, Result, bail};
use crate::input::{self, KeptInput, is_read_once};

/// A language model experiment: a checked configuration with its text.
pub struct LmExperiment {
    /// The configuration, with absolute paths.
    pub config: Config,
    /// The tokenized and split text.
    pub dataset: TextDataset,
    /// What was found in its files, if they consist of documents.
    pub documents: Option<DocumentCounts>,
    /// The tokens of `tokens.path`, with their ids there.
    pub given_tokens: Option<GivenTokens>,
    /// The documents that the model was trained on before, as far as they are known.
    pub earlier_documents: DocumentHashes,
    /// The model's configuration.
    pub model: LanguageModelConfig,
    /// The trainer's configuration.
    pub train: TrainConfig,
    /// The text, if the run keeps a copy.
    pub kept: Option<KeptInput>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

impl LmExperiment {
    /// Checks `config` and reads its text. A trained model to start from replaces the sections `clean` and `tokens`, and
    /// `model` but for the dropout rates and the output layer.
    ///
    /// # Errors
    /// If a value is out of range, or the text cannot be read or used.
    pub fn new(mut config: Config, pretrained: Option<&PretrainedModel>) -> Result<Self> {
        let mode = match config.train.mode {
            ModeKind::Windows => TrainMode::Windows,
            ModeKind::Tbptt => TrainMode::Tbptt { bptt_len: config.train.bptt_len },
        };
        let train = train_config(config.seed, &config.train, mode, config.samples.every_steps, &config.checkpoints)?
            .valid_streams(config.split.valid_streams);
        train.check()?;
        let penalty = config.model.temporal_activation_regularization;
        if mode == TrainMode::Windows && penalty > 0.0 {
            bail!(
                "`model.temporal_activation_regularization` is {penalty}, but windows have outputs only after their last token; \
                 expected 0, or `train.mode = \"tbptt\"`"
            );
        }
        // A saved run keeps what it was trained with.
        if config.text.run.is_none() {
            config.clean.document_separator.take_if(|separator| separator.is_empty());
        }
        let mut dataset_config = dataset_config(&config)?;
        let mut warnings = Vec::new();
        if config.tokens.stem.is_some() {
            warnings.push(
                "`tokens.stem` reduces words to their stems: useful for counting and matching, but a model \
                 trained on stems generates stems"
                    .to_string(),
            );
        }
        if config.model.tie_weights && !config.model.vectors.train {
            warnings.push(
                "`model.tie_weights` with `model.vectors.train = false` freezes the output layer's weights \
                 too: only its bias is trained"
                    .to_string(),
            );
        }
        let mut model = match pretrained {
            None => model_config(&config.model),
            Some(pretrained) => pretrained.model_config(&config.model),
        };
        let mut given_tokens = None;
        if pretrained.is_none() {
            vectors(&mut config.model.vectors)?;
            given_tokens = config.tokens.read_given()?;
            dataset_config.vocabulary = given_tokens.as_ref().map(|given| given.vocabulary.clone());
        }
        if let Some(directory) = config.init.from.as_mut().filter(|from| !base::is_base(from)) {
            *directory = absolute(directory)?;
        }
        // Check all that does not need the text before reading it.
        model.check()?;
        config.model.check_output()?;
        check_text(&config.text)?;
        config.data.unit(&config.text)?;
        let ReadText { dataset, documents, kept, warnings: of_text } =
            read_text(&mut config, dataset_config, pretrained)?;
        warnings.extend(of_text);
        // Rejects a number that is too high.
        dataset.valid_streams(train.valid_streams)?;
        if let Some(given) = &given_tokens {
            warnings.extend(config.tokens.check_given(given, &dataset)?);
        }
        let vocabulary = &dataset.tokenizer.vocabulary;
        model.vocab_size = vocabulary.len();
        model.document_id = vocabulary.document_id();
        model.labels = dataset.label_names().to_vec();
        config.model.set_output(&mut model, vocabulary);
        model.check()?;
        if let Some(separator) = config.clean.document_separator.as_ref().filter(|_| dataset.documents.is_none())
            && dataset.tokenizer.document_separator_id().is_none()
        {
            warnings.push(format!("the document separator `{separator}` does not occur in the cleaned text"));
        }
        let earlier_documents = pretrained.map_or_else(DocumentHashes::default, |model| model.documents.clone());
        Ok(Self { config, dataset, documents, given_tokens, earlier_documents, model, train, kept, warnings })
    }
}

impl LmExperiment {
    /// The warning about epochs of hardly any step, if they are so short. The length of a run may be chosen after its
    /// text is read.
    pub fn short_epochs_warning(&self) -> Option<String> {
        let Self { dataset, train, .. } = self;
        let (items, steps) = match self.train_streams() {
            Ok(None) => {
                let windows = dataset.train_windows().len();
                (windows, windows.div_ceil(train.batch_size))
            }
            Ok(Some(streams)) => (dataset.split.train.len(), streams.chunks()),
            Err(_) => (dataset.split.train.len(), 0),
        };
        short_epochs::warning(train, items, steps)
    }

    /// The streams of the training text, if the run is trained on streams.
    ///
    /// # Errors
    /// If the text is too short for them.
    pub fn train_streams(&self) -> Result<Option<Streams>> {
        let Self { dataset, train, .. } = self;
        let TrainMode::Tbptt { bptt_len } = train.mode else { return Ok(None) };
        let streams = dataset.train_streams(train.batch_size, bptt_len)?;
        Ok(Some(streams.varying_lengths(train.seed, train.bptt_deviation)))
    }

    /// Replaces the sizes of the model, before it is initialized.
    pub fn set_model(&mut self, mut section: Model) {
        let LanguageModelConfig { vocab_size, document_id, labels, .. } = self.model.clone();
        self.model = LanguageModelConfig { vocab_size, document_id, labels, ..model_config(&section) };
        section.set_output(&mut self.model, &self.dataset.tokenizer.vocabulary);
        self.config.model = section;
    }

    /// Sets the batch size and the learning rate for it.
    pub fn set_batch(&mut self, batch_size: usize, learning_rate: f64) {
        (self.config.train.batch_size, self.train.batch_size) = (batch_size, batch_size);
        (self.config.train.learning_rate, self.train.learning_rate) = (learning_rate, learning_rate);
    }

    /// Sets the number of steps between samples.
    pub fn set_sample_interval(&mut self, steps: u64) {
        (self.config.samples.every_steps, self.train.sample_every) = (steps, steps);
    }
}

/// The model's configuration; the vocabulary size and clusters are set once the text is read.
fn model_config(model: &Model) -> LanguageModelConfig {
    LanguageModelConfig::new(1, model.embedding_dim, model.layers.clone())
        .projection_dim(model.projection)
        .tie_weights(model.tie_weights)
        .init_scheme(model.init)
        .frozen_embedding(!model.vectors.train)
        .dropout(model.dropout)
        .layer_dropout(model.layer_dropout)
        .embedding_dropout(model.embedding_dropout)
        .locked_dropout(model.locked_dropout)
        .input_dropout(model.input_dropout)
        .activation_regularization(model.activation_regularization)
        .temporal_activation_regularization(model.temporal_activation_regularization)
}

/// Makes the path absolute, so that a run can be repeated from another working directory.
pub(super) fn vectors(vectors: &mut Vectors) -> Result<()> {
    match &mut vectors.path {
        None if !vectors.train => bail!(
            "`model.vectors.train` is false without `model.vectors.path`: the embedding would keep its random \
             initial weights; give a file of word vectors, or remove the key"
        ),
        None => Ok(()),
        Some(path) if input::is_standard_input(path) => {
            bail!("`model.vectors.path` is `-`, but word vectors are not read from standard input: give their file")
        }
        Some(path) => {
            *path = absolute(path)?;
            Ok(())
        }
    }
}

/// How the text is turned into ids.
fn dataset_config(config: &Config) -> Result<DatasetConfig> {
    let clean = &config.clean;
    let cleaner = match (&clean.preset, &clean.rules) {
        (Some(_), Some(_)) => bail!("`clean.preset` and `clean.rules` are both given; expected one of them"),
        (None, Some(rules)) => Cleaner::new(rules.clone()),
        (preset, None) => Cleaner::preset(preset.as_deref().unwrap_or(config.tokens.default_preset()))?,
    };
    cleaner.validate()?;
    let cleaner = match config.tokens.newlines.unwrap_or_default() {
        Newlines::Space => cleaner,
        Newlines::Keep => cleaner.keep_line_ends(),
    };
    if config.vocabulary.min_count == 0 {
        bail!("`vocabulary.min_count` is 0; expected 1 or more");
    }
    if config.vocabulary.oov == OovPolicy::Error {
        bail!("`vocabulary.oov` is `error`, which is only for prompts; expected `unknown` or `drop`");
    }
    let Windows { context_len, stride } = config.windows;
    if stride == 0 || !(1..=65_536).contains(&context_len) {
        bail!(
            "`windows.context_len` is {context_len} and `windows.stride` is {stride}; expected 1 to 65536 \
             and 1 or more"
        );
    }
    if config.samples.max_tokens == 0 {
        bail!("`samples.max_tokens` is 0; expected 1 or more");
    }
    Ok(DatasetConfig {
        cleaner,
        pre_tokenizer: pre_tokenizer(config)?,
        document_separator: clean.document_separator.clone(),
        vocab_source: config.vocabulary.fit_on,
        vocab_size: config.vocabulary.size,
        vocabulary: None,
        min_count: config.vocabulary.min_count,
        oov: config.vocabulary.oov,
        fractions: Fractions { valid: config.split.valid_fraction, test: config.split.test_fraction },
        each_file: config.split.each_file,
        context_len,
        stride,
    })
}

/// Checks that one text is given.
fn check_text(text: &Text) -> Result<()> {
    text.reject_copy()?;
    if let Some(pipe) = text.paths().iter().find(|path| text.label.as_deref() == Some(FOLDER) && is_read_once(path)) {
        bail!(
            "`--label` (the key `text.label`) is `folder`, but {} is in no folder: save the text in a file of the folder \
             that is its label, or leave `--label` out",
            input::name(pipe)
        );
    }
    match (&text.dataset, text.paths().is_empty()) {
        (Some(_), false) => bail!("`text.dataset` and `text.path` are both given; expected one of them"),
        (None, true) => bail!(
            "no text is given; expected `text.dataset = \"fables\"`, `text.path = \"my.txt\"` or \
             `--text my.txt`"
        ),
        (None, false) if text.edition.is_some() => bail!(
            "`text.edition` is given with `text.path`, but only a corpus of `text.dataset` has editions; leave it out"
        ),
        (None, false) => Ok(()),
        (Some(_), true) => {
            let path_options = [
                ("encoding", text.encoding.is_some()),
                ("excerpt", text.excerpt.is_some()),
                ("strip_gutenberg", text.strip_gutenberg),
                ("column", text.column.is_some()),
            ];
            if let Some((key, _)) = path_options.iter().find(|(_, given)| *given) {
                bail!(
                    "`text.{key}` is given with `text.dataset`, whose dataset.toml determines how it is read; \
                     leave it out or use `text.path`"
                );
            }
            Ok(())
        }
    }
}

/// The absolute path, which must be UTF-8 to be saved in `config.toml`.
pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).map_err(Error::io(path, "found"))?;
    to_be_saved(&path)?;
    Ok(path)
}

/// Checks that the path is UTF-8, as all in `config.toml`.
pub(super) fn to_be_saved(path: &Path) -> Result<()> {
    if path.to_str().is_none() {
        bail!("the path {} is not UTF-8 and cannot be saved in the run's configuration: rename it", path.display());
    }
    Ok(())
}
