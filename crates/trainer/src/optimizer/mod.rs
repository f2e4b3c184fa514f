//! Optimizers that Burn lacks or defines differently. A new one is a file next to `rmsprop.rs` and a variant of
//! [`OptimizerConfig`].

mod adam;
mod range_checks;
mod rmsprop;
mod sgd;
pub(crate) mod state_file;
mod state_tensor;
#[cfg(test)]
mod test_steps;

use burn::optim::ModuleOptimizer;
use kernels::KernelMode;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use adam::{Adam, AdamConfig};
pub use rmsprop::{Rmsprop, RmspropConfig};
pub use sgd::{Sgd, SgdConfig};

/// The kind of optimizer and its hyperparameters. The default is RMSprop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OptimizerConfig {
    /// RMSprop, the optimizer of the Keras baseline.
    Rmsprop(RmspropConfig),
    /// Adam, with weight decay AdamW.
    Adam(AdamConfig),
    /// Stochastic gradient descent.
    Sgd(SgdConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Rmsprop(RmspropConfig::default())
    }
}

impl From<RmspropConfig> for OptimizerConfig {
    fn from(config: RmspropConfig) -> Self {
        Self::Rmsprop(config)
    }
}

impl From<AdamConfig> for OptimizerConfig {
    fn from(config: AdamConfig) -> Self {
        Self::Adam(config)
    }
}

impl From<SgdConfig> for OptimizerConfig {
    fn from(config: SgdConfig) -> Self {
        Self::Sgd(config)
    }
}

impl OptimizerConfig {
    /// Checks that all hyperparameters are in range.
    ///
    /// # Errors
    /// If a hyperparameter is out of range; the error names the first.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Rmsprop(config) => config.check(),
            Self::Adam(config) => config.check(),
            Self::Sgd(config) => config.check(),
        }
    }

    /// Checks that a step with this learning rate does not turn weights around: it multiplies them by 1 − η λ.
    ///
    /// # Errors
    /// If the weight decay is 1 / η or more.
    pub(crate) fn check_with_rate(&self, learning_rate: f64) -> Result<()> {
        let decay = match self {
            Self::Rmsprop(_) => 0.0,
            Self::Adam(config) => config.weight_decay,
            Self::Sgd(config) => config.weight_decay,
        };
        if learning_rate * decay < 1.0 {
            return Ok(());
        }
        let expected =
            "less than 1 / `train.learning_rate`: every step multiplies the weights by 1 less the product of both";
        Err(Error::out_of_range("train.optimizer.weight_decay", decay, expected))
    }

    /// The names of the tensors in the state of a parameter; empty if there is no state.
    fn state_tensors(&self) -> Vec<&'static str> {
        match self {
            Self::Rmsprop(config) => {
                let optional = [("mean", config.centered), ("update", config.momentum > 0.0)];
                let optional = optional.into_iter().filter(|(_, present)| *present).map(|(name, _)| name);
                std::iter::once("mean_square").chain(optional).collect()
            }
            Self::Adam(_) => vec!["mean", "mean_square"],
            Self::Sgd(config) if config.momentum > 0.0 => vec!["update"],
            Self::Sgd(_) => Vec::new(),
        }
    }

    /// The numbers that its state has for each parameter.
    pub(crate) fn values_per_parameter(&self) -> usize {
        self.state_tensors().len()
    }

    /// The names of the counters in the state of a parameter, each from 1 to the number of updates.
    fn state_counters(&self) -> &'static [&'static str] {
        match self {
            Self::Rmsprop(_) | Self::Sgd(_) => &[],
            Self::Adam(_) => &["step"],
        }
    }

    /// A new optimizer without state, computed by fused kernels or by Burn's own operations.
    pub fn init(&self, kernels: KernelMode) -> ModuleOptimizer {
        match *self {
            Self::Rmsprop(config) => Rmsprop::new(config).kernels(kernels).into(),
            Self::Adam(config) => Adam::new(config).kernels(kernels).into(),
            Self::Sgd(config) => Sgd::new(config).into(),
        }
    }
}
