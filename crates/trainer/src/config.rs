//! How a model is trained: numbers, no data.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::optimizer::RmspropConfig;

/// How long, in what steps and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The run's seed: order of the windows and dropout masks.
    pub seed: u64,
    /// Passes over the training windows.
    pub epochs: usize,
    /// Windows a step learns from.
    pub batch_size: usize,
    /// The factor of every update.
    pub learning_rate: f64,
    /// The optimizer's own numbers.
    pub optimizer: RmspropConfig,
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
        if !(learning_rate > 0.0 && learning_rate.is_finite()) {
            return refuse("train.learning_rate", learning_rate.to_string(), "a number above 0");
        }
        self.optimizer.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_train_nothing_are_refused_by_name() {
        let good = TrainConfig {
            seed: 1,
            epochs: 1,
            batch_size: 32,
            learning_rate: 0.001,
            optimizer: RmspropConfig::default(),
            look_every: 0,
        };
        good.check().unwrap();
        let cases = [
            (TrainConfig { epochs: 0, ..good.clone() }, "train.epochs"),
            (TrainConfig { batch_size: 0, ..good.clone() }, "train.batch_size"),
            (TrainConfig { learning_rate: 0.0, ..good.clone() }, "train.learning_rate"),
            (TrainConfig { learning_rate: f64::NAN, ..good.clone() }, "train.learning_rate"),
            (
                TrainConfig {
                    optimizer: RmspropConfig { rho: 1.0, ..RmspropConfig::default() },
                    ..good.clone()
                },
                "train.optimizer.rho",
            ),
        ];
        for (config, key) in cases {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
