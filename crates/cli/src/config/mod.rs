//! The configuration of a language model: one struct per TOML section. Unknown keys are rejected.
//!
//! `read.rs` fills these structs from a file and `--set`; `resolve.rs` checks the values and reads the text.

mod changes;
#[cfg(test)]
mod documented;
mod documents;
mod inputs;
mod model;
mod ngrams;
mod output;
mod paths;
mod plain_errors;
mod pretrained;
mod questions;
mod read;
mod read_text;
mod renamed_keys;
mod resolve;
mod resolve_questions;
mod run_length;
mod short_epochs;
mod source;
mod started;
mod text;
mod text_checks;
mod tokens;
mod train;
mod train_config;

use std::path::{Path, PathBuf};

use durable::read::small_text;
use seqdata::{NewTokens, VocabSource};
use serde::{Deserialize, Serialize};
use text_prep::{Capitals, CharacterUnit, OovPolicy, Punctuation, RuleSpec};

pub use changes::{SET_BY_MODEL, flatten, is_within, reject_changes, reject_model_changes, unused_keys};
pub use documents::{DocumentKind, DocumentSettings};
pub use inputs::{FOLDER, OpenInput, OpenInputs};
pub use model::{Model, Vectors};
pub use ngrams::{NgramOrder, Ngrams, without_ngrams};
pub use output::OutputKind;
pub use paths::Paths;
pub use pretrained::PretrainedModel;
pub use questions::{Data, QuestionsConfig};
pub use read::{AnyConfig, ConfigFile, FINE_TUNING, apply_changes, parse, parse_changes, parse_config, read, read_any};
pub use resolve::LmExperiment;
use resolve::absolute;
pub use resolve_questions::{QaExperiment, left_out_questions};
pub use run_length::RunLength;
pub use source::replace_text;
pub use text::{Text, control_characters_warning, reject_pipe_among};
pub use text_checks::unknown_labels_warning;
pub use train::{Checkpoints, Clip, ModeKind, Optimizer, OptimizerKind, Schedule, ScheduleKind, Train};

use crate::base;

/// A whole configuration. `docs/config.md` lists the defaults, which are mostly those of the Keras baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The RNG seed of initial weights, data order, dropout and samples.
    pub seed: u64,
    /// The text.
    pub text: Text,
    /// Whether the text consists of documents.
    #[serde(skip_serializing_if = "DocumentSettings::is_default")]
    pub data: DocumentSettings,
    /// The trained model that the run starts from.
    pub init: Init,
    /// How the text is cleaned.
    pub clean: Clean,
    /// How the text is split into tokens.
    pub tokens: Tokens,
    /// Which tokens get an id.
    pub vocabulary: Vocabulary,
    /// The held-out parts of the text.
    pub split: Split,
    /// How the text is cut into windows.
    pub windows: Windows,
    /// The model.
    pub model: Model,
    /// How the model is trained.
    pub train: Train,
    /// The n-grams that are kept with the model.
    #[serde(skip_serializing_if = "Ngrams::is_none")]
    pub ngrams: Ngrams,
    /// The samples printed during training.
    pub samples: Samples,
    /// When checkpoints are saved.
    pub checkpoints: Checkpoints,
}

/// `[init]`: a trained model whose tokenizer, layers and weights a run starts from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Init {
    /// The directory of the model, or `base` for the built-in one.
    pub from: Option<PathBuf>,
    /// What to do with tokens that are not in its vocabulary.
    pub new_tokens: NewTokens,
}

/// `[clean]`: a preset or a list of rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clean {
    /// `keras-lowercase`, `lowercase`, `prose` or `verbatim`.
    pub preset: Option<String>,
    /// The rules, in order, instead of a preset.
    pub rules: Option<Vec<RuleSpec>>,
    /// The token between two documents, such as stories.
    pub document_separator: Option<String>,
}

/// The kind of token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// Separated by white space.
    #[default]
    Words,
    /// Characters, as `unit` defines them.
    Characters,
    /// Parts of words, of which frequent words are one: byte-level byte pair encoding.
    Subwords,
}

/// Where words end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentationKind {
    /// As the beginning of the text suggests.
    #[default]
    Auto,
    /// At white space.
    Spaces,
    /// Also between the words of scripts without spaces.
    Dictionary,
}

