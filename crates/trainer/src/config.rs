//! Training hyperparameters.

use models::Metadata;
use serde::{Deserialize, Serialize};

use crate::clip::Clip;
use crate::optimizer::OptimizerConfig;
use crate::precision::TrainPrecision;
use crate::schedule::Schedule;

pub use crate::checkpoint_policy::CheckpointPolicy;

/// How batches are formed. The serialized names stand in `progress.json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainMode {
    /// Shuffled windows, each started from a zero state, with one target: the token after the window.
    #[default]
    Windows,
    /// Truncated backpropagation through time (stateful): parallel streams in segments, the state carried from
    /// segment to segment, a target at every step.
    #[serde(rename = "every-step")]
    Tbptt {
        /// Tokens per segment.
        #[serde(rename = "length")]
        bptt_len: usize,
    },
    /// Shuffled, independent examples of any other task.
    Examples,
}

impl TrainMode {
    /// Whether a batch starts from the RNN state of the previous one.
    pub(crate) fn carries_state(self) -> bool {
        matches!(self, Self::Tbptt { .. })
    }

    /// Stores a validation loss, in nats per token, under the name for this mode: window or carried state.
    pub(crate) fn set_valid_loss<C>(self, metadata: &mut Metadata<C>, loss: f64) {
        (metadata.valid_loss_window, metadata.valid_loss_carried) = match self {
            Self::Windows | Self::Examples => (Some(loss), None),
            Self::Tbptt { .. } => (None, Some(loss)),
        };
    }
}

/// All hyperparameters of a run. The serialized names stand in `progress.json`.
///
/// The default trains the model of the Keras baseline: 4 epochs on windows in batches of 32, with RMSprop, a learning
/// rate of 0.001 and seed 1; no schedule, clipping, averaging or early stopping.
///
/// ```
/// use trainer::{AdamConfig, Clip, Schedule, TrainConfig, TrainMode};
///
/// let config = TrainConfig::default()
///     .mode(TrainMode::Tbptt { bptt_len: 50 })
///     .optimizer(AdamConfig::default().beta_2(0.99))
///     .learning_rate(0.002)
///     .schedule(Schedule::Cosine)
///     .clip(Clip::GlobalNorm(5.0))
///     .epochs(20);
/// config.check()?;
/// # Ok::<(), trainer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// RNG seed for the order of the batches and for dropout masks.
    pub seed: u64,
    /// Epochs. Each ends with a validation and a checkpoint.
    pub epochs: usize,
    /// Steps per epoch; 0 for a pass over the training data. After an epoch of another length, the next one continues in
    /// the data where it ended, and a pass may end within an epoch. Runs of earlier versions had 0.
    #[serde(default)]
    pub steps_per_epoch: u64,
    /// How batches are formed.
    #[serde(rename = "method")]
    pub mode: TrainMode,
    /// Windows or examples per step, or parallel streams.
    pub batch_size: usize,
    /// Into how many shards a batch is cut, whose gradients are computed one after another, with the activations of one in
    /// memory, or by as many [`Ranks`](ranks::Ranks) at most, and added in the order of a binary tree. A power of two of which
    /// `batch_size` is a multiple. With 1, the gradient is that of the whole batch. Runs of earlier versions had 1.
    #[serde(default = "one")]
    pub shards: usize,
    /// Base learning rate.
    pub learning_rate: f64,
    /// How the learning rate changes during the run.
    pub schedule: Schedule,
    /// Steps of linear learning-rate warm-up; 0 for none.
    pub warm_up_steps: u64,
    /// The optimizer and its hyperparameters.
    pub optimizer: OptimizerConfig,
    /// Gradient clipping.
    pub clip: Option<Clip>,
    /// The precision of the matrix products of training steps. Runs of earlier versions had f32.
    #[serde(default)]
    pub precision: TrainPrecision,
    /// Decay of the exponential moving average of the weights. If above 0, the averaged weights are the ones
    /// evaluated and saved as the model; 0 for no averaging.
    #[serde(rename = "averaging")]
    pub ema_decay: f64,
    /// Epochs without a lower validation loss after which the run ends; 0 for no early stopping.
    #[serde(rename = "patience")]
    pub early_stopping_patience: usize,
    /// Steps between calls of [`Observer::on_sample`](crate::Observer::on_sample); 0 for never.
    #[serde(rename = "look_every")]
    pub sample_every: u64,
    /// When checkpoints are written besides after each epoch, and how many are kept.
    #[serde(rename = "keeping")]
    pub checkpoint_policy: CheckpointPolicy,
    /// Parallel streams in which a language model reads the held-out text with carried state; 0 for as many as suit
    /// its length. A run that is resumed with 0 keeps what it was started with. Runs of earlier versions had 1.
    #[serde(default = "one")]
    pub valid_streams: usize,
    /// The factor of the learning rate from each layer to the one below it, from the output layer down; 1 for the same
    /// rate in all layers (discriminative fine-tuning: Howard and Ruder 2018). Runs of earlier versions had 1.
    #[serde(default = "same_rate")]
    pub layer_decay: f64,
    /// Steps after which one more layer is trained, from the output layer down; 0 to train all layers from the start
    /// (gradual unfreezing: Howard and Ruder 2018). Runs of earlier versions had 0.
    #[serde(default)]
    pub unfreeze_steps: u64,
    /// Validations back to which the loss is compared to begin averaging the weights (averaged SGD with the non-monotonic
    /// trigger: Merity, Keskar and Socher 2018): after the first validation whose loss is higher than the lowest of those
    /// more than this many validations before it, the mean of the weights since then is evaluated and saved as the model;
    /// 0 for never. Runs of earlier versions had 0.
    #[serde(default)]
    pub averaging_patience: usize,
    /// The standard deviation of the lengths of the chunks of [`TrainMode::Tbptt`], which vary from step to step, as in
    /// the same paper; the learning rate varies with them. 0 for equal lengths. Runs of earlier versions had 0.
    #[serde(default)]
    pub bptt_deviation: f64,
}

