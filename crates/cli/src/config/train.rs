//! The sections `[train]` and `[checkpoints]` exactly as they are written.

use serde::{Deserialize, Serialize};

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
