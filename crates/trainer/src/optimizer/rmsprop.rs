//! RMSprop (Hinton's lecture 6e, 2012) with the formula of Keras 3.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use kernels::KernelMode;
use kernels::optimizers::{self, RmspropParams};
use serde::{Deserialize, Serialize};

use super::range_checks::{check_decay, check_epsilon};
use super::state_tensor::StateTensor;
use crate::error::Result;

/// Hyperparameters of [`Rmsprop`]; the defaults are those of Keras.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmspropConfig {
    /// ρ, the decay rate of the mean square.
    pub rho: f64,
    /// ε, added to the mean square under the root.
    pub epsilon: f64,
    /// μ, the momentum; 0 for none.
    pub momentum: f64,
    /// Divide by the root of the variance of the gradient instead of that of its mean square.
    pub centered: bool,
}

impl Default for RmspropConfig {
    fn default() -> Self {
        Self { rho: 0.9, epsilon: 1e-7, momentum: 0.0, centered: false }
    }
}

impl RmspropConfig {
    /// Sets [`rho`](Self#structfield.rho).
    pub fn rho(self, rho: f64) -> Self {
        Self { rho, ..self }
    }

    /// Sets [`epsilon`](Self#structfield.epsilon).
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets [`momentum`](Self#structfield.momentum).
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets [`centered`](Self#structfield.centered).
    pub fn centered(self, centered: bool) -> Self {
        Self { centered, ..self }
    }

    /// Checks that all hyperparameters are in range.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        check_decay("train.optimizer.rho", self.rho)?;
        check_epsilon(self.epsilon)?;
        check_decay("train.optimizer.momentum", self.momentum)
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
/// Burn's RMSprop has ε outside the root and η outside the momentum.
#[derive(Clone, Debug)]
pub struct Rmsprop {
    config: RmspropConfig,
    kernels: KernelMode,
}

impl Rmsprop {
    /// The optimizer with these hyperparameters.
    pub fn new(config: RmspropConfig) -> Self {
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
        state: Option<RmspropState<D>>,
    ) -> (Tensor<D>, Option<RmspropState<D>>) {
        let RmspropConfig { rho, epsilon, momentum, centered } = self.config;
        let on_device = |old: StateTensor<D>| old.into_tensor(&tensor.device());
        let (mean_square, mean, update) = match state {
            Some(state) => (Some(on_device(state.mean_square)), state.mean.map(on_device), state.update.map(on_device)),
            None => (None, None, None),
        };
        let decay = |old: Option<Tensor<D>>, new: Tensor<D>| match old {
            Some(old) => old.mul_scalar(rho) + new.mul_scalar(1.0 - rho),
            None => new.mul_scalar(1.0 - rho),
        };

        let mean_square = decay(mean_square, grad.clone() * grad.clone());
        let mean = centered.then(|| decay(mean, grad.clone()));
        let denominator = match &mean {
            // The variance, which rounding may make negative.
            Some(mean) => (mean_square.clone() - mean.clone() * mean.clone()).clamp_min(0.0),
            None => mean_square.clone(),
        };
        let step = grad / denominator.add_scalar(epsilon).sqrt();
        let step = step.mul_scalar(lr);
        let (step, update) = match (momentum > 0.0, update) {
            (false, _) => (step, None),
            (true, None) => (step.clone(), Some(step)),
            (true, Some(last)) => {
                let step = last.mul_scalar(momentum) + step;
                (step.clone(), Some(step))
            }
        };
        let state = RmspropState {
            mean_square: mean_square.into(),
            mean: mean.map(StateTensor::from),
            update: update.map(StateTensor::from),
        };
        (tensor - step, Some(state))
    }
}

/// State of one parameter tensor.
#[derive(Clone)]
pub struct RmspropState<const D: usize> {
    /// v.
    pub mean_square: StateTensor<D>,
    /// a, if centered.
    pub mean: Option<StateTensor<D>>,
    /// m, if there is momentum.
    pub update: Option<StateTensor<D>>,
}

impl<const D: usize> RecordState for RmspropState<D> {
    fn state_flatten(&self, prefix: &str, record: &mut StateSink) {
        self.mean_square.flatten(prefix, "mean_square", record);
        if let Some(mean) = &self.mean {
            mean.flatten(prefix, "mean", record);
        }
        if let Some(update) = &self.update {
            update.flatten(prefix, "update", record);
        }
    }

    fn state_unflatten(prefix: &str, record: &mut StateSource, _default_device: &Device) -> Option<Self> {
        let mut take = |field| StateTensor::take(record, prefix, field);
        Some(Self { mean_square: take("mean_square")?, mean: take("mean"), update: take("update") })
    }
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
        let RmspropConfig { rho, epsilon, momentum, centered } = self.config;
        if momentum == 0.0 && !centered && self.kernels.fuses_optimizers(&tensor.device(), tensor.dtype()) {
            let square = match state {
                Some(state) => state.mean_square.into_tensor(&tensor.device()),
                None => tensor.zeros_like(),
            };
            let params = RmspropParams { learning_rate: lr, rho, epsilon };
            let (weights, mean_square) = optimizers::rmsprop(params, tensor, grad, square);
            return (weights, Some(RmspropState { mean_square: mean_square.into(), mean: None, update: None }));
        }
        self.composed_step(lr, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        RmspropState {
            mean_square: state.mean_square.moved_to(device),
            mean: state.mean.map(|mean| mean.moved_to(device)),
            update: state.update.map(|update| update.moved_to(device)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_steps::{assert_close, three_steps};
    use super::*;

    /// Reference implementation for one parameter, in f64.
    fn reference(config: RmspropConfig, lr: f64, mut w: f64, gradients: &[f64]) -> f64 {
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
    fn it_follows_the_formula_with_and_without_options() {
        // The first gradient is so small that ε inside the root dominates the step.
        let gradients = [1e-5, 0.5, -0.25, 2.0, -0.125];
        for (momentum, centered) in [(0.0, false), (0.9, false), (0.0, true), (0.5, true)] {
            let config = RmspropConfig::default().momentum(momentum).centered(centered);
            let optimizer = Rmsprop::new(config);
            let device = Device::flex();
            let mut weight = Tensor::<1>::from_floats([0.75], &device);
            let mut state = None;
            for gradient in gradients {
                let gradient = Tensor::<1>::from_floats([gradient as f32], &device);
                (weight, state) = optimizer.step(0.01, weight, gradient, state);
            }
            let expected = reference(config, 0.01, 0.75, &gradients);
            let found: f64 = weight.into_scalar::<f32>().into();
            assert!((found - expected).abs() < 1e-6, "{config:?}: {found} instead of {expected}");
        }
    }

    #[test]
    fn the_fused_step_equals_the_composed_one() {
        let run = |kernels| {
            let optimizer = Rmsprop::new(RmspropConfig::default()).kernels(kernels);
            let (weight, state) = three_steps(&optimizer);
            [weight, state.mean_square.into_tensor(&Device::flex())]
        };
        assert_close(run(KernelMode::Fused), run(KernelMode::Composed));
    }

    #[test]
    fn epsilon_limits_the_first_step_for_a_tiny_gradient() {
        // Keras 3: 1e-4 / √(0.1 · 1e-8 + 1e-7) = 0.3146…; with ε outside the root it would be 3.1525…
        let optimizer = Rmsprop::new(RmspropConfig::default());
        let device = Device::flex();
        let zero = Tensor::<1>::zeros([1], &device);
        let gradient = Tensor::<1>::from_floats([1e-4], &device);
        let (weight, _) = optimizer.step(1.0, zero, gradient, None);
        let found = weight.into_scalar::<f32>();
        assert!((found + 0.314_658).abs() < 1e-4, "{found}");
    }
}
