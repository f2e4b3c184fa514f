//! Adam (Kingma and Ba 2015) with the formula of Keras 3, and AdamW (Loshchilov and Hutter 2019).

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use burn_pack::Scalar;
use kernels::KernelMode;
use kernels::optimizers::{self, AdamParams};
use serde::{Deserialize, Serialize};

use super::range_checks::{check_decay, check_epsilon};
use super::state_tensor::StateTensor;
use crate::error::Result;

/// Hyperparameters of [`Adam`]; the defaults are those of Keras.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// β₁, the decay rate of the mean.
    pub beta_1: f64,
    /// β₂, the decay rate of the mean square.
    pub beta_2: f64,
    /// ε, added to the root of the mean square.
    pub epsilon: f64,
    /// λ, the decoupled weight decay of AdamW; 0 for none. Runs of earlier versions had none.
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, weight_decay: 0.0 }
    }
}

impl AdamConfig {
    /// Sets [`beta_1`](Self#structfield.beta_1).
    pub fn beta_1(self, beta_1: f64) -> Self {
        Self { beta_1, ..self }
    }

    /// Sets [`beta_2`](Self#structfield.beta_2).
    pub fn beta_2(self, beta_2: f64) -> Self {
        Self { beta_2, ..self }
    }

    /// Sets [`epsilon`](Self#structfield.epsilon).
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
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
        check_decay("train.optimizer.beta_1", self.beta_1)?;
        check_decay("train.optimizer.beta_2", self.beta_2)?;
        check_epsilon(self.epsilon)?;
        check_decay("train.optimizer.weight_decay", self.weight_decay)
    }
}

/// Adam as Keras 3 computes it, at step t = 1, 2, …:
///
/// ```text
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// w ← w − η λ w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)
/// ```
///
/// With a weight decay λ it is AdamW (Loshchilov and Hutter 2019): the decay is not divided by √v, as an L2 penalty would
/// be. ε is added to the uncorrected √v ("ε̂" in section 2 of the paper); PyTorch adds it to the corrected one.
#[derive(Clone, Debug)]
pub struct Adam {
    config: AdamConfig,
    kernels: KernelMode,
}

impl Adam {
    /// The optimizer with these hyperparameters.
    pub fn new(config: AdamConfig) -> Self {
        Self { config, kernels: KernelMode::default() }
    }

    /// The same optimizer, computed by a fused kernel (the default) or by Burn's own operations.
    #[must_use]
    pub fn kernels(self, kernels: KernelMode) -> Self {
        Self { kernels, ..self }
    }

    /// One step composed of tensor operations: the reference implementation of the fused kernel.
    fn composed_step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let AdamConfig { beta_1, beta_2, epsilon, .. } = self.config;
        let (step, rate) = self.rate(lr, state.as_ref());
        let new_mean = grad.clone().mul_scalar(1.0 - beta_1);
        let new_square = (grad.clone() * grad).mul_scalar(1.0 - beta_2);
        let (mean, mean_square) = match state {
            None => (new_mean, new_square),
            Some(old) => {
                let (mean, mean_square) = old.into_tensors(&tensor.device());
                (mean.mul_scalar(beta_1) + new_mean, mean_square.mul_scalar(beta_2) + new_square)
            }
        };
        let root = mean_square.clone().sqrt().add_scalar(epsilon);
        let update = mean.clone().mul_scalar(rate) / root;
        (tensor - update, Some(AdamState { mean: mean.into(), mean_square: mean_square.into(), step }))
    }

    /// t, and η √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    fn rate<const D: usize>(&self, lr: LearningRate, state: Option<&AdamState<D>>) -> (i64, f64) {
        let AdamConfig { beta_1, beta_2, .. } = self.config;
        let step = state.map_or(0, |state| state.step) + 1;
        let t = step as f64;
        (step, lr * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t)))
    }
}

/// State of one parameter tensor.
#[derive(Clone)]
pub struct AdamState<const D: usize> {
    /// m.
    pub mean: StateTensor<D>,
    /// v.
    pub mean_square: StateTensor<D>,
    /// t.
    pub step: i64,
}

