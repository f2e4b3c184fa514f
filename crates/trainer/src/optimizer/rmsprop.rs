//! RMSprop (Hinton's lecture 6e, 2012) by the formula of Keras 3.

use burn::optim::{LearningRate, Optimizer, RecordState};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{check_epsilon, check_share};
use crate::error::Result;

/// The numbers of [`Rmsprop`], Keras's by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmspropConfig {
    /// ρ, how much of the old mean square is kept.
    pub rho: f64,
    /// ε, the floor under the mean square.
    pub epsilon: f64,
    /// μ, how much of the last update is repeated; 0 for none.
    pub momentum: f64,
    /// Divide by the variance of the gradient instead of its mean square.
    pub centered: bool,
}

impl Default for RmspropConfig {
    fn default() -> Self {
        Self { rho: 0.9, epsilon: 1e-7, momentum: 0.0, centered: false }
    }
}

impl RmspropConfig {
    /// Refuses numbers outside the formula's meaning.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        check_share("train.optimizer.rho", self.rho)?;
        check_epsilon(self.epsilon)?;
        check_share("train.optimizer.momentum", self.momentum)
    }
}

/// RMSprop as Keras 3 computes it:
///
/// ```text
/// v ← ρ v + (1 − ρ) g²
/// a ← ρ a + (1 − ρ) g                   centered only, else a = 0
/// u = η g / √(v − a² + ε)
/// m ← μ m + u                           with momentum, else m = u
/// w ← w − m
/// ```
///
/// Burn's own keeps ε outside the root and η outside the momentum.
#[derive(Clone, Debug)]
pub struct Rmsprop(RmspropConfig);

impl Rmsprop {
    /// The optimizer of these numbers.
    pub fn new(config: RmspropConfig) -> Self {
        Self(config)
    }

    /// A step, operation by operation.
    fn plainly<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<RmspropState<D>>,
    ) -> (Tensor<D>, Option<RmspropState<D>>) {
        let RmspropConfig { rho, epsilon, momentum, centered } = self.0;
        let (mean_square, mean, update) = match state {
            Some(state) => (Some(state.mean_square), state.mean, state.update),
            None => (None, None, None),
        };
        let decay = |old: Option<Tensor<D>>, new: Tensor<D>| match old {
            Some(old) => old.mul_scalar(rho) + new.mul_scalar(1.0 - rho),
            None => new.mul_scalar(1.0 - rho),
        };

        let mean_square = decay(mean_square, grad.clone() * grad.clone());
        let mean = centered.then(|| decay(mean, grad.clone()));
        let spread = match &mean {
            // A variance, which rounding may push below zero.
            Some(mean) => (mean_square.clone() - mean.clone() * mean.clone()).clamp_min(0.0),
            None => mean_square.clone(),
        };
        let step = grad / spread.add_scalar(epsilon).sqrt();
        let step = step.mul_scalar(lr);
        let (step, update) = match (momentum > 0.0, update) {
            (false, _) => (step, None),
            (true, None) => (step.clone(), Some(step)),
            (true, Some(last)) => {
                let step = last.mul_scalar(momentum) + step;
                (step.clone(), Some(step))
            }
        };
        (tensor - step, Some(RmspropState { mean_square, mean, update }))
    }
}

/// What is remembered of one weight.
#[derive(RecordState, Clone)]
pub struct RmspropState<const D: usize> {
    /// v.
    pub mean_square: Tensor<D>,
    /// a, if centered.
    pub mean: Option<Tensor<D>>,
    /// m, if there is momentum.
    pub update: Option<Tensor<D>>,
}