fn one() -> usize {
    1
}

fn same_rate() -> f64 {
    1.0
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            epochs: 4,
            steps_per_epoch: 0,
            mode: TrainMode::Windows,
            batch_size: 32,
            shards: 1,
            learning_rate: 0.001,
            schedule: Schedule::Constant,
            warm_up_steps: 0,
            optimizer: OptimizerConfig::default(),
            clip: None,
            precision: TrainPrecision::default(),
            ema_decay: 0.0,
            early_stopping_patience: 0,
            sample_every: 0,
            checkpoint_policy: CheckpointPolicy::default(),
            valid_streams: 0,
            layer_decay: same_rate(),
            unfreeze_steps: 0,
            averaging_patience: 0,
            bptt_deviation: 0.0,
        }
    }
}

impl TrainConfig {
    /// Sets [`seed`](Self#structfield.seed).
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets [`epochs`](Self#structfield.epochs).
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets [`steps_per_epoch`](Self#structfield.steps_per_epoch).
    pub fn steps_per_epoch(self, steps_per_epoch: u64) -> Self {
        Self { steps_per_epoch, ..self }
    }

    /// Sets [`mode`](Self#structfield.mode).
    pub fn mode(self, mode: TrainMode) -> Self {
        Self { mode, ..self }
    }

    /// Sets [`batch_size`](Self#structfield.batch_size).
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// Sets [`shards`](Self#structfield.shards).
    pub fn shards(self, shards: usize) -> Self {
        Self { shards, ..self }
    }

    /// Sets [`learning_rate`](Self#structfield.learning_rate).
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }

    /// Sets [`schedule`](Self#structfield.schedule).
    pub fn schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// Sets [`warm_up_steps`](Self#structfield.warm_up_steps).
    pub fn warm_up_steps(self, warm_up_steps: u64) -> Self {
        Self { warm_up_steps, ..self }
    }

    /// Sets [`optimizer`](Self#structfield.optimizer): an [`AdamConfig`](crate::AdamConfig), a
    /// [`RmspropConfig`](crate::RmspropConfig), an [`SgdConfig`](crate::SgdConfig) or an [`OptimizerConfig`].
    pub fn optimizer(self, optimizer: impl Into<OptimizerConfig>) -> Self {
        Self { optimizer: optimizer.into(), ..self }
    }

    /// Sets [`clip`](Self#structfield.clip): a [`Clip`], or `None`.
    pub fn clip(self, clip: impl Into<Option<Clip>>) -> Self {
        Self { clip: clip.into(), ..self }
    }

    /// Sets [`precision`](Self#structfield.precision).
    pub fn precision(self, precision: TrainPrecision) -> Self {
        Self { precision, ..self }
    }

    /// Sets [`ema_decay`](Self#structfield.ema_decay).
    pub fn ema_decay(self, ema_decay: f64) -> Self {
        Self { ema_decay, ..self }
    }

    /// Sets [`early_stopping_patience`](Self#structfield.early_stopping_patience).
    pub fn early_stopping_patience(self, early_stopping_patience: usize) -> Self {
        Self { early_stopping_patience, ..self }
    }

    /// Sets [`sample_every`](Self#structfield.sample_every).
    pub fn sample_every(self, sample_every: u64) -> Self {
        Self { sample_every, ..self }
    }

    /// Sets [`checkpoint_policy`](Self#structfield.checkpoint_policy).
    pub fn checkpoint_policy(self, checkpoint_policy: CheckpointPolicy) -> Self {
        Self { checkpoint_policy, ..self }
    }

    /// Sets [`valid_streams`](Self#structfield.valid_streams).
    pub fn valid_streams(self, valid_streams: usize) -> Self {
        Self { valid_streams, ..self }
    }

    /// Sets [`layer_decay`](Self#structfield.layer_decay).
    pub fn layer_decay(self, layer_decay: f64) -> Self {
        Self { layer_decay, ..self }
    }

    /// Sets [`unfreeze_steps`](Self#structfield.unfreeze_steps).
    pub fn unfreeze_steps(self, unfreeze_steps: u64) -> Self {
        Self { unfreeze_steps, ..self }
    }

    /// Sets [`averaging_patience`](Self#structfield.averaging_patience).
    pub fn averaging_patience(self, averaging_patience: usize) -> Self {
        Self { averaging_patience, ..self }
    }

    /// Sets [`bptt_deviation`](Self#structfield.bptt_deviation).
    pub fn bptt_deviation(self, bptt_deviation: f64) -> Self {
        Self { bptt_deviation, ..self }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::optimizer::{AdamConfig, RmspropConfig, SgdConfig};

    use super::*;

    /// A valid config.
    pub(crate) fn config() -> TrainConfig {
        TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 8 }).epochs(1)
    }

