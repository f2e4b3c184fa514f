//! The output layer with its loss against plain loops: losses, accuracy and gradients.

use super::super::bf16::Operands;
use super::super::simd_float::SimdFloat;
use super::super::simd_level::SimdLevel;
use super::super::softmax_loss::{Gradients, Inputs, backward, forward, with_accuracy};
use super::{Layout, Matrix, assert_near, cast, scaled, tolerance, values};

/// N, H, V: each takes the values 1, 3, 17, 33 and 129; a vocabulary of several tasks and sums; and more rows than one
/// block of logits that are not kept.
const SIZES: [[usize; 3]; 7] =
    [[1, 3, 17], [3, 17, 129], [17, 33, 1], [33, 129, 3], [129, 1, 33], [9, 40, 1300], [33, 2, 70_000]];

/// All inputs, row-major.
pub struct Case {
    pub sizes: [usize; 3],
    pub input: Vec<f64>,
    pub kernel: Vec<f64>,
    pub bias: Vec<f64>,
    pub targets: Vec<u32>,
    /// The gradient of each row's loss.
    pub gradient: Vec<f64>,
}

/// The losses, whether each row's target is the (first) maximum, and the gradients.
struct Outcome {
    nats: Vec<f64>,
    correct: Vec<bool>,
    gradients: Gradients<f64>,
}

impl Case {
    pub fn new([n, h, v]: [usize; 3]) -> Self {
        Self {
            sizes: [n, h, v],
            input: values(1, n * h),
            kernel: scaled(values(2, h * v), 2.0),
            bias: values(3, v),
            targets: (0..n).map(|row| (row * 7919 % v) as u32).collect(),
            gradient: values(4, n),
        }
    }

    fn run(&self) -> Outcome {
        let [_, h, v] = self.sizes;
        let (mut nats, mut correct) = (Vec::new(), Vec::new());
        let mut gradients = Gradients { input: Vec::new(), kernel: vec![0.0; h * v], bias: vec![0.0; v] };
        for (row, x) in self.input.chunks(h).enumerate() {
            let mut y = self.bias.clone();
            for (x, w) in x.iter().zip(self.kernel.chunks(v)) {
                y.iter_mut().zip(w).for_each(|(y, w)| *y += x * w);
            }
            let target = self.targets[row] as usize;
            let largest = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = y.iter().map(|y| (y - largest).exp()).sum();
            nats.push(sum.ln() + largest - y[target]);
            correct.push(y.iter().position(|&y| y == largest) == Some(target));
            y.iter_mut().for_each(|y| *y = self.gradient[row] * (*y - largest).exp() / sum);
            y[target] -= self.gradient[row];
            for (k, w) in self.kernel.chunks(v).enumerate() {
                gradients.input.push(w.iter().zip(&y).map(|(w, dy)| w * dy).sum());
                let dw = &mut gradients.kernel[k * v..(k + 1) * v];
                dw.iter_mut().zip(&y).for_each(|(dw, dy)| *dw += x[k] * dy);
            }
            gradients.bias.iter_mut().zip(&y).for_each(|(db, dy)| *db += dy);
        }
        Outcome { nats, correct, gradients }
    }
}

/// Runs a kernel on the case, with the logits kept or not; returns the losses, the accuracy and the gradients.
pub fn run<T: SimdFloat>(
    level: SimdLevel,
    case: &Case,
    transposed: bool,
    keeps: bool,
) -> (Vec<T>, Vec<bool>, Gradients<T>) {
    run_rounded(level, Operands::Unrounded, case, transposed, keeps)
}

/// The same with the factors of products rounded like this.
pub fn run_rounded<T: SimdFloat>(
    level: SimdLevel,
    operands: Operands,
    case: &Case,
    transposed: bool,
    keeps: bool,
) -> (Vec<T>, Vec<bool>, Gradients<T>) {
    let [_, h, v] = case.sizes;
    let layouts = if transposed { (Layout::Slice, Layout::Transposed) } else { (Layout::Dense, Layout::Dense) };
    let input = Matrix::<T>::new(&case.input, h, layouts.0);
    let kernel = Matrix::<T>::new(&case.kernel, v, layouts.1);
    let (bias, gradient) = (cast(&case.bias), cast::<T>(&case.gradient));
    let (input, kernel) = (input.view(), kernel.view());
    let inputs = Inputs { input, kernel, bias: &bias, targets: &case.targets, operands };
    let (nats, cache) = forward(level, inputs, if keeps { usize::MAX } else { 0 });
    let (same, correct) = with_accuracy(level, inputs);
    assert_eq!(nats, same, "with_accuracy returns the same losses");
    (nats, correct, backward(level, inputs, cache, &gradient))
}