/// What line ends are in word models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Newlines {
    /// White space.
    #[default]
    Space,
    /// Tokens.
    Keep,
}

/// `[tokens]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// Words, characters or subwords.
    pub kind: TokenKind,
    /// Words: whether punctuation is kept.
    pub punctuation: Option<Punctuation>,
    /// Words: whether to lower-case them.
    pub lower_case: Option<bool>,
    /// Words: the language of the stemmer.
    pub stem: Option<String>,
    /// Words: where they end; automatic if it is not given. A run saves what was found.
    pub segmentation: Option<SegmentationKind>,
    /// Words: whether line ends are tokens.
    pub newlines: Option<Newlines>,
    /// Characters: Unicode scalar values or graphemes.
    pub unit: Option<CharacterUnit>,
    /// Characters: how capitals are encoded.
    pub capitals: Option<Capitals>,
    /// Characters: whether to decompose Hangul syllables into jamo.
    pub jamo: Option<bool>,
    /// Subwords: a `tokenizer.json` whose tokens are used; without it they are trained.
    pub path: Option<PathBuf>,
    /// The run that this configuration was saved in, which has the tokens of `path`.
    #[serde(skip)]
    pub run: Option<PathBuf>,
}

/// `[vocabulary]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vocabulary {
    /// The part of the text whose tokens are counted.
    pub fit_on: VocabSource,
    /// The most ids; automatic for subwords if it is not given, and all tokens for other kinds. A run saves the number of
    /// subwords.
    pub size: Option<usize>,
    /// Tokens with a lower count get no id.
    pub min_count: u64,
    /// What to do with tokens without an id.
    pub oov: OovPolicy,
}

/// `[split]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Split {
    /// The fraction of the windows held out for validation.
    pub valid_fraction: f64,
    /// The fraction held out for a final test.
    pub test_fraction: f64,
    /// Hold out the end of each file of a running text instead of the end of the whole.
    pub each_file: bool,
    /// Parallel streams in which the held-out text is read with carried state; 0 for an automatic number. Earlier
    /// versions read one stream.
    pub valid_streams: usize,
}

/// `[windows]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// Input tokens per window.
    pub context_len: usize,
    /// Tokens from the start of one window to the start of the next.
    pub stride: usize,
}

/// `[samples]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Samples {
    /// Steps between two samples within an epoch; 0 for none.
    pub every_steps: u64,
    /// Tokens per sample.
    pub max_tokens: usize,
}

impl Config {
    /// The configuration of the run of the model in `directory`, or of the built-in base, which is the file `name` there; the
    /// default one if there is none.
    pub fn of_model(directory: &Path, name: &str) -> Self {
        // An imported model may have no configuration.
        let text = if base::is_base(directory) {
            String::from_utf8(base::file(name).to_vec()).ok()
        } else {
            small_text(&directory.join(name)).ok()
        };
        let config = text.and_then(|text| parse_config::<Self>(&text, name).ok());
        config.map_or_else(Self::default, |config| config.saved_in(directory))
    }

    /// The same configuration, as it was saved in the directory of this run: a key that the run's version did not have
    /// yet has the value of that version, and not the default of a new run.
    pub fn saved_in(mut self, run: &Path) -> Self {
        self.text = self.text.saved_in(run);
        if self.tokens.kind == TokenKind::Words {
            self.tokens.segmentation.get_or_insert(SegmentationKind::Spaces);
        }
        self.tokens.run = Some(run.to_owned());
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            text: Text::default(),
            data: DocumentSettings::default(),
            init: Init::default(),
            clean: Clean::default(),
            tokens: Tokens::default(),
            vocabulary: Vocabulary::default(),
            split: Split::default(),
            windows: Windows::default(),
            model: Model::default(),
            train: Train::default(),
            ngrams: Ngrams::default(),
            samples: Samples::default(),
            checkpoints: Checkpoints::default(),
        }
    }
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self { fit_on: VocabSource::Training, size: None, min_count: 1, oov: OovPolicy::Unknown }
    }
}

impl Default for Split {
    fn default() -> Self {
        Self { valid_fraction: 0.1, test_fraction: 0.0, each_file: false, valid_streams: 0 }
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self { context_len: 20, stride: 1 }
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self { every_steps: 250, max_tokens: 60 }
    }
}
