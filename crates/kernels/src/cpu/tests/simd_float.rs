//! The accuracy of exp, σ and tanh, and their results for infinity and NaN.

use pulp::{Simd, WithSimd};

use super::super::simd_float::{SimdFloat, sigmoid, tanh};
use super::super::simd_level::SimdLevel;
use super::reference_cells;

#[derive(Clone, Copy, Debug)]
enum Function {
    Exp,
    Sigmoid,
    Tanh,
    ZeroBelowOne,
}

struct Map<'a, T>(Function, &'a mut [T]);

impl<T: SimdFloat> WithSimd for Map<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let function = |x| match self.0 {
            Function::Exp => T::exp(simd, x),
            Function::Sigmoid => sigmoid::<T, S>(simd, x),
            Function::Tanh => tanh::<T, S>(simd, x),
            Function::ZeroBelowOne => T::zero_below(simd, T::splat(simd, T::ONE), x),
        };
        let (vectors, rest) = T::vectors_mut::<S>(self.1);
        vectors.iter_mut().for_each(|x| *x = function(*x));
        let part = function(T::load_partial(simd, rest));
        T::store_partial(simd, rest, part);
    }
}

fn map<T: SimdFloat>(level: SimdLevel, function: Function, values: &[T]) -> Vec<T> {
    let mut values = values.to_vec();
    level.run(Map(function, &mut values));
    values
}

/// From −100 to 100 in small steps, near zero in smaller ones, and some large values.
fn grid<T: SimdFloat>() -> Vec<T> {
    let wide = (-200_000..=200_000).map(|at| f64::from(at) / 2000.0);
    let near = (-20_000..=20_000).map(|at| f64::from(at).powi(3) * 1e-14);
    let far = [-1e30, -1e4, -200.0, 200.0, 1e4, 1e30];
    wide.chain(near).chain(far).map(T::from_f64).collect()
}

fn largest(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, f64::max)
}

fn check<T: SimdFloat>(level: SimdLevel, [exp_tolerance, tolerance]: [f64; 2]) {
    let grid = grid::<T>();
    let errors = |function, exact: fn(f64) -> f64| {
        let found = map(level, function, &grid);
        let pairs: Vec<_> = grid.iter().zip(found).map(|(x, y)| (x.to_f64(), y.to_f64(), exact(x.to_f64()))).collect();
        pairs.into_iter()
    };
    // Beyond this, exp of f32 is clamped.
    let inside = |&(x, _, _): &(f64, f64, f64)| x.abs() < 86.0;
    let relative = |(_, found, exact): (f64, f64, f64)| (found / exact - 1.0).abs();
    let error = largest(errors(Function::Exp, f64::exp).filter(inside).map(relative));
    assert!(error < exp_tolerance, "exp by {level:?} is off by {error:e}");

    let absolute = |(_, found, exact): (f64, f64, f64)| (found - exact).abs();
    let error = largest(errors(Function::Sigmoid, reference_cells::sigmoid).map(absolute));
    assert!(error < tolerance, "sigmoid by {level:?} is off by {error:e}");
    let error = largest(errors(Function::Tanh, f64::tanh).map(absolute));
    assert!(error < tolerance, "tanh by {level:?} is off by {error:e}");

    assert!(errors(Function::Sigmoid, reference_cells::sigmoid).all(|(_, y, _)| (0.0..=1.0).contains(&y)));
    assert!(errors(Function::Tanh, f64::tanh).all(|(_, y, _)| (-1.0..=1.0).contains(&y)));
}

#[test]
fn functions_are_accurate() {
    for level in SimdLevel::available() {
        check::<f32>(level, [2.5e-7, 2e-7]);
        check::<f64>(level, [1e-15, 1e-15]);
    }
}

#[test]
fn functions_saturate_correctly() {
    fn check<T: SimdFloat>(level: SimdLevel) {
        let extremes = [f64::NEG_INFINITY, -1e4, 1e4, f64::INFINITY].map(T::from_f64);
        let wide = |function| map(level, function, &extremes).into_iter().map(T::to_f64);
        let sigmoids: Vec<f64> = wide(Function::Sigmoid).collect();
        assert!(sigmoids[..2].iter().all(|&y| (0.0..2e-38).contains(&y)), "{sigmoids:?}");
        assert_eq!(sigmoids[2..], [1.0, 1.0]);
        assert!(wide(Function::Tanh).eq([-1.0, -1.0, 1.0, 1.0]));
        let exps: Vec<f64> = wide(Function::Exp).collect();
        assert!(exps[..2].iter().all(|&y| (0.0..2.5e-38).contains(&y)), "{exps:?}");
        assert!(exps[2..].iter().all(|&y| y > 8e37), "{exps:?}");
    }
    for level in SimdLevel::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}

#[test]
fn exp_of_f64_is_zero_from_the_same_value_on_at_every_level() {
    for level in SimdLevel::available() {
        let exp = |values: &[f64]| map(level, Function::Exp, values);
        assert_eq!(exp(&[f64::NEG_INFINITY, -1e4, -745.0, -720.0, -709.0, -708.75]), [0.0; 6], "{level:?}");
        let smallest = exp(&[-708.7; 9]);
        assert!(smallest.iter().all(|&y| y > 0.0 && y < 4e-308), "{level:?}: {smallest:?}");
    }
}

#[test]
fn nan_stays_nan() {
    fn check<T: SimdFloat>(level: SimdLevel) {
        for function in [Function::Exp, Function::Sigmoid, Function::Tanh, Function::ZeroBelowOne] {
            let found = map(level, function, &[T::from_f64(f64::NAN); 19]);
            let all_nan = found.iter().all(|value| value.to_f64().is_nan());
            assert!(all_nan, "{function:?} by {level:?} returns {found:?} for NaN");
        }
    }
    for level in SimdLevel::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}

#[test]
fn only_small_values_become_zero() {
    fn check<T: SimdFloat>(level: SimdLevel) {
        let values = [0.5, -0.5, 1.0, -1.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, 0.0].map(T::from_f64);
        let found: Vec<f64> = map(level, Function::ZeroBelowOne, &values).into_iter().map(T::to_f64).collect();
        assert_eq!(found, [0.0, 0.0, 1.0, -1.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, 0.0], "{level:?}");
        assert!(T::NEGLIGIBLE_SQUARE.to_f64() < 1e-5 * T::NEGLIGIBLE_GRADIENT.to_f64().powi(2));
    }
    for level in SimdLevel::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}