impl Optimizer for Rmsprop {
    type State<const D: usize> = RmspropState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let RmspropConfig { rho, epsilon, momentum, centered } = self.0;
        if momentum == 0.0 && !centered && kernels::updates_are_fused(&tensor.device()) {
            let square = state.map_or_else(|| tensor.zeros_like(), |state| state.mean_square);
            let config = kernels::optimizers::Rmsprop { rate: lr, rho, epsilon };
            let (weights, mean_square) = kernels::optimizers::rmsprop(config, tensor, grad, square);
            return (weights, Some(RmspropState { mean_square, mean: None, update: None }));
        }
        self.plainly(lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        RmspropState {
            mean_square: state.mean_square.to_device(device),
            mean: state.mean.map(|mean| mean.to_device(device)),
            update: state.update.map(|update| update.to_device(device)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula on one number, in f64.
    fn by_hand(config: RmspropConfig, lr: f64, mut w: f64, gradients: &[f64]) -> f64 {
        let RmspropConfig { rho, epsilon, momentum, centered } = config;
        let (mut v, mut a, mut m) = (0.0, 0.0, 0.0);
        for &g in gradients {
            v = rho * v + (1.0 - rho) * g * g;
            if centered {
                a = rho * a + (1.0 - rho) * g;
            }
            m = momentum * m + lr * g / (v - a * a + epsilon).sqrt();
            w -= m;
        }
        w
    }

    #[test]
    fn it_follows_the_formula_with_and_without_its_options() {
        // The first gradient is so small that ε inside the root decides the step.
        let gradients = [1e-5, 0.5, -0.25, 2.0, -0.125];
        for (momentum, centered) in [(0.0, false), (0.9, false), (0.0, true), (0.5, true)] {
            let config = RmspropConfig { momentum, centered, ..RmspropConfig::default() };
            let optimizer = Rmsprop::new(config);
            let device = Device::flex();
            let mut weight = Tensor::<1>::from_floats([0.75], &device);
            let mut state = None;
            for gradient in gradients {
                let gradient = Tensor::<1>::from_floats([gradient as f32], &device);
                (weight, state) = optimizer.step(0.01, weight, gradient, state);
            }
            let expected = by_hand(config, 0.01, 0.75, &gradients);
            let found: f64 = weight.into_scalar::<f32>().into();
            assert!((found - expected).abs() < 1e-6, "{config:?}: {found} against {expected}");
        }
    }

    #[test]
    fn in_one_pass_it_is_what_it_is_operation_by_operation() {
        // 37 numbers leave a rest in vectors of any width.
        let numbers = |factor: f64| -> Vec<f64> {
            (0..37).map(|at| factor * f64::from(at * at % 11 - 5)).collect()
        };
        let run = |fused| {
            let device = Device::flex();
            let optimizer = Rmsprop::new(RmspropConfig::default());
            let mut weight = Tensor::<1>::from_data(numbers(0.3).as_slice(), &device);
            let mut state = None;
            for factor in [0.1, -0.02, 3.0] {
                let gradient = Tensor::<1>::from_data(numbers(factor).as_slice(), &device);
                (weight, state) = match fused {
                    true => optimizer.step(0.01, weight, gradient, state),
                    false => optimizer.plainly(0.01, weight, gradient, state),
                };
            }
            let square = state.unwrap().mean_square;
            [weight, square].map(|tensor| tensor.try_into_vec_as::<f64>().unwrap())
        };
        for (found, expected) in run(true).iter().flatten().zip(run(false).iter().flatten()) {
            assert!(
                (found - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{found} {expected}"
            );
        }
    }

    #[test]
    fn the_first_step_of_a_tiny_gradient_is_held_by_epsilon() {
        // Keras 3: 1e-4 / √(0.1 · 1e-8 + 1e-7) = 0.3146…; with ε outside the root it were 3.1525…
        let optimizer = Rmsprop::new(RmspropConfig::default());
        let device = Device::flex();
        let zero = Tensor::<1>::zeros([1], &device);
        let gradient = Tensor::<1>::from_floats([1e-4], &device);
        let (weight, _) = optimizer.step(1.0, zero, gradient, None);
        let found = weight.into_scalar::<f32>();
        assert!((found + 0.314_658).abs() < 1e-4, "{found}");
    }
}
