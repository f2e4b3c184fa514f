//! The output layer and its loss against textbook loops: losses, guesses and gradients.

use super::super::number::Number;
use super::super::processor::Processor;
use super::super::softmax_loss::{Gradients, Inputs, backward, forward, guesses};
use super::{Lie, Matrix, assert_near, numbers, of, scaled, tolerance};

/// N, H, V: each of 1, 3, 17, 33 and 129 in each place; a vocabulary of several tasks and of several
/// sums; and more rows than one block of logits holds.
const SIZES: [[usize; 3]; 7] = [
    [1, 3, 17],
    [3, 17, 129],
    [17, 33, 1],
    [33, 129, 3],
    [129, 1, 33],
    [9, 40, 1300],
    [33, 2, 70_000],
];

/// All that goes in, row after row.
pub struct Case {
    pub sizes: [usize; 3],
    pub input: Vec<f64>,
    pub kernel: Vec<f64>,
    pub bias: Vec<f64>,
    pub targets: Vec<u32>,
    /// Of each row's loss.
    pub gradient: Vec<f64>,
}

/// The losses, whether each row's target is the first of the likeliest, and the gradients.
struct Outcome {
    nats: Vec<f64>,
    hits: Vec<bool>,
    gradients: Gradients<f64>,
}

impl Case {
    pub fn new([n, h, v]: [usize; 3]) -> Self {
        Self {
            sizes: [n, h, v],
            input: numbers(1, n * h),
            kernel: scaled(numbers(2, h * v), 2.0),
            bias: numbers(3, v),
            targets: (0..n).map(|row| (row * 7919 % v) as u32).collect(),
            gradient: numbers(4, n),
        }
    }

    fn run(&self) -> Outcome {
        let [_, h, v] = self.sizes;
        let (mut nats, mut hits) = (Vec::new(), Vec::new());
        let mut gradients =
            Gradients { input: Vec::new(), kernel: vec![0.0; h * v], bias: vec![0.0; v] };
        for (row, x) in self.input.chunks(h).enumerate() {
            let mut y = self.bias.clone();
            for (x, w) in x.iter().zip(self.kernel.chunks(v)) {
                y.iter_mut().zip(w).for_each(|(y, w)| *y += x * w);
            }
            let target = self.targets[row] as usize;
            let largest = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = y.iter().map(|y| (y - largest).exp()).sum();
            nats.push(sum.ln() + largest - y[target]);
            hits.push(y.iter().position(|&y| y == largest) == Some(target));
            y.iter_mut().for_each(|y| *y = self.gradient[row] * (*y - largest).exp() / sum);
            y[target] -= self.gradient[row];
            for (k, w) in self.kernel.chunks(v).enumerate() {
                gradients.input.push(w.iter().zip(&y).map(|(w, dy)| w * dy).sum());
                let dw = &mut gradients.kernel[k * v..(k + 1) * v];
                dw.iter_mut().zip(&y).for_each(|(dw, dy)| *dw += x[k] * dy);
            }
            gradients.bias.iter_mut().zip(&y).for_each(|(db, dy)| *db += dy);
        }
        Outcome { nats, hits, gradients }
    }
}

/// The case by a kernel: the losses, the guesses, and the gradients.
pub fn run<T: Number>(
    processor: Processor,
    case: &Case,
    tied: bool,
) -> (Vec<T>, Vec<bool>, Gradients<T>) {
    let [_, h, v] = case.sizes;
    let lies = if tied { (Lie::Slice, Lie::Transposed) } else { (Lie::Dense, Lie::Dense) };
    let input = Matrix::<T>::new(&case.input, h, lies.0);
    let kernel = Matrix::<T>::new(&case.kernel, v, lies.1);
    let (bias, gradient) = (of(&case.bias), of::<T>(&case.gradient));
    let (input, kernel) = (input.view(), kernel.view());
    let inputs = Inputs { input, kernel, bias: &bias, targets: &case.targets };
    let (nats, tape) = forward(processor, inputs);
    let (same, hits) = guesses(processor, inputs);
    assert_eq!(nats, same, "the losses that come with the guesses are others");
    (nats, hits, backward(processor, inputs, tape, &gradient))
}

fn check<T: Number>(processor: Processor, case: &Case, tied: bool, expected: &Outcome) {
    let (nats, hits, found) = run::<T>(processor, case, tied);
    let what = |name| format!("{name} of {:?} by {processor:?}, tied {tied}", case.sizes);
    assert_near(&what("nats"), &nats, &expected.nats, tolerance::<T>());
    assert_eq!(hits, expected.hits, "{}", what("hits"));
    let expected = &expected.gradients;
    assert_near(&what("input"), &found.input, &expected.input, tolerance::<T>());
    assert_near(&what("kernel"), &found.kernel, &expected.kernel, tolerance::<T>());
    assert_near(&what("bias"), &found.bias, &expected.bias, tolerance::<T>());
}

#[test]
fn the_loss_is_its_naive_twin() {
    for sizes in SIZES {
        let case = Case::new(sizes);
        let expected = case.run();
        for processor in Processor::all() {
            for tied in [false, true] {
                check::<f32>(processor, &case, tied, &expected);
                check::<f64>(processor, &case, tied, &expected);
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
    for processor in Processor::all() {
        check::<f64>(processor, &case, false, &expected);
        // Of the gradients no more: at 10⁴, f32 have three digits behind the point.
        let (nats, hits, gradients) = run::<f32>(processor, &case, false);
        assert_near("nats", &nats, &expected.nats, tolerance::<f32>());
        assert_eq!(hits, expected.hits);
        assert!(gradients.kernel.iter().all(|number| number.is_finite()));
    }
}

#[test]
fn of_equals_the_first_is_the_guess() {
    for v in [9, 40] {
        // y = b, in which the largest stands three times, the last time at the end.
        let largest = [3, 5, v as u32 - 1];
        let mut case = Case::new([v, 1, v]);
        case.input.fill(0.0);
        case.targets = (0..v as u32).collect();
        largest.iter().for_each(|&at| case.bias[at as usize] = 2.0);
        for processor in Processor::all() {
            let (_, hits, _) = run::<f32>(processor, &case, false);
            let hits: Vec<usize> = (0..v).filter(|&row| hits[row]).collect();
            assert_eq!(hits, [3], "by {processor:?}");
        }
    }
}
