//! The sections `[train]` and `[checkpoints]` of a configuration.

use serde::{Deserialize, Serialize};
use trainer::TrainPrecision;

/// How training batches are formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModeKind {
    /// Shuffled windows with one target each.
    #[default]
    Windows,
    /// Truncated backpropagation through time: parallel streams with a target at every step, the state carried
    /// between batches.
    Tbptt,
}

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    /// Epochs; an epoch is a pass over the training text unless `steps_per_epoch` is given.
    pub epochs: usize,
    /// Steps per epoch; 0 for a pass.
    pub steps_per_epoch: u64,
    /// How training batches are formed.
    pub mode: ModeKind,
    /// With `tbptt`: time steps per batch, the limit of backpropagation.
    pub bptt_len: usize,
    /// With `tbptt`: the standard deviation of the time steps per batch; 0 for the same number in every batch.
    pub bptt_deviation: f64,
    /// Windows or parallel streams per batch.
    pub batch_size: usize,
    /// Into how many shards a batch is cut, which are computed one after another or by several processes.
    pub shards: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// The factor of the learning rate from each layer to the one below it; 1 for the same rate in all layers.
    pub layer_decay: f64,
    /// Steps after which one more layer is trained, from the output layer down; 0 to train all layers.
    pub unfreeze_steps: u64,
    /// The decay of the exponential moving average of the weights; 0 for no averaging.
    pub ema_decay: f64,
    /// Epochs back to which the validation loss is compared to begin averaging the weights; 0 for never.
    pub averaging_patience: usize,
    /// Epochs without a lower validation loss after which the run ends; 0 to disable.
    pub early_stopping_patience: usize,
    /// The precision of the matrix products of training steps.
    pub precision: TrainPrecision,
    /// How the learning rate changes during the run.
    pub schedule: Schedule,
    /// The optimizer and its hyperparameters.
    pub optimizer: Optimizer,
    /// Gradient clipping.
    pub clip: Clip,
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Not at all.
    #[default]
    Constant,
    /// It falls after a fixed number of epochs.
    Step,
    /// It falls with every step.
    Exponential,
    /// It falls along half a cosine, to zero.
    Cosine,
    /// It falls when the validation loss stops falling.
    Plateau,
}

/// `[train.schedule]`: the kind and its parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// How the learning rate changes.
    pub kind: ScheduleKind,
    /// Steps of linear warm-up from zero, for every kind.
    pub warm_up_steps: u64,
    /// Step, exponential, plateau: the factor of each decrease (exponential: per epoch).
    pub factor: Option<f64>,
    /// Step: epochs between two decreases.
    pub every_epochs: Option<usize>,
    /// Plateau: epochs without a lower validation loss before a decrease.
    pub patience: Option<usize>,
}

/// The optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// RMSprop, as in the Keras baseline.
    #[default]
    Rmsprop,
    /// Adam.
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
    /// Stochastic gradient descent.
    Sgd,
}

impl OptimizerKind {
    /// The name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rmsprop => "rmsprop",
            Self::Adam => "adam",
            Self::Adamw => "adamw",
            Self::Sgd => "sgd",
        }
    }
}

/// `[train.optimizer]`: the kind and its hyperparameters, each optional.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimizer {
    /// RMSprop, Adam, AdamW or SGD.
    pub kind: OptimizerKind,
    /// RMSprop, Adam, AdamW: the small constant in the denominator.
    pub epsilon: Option<f64>,
    /// RMSprop: decay of the mean square.
    pub rho: Option<f64>,
    /// RMSprop, SGD: momentum.
    pub momentum: Option<f64>,
    /// RMSprop: normalise by the variance.
    pub centered: Option<bool>,
    /// Adam, AdamW: decay of the mean.
    pub beta_1: Option<f64>,
    /// Adam, AdamW: decay of the mean square.
    pub beta_2: Option<f64>,
    /// AdamW, SGD: decay of the weights.
    pub weight_decay: Option<f64>,
}

/// `[train.clip]`: at most one of three limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clip {
    /// For each element of a gradient.
    pub value: Option<f64>,
    /// For the norm of the gradient of each tensor.
    pub tensor_norm: Option<f64>,
    /// For the norm of all gradients together.
    pub global_norm: Option<f64>,
}

/// `[checkpoints]`: when checkpoints are saved, besides after each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checkpoints {
    /// Steps between two checkpoints; 0 to disable.
    pub every_steps: u64,
    /// Minutes between two checkpoints; 0 to disable.
    pub every_minutes: f64,
    /// How many of the newest checkpoints are kept, besides the best one.
    pub keep: usize,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            epochs: 4,
            steps_per_epoch: 0,
            mode: ModeKind::default(),
            bptt_len: 35,
            bptt_deviation: 0.0,
            batch_size: 32,
            shards: 1,
            learning_rate: 0.001,
            layer_decay: 1.0,
            unfreeze_steps: 0,
            ema_decay: 0.0,
            averaging_patience: 0,
            early_stopping_patience: 0,
            precision: TrainPrecision::default(),
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
