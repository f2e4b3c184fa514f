//! The optimizers against their formulas, value by value, for slices of different lengths.

use super::super::optimizer::{AdamParams, RmspropParams, adam, rmsprop};
use super::super::simd_float::SimdFloat;
use super::super::simd_level::SimdLevel;
use super::{assert_near, cast, scaled, values};

/// Around the width of a vector, and more than a thread processes at a time.
const LENGTHS: [usize; 6] = [1, 15, 16, 17, 33, 32_768 + 5];

fn squares(seed: u64, count: usize) -> Vec<f64> {
    scaled(values(seed, count).into_iter().map(f64::abs).collect(), 1e-3)
}

fn tolerance<T: SimdFloat>() -> f64 {
    if size_of::<T>() == 4 { 1e-6 } else { 1e-14 }
}

fn check_rmsprop<T: SimdFloat>(level: SimdLevel, count: usize) {
    let params = RmspropParams { learning_rate: 0.01, rho: 0.9, epsilon: 1e-7 };
    let (mut w, g) = (values(1, count), scaled(values(2, count), 0.1));
    let mut v = squares(3, count);
    let (mut weights, mut square) = (cast::<T>(&w), cast::<T>(&v));
    for _ in 0..2 {
        rmsprop(level, params, &mut weights, &cast::<T>(&g), &mut square);
        for ((w, g), v) in w.iter_mut().zip(&g).zip(&mut v) {
            *v = params.rho * *v + (1.0 - params.rho) * g * g;
            *w -= params.learning_rate * g / (*v + params.epsilon).sqrt();
        }
    }
    assert_near(&format!("w of {count} by {level:?}"), &weights, &w, tolerance::<T>());
    assert_near(&format!("v of {count} by {level:?}"), &square, &v, 1e-3 * tolerance::<T>());
}

#[test]
fn rmsprop_equals_its_formula() {
    for level in SimdLevel::available() {
        for count in LENGTHS {
            check_rmsprop::<f32>(level, count);
            check_rmsprop::<f64>(level, count);
        }
    }
}

fn check_adam<T: SimdFloat>(level: SimdLevel, count: usize) {
    let params = AdamParams { learning_rate: 0.003, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
    let (mut w, g) = (values(1, count), scaled(values(2, count), 0.1));
    let (mut m, mut v) = (scaled(values(3, count), 0.1), squares(4, count));
    let (mut weights, mut mean, mut square) = (cast::<T>(&w), cast::<T>(&m), cast::<T>(&v));
    for _ in 0..2 {
        adam(level, params, &mut weights, &cast::<T>(&g), &mut mean, &mut square);
        let state = m.iter_mut().zip(&mut v);
        for ((w, g), (m, v)) in w.iter_mut().zip(&g).zip(state) {
            *m = params.beta_1 * *m + (1.0 - params.beta_1) * g;
            *v = params.beta_2 * *v + (1.0 - params.beta_2) * g * g;
            *w -= params.learning_rate * *m / (v.sqrt() + params.epsilon);
        }
    }
    // Where v is small, w changes much, and so does its error.
    assert_near(&format!("w of {count} by {level:?}"), &weights, &w, tolerance::<T>());
    assert_near(&format!("m of {count} by {level:?}"), &mean, &m, 0.1 * tolerance::<T>());
    assert_near(&format!("v of {count} by {level:?}"), &square, &v, 1e-3 * tolerance::<T>());
}

#[test]
fn adam_equals_its_formula() {
    for level in SimdLevel::available() {
        for count in LENGTHS {
            check_adam::<f32>(level, count);
            check_adam::<f64>(level, count);
        }
    }
}

/// Without gradients, states shrink to 0 and are never subnormal on the way; the smallest gradients count as 0.
fn check_small<T: SimdFloat>(level: SimdLevel) {
    let is_not_below = |limit: T| {
        move |value: &T| {
            let value = value.to_f64().abs();
            value == 0.0 || value >= limit.to_f64()
        }
    };
    let zeros = [T::default(); 19];
    let (mut weights, mut mean, mut square) = (cast::<T>(&[0.5; 19]), cast::<T>(&[1e-3; 19]), cast::<T>(&[1e-3; 19]));
    let rmsprop_params = RmspropParams { learning_rate: 0.01, rho: 0.9, epsilon: 1e-7 };
    let adam_params = AdamParams { learning_rate: 0.01, beta_1: 0.9, beta_2: 0.9, epsilon: 1e-7 };
    for _ in 0..8000 {
        rmsprop(level, rmsprop_params, &mut weights, &zeros, &mut square);
        assert!(square.iter().all(is_not_below(T::NEGLIGIBLE_SQUARE)), "{square:?} by {level:?}");
    }
    assert_eq!((&weights[..], &square[..]), (&cast::<T>(&[0.5; 19])[..], &zeros[..]));
    square.fill(T::from_f64(1e-3));
    for _ in 0..8000 {
        adam(level, adam_params, &mut weights, &zeros, &mut mean, &mut square);
        assert!(mean.iter().all(is_not_below(T::NEGLIGIBLE)), "{mean:?} by {level:?}");
        assert!(square.iter().all(is_not_below(T::NEGLIGIBLE_SQUARE)), "{square:?} by {level:?}");
    }
    assert_eq!((&mean[..], &square[..]), (&zeros[..], &zeros[..]));
    let before = weights.clone();
    let small = [T::from_f64(T::NEGLIGIBLE_GRADIENT.to_f64() / 2.0); 19];
    adam(level, adam_params, &mut weights, &small, &mut mean, &mut square);
    rmsprop(level, rmsprop_params, &mut weights, &small, &mut square);
    assert_eq!((&weights, &mean[..], &square[..]), (&before, &zeros[..], &zeros[..]));
}

/// The first step of a gradient that just counts, with an ε that is far smaller, is that of the formula.
fn check_small_epsilon<T: SimdFloat>(level: SimdLevel) {
    let gradient = 2.0 * T::NEGLIGIBLE_GRADIENT.to_f64();
    let params = AdamParams { learning_rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-37 };
    let (mut weights, [mut mean, mut square]) = (cast::<T>(&[0.5; 19]), [cast::<T>(&[0.0; 19]), cast::<T>(&[0.0; 19])]);
    adam(level, params, &mut weights, &cast::<T>(&[gradient; 19]), &mut mean, &mut square);
    let expected = 0.5 - 0.01 * 0.1 * gradient / ((0.001 * gradient * gradient).sqrt() + 1e-37);
    assert_near(&format!("w by {level:?}"), &weights, &[expected; 19], tolerance::<T>());
}

#[test]
fn small_states_become_zero() {
    for level in SimdLevel::available() {
        check_small::<f32>(level);
        check_small::<f64>(level);
        check_small_epsilon::<f32>(level);
        check_small_epsilon::<f64>(level);
    }
}

#[test]
#[should_panic = "the same length"]
fn a_gradient_of_another_length_is_rejected() {
    let params = RmspropParams { learning_rate: 0.01, rho: 0.9, epsilon: 1e-7 };
    rmsprop(SimdLevel::selected(), params, &mut [0f32; 5], &[0.0; 4], &mut [0.0; 5]);
}
