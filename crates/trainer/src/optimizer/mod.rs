//! The optimizers that Burn lacks or does otherwise. A new one is a file beside `rmsprop.rs` and a
//! variant of [`OptimizerConfig`].

mod adam;
pub(crate) mod packed;
mod rmsprop;

use burn::optim::ModuleOptimizer;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use adam::{Adam, AdamConfig};
pub use rmsprop::{Rmsprop, RmspropConfig};

/// Which optimizer, and its own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OptimizerConfig {
    /// The seed's.
    Rmsprop(RmspropConfig),
    /// Adam.
    Adam(AdamConfig),
}

impl OptimizerConfig {
    /// Refuses numbers outside the formula's meaning.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Rmsprop(config) => config.check(),
            Self::Adam(config) => config.check(),
        }
    }

    /// The optimizer, with no memory yet.
    pub fn init(&self) -> ModuleOptimizer {
        match *self {
            Self::Rmsprop(config) => ModuleOptimizer::from(Rmsprop::new(config)),
            Self::Adam(config) => ModuleOptimizer::from(Adam::new(config)),
        }
    }
}

/// Refuses a share that would keep all of the past.
fn check_share(key: &'static str, share: f64) -> Result<()> {
    match (0.0..1.0).contains(&share) {
        true => Ok(()),
        false => {
            let expected = "0 or more and below 1";
            Err(Error::OutOfRange { key, found: share.to_string(), expected })
        }
    }
}

/// Refuses an ε that would vanish in f32, and make 0 / 0 of a weight without gradient.
fn check_epsilon(epsilon: f64) -> Result<()> {
    match epsilon >= f64::from(f32::MIN_POSITIVE) && epsilon.is_finite() {
        true => Ok(()),
        false => Err(Error::OutOfRange {
            key: "train.optimizer.epsilon",
            found: epsilon.to_string(),
            expected: "1.2e-38 or more",
        }),
    }
}
