//! The configuration exactly as it is written: one struct a section, unknown keys refused.
//!
//! What the values mean together is decided in `resolve.rs`; how a file and `--set` become these
//! structs, in `read.rs`.

mod changes;
#[cfg(test)]
mod documented;
mod known;
mod learning;
mod questions;
mod read;
mod resolve;
mod resolve_questions;
mod train;

use std::path::PathBuf;

use models::{CellKind, LayerConfig};
use seqdata::{CountedOn, NewTokens};
use serde::{Deserialize, Serialize};
use text_prep::{Capitals, Excerpt, Punctuation, Rare, RuleSpec, Unit};

pub use changes::{flat, refuse_changes, refuse_others};
pub use known::Known;
pub use questions::QuestionsConfig;
#[cfg(test)]
use read::change;
pub use read::{Written, parse, read, read_any};
pub use resolve::Resolved;
pub use resolve_questions::ResolvedQuestions;
pub use train::{
    Checkpoints, Clip, Method, Optimizer, OptimizerKind, Schedule, ScheduleKind, Train,
};

/// A whole configuration. What is left out has the value in `docs/config.md`, mostly the seed's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of all that is drawn.
    pub seed: u64,
    /// What is learned from.
    pub text: Text,
    /// The trained model that the run begins with.
    pub from: From,
    /// How it is cleaned.
    pub clean: Clean,
    /// How it is split into tokens.
    pub tokens: Tokens,
    /// Which tokens the model knows.
    pub vocabulary: Vocabulary,
    /// What is held out.
    pub split: Split,
    /// How ids are cut into training examples.
    pub windows: Windows,
    /// How they are cut where every step has a target.
    pub streams: Streams,
    /// The network.
    pub model: Model,
    /// How it learns.
    pub train: Train,
    /// What it says while it learns.
    pub samples: Samples,
    /// When it is kept.
    pub checkpoints: Checkpoints,
}

/// `[text]`: a known corpus or a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Text {
    /// A folder under `datasets/`.
    pub dataset: Option<String>,
    /// A text file.
    pub path: Option<PathBuf>,
    /// The encoding of `path`, if it is not UTF-8.
    pub encoding: Option<String>,
    /// The part of `path` that is used.
    pub excerpt: Option<Excerpt>,
    /// Remove Project Gutenberg's header and licence from `path`.
    pub strip_gutenberg: bool,
}

/// `[from]`: a trained model whose tokenizer, sizes and weights are the beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct From {
    /// Its directory.
    pub model: Option<PathBuf>,
    /// What becomes of tokens that it does not know.
    pub vocabulary: NewTokens,
}

/// `[clean]`: a preset or a list of rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clean {
    /// `book`, `prose` or `verbatim`.
    pub preset: Option<String>,
    /// The rules, in order, instead of a preset.
    pub rules: Option<Vec<RuleSpec>>,
    /// The token that stands between stories.
    pub story_mark: Option<String>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// What stands between white space.
    #[default]
    Words,
    /// Characters, as `unit` counts them.
    Characters,
}

/// `[tokens]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// Words or characters.
    pub kind: TokenKind,
    /// Words: whether punctuation is kept.
    pub punctuation: Option<Punctuation>,
    /// Words: whether they are lower-cased.
    pub lower_case: Option<bool>,
    /// Words: the language whose stems are taken.
    pub stem: Option<String>,
    /// Characters: what counts as one.
    pub unit: Option<Unit>,
    /// Characters: what becomes of capitals.
    pub capitals: Option<Capitals>,
    /// Characters: whether Hangul syllables come apart into jamo.
    pub jamo: Option<bool>,
}

/// `[vocabulary]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vocabulary {
    /// Which tokens are counted.
    pub counted_on: CountedOn,
    /// Rarer tokens are left out.
    pub min_count: u64,
    /// What becomes of tokens that are left out.
    pub rare: Rare,
}

/// `[split]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Split {
    /// The share of the windows held out for validation.
    pub valid_fraction: f64,
    /// The share held out for a last test.
    pub test_fraction: f64,
}

/// `[windows]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// Tokens in a window.
    pub length: usize,
    /// Tokens from one window's start to the next one's.
    pub step: usize,
}

/// `[streams]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streams {
    /// Tokens in a piece, over which gradients reach back.
    pub length: usize,
}

/// `[model]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// Numbers in a token's vector.
    pub embedding: usize,
    /// The recurrent layers, the lowest first.
    pub layers: Vec<LayerConfig>,
    /// Numbers between the last layer and the output layer; 0 for no projection.
    pub projection: usize,
    /// Whether the output layer's weights are the embedding's.
    pub tied: bool,
    /// Where the tokens' vectors come from, if not from the seed.
    pub vectors: Vectors,
    /// The share of what the last layer hands on that is dropped while training.
    pub dropout: f64,
    /// The share of what every other layer hands on that is dropped while training.
    pub layer_dropout: f64,
    /// The share of the tokens whose vectors are dropped while training.
    pub embedding_dropout: f64,
    /// Drop the same numbers at every step of a sequence.
    pub locked_dropout: bool,
}

/// `[model.vectors]`: pretrained word vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vectors {
    /// A text file in the form of GloVe or word2vec.
    pub path: Option<PathBuf>,
    /// Whether the embedding is trained with the rest.
    pub train: bool,
}

/// `[samples]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Samples {
    /// Steps between two samples within an epoch; 0 for none.
    pub every_steps: u64,
    /// Tokens in a sample.
    pub tokens: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            text: Text::default(),
            from: From::default(),
            clean: Clean::default(),
            tokens: Tokens::default(),
            vocabulary: Vocabulary::default(),
            split: Split::default(),
            windows: Windows::default(),
            streams: Streams::default(),
            model: Model::default(),
            train: Train::default(),
            samples: Samples::default(),
            checkpoints: Checkpoints::default(),
        }
    }
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self { counted_on: CountedOn::Training, min_count: 1, rare: Rare::Unknown }
    }
}

impl Default for Split {
    fn default() -> Self {
        Self { valid_fraction: 0.1, test_fraction: 0.0 }
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self { length: 20, step: 1 }
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self { length: 35 }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            embedding: 100,
            layers: vec![LayerConfig::new(CellKind::Lstm, 256)],
            projection: 0,
            tied: false,
            vectors: Vectors::default(),
            dropout: 0.2,
            layer_dropout: 0.0,
            embedding_dropout: 0.0,
            locked_dropout: false,
        }
    }
}

impl Default for Vectors {
    fn default() -> Self {
        Self { path: None, train: true }
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self { every_steps: 250, tokens: 60 }
    }
}