    #[test]
    fn the_config_of_an_earlier_version_has_one_validation_stream_and_an_epoch_is_a_pass() {
        let tuning = config().layer_decay(0.5).unfreeze_steps(9).averaging_patience(5).bptt_deviation(2.0);
        let tuning = tuning.precision(TrainPrecision::Bf16);
        let mut json = serde_json::to_value(tuning.steps_per_epoch(3)).unwrap();
        assert_eq!((&json["valid_streams"], &json["steps_per_epoch"]), (&0.into(), &3.into()));
        assert_eq!((&json["layer_decay"], &json["unfreeze_steps"]), (&0.5.into(), &9.into()));
        assert_eq!((&json["averaging_patience"], &json["bptt_deviation"]), (&5.into(), &2.0.into()));
        assert_eq!(json["precision"], "bf16");
        let new = ["averaging_patience", "bptt_deviation", "precision", "shards"];
        for key in ["valid_streams", "steps_per_epoch", "layer_decay", "unfreeze_steps"].iter().chain(&new) {
            json.as_object_mut().unwrap().remove(*key);
        }
        let earlier: TrainConfig = serde_json::from_value(json).unwrap();
        assert_eq!(earlier, config().valid_streams(1));
    }

    #[test]
    fn settings_out_of_range_are_rejected_by_name() {
        config().check().unwrap();
        TrainConfig::default().check().unwrap();
        let policy = CheckpointPolicy::default();
        let cases = [
            (config().epochs(0), "train.epochs"),
            (config().epochs(3).steps_per_epoch(u64::MAX / 2), "train.steps_per_epoch"),
            (config().batch_size(0), "train.batch_size"),
            (config().batch_size(24).shards(0), "train.shards"),
            (config().batch_size(24).shards(3), "train.shards"),
            (config().batch_size(24).shards(16), "`train.shards` is 16 with `train.batch_size` = 24"),
            (config().mode(TrainMode::Tbptt { bptt_len: 0 }), "train.bptt_len"),
            (config().learning_rate(0.0), "train.learning_rate"),
            (config().learning_rate(f64::NAN), "train.learning_rate"),
            (config().schedule(Schedule::Exponential { factor: 2.0 }), "train.schedule.factor"),
            (config().ema_decay(1.0), "train.ema_decay"),
            (config().layer_decay(0.0), "train.layer_decay"),
            (config().layer_decay(1.5), "train.layer_decay"),
            (config().layer_decay(f64::NAN), "train.layer_decay"),
            (config().ema_decay(0.9).averaging_patience(5), "train.averaging_patience"),
            (config().bptt_deviation(4.5), "train.bptt_deviation"),
            (config().bptt_deviation(-1.0), "train.bptt_deviation"),
            (TrainConfig::default().bptt_deviation(1.0), "train.bptt_deviation"),
            (config().clip(Clip::Value(0.0)), "train.clip.value"),
            (config().checkpoint_policy(policy.every_minutes(-1.0)), "checkpoints.every_min"),
            (config().checkpoint_policy(policy.keep_last(0)), "checkpoints.keep"),
            (config().optimizer(RmspropConfig::default().rho(1.0)), "rho"),
            (config().optimizer(AdamConfig::default().beta_2(1.0)), "beta_2"),
            (config().optimizer(AdamConfig::default().epsilon(0.0)), "epsilon"),
            (config().optimizer(AdamConfig::default().weight_decay(1.0)), "weight_decay"),
            (config().optimizer(SgdConfig::default().weight_decay(-0.1)), "weight_decay"),
            (config().optimizer(SgdConfig::default().weight_decay(0.1)).learning_rate(10.0), "weight_decay"),
            (config().optimizer(SgdConfig::default().momentum(1.0)), "train.optimizer.momentum"),
        ];
        for (config, key) in cases {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
