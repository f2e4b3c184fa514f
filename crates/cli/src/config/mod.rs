//! The configuration exactly as it is written: one struct a section, unknown keys refused.
//!
//! What the values mean together is decided in `resolve.rs`; how a file and `--set` become these
//! structs, in `read.rs`.

mod changes;
#[cfg(test)]
mod documented;
mod read;
mod resolve;

use std::path::PathBuf;

use models::{CellKind, LayerConfig};
use seqdata::{CountedOn, NewTokens};
use serde::{Deserialize, Serialize};
use text_prep::{Capitals, Excerpt, Punctuation, Rare, RuleSpec, Unit};

pub use changes::{flat, refuse_changes, refuse_others};
#[cfg(test)]
use read::change;
pub use read::{parse, read};
pub use resolve::{Known, Resolved};

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

/// What a step learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Shuffled windows with one target each.
    #[default]
    Windows,
    /// Streams with a target at every step, the state carried.
    EveryStep,
}

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    /// Passes over the training text.
    pub epochs: usize,
    /// What a step learns from.
    pub method: Method,
    /// Windows in a step, or streams beside one another.
    pub batch_size: usize,
    /// The factor of every update.
    pub learning_rate: f64,
    /// The share of the averaged weights that is kept at every step; 0 for no averaging.
    pub averaging: f64,
    /// Epochs without a lower validation loss after which the run ends; 0 for never.
    pub patience: usize,
    /// How that factor changes along the run.
    pub schedule: Schedule,
    /// The optimizer and its own numbers.
    pub optimizer: Optimizer,
    /// How far gradients may go.
    pub clip: Clip,
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// It does not.
    #[default]
    Constant,
    /// It falls after every so many epochs.
    Step,
    /// It falls with every step.
    Exponential,
    /// It falls along half a cosine.
    Cosine,
    /// It falls when the validation loss does not.
    Plateau,
}

/// `[train.schedule]`: the kind, and the numbers that it needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// How the learning rate changes.
    pub kind: ScheduleKind,
    /// Steps over which it is raised from nothing at the beginning, whatever the kind.
    pub warm_up_steps: u64,
    /// Step, exponential, plateau: what a fall, or an epoch of falling, leaves of it.
    pub factor: Option<f64>,
    /// Step: epochs between two falls.
    pub every_epochs: Option<usize>,
    /// Plateau: epochs without a lower validation loss before it falls.
    pub patience: Option<usize>,
}

/// Which formula updates the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// The seed's.
    #[default]
    Rmsprop,
    /// Adam.
    Adam,
}

/// `[train.optimizer]`: the kind, and numbers that are left to their defaults or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimizer {
    /// RMSprop or Adam.
    pub kind: OptimizerKind,
    /// The floor under the root.
    pub epsilon: Option<f64>,
    /// RMSprop: how much of the old mean square is kept.
    pub rho: Option<f64>,
    /// RMSprop: how much of the last update is repeated.
    pub momentum: Option<f64>,
    /// RMSprop: divide by the variance.
    pub centered: Option<bool>,
    /// Adam: how much of the old mean is kept.
    pub beta_1: Option<f64>,
    /// Adam: how much of the old mean square is kept.
    pub beta_2: Option<f64>,
}

/// `[train.clip]`: one of three limits, or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clip {
    /// For every number of a gradient.
    pub value: Option<f64>,
    /// For the norm of every tensor's gradient.
    pub tensor_norm: Option<f64>,
    /// For the norm of all gradients together.
    pub global_norm: Option<f64>,
}

/// `[checkpoints]`: when a run is kept besides after each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checkpoints {
    /// Steps between two checkpoints; 0 for no count.
    pub every_steps: u64,
    /// Minutes between two checkpoints; 0 for no clock.
    pub every_minutes: f64,
    /// How many of the newest are kept, besides the best.
    pub keep: usize,
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

impl Default for Train {
    fn default() -> Self {
        Self {
            epochs: 4,
            method: Method::default(),
            batch_size: 32,
            learning_rate: 0.001,
            averaging: 0.0,
            patience: 0,
            schedule: Schedule::default(),
            optimizer: Optimizer::default(),
            clip: Clip::default(),
        }
    }
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { every_steps: 0, every_minutes: 1.0, keep: 2 }
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self { every_steps: 250, tokens: 60 }
    }
}