impl<const D: usize> AdamState<D> {
    /// m and v.
    fn into_tensors(self, device: &Device) -> (Tensor<D>, Tensor<D>) {
        (self.mean.into_tensor(device), self.mean_square.into_tensor(device))
    }
}

impl<const D: usize> RecordState for AdamState<D> {
    fn state_flatten(&self, prefix: &str, record: &mut StateSink) {
        self.mean.flatten(prefix, "mean", record);
        self.mean_square.flatten(prefix, "mean_square", record);
        record.push_scalar(prefix, "step", Scalar::from(self.step));
    }

    fn state_unflatten(prefix: &str, record: &mut StateSource, _default_device: &Device) -> Option<Self> {
        let mean = StateTensor::take(record, prefix, "mean")?;
        let mean_square = StateTensor::take(record, prefix, "mean_square")?;
        let step = i64::try_from(record.take_scalar(prefix, "step")?).ok()?;
        Some(Self { mean, mean_square, step })
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let AdamConfig { beta_1, beta_2, epsilon, weight_decay } = self.config;
        let tensor = if weight_decay > 0.0 { tensor.mul_scalar(1.0 - lr * weight_decay) } else { tensor };
        if self.kernels.fuses_optimizers(&tensor.device(), tensor.dtype()) {
            let (step, rate) = self.rate(lr, state.as_ref());
            let zeros = || (tensor.zeros_like(), tensor.zeros_like());
            let (mean, square) = state.map_or_else(zeros, |old| old.into_tensors(&tensor.device()));
            let params = AdamParams { learning_rate: rate, beta_1, beta_2, epsilon };
            let (weights, mean, mean_square) = optimizers::adam(params, tensor, grad, mean, square);
            return (weights, Some(AdamState { mean: mean.into(), mean_square: mean_square.into(), step }));
        }
        self.composed_step(lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdamState {
            mean: state.mean.moved_to(device),
            mean_square: state.mean_square.moved_to(device),
            step: state.step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_steps::{assert_close, assert_equations, three_steps};
    use super::*;

    #[test]
    fn the_fused_step_equals_the_composed_one() {
        let run = |kernels| {
            let optimizer = Adam::new(AdamConfig::default()).kernels(kernels);
            let (weight, state) = three_steps(&optimizer);
            let (mean, mean_square) = state.into_tensors(&Device::flex());
            [weight, mean, mean_square]
        };
        assert_close(run(KernelMode::Fused), run(KernelMode::Composed));
    }

    #[test]
    fn steps_follow_the_equations() {
        for (kernels, weight_decay) in [(KernelMode::Fused, 0.0), (KernelMode::Fused, 0.1), (KernelMode::Composed, 0.1)]
        {
            let config = AdamConfig::default().weight_decay(weight_decay);
            let AdamConfig { beta_1, beta_2, epsilon, .. } = config;
            let optimizer = Adam::new(config).kernels(kernels);
            // The state of one weight is m, v and t.
            assert_equations(&optimizer, (0.0f64, 0.0f64, 0i32), |rate, weight, gradient, (mean, square, step)| {
                *step += 1;
                *mean = beta_1 * *mean + (1.0 - beta_1) * gradient;
                *square = beta_2 * *square + (1.0 - beta_2) * gradient * gradient;
                let correction = (1.0 - beta_2.powi(*step)).sqrt() / (1.0 - beta_1.powi(*step));
                let update = rate * correction * *mean / (square.sqrt() + epsilon);
                *weight -= rate * weight_decay * *weight + update;
            });
        }
    }

    #[test]
    fn the_first_step_has_the_size_of_the_learning_rate_for_any_gradient() {
        // m / √v = 0.1 g / √(0.001 g²), times √0.001 / 0.1: the sign of g.
        let device = Device::flex();
        let weight = Tensor::<1>::zeros([3], &device);
        let gradient = Tensor::<1>::from_floats([100.0, -0.5, 0.0], &device);
        let optimizer = Adam::new(AdamConfig::default());
        let (weight, state) = optimizer.step(0.01, weight, gradient, None);
        let found: Vec<f64> = weight.try_into_vec_as().unwrap();
        for (found, expected) in found.iter().zip([-0.01, 0.01, 0.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert_eq!(state.unwrap().step, 1);
    }
}
