//! Steps of optimizers on a graphics processor, beside those on the CPU, which `cpu` and `trainer` hold against
//! their formulas.

use burn::tensor::{DType, Device};
use kernels::optimizers;

use super::{assert_near, graphics, tensor, values};

/// What a step of each optimizer makes of weights, from gradients that lie column by column.
fn updated(device: &Device) -> Vec<Vec<f64>> {
    let at = (device, DType::F32);
    let (rmsprop, adam) = (
        optimizers::Rmsprop { rate: 0.01, rho: 0.9, epsilon: 0.01 },
        optimizers::Adam { rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 0.01 },
    );
    let shape = [17, 33];
    let numbers = |seed| tensor(seed, shape, at);
    let gradient = || tensor(2, [33, 17], at).transpose();
    let squares = |seed| numbers(seed).powi_scalar(2);
    // Held by somebody else, who must not see it change.
    let held = numbers(1);
    let (w, v) = optimizers::rmsprop(rmsprop, held.clone(), gradient(), squares(3));
    let mut all = vec![w, v];
    let (w, m, v) = optimizers::adam(adam, held.clone(), gradient(), numbers(4), squares(5));
    all.extend([w, m, v, held]);
    // Nobody holds these, and they lie as the gradient does.
    let columns = |seed| tensor(seed, [33, 17], at).transpose();
    let (w, v) = optimizers::rmsprop(rmsprop, columns(6), gradient(), squares(7));
    all.extend([w, v]);
    let (w, m, v) = optimizers::adam(adam, columns(8), gradient(), columns(9), squares(10));
    all.extend([w, m, v]);
    all.iter().map(values).collect()
}

#[test]
fn a_step_of_an_optimizer_is_the_same_on_a_graphics_processor() {
    let Some(graphics) = graphics() else { return };
    let (found, expected) = (updated(&graphics), updated(&Device::flex()));
    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_near(found, expected, 1e-6, &format!("tensor {at}"));
    }
}
