//! Optimizer steps on a GPU against those on the CPU, which the tests of `cpu` and `trainer` compare with the formulas.

use burn::tensor::{DType, Device};
use kernels::optimizers;

use super::{assert_near, gpu, tensor, values};

/// The results of one step of each optimizer, with column-major gradients.
fn updated(device: &Device) -> Vec<Vec<f64>> {
    let at = (device, DType::F32);
    let (rmsprop, adam) = (
        optimizers::RmspropParams { learning_rate: 0.01, rho: 0.9, epsilon: 0.01 },
        optimizers::AdamParams { learning_rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 0.01 },
    );
    let shape = [17, 33];
    let rows = |seed| tensor(seed, shape, at);
    let gradient = || tensor(2, [33, 17], at).transpose();
    let squares = |seed| rows(seed).powi_scalar(2);
    // Shared, so it must not be changed in place.
    let shared = rows(1);
    let (w, v) = optimizers::rmsprop(rmsprop, shared.clone(), gradient(), squares(3));
    let mut all = vec![w, v];
    let (w, m, v) = optimizers::adam(adam, shared.clone(), gradient(), rows(4), squares(5));
    all.extend([w, m, v, shared]);
    // Not shared, and column-major as the gradient.
    let columns = |seed| tensor(seed, [33, 17], at).transpose();
    let (w, v) = optimizers::rmsprop(rmsprop, columns(6), gradient(), squares(7));
    all.extend([w, v]);
    let (w, m, v) = optimizers::adam(adam, columns(8), gradient(), columns(9), squares(10));
    all.extend([w, m, v]);
    all.iter().map(values).collect()
}

#[test]
fn optimizer_steps_are_the_same_on_a_gpu() {
    let Some(gpu) = gpu() else { return };
    let (found, expected) = (updated(&gpu), updated(&Device::flex()));
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_near(found, expected, 1e-6, &format!("tensor {at}"));
    }
}
