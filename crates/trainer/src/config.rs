//! How a model is trained: numbers, no data.

use models::AboutNetwork;
use serde::{Deserialize, Serialize};

use crate::clip::Clip;
use crate::error::{Error, Result};
use crate::optimizer::OptimizerConfig;
use crate::schedule::Schedule;

/// What a step learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Shuffled windows, each read from an empty state, with one target after its last token.
    Windows,
    /// Parallel streams in pieces, the state carried from piece to piece, with a target at every
    /// step (stateful truncated backpropagation through time).
    EveryStep {
        /// Tokens in a piece.
        length: usize,
    },
    /// Shuffled examples of whatever the task is, each read by itself.
    Examples,
}

impl Method {
    /// Whether a batch goes on from the one before.
    pub(crate) fn carries(self) -> bool {
        matches!(self, Self::EveryStep { .. })
    }

    /// Writes down a validation loss, in nats a token, as that of the way in which this method reads.
    pub(crate) fn note_valid_loss<C>(self, about: &mut AboutNetwork<C>, loss: f64) {
        (about.valid_loss_window, about.valid_loss_carried) = match self {
            Self::Windows | Self::Examples => (Some(loss), None),
            Self::EveryStep { .. } => (None, Some(loss)),
        };
    }
}

/// How long, in what steps and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The run's seed: order of the windows and dropout masks.
    pub seed: u64,
    /// Passes over the training text.
    pub epochs: usize,
    /// What a step learns from.
    pub method: Method,
    /// Windows in a step, or streams beside one another.
    pub batch_size: usize,
    /// The factor of every update.
    pub learning_rate: f64,
    /// How that factor changes along the run.
    pub schedule: Schedule,
    /// Steps over which that factor is raised from nothing at the beginning; 0 for none.
    pub warm_up_steps: u64,
    /// The optimizer and its own numbers.
    pub optimizer: OptimizerConfig,
    /// How far gradients may go.
    pub clip: Option<Clip>,
    /// How much of the averaged weights is kept at every step, if weights are averaged: then these
    /// are judged and kept as the model; 0 for no averaging.
    pub averaging: f64,
    /// End the run after so many epochs without a lower validation loss; 0 for never.
    pub patience: usize,
    /// Show the model to the observer every so many steps; 0 for after each epoch alone.
    pub look_every: u64,
    /// When checkpoints are written besides after each epoch, and how many stay.
    pub keeping: Keeping,
}

/// When checkpoints are written, and how many stay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keeping {
    /// Steps between two checkpoints within an epoch; 0 for no count.
    pub every_steps: u64,
    /// Minutes between two checkpoints within an epoch; 0 for no clock.
    pub every_minutes: f64,
    /// How many of the newest stay, besides the best one.
    pub last: usize,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { every_steps: 0, every_minutes: 1.0, last: 2 }
    }
}

impl TrainConfig {
    /// One epoch under seed 1, and nothing else: no schedule, clipping, averaging or patience.
    pub fn new(
        method: Method,
        batch_size: usize,
        learning_rate: f64,
        optimizer: OptimizerConfig,
    ) -> Self {
        Self {
            seed: 1,
            epochs: 1,
            method,
            batch_size,
            learning_rate,
            schedule: Schedule::Constant,
            warm_up_steps: 0,
            optimizer,
            clip: None,
            averaging: 0.0,
            patience: 0,
            look_every: 0,
            keeping: Keeping::default(),
        }
    }

    /// Refuses numbers that train nothing.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let refuse = |key, found: String, expected| Err(Error::OutOfRange { key, found, expected });
        let Self { epochs, batch_size, learning_rate, .. } = *self;
        if epochs == 0 {
            return refuse("train.epochs", "0".into(), "1 or more");
        }
        if !(1..=65_536).contains(&batch_size) {
            return refuse("train.batch_size", batch_size.to_string(), "1 to 65536");
        }
        if let Method::EveryStep { length } = self.method
            && !(1..=65_536).contains(&length)
        {
            return refuse("streams.length", length.to_string(), "1 to 65536");
        }
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            return refuse("train.learning_rate", learning_rate.to_string(), "a number above 0");
        }
        if !(0.0..1.0).contains(&self.averaging) {
            let expected = "0 for no averaging, or a number below 1 such as 0.999";
            return refuse("train.averaging", self.averaging.to_string(), expected);
        }
        let Keeping { every_minutes, last, .. } = self.keeping;
        if !(every_minutes >= 0.0 && every_minutes.is_finite()) {
            let expected = "0 for no clock, or a number above 0";
            return refuse("checkpoints.every_minutes", every_minutes.to_string(), expected);
        }
        if last == 0 {
            return refuse("checkpoints.keep", "0".into(), "1 or more");
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

    /// Numbers that are in order.
    pub(crate) fn config() -> TrainConfig {
        let optimizer = OptimizerConfig::Rmsprop(RmspropConfig::default());
        TrainConfig::new(Method::EveryStep { length: 8 }, 32, 0.001, optimizer)
    }

    #[test]
    fn numbers_that_train_nothing_are_refused_by_name() {
        let good = config();
        good.check().unwrap();
        let rmsprop = |config| OptimizerConfig::Rmsprop(config);
        let adam = |config| OptimizerConfig::Adam(config);
        let with = |optimizer| TrainConfig { optimizer, ..good.clone() };
        let keep = |keeping| TrainConfig { keeping, ..good.clone() };
        let schedule = Schedule::Exponential { factor: 2.0 };
        let cases = [
            (TrainConfig { epochs: 0, ..good.clone() }, "train.epochs"),
            (TrainConfig { batch_size: 0, ..good.clone() }, "train.batch_size"),
            (TrainConfig { method: Method::EveryStep { length: 0 }, ..good.clone() }, "streams"),
            (TrainConfig { learning_rate: 0.0, ..good.clone() }, "train.learning_rate"),
            (TrainConfig { learning_rate: f64::NAN, ..good.clone() }, "train.learning_rate"),
            (TrainConfig { schedule, ..good.clone() }, "train.schedule.factor"),
            (TrainConfig { averaging: 1.0, ..good.clone() }, "train.averaging"),
            (TrainConfig { clip: Some(Clip::Value(0.0)), ..good.clone() }, "train.clip.value"),
            (keep(Keeping { every_minutes: -1.0, ..Keeping::default() }), "checkpoints.every_min"),
            (keep(Keeping { last: 0, ..Keeping::default() }), "checkpoints.keep"),
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
