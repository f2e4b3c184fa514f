//! Properties of every cell and every stack, in f32 and in f64.

mod gradient_check;
mod gradients;
mod reference;
mod sequences;

use burn::tensor::{DType, Device, Tensor, TensorData, s};
use models::init::Initialization;
use models::{Activation, CellKind, ForwardOptions, Input, LayerConfig, LstmOptions, Stack, State};
use seqdata::Random;

use gradient_check::{noisy, values};

/// Input size, D.
const INPUTS: usize = 3;
/// Steps, T.
const TIME: usize = 6;
/// Rows, N.
const BATCH: usize = 3;

/// Every cell with each of its options.
fn kinds() -> [CellKind; 9] {
    let lstm = |cell_norm, mogrifier_rounds, mogrifier_rank| {
        CellKind::ExtendedLstm(LstmOptions { cell_norm, mogrifier_rounds, mogrifier_rank })
    };
    [
        CellKind::Elman(Activation::Tanh),
        CellKind::Elman(Activation::Sigmoid),
        CellKind::Elman(Activation::Relu),
        CellKind::Lstm,
        CellKind::Gru { reset_after: true },
        CellKind::Gru { reset_after: false },
        lstm(true, 0, 0),
        lstm(false, 5, 0),
        lstm(true, 2, 2),
    ]
}

/// Single layers of every cell, and stacks that mix cells, sizes and options, by name.
fn stacks() -> Vec<(String, Vec<LayerConfig>)> {
    let single = kinds().map(|kind| (format!("{kind:?}"), vec![LayerConfig::new(kind, 4)]));
    let layer = |index: usize, units| LayerConfig::new(kinds()[index], units);
    let norm = |layer: LayerConfig| layer.layer_norm(true);
    let mut stacks = single.to_vec();
    stacks.push(("two LSTMs".into(), vec![layer(3, 4), layer(3, 5)]));
    stacks.push(("three cells".into(), vec![layer(4, 5), layer(0, 2), layer(3, 4)]));
    stacks.push(("LSTMs with options".into(), vec![layer(7, 4), norm(layer(8, 5))]));
    stacks.push(("normalised".into(), vec![norm(layer(3, 4)), norm(layer(5, 3))]));
    stacks
}

/// The same and bidirectional stacks.
fn all_stacks() -> Vec<(String, Vec<LayerConfig>)> {
    let both = |index: usize| LayerConfig::new(kinds()[index], 4).bidirectional(true);
    let mut stacks = stacks();
    for index in [0, 3, 4, 8] {
        stacks.push((format!("bidirectional {:?}", kinds()[index]), vec![both(index)]));
    }
    stacks.push(("two bidirectional layers".into(), vec![both(4), both(3)]));
    stacks
}

/// The dtype of a test and its tolerance.
#[derive(Clone, Copy)]
struct Setting {
    dtype: DType,
    tolerance: f64,
}

const SETTINGS: [Setting; 2] =
    [Setting { dtype: DType::F32, tolerance: 2e-6 }, Setting { dtype: DType::F64, tolerance: 1e-12 }];

impl Setting {
    /// A stack with random weights and biases, none zero or one by default.
    fn stack(self, layers: &[LayerConfig]) -> Stack {
        let device = Device::flex();
        let weights = Initialization::new(3, &device).dtype(self.dtype);
        noisy(Stack::new(INPUTS, layers, &weights))
    }

    /// Normally distributed values of this shape, a function of the name.
    fn normal<const D: usize>(self, name: &str, dims: [usize; D]) -> Tensor<D> {
        let mut random = Random::keyed(7, name, &[]);
        let values: Vec<f64> = (0..dims.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_data(TensorData::new(values, dims), (&Device::flex(), self.dtype))
    }

    /// A sequence of `[N, D]` steps.
    fn inputs(self, batch: usize, time: usize) -> Vec<Tensor<2>> {
        (0..time).map(|t| self.normal(&format!("input {t}"), [batch, INPUTS])).collect()
    }

    /// Random resets, before about one step in three.
    fn keep_state(self, batch: usize, time: usize) -> Tensor<2> {
        self.normal::<2>("resets", [batch, time]).greater_scalar(-0.5).float().cast(self.dtype)
    }

    /// A random state.
    fn state(self, stack: &Stack, batch: usize) -> State {
        let mut state = stack.init_state(batch);
        for (index, cell) in state.iter_mut().enumerate() {
            let dims = cell.hidden.dims();
            cell.hidden = self.normal(&format!("hidden {index}"), dims);
            if let Some(memory) = &mut cell.cell {
                *memory = self.normal(&format!("memory {index}"), dims);
            }
        }
        state
    }

    fn assert_close<const D: usize>(self, found: &Tensor<D>, expected: &Tensor<D>, what: &str) {
        assert_eq!(found.dims(), expected.dims(), "{what}");
        assert_eq!(found.dtype(), self.dtype, "{what}");
        let (found, expected) = (values(found), values(expected));
        for (found, expected) in found.into_iter().zip(expected) {
            let error = (found - expected).abs();
            assert!(error <= self.tolerance * expected.abs().max(1.0), "{what}: {found} {expected}");
        }
    }

    fn assert_states(self, found: &State, expected: &State, what: &str) {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (found, expected) in found.iter().zip(expected) {
            self.assert_close(&found.hidden, &expected.hidden, what);
            match (&found.cell, &expected.cell) {
                (Some(found), Some(expected)) => self.assert_close(found, expected, what),
                (found, expected) => assert_eq!(found.is_some(), expected.is_some(), "{what}"),
            }
        }
    }
}

/// The forward pass over a sequence of `[N, D]` steps; the outputs are steps, too.
fn run_as(stack: &Stack, steps: Vec<Tensor<2>>, state: State, options: &ForwardOptions) -> (Vec<Tensor<2>>, State) {
    let (hidden, after) = stack.forward(Input::Vectors(Tensor::stack(steps, 1)), state, options);
    let steps = (0..hidden.dims()[1]).map(|t| hidden.clone().slice(s![.., t, ..]).squeeze_dim(1));
    (steps.collect(), after)
}

fn run(stack: &Stack, steps: Vec<Tensor<2>>, state: State) -> (Vec<Tensor<2>>, State) {
    run_as(stack, steps, state, &ForwardOptions::default())
}