fn check<T: SimdFloat>(level: SimdLevel, case: &Case, transposed: bool, expected: &Outcome) {
    [false, true].into_iter().for_each(|keeps| check_keeping::<T>(level, case, transposed, keeps, expected));
}

fn check_keeping<T: SimdFloat>(level: SimdLevel, case: &Case, transposed: bool, keeps: bool, expected: &Outcome) {
    let (nats, correct, found) = run::<T>(level, case, transposed, keeps);
    let context = |name| format!("{name} of {:?} by {level:?}, transposed {transposed}, kept {keeps}", case.sizes);
    assert_near(&context("nats"), &nats, &expected.nats, tolerance::<T>());
    assert_eq!(correct, expected.correct, "{}", context("correct"));
    let expected = &expected.gradients;
    assert_near(&context("input"), &found.input, &expected.input, tolerance::<T>());
    assert_near(&context("kernel"), &found.kernel, &expected.kernel, tolerance::<T>());
    assert_near(&context("bias"), &found.bias, &expected.bias, tolerance::<T>());
}

#[test]
fn the_loss_equals_the_reference_implementation() {
    for sizes in SIZES {
        let case = Case::new(sizes);
        let expected = case.run();
        for level in SimdLevel::available() {
            for transposed in [false, true] {
                check::<f32>(level, &case, transposed, &expected);
                check::<f64>(level, &case, transposed, &expected);
            }
        }
    }
}

#[test]
fn huge_logits_do_not_overflow() {
    // y = ±10⁴, one column in two.
    let mut case = Case::new([4, 1, 40]);
    case.input.fill(1.0);
    case.kernel = (0..40).map(|column| if column % 2 == 0 { 1e4 } else { -1e4 }).collect();
    case.bias.fill(0.0);
    let expected = case.run();
    assert!(expected.nats.iter().any(|&nats| nats > 1.9e4));
    for level in SimdLevel::available() {
        check::<f64>(level, &case, false, &expected);
        // The gradients are not compared: at 10⁴, f32 has three decimal places.
        let (nats, correct, gradients) = run::<f32>(level, &case, false, true);
        assert_near("nats", &nats, &expected.nats, tolerance::<f32>());
        assert_eq!(correct, expected.correct);
        assert!(gradients.kernel.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn the_first_of_equal_logits_is_predicted() {
    for v in [9, 40] {
        // y = b, with three equal maxima, the last one at the end.
        let largest = [3, 5, v as u32 - 1];
        let mut case = Case::new([v, 1, v]);
        case.input.fill(0.0);
        case.targets = (0..v as u32).collect();
        largest.iter().for_each(|&at| case.bias[at as usize] = 2.0);
        for level in SimdLevel::available() {
            let (_, correct, _) = run::<f32>(level, &case, false, true);
            let correct: Vec<usize> = (0..v).filter(|&row| correct[row]).collect();
            assert_eq!(correct, [3], "by {level:?}");
        }
    }
}

#[test]
fn negligible_gradients_are_zero() {
    fn check<T: SimdFloat>(level: SimdLevel) {
        // The last word of 19 is beyond the last whole vector. Its logit and that of word 2 are so low that their
        // probabilities are nearly, and their gradients really, subnormal.
        let mut case = Case::new([3, 4, 19]);
        case.kernel.fill(0.0);
        case.bias.iter_mut().for_each(|bias| *bias = 0.0);
        let low = T::NEGLIGIBLE.to_f64().ln() - 5.0;
        (case.bias[2], case.bias[18]) = (low, low);
        case.targets.fill(1);
        case.gradient.fill(1.0 / 3.0);
        let (_, _, found) = run::<T>(level, &case, false, true);
        let is_zero = |word: usize| found.bias[word] == T::default();
        assert!((0..19).all(|word| is_zero(word) == [2, 18].contains(&word)), "{:?} by {level:?}", found.bias);
    }
    for level in SimdLevel::available() {
        check::<f32>(level);
        check::<f64>(level);
    }
}
