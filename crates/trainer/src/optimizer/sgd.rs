//! Stochastic gradient descent, with momentum (Sutskever et al. 2013) and decoupled weight decay (Loshchilov and Hutter
//! 2019) if they are set.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use kernels::weighted_sum;
use serde::{Deserialize, Serialize};

use super::range_checks::check_decay;
use super::state_tensor::StateTensor;
use crate::error::Result;

/// Hyperparameters of [`Sgd`]; by default there is neither momentum nor weight decay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// μ, the momentum; 0 for none.
    pub momentum: f64,
    /// λ, the weight decay; 0 for none.
    pub weight_decay: f64,
}

impl SgdConfig {
    /// Sets [`momentum`](Self#structfield.momentum).
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets [`weight_decay`](Self#structfield.weight_decay).
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// Checks that all hyperparameters are in range.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        check_decay("train.optimizer.momentum", self.momentum)?;
        check_decay("train.optimizer.weight_decay", self.weight_decay)
    }
}

/// SGD as Keras 3 computes it:
///
/// ```text
/// m ← μ m + η g                         with momentum, else m = η g
/// w ← w − η λ w − m
/// ```
///
/// PyTorch multiplies by η after the momentum, which differs where the learning rate changes. The decay is not part of
/// the gradient (SGDW), so the momentum does not repeat it; without momentum, it equals an L2 penalty of λ/2 ‖w‖².
#[derive(Clone, Debug)]
pub struct Sgd {
    config: SgdConfig,
}

impl Sgd {
    /// The optimizer with these hyperparameters.
    pub fn new(config: SgdConfig) -> Self {
        Self { config }
    }
}

/// State of one parameter tensor; there is none without momentum.
#[derive(Clone)]
pub struct SgdState<const D: usize> {
    /// m.
    pub update: StateTensor<D>,
}

impl<const D: usize> RecordState for SgdState<D> {
    fn state_flatten(&self, prefix: &str, record: &mut StateSink) {
        self.update.flatten(prefix, "update", record);
    }

    fn state_unflatten(prefix: &str, record: &mut StateSource, _default_device: &Device) -> Option<Self> {
        Some(Self { update: StateTensor::take(record, prefix, "update")? })
    }
}

impl Optimizer for Sgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let SgdConfig { momentum, weight_decay } = self.config;
        let kept = 1.0 - lr * weight_decay;
        if momentum == 0.0 {
            return (weighted_sum([kept, -lr], tensor, grad), None);
        }
        let update = match state {
            None => grad.mul_scalar(lr),
            Some(old) => weighted_sum([momentum, lr], old.update.into_tensor(&tensor.device()), grad),
        };
        let weights = weighted_sum([kept, -1.0], tensor, update.clone());
        (weights, Some(SgdState { update: update.into() }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        SgdState { update: state.update.moved_to(device) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_steps::assert_equations;
    use super::*;

    #[test]
    fn steps_follow_the_equations() {
        for (momentum, weight_decay) in [(0.0, 0.0), (0.9, 0.0), (0.0, 0.1), (0.5, 0.2)] {
            let optimizer = Sgd::new(SgdConfig::default().momentum(momentum).weight_decay(weight_decay));
            // The state of one weight is m.
            assert_equations(&optimizer, 0.0, |rate, weight, gradient, update| {
                *update = momentum * *update + rate * gradient;
                *weight -= rate * weight_decay * *weight + *update;
            });
        }
    }

    #[test]
    fn only_momentum_has_a_state() {
        let tensor = || Tensor::<1>::from_floats([1.0, -2.0], &Device::flex());
        for (momentum, is_present) in [(0.0, false), (0.5, true)] {
            let optimizer = Sgd::new(SgdConfig::default().momentum(momentum));
            assert_eq!(optimizer.step(0.1, tensor(), tensor(), None).1.is_some(), is_present);
        }
    }
}
