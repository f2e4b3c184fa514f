//! Helpers of the tests that compare optimizer steps with composed ones and with the equations.

use burn::optim::Optimizer;
use burn::tensor::{Device, Tensor};

/// Weight and state after three steps. 37 elements leave a remainder for SIMD vectors of any width.
pub(super) fn three_steps<O: Optimizer>(optimizer: &O) -> (Tensor<1>, O::State<1>) {
    let (mut weight, mut state) = (tensor(0.3), None);
    for factor in FACTORS {
        (weight, state) = optimizer.step(0.01, weight, tensor(factor), state);
    }
    (weight, state.unwrap())
}

/// The factors of the gradients of three steps.
const FACTORS: [f64; 3] = [0.1, -0.02, 3.0];

fn values(factor: f64) -> Vec<f64> {
    (0..37).map(|at| factor * f64::from(at * at % 11 - 5)).collect()
}

fn tensor(factor: f64) -> Tensor<1> {
    Tensor::from_data(values(factor).as_slice(), &Device::flex())
}

/// Compares three steps with learning rates that change with `step`, which is given the learning rate, one weight, its
/// gradient and its state, which is `initial` before the first step, and changes weight and state.
pub(super) fn assert_equations<O: Optimizer, S: Copy>(
    optimizer: &O,
    initial: S,
    step: impl Fn(f64, &mut f64, f64, &mut S),
) {
    let (mut weight, mut state) = (tensor(0.3), None);
    let mut expected: Vec<(f64, S)> = values(0.3).into_iter().map(|weight| (weight, initial)).collect();
    for (factor, rate) in FACTORS.into_iter().zip([0.01, 0.5, 0.02]) {
        (weight, state) = optimizer.step(rate, weight, tensor(factor), state);
        for ((weight, state), gradient) in expected.iter_mut().zip(values(factor)) {
            step(rate, weight, gradient, state);
        }
        let found: Vec<f64> = weight.clone().try_into_vec_as().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, (expected, _)) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.0), "{found} {expected}");
        }
    }
}

pub(super) fn assert_close<const N: usize>(found: [Tensor<1>; N], expected: [Tensor<1>; N]) {
    let values = |tensor: Tensor<1>| tensor.try_into_vec_as::<f64>().unwrap();
    let found = found.into_iter().flat_map(values);
    for (found, expected) in found.zip(expected.into_iter().flat_map(values)) {
        assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found} {expected}");
    }
}
