//! The optimizers against their formulas, number by number, over slices of every kind of length.

use super::super::number::Number;
use super::super::optimizer::{Adam, Rmsprop, adam, rmsprop};
use super::super::processor::Processor;
use super::{assert_near, numbers, of, scaled};

/// Around the width of a vector, and longer than what a thread takes at a time.
const LENGTHS: [usize; 6] = [1, 15, 16, 17, 33, 32_768 + 5];

fn squares(seed: u64, count: usize) -> Vec<f64> {
    scaled(numbers(seed, count).into_iter().map(f64::abs).collect(), 1e-3)
}

fn tolerance<T: Number>() -> f64 {
    if size_of::<T>() == 4 { 1e-6 } else { 1e-14 }
}

fn check_rmsprop<T: Number>(processor: Processor, count: usize) {
    let config = Rmsprop { rate: 0.01, rho: 0.9, epsilon: 1e-7 };
    let (mut w, g) = (numbers(1, count), scaled(numbers(2, count), 0.1));
    let mut v = squares(3, count);
    let (mut weights, mut square) = (of::<T>(&w), of::<T>(&v));
    for _ in 0..2 {
        rmsprop(processor, config, &mut weights, &of::<T>(&g), &mut square);
        for ((w, g), v) in w.iter_mut().zip(&g).zip(&mut v) {
            *v = config.rho * *v + (1.0 - config.rho) * g * g;
            *w -= config.rate * g / (*v + config.epsilon).sqrt();
        }
    }
    assert_near(&format!("w of {count} by {processor:?}"), &weights, &w, tolerance::<T>());
    assert_near(&format!("v of {count} by {processor:?}"), &square, &v, 1e-3 * tolerance::<T>());
}

#[test]
fn rmsprop_is_its_formula() {
    for processor in Processor::all() {
        for count in LENGTHS {
            check_rmsprop::<f32>(processor, count);
            check_rmsprop::<f64>(processor, count);
        }
    }
}

fn check_adam<T: Number>(processor: Processor, count: usize) {
    let config = Adam { rate: 0.003, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
    let (mut w, g) = (numbers(1, count), scaled(numbers(2, count), 0.1));
    let (mut m, mut v) = (scaled(numbers(3, count), 0.1), squares(4, count));
    let (mut weights, mut mean, mut square) = (of::<T>(&w), of::<T>(&m), of::<T>(&v));
    for _ in 0..2 {
        adam(processor, config, &mut weights, &of::<T>(&g), &mut mean, &mut square);
        let memory = m.iter_mut().zip(&mut v);
        for ((w, g), (m, v)) in w.iter_mut().zip(&g).zip(memory) {
            *m = config.beta_1 * *m + (1.0 - config.beta_1) * g;
            *v = config.beta_2 * *v + (1.0 - config.beta_2) * g * g;
            *w -= config.rate * *m / (v.sqrt() + config.epsilon);
        }
    }
    // Where v is small, w moves far, and its error is that of the way.
    assert_near(&format!("w of {count} by {processor:?}"), &weights, &w, tolerance::<T>());
    assert_near(&format!("m of {count} by {processor:?}"), &mean, &m, 0.1 * tolerance::<T>());
    assert_near(&format!("v of {count} by {processor:?}"), &square, &v, 1e-3 * tolerance::<T>());
}

#[test]
fn adam_is_its_formula() {
    for processor in Processor::all() {
        for count in LENGTHS {
            check_adam::<f32>(processor, count);
            check_adam::<f64>(processor, count);
        }
    }
}

#[test]
#[should_panic = "as many"]
fn a_gradient_of_another_length_is_refused() {
    let config = Rmsprop { rate: 0.01, rho: 0.9, epsilon: 1e-7 };
    rmsprop(Processor::best(), config, &mut [0f32; 5], &[0.0; 4], &mut [0.0; 5]);
}
