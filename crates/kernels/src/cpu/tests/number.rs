//! How near exp, σ and tanh come, and what they make of numbers without end and of those that are none.

use pulp::{Simd, WithSimd};

use super::super::number::{Number, sigmoid, tanh};
use super::super::processor::Processor;
use super::naive;

#[derive(Clone, Copy, Debug)]
enum Function {
    Exp,
    Sigmoid,
    Tanh,
}

struct Map<'a, T>(Function, &'a mut [T]);

impl<T: Number> WithSimd for Map<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let function = |x| match self.0 {
            Function::Exp => T::exp(simd, x),
            Function::Sigmoid => sigmoid::<T, S>(simd, x),
            Function::Tanh => tanh::<T, S>(simd, x),
        };
        let (vectors, rest) = T::vectors_mut::<S>(self.1);
        vectors.iter_mut().for_each(|x| *x = function(*x));
        let part = function(T::load_part(simd, rest));
        T::store_part(simd, rest, part);
    }
}

fn map<T: Number>(processor: Processor, function: Function, of: &[T]) -> Vec<T> {
    let mut numbers = of.to_vec();
    processor.run(Map(function, &mut numbers));
    numbers
}

/// From −100 to 100 in small steps, near zero in smaller ones, and far out.
fn grid<T: Number>() -> Vec<T> {
    let wide = (-200_000..=200_000).map(|at| f64::from(at) / 2000.0);
    let near = (-20_000..=20_000).map(|at| f64::from(at).powi(3) * 1e-14);
    let far = [-1e30, -1e4, -200.0, 200.0, 1e4, 1e30];
    wide.chain(near).chain(far).map(T::of).collect()
}

fn largest(errors: impl Iterator<Item = f64>) -> f64 {
    errors.fold(0.0, f64::max)
}

fn check<T: Number>(processor: Processor, [of_exp, of_others]: [f64; 2]) {
    let grid = grid::<T>();
    let errors = |function, exact: fn(f64) -> f64| {
        let found = map(processor, function, &grid);
        let pairs: Vec<_> =
            grid.iter().zip(found).map(|(x, y)| (x.wide(), y.wide(), exact(x.wide()))).collect();
        pairs.into_iter()
    };
    // Where exp of f32 is cut off, it is not near.
    let inside = |&(x, _, _): &(f64, f64, f64)| x.abs() < 86.0;
    let relative = |(_, found, exact): (f64, f64, f64)| (found / exact - 1.0).abs();
    let error = largest(errors(Function::Exp, f64::exp).filter(inside).map(relative));
    assert!(error < of_exp, "exp by {processor:?} is off by {error:e}");

    let absolute = |(_, found, exact): (f64, f64, f64)| (found - exact).abs();
    let error = largest(errors(Function::Sigmoid, naive::sigmoid).map(absolute));
    assert!(error < of_others, "sigmoid by {processor:?} is off by {error:e}");
    let error = largest(errors(Function::Tanh, f64::tanh).map(absolute));
    assert!(error < of_others, "tanh by {processor:?} is off by {error:e}");

    assert!(errors(Function::Sigmoid, naive::sigmoid).all(|(_, y, _)| (0.0..=1.0).contains(&y)));
    assert!(errors(Function::Tanh, f64::tanh).all(|(_, y, _)| (-1.0..=1.0).contains(&y)));
}

#[test]
fn functions_are_near() {
    for processor in Processor::all() {
        check::<f32>(processor, [2.5e-7, 2e-7]);
        check::<f64>(processor, [1e-15, 1e-15]);
    }
}

#[test]
fn functions_end_where_they_should() {
    fn check<T: Number>(processor: Processor) {
        let ends = [f64::NEG_INFINITY, -1e4, 1e4, f64::INFINITY].map(T::of);
        let wide = |function| map(processor, function, &ends).into_iter().map(T::wide);
        let sigmoids: Vec<f64> = wide(Function::Sigmoid).collect();
        assert!(sigmoids[..2].iter().all(|&y| (0.0..2e-38).contains(&y)), "{sigmoids:?}");
        assert_eq!(sigmoids[2..], [1.0, 1.0]);
        assert!(wide(Function::Tanh).eq([-1.0, -1.0, 1.0, 1.0]));
        let exps: Vec<f64> = wide(Function::Exp).collect();
        assert!(exps[..2].iter().all(|&y| (0.0..2.5e-38).contains(&y)), "{exps:?}");
        assert!(exps[2..].iter().all(|&y| y > 8e37), "{exps:?}");
    }
    for processor in Processor::all() {
        check::<f32>(processor);
        check::<f64>(processor);
    }
}

#[test]
fn none_stays_none() {
    fn check<T: Number>(processor: Processor) {
        for function in [Function::Exp, Function::Sigmoid, Function::Tanh] {
            let found = map(processor, function, &[T::of(f64::NAN); 19]);
            let none = found.iter().all(|number| number.wide().is_nan());
            assert!(none, "{function:?} by {processor:?} makes {found:?} of NaN");
        }
    }
    for processor in Processor::all() {
        check::<f32>(processor);
        check::<f64>(processor);
    }
}
