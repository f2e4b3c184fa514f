//! Training hyperparameters.

use models::Metadata;
use serde::{Deserialize, Serialize};

use crate::clip::Clip;
use crate::error::{Error, Result};
use crate::optimizer::OptimizerConfig;
use crate::schedule::Schedule;

/// How batches are formed. The serialized names stand in `progress.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainMode {
    /// Shuffled windows, each started from a zero state, with one target: the token after the window.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// RNG seed for the order of the batches and for dropout masks.
    pub seed: u64,
    /// Passes over the training data.
    pub epochs: usize,
    /// How batches are formed.
    #[serde(rename = "method")]
    pub mode: TrainMode,
    /// Windows or examples per step, or parallel streams.
    pub batch_size: usize,
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
}

/// When checkpoints are written, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointPolicy {
    /// Steps between two checkpoints within an epoch; 0 to disable.
    pub every_steps: u64,
    /// Minutes between two checkpoints within an epoch; 0 to disable.
    pub every_minutes: f64,
    /// How many of the newest are kept, besides the best one.
    #[serde(rename = "last")]
    pub keep_last: usize,
}

impl Default for CheckpointPolicy {
    fn default() -> Self {
        Self { every_steps: 0, every_minutes: 1.0, keep_last: 2 }
    }
}

impl TrainConfig {
    /// One epoch with seed 1; no schedule, clipping, averaging or early stopping.
    pub fn new(mode: TrainMode, batch_size: usize, learning_rate: f64, optimizer: OptimizerConfig) -> Self {
        Self {
            seed: 1,
            epochs: 1,
            mode,
            batch_size,
            learning_rate,
            schedule: Schedule::Constant,
            warm_up_steps: 0,
            optimizer,
            clip: None,
            ema_decay: 0.0,
            early_stopping_patience: 0,
            sample_every: 0,
            checkpoint_policy: CheckpointPolicy::default(),
        }
    }

    /// Checks that all settings are in range.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let reject = |key, found: String, expected| Err(Error::out_of_range(key, found, expected));
        let Self { epochs, batch_size, learning_rate, .. } = *self;
        if epochs == 0 {
            return reject("train.epochs", "0".into(), "1 or more");
        }
        if !(1..=65_536).contains(&batch_size) {
            return reject("train.batch_size", batch_size.to_string(), "1 to 65536");
        }
        if let TrainMode::Tbptt { bptt_len } = self.mode
            && !(1..=65_536).contains(&bptt_len)
        {
            return reject("train.bptt_len", bptt_len.to_string(), "1 to 65536");
        }
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            return reject("train.learning_rate", learning_rate.to_string(), "a number above 0");
        }
        if !(0.0..1.0).contains(&self.ema_decay) {
            let expected = "0 for no averaging, or a number below 1 such as 0.999";
            return reject("train.ema_decay", self.ema_decay.to_string(), expected);
        }
        let CheckpointPolicy { every_minutes, keep_last, .. } = self.checkpoint_policy;
        if !(every_minutes >= 0.0 && every_minutes.is_finite()) {
            let expected = "0 to disable, or a number above 0";
            return reject("checkpoints.every_minutes", every_minutes.to_string(), expected);
        }
        if keep_last == 0 {
            return reject("checkpoints.keep", "0".into(), "1 or more");
        }
        self.schedule.check()?;
        self.clip.map_or(Ok(()), Clip::check)?;
        self.optimizer.check()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::optimizer::{AdamConfig, RmspropConfig};

    use super::*;

    /// A valid config.
    pub(crate) fn config() -> TrainConfig {
        let optimizer = OptimizerConfig::Rmsprop(RmspropConfig::default());
        TrainConfig::new(TrainMode::Tbptt { bptt_len: 8 }, 32, 0.001, optimizer)
    }

    #[test]
    fn settings_out_of_range_are_rejected_by_name() {
        let good = config();
        good.check().unwrap();
        let rmsprop = |config| OptimizerConfig::Rmsprop(config);
        let adam = |config| OptimizerConfig::Adam(config);
        let with = |optimizer| TrainConfig { optimizer, ..good.clone() };
        let policy = |checkpoint_policy| TrainConfig { checkpoint_policy, ..good.clone() };
        let default = CheckpointPolicy::default();
        let schedule = Schedule::Exponential { factor: 2.0 };
        let cases = [
            (TrainConfig { epochs: 0, ..good.clone() }, "train.epochs"),
            (TrainConfig { batch_size: 0, ..good.clone() }, "train.batch_size"),
            (TrainConfig { mode: TrainMode::Tbptt { bptt_len: 0 }, ..good.clone() }, "train.bptt_len"),
            (TrainConfig { learning_rate: 0.0, ..good.clone() }, "train.learning_rate"),
            (TrainConfig { learning_rate: f64::NAN, ..good.clone() }, "train.learning_rate"),
            (TrainConfig { schedule, ..good.clone() }, "train.schedule.factor"),
            (TrainConfig { ema_decay: 1.0, ..good.clone() }, "train.ema_decay"),
            (TrainConfig { clip: Some(Clip::Value(0.0)), ..good.clone() }, "train.clip.value"),
            (policy(CheckpointPolicy { every_minutes: -1.0, ..default }), "checkpoints.every_min"),
            (policy(CheckpointPolicy { keep_last: 0, ..default }), "checkpoints.keep"),
            (with(rmsprop(RmspropConfig { rho: 1.0, ..RmspropConfig::default() })), "rho"),
            (with(adam(AdamConfig { beta_2: 1.0, ..AdamConfig::default() })), "beta_2"),
            (with(adam(AdamConfig { epsilon: 0.0, ..AdamConfig::default() })), "epsilon"),
        ];
        for (config, key) in cases {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
