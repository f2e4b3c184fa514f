//! How a model is trained: numbers, no data.

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
    /// The optimizer and its own numbers.
    pub optimizer: OptimizerConfig,
    /// How far gradients may go.
    pub clip: Option<Clip>,
    /// Show the model to the observer every so many steps; 0 for after each epoch alone.
    pub look_every: u64,
}

impl TrainConfig {
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
        self.clip.map_or(Ok(()), Clip::check)?;
        self.optimizer.check()
    }
}

#[cfg(test)]
mod tests {
    use crate::optimizer::{AdamConfig, RmspropConfig};

    use super::*;

    #[test]
    fn numbers_that_train_nothing_are_refused_by_name() {
        let rmsprop = |config| OptimizerConfig::Rmsprop(config);
        let good = TrainConfig {
            seed: 1,
            epochs: 1,
            method: Method::EveryStep { length: 8 },
            batch_size: 32,
            learning_rate: 0.001,
            schedule: Schedule::Constant,
            optimizer: rmsprop(RmspropConfig::default()),
            clip: Some(Clip::Value(1.0)),
            look_every: 0,
        };
        good.check().unwrap();
        let adam = |config| OptimizerConfig::Adam(config);
        let with = |optimizer| TrainConfig { optimizer, ..good.clone() };
        let cases = [
            (TrainConfig { epochs: 0, ..good.clone() }, "train.epochs"),
            (TrainConfig { batch_size: 0, ..good.clone() }, "train.batch_size"),
            (TrainConfig { method: Method::EveryStep { length: 0 }, ..good.clone() }, "streams"),
            (TrainConfig { learning_rate: 0.0, ..good.clone() }, "train.learning_rate"),
            (TrainConfig { learning_rate: f64::NAN, ..good.clone() }, "train.learning_rate"),
            (TrainConfig { clip: Some(Clip::Value(0.0)), ..good.clone() }, "train.clip.value"),
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
