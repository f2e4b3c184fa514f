//! Adam (Kingma and Ba 2015) by the formula of Keras 3.

use burn::optim::{LearningRate, Optimizer, RecordState};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{check_epsilon, check_share};
use crate::error::Result;

/// The numbers of [`Adam`], Keras's by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// β₁, how much of the old mean is kept.
    pub beta_1: f64,
    /// β₂, how much of the old mean square is kept.
    pub beta_2: f64,
    /// ε, the floor under the root of the mean square.
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl AdamConfig {
    /// Refuses numbers outside the formula's meaning.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        check_share("train.optimizer.beta_1", self.beta_1)?;
        check_share("train.optimizer.beta_2", self.beta_2)?;
        check_epsilon(self.epsilon)
    }
}

/// Adam as Keras 3 computes it, at step t = 1, 2, …:
///
/// ```text
/// m ← β₁ m + (1 − β₁) g
/// v ← β₂ v + (1 − β₂) g²
/// w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)
/// ```
///
/// ε stands beside the uncorrected √v (the "ε̂" of the paper's section 2); PyTorch's stands beside the
/// corrected one.
#[derive(Clone, Debug)]
pub struct Adam(AdamConfig);

impl Adam {
    /// The optimizer of these numbers.
    pub fn new(config: AdamConfig) -> Self {
        Self(config)
    }

    /// A step, operation by operation.
    fn plainly<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let AdamConfig { beta_1, beta_2, epsilon } = self.0;
        let (step, rate) = self.rate(lr, state.as_ref());
        let new_mean = grad.clone().mul_scalar(1.0 - beta_1);
        let new_square = (grad.clone() * grad).mul_scalar(1.0 - beta_2);
        let (mean, mean_square) = match state {
            None => (new_mean, new_square),
            Some(old) => (
                old.mean.mul_scalar(beta_1) + new_mean,
                old.mean_square.mul_scalar(beta_2) + new_square,
            ),
        };
        let root = mean_square.clone().sqrt().add_scalar(epsilon);
        let update = mean.clone().mul_scalar(rate) / root;
        (tensor - update, Some(AdamState { mean, mean_square, step }))
    }

    /// t, and η √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    fn rate<const D: usize>(&self, lr: LearningRate, state: Option<&AdamState<D>>) -> (i64, f64) {
        let AdamConfig { beta_1, beta_2, .. } = self.0;
        let step = state.map_or(0, |state| state.step) + 1;
        let t = step as f64;
        (step, lr * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t)))
    }
}

/// What is remembered of one weight.
#[derive(RecordState, Clone)]
pub struct AdamState<const D: usize> {
    /// m.
    pub mean: Tensor<D>,
    /// v.
    pub mean_square: Tensor<D>,
    /// t.
    pub step: i64,
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
        let AdamConfig { beta_1, beta_2, epsilon } = self.0;
        if kernels::updates_are_fused(&tensor.device()) {
            let (step, rate) = self.rate(lr, state.as_ref());
            let zeros = || (tensor.zeros_like(), tensor.zeros_like());
            let (mean, square) = state.map_or_else(zeros, |old| (old.mean, old.mean_square));
            let config = kernels::optimizers::Adam { rate, beta_1, beta_2, epsilon };
            let (weights, mean, mean_square) =
                kernels::optimizers::adam(config, tensor, grad, mean, square);
            return (weights, Some(AdamState { mean, mean_square, step }));
        }
        self.plainly(lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        AdamState {
            mean: state.mean.to_device(device),
            mean_square: state.mean_square.to_device(device),
            step: state.step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_one_pass_it_is_what_it_is_operation_by_operation() {
        // 37 numbers leave a rest in vectors of any width.
        let numbers = |factor: f64| -> Vec<f64> {
            (0..37).map(|at| factor * f64::from(at * at % 11 - 5)).collect()
        };
        let run = |fused| {
            let device = Device::flex();
            let optimizer = Adam::new(AdamConfig::default());
            let mut weight = Tensor::<1>::from_data(numbers(0.3).as_slice(), &device);
            let mut state = None;
            for factor in [0.1, -0.02, 3.0] {
                let gradient = Tensor::<1>::from_data(numbers(factor).as_slice(), &device);
                (weight, state) = match fused {
                    true => optimizer.step(0.01, weight, gradient, state),
                    false => optimizer.plainly(0.01, weight, gradient, state),
                };
            }
            let AdamState { mean, mean_square, .. } = state.unwrap();
            [weight, mean, mean_square].map(|tensor| tensor.try_into_vec_as::<f64>().unwrap())
        };
        for (found, expected) in run(true).iter().flatten().zip(run(false).iter().flatten()) {
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{found} {expected}"
            );
        }
    }

    #[test]
    fn the_first_step_is_the_learning_rate_whatever_the_gradient() {
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
