//! Helpers of the tests that compare fused optimizer steps with composed ones.

use burn::optim::Optimizer;
use burn::tensor::{Device, Tensor};

/// Weight and state after three steps. 37 elements leave a remainder for SIMD vectors of any width.
pub(super) fn three_steps<O: Optimizer>(optimizer: &O) -> (Tensor<1>, O::State<1>) {
    let tensor = |factor: f64| {
        let values: Vec<f64> = (0..37).map(|at| factor * f64::from(at * at % 11 - 5)).collect();
        Tensor::<1>::from_data(values.as_slice(), &Device::flex())
    };
    let (mut weight, mut state) = (tensor(0.3), None);
    for factor in [0.1, -0.02, 3.0] {
        (weight, state) = optimizer.step(0.01, weight, tensor(factor), state);
    }
    (weight, state.unwrap())
}

pub(super) fn assert_close<const N: usize>(found: [Tensor<1>; N], expected: [Tensor<1>; N]) {
    let values = |tensor: Tensor<1>| tensor.try_into_vec_as::<f64>().unwrap();
    let found = found.into_iter().flat_map(values);
    for (found, expected) in found.zip(expected.into_iter().flat_map(values)) {
        assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found} {expected}");
    }
}
