//! Recurrent layers over whole sequences, by a kernel where there is one.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::{DType, Int, Tensor, s};

use crate::choice::{Reach, reach};
use crate::cpu::elman::Activation;
use crate::cpu::equations::Equations;
use crate::ops::{Layers, Plan};
use crate::reference;

/// What a layer reads at each step.
// A handful a step: what a box saves is less than what it hides.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Input {
    /// `[N, T, D]`.
    Vectors(Tensor<3>),
    /// Rows of a table.
    Ids {
        /// The rows, `[V, D]`.
        table: Tensor<2>,
        /// Which row at which step, `[N, T]`.
        ids: Tensor<2, Int>,
    },
}

impl Input {
    /// N and T.
    pub fn steps(&self) -> [usize; 2] {
        match self {
            Self::Vectors(vectors) => [vectors.dims()[0], vectors.dims()[1]],
            Self::Ids { ids, .. } => ids.dims(),
        }
    }

    /// The same steps, the last one first.
    pub fn reversed(self) -> Self {
        match self {
            Self::Vectors(vectors) => Self::Vectors(vectors.flip([1])),
            Self::Ids { table, ids } => Self::Ids { table, ids: ids.flip([1]) },
        }
    }

    /// The same steps in another order: `order` `[N · T]` says which row of `[N · T, …]` stands at each step.
    pub fn mirrored(self, order: Tensor<1, Int>) -> Self {
        match self {
            Self::Vectors(vectors) => {
                let [batch, time, width] = vectors.dims();
                let rows = vectors.reshape([batch * time, width]).select(0, order);
                Self::Vectors(rows.reshape([batch, time, width]))
            }
            Self::Ids { table, ids } => {
                let dims = ids.dims();
                let ids = ids.flatten::<1>(0, 1).select(0, order).reshape(dims);
                Self::Ids { table, ids }
            }
        }
    }

    /// `[N, T, D]`.
    pub fn vectors(self) -> Tensor<3> {
        match self {
            Self::Vectors(vectors) => vectors,
            Self::Ids { table, ids } => {
                let [batch, time] = ids.dims();
                let size = table.dims()[1];
                table.select(0, ids.flatten::<1>(0, 1)).reshape([batch, time, size])
            }
        }
    }
}

/// Which hidden states are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steps {
    /// One a step.
    #[default]
    Every,
    /// That of the last step alone.
    Last,
}

/// How a sequence is gone through.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// `[N, T]`: 1 where a row's step is real, 0 where it is padding, which leaves the state of its
    /// row as it was. All of it is real, if nothing is said.
    pub real: Option<Tensor<2>>,
    /// Which hidden states are wanted.
    pub steps: Steps,
}

/// What a cell remembers between two steps.
#[derive(Clone, Debug)]
pub struct CellState {
    /// h, the output and short-term state, `[N, H]`.
    pub hidden: Tensor<2>,
    /// c, the long-term state, `[N, H]`, for cells that keep one.
    pub memory: Option<Tensor<2>>,
}

impl CellState {
    /// The same numbers, cut off from what they were computed from: gradients end here.
    pub fn detach(self) -> Self {
        Self { hidden: self.hidden.detach(), memory: self.memory.map(Tensor::detach) }
    }
}

/// The weights of an LSTM layer, in blocks i, f, g, o.
#[derive(Clone, Debug)]
pub struct LstmWeights {
    /// W, `[D, 4H]`.
    pub kernel: Tensor<2>,
    /// U, `[H, 4H]`.
    pub recurrent: Tensor<2>,
    /// b, `[4H]`.
    pub bias: Tensor<1>,
}

/// The weights of a GRU layer, in blocks z, r, n.
#[derive(Clone, Debug)]
pub struct GruWeights {
    /// W, `[D, 3H]`.
    pub kernel: Tensor<2>,
    /// U, `[H, 3H]`.
    pub recurrent: Tensor<2>,
    /// b, `[3H]`.
    pub bias: Tensor<1>,
    /// b′, `[3H]`, where the reset gate acts after the product; none where it acts before.
    pub recurrent_bias: Option<Tensor<1>>,
}

/// The weights of a plain recurrent layer.
#[derive(Clone, Debug)]
pub struct ElmanWeights {
    /// W, `[D, H]`.
    pub kernel: Tensor<2>,
    /// U, `[H, H]`.
    pub recurrent: Tensor<2>,
    /// b, `[H]`.
    pub bias: Tensor<1>,
    /// φ.
    pub activation: Activation,
}

/// Runs an LSTM over whole sequences; gives the hidden states `[N, T, H]` (or `[N, 1, H]`) and the state
/// after the last step, both with their gradients.
///
/// # Panics
/// If sizes do not fit together, if any of them is zero, or the state has no memory.
pub fn lstm_sequence(
    input: Input,
    weights: LstmWeights,
    state: CellState,
    pass: &Pass,
) -> (Tensor<3>, CellState) {
    assert!(state.memory.is_some(), "an LSTM's state has a memory");
    if !reaches(&weights.kernel, pass) {
        return reference::run(input, &reference::Lstm(weights), state, pass);
    }
    let LstmWeights { kernel, recurrent, bias } = weights;
    fused(Equations::Lstm, input, [kernel, recurrent], bias, state, pass.steps)
}

/// Runs a GRU over whole sequences, as [`lstm_sequence`] does an LSTM. There is no kernel for a reset gate
/// that acts before the product.
///
/// # Panics
/// If sizes do not fit together, or any of them is zero.
pub fn gru_sequence(
    input: Input,
    weights: GruWeights,
    state: CellState,
    pass: &Pass,
) -> (Tensor<3>, CellState) {
    match weights {
        GruWeights { kernel, recurrent, bias, recurrent_bias: Some(more) }
            if reaches(&kernel, pass) =>
        {
            // The kernel's sums: n, z and r of x, to which z and r of h are added, and n of h.
            let units = recurrent.dims()[0];
            let block =
                |bias: &Tensor<1>, at: usize| bias.clone().slice(s![at * units..(at + 1) * units]);
            let gates = bias.clone().slice(s![..2 * units]) + more.clone().slice(s![..2 * units]);
            let biases = Tensor::cat(vec![block(&bias, 2), gates, block(&more, 2)], 0);
            fused(Equations::Gru, input, [kernel, recurrent], biases, state, pass.steps)
        }
        weights => reference::run(input, &reference::Gru(weights), state, pass),
    }
}

/// Runs a plain recurrent layer over whole sequences, as [`lstm_sequence`] does an LSTM.
///
/// # Panics
/// If sizes do not fit together, or any of them is zero.
pub fn elman_sequence(
    input: Input,
    weights: ElmanWeights,
    state: CellState,
    pass: &Pass,
) -> (Tensor<3>, CellState) {
    if !reaches(&weights.kernel, pass) {
        return reference::run(input, &reference::Elman(weights), state, pass);
    }
    let ElmanWeights { kernel, recurrent, bias, activation } = weights;
    let equations = Equations::Elman(activation);
    fused(equations, input, [kernel, recurrent], bias, state, pass.steps)
}

/// Whether a kernel computes this.
fn reaches(kernel: &Tensor<2>, pass: &Pass) -> bool {
    let numbers = matches!(kernel.dtype(), DType::F32 | DType::F64);
    pass.real.is_none() && numbers && reach(&kernel.device()) != Reach::Nothing
}

fn fused(
    equations: Equations,
    input: Input,
    [kernel, recurrent]: [Tensor<2>; 2],
    bias: Tensor<1>,
    state: CellState,
    steps: Steps,
) -> (Tensor<3>, CellState) {
    let [batch, time] = input.steps();
    let units = recurrent.dims()[0];
    let gates = kernel.dims()[1] / units;
    let sizes = [batch, time, kernel.dims()[0], units];
    assert!(
        sizes.iter().all(|&size| size > 0),
        "N, T, D and H are {sizes:?}; each must be 1 or more"
    );
    assert_eq!(kernel.dims()[1], gates * units, "W and U must have gates of the same size");
    assert_eq!(recurrent.dims(), [units, gates * units], "W and U must have as many gates");
    assert_eq!(state.hidden.dims(), [batch, units], "the state must be as large as the batch");
    let input = match reach(&kernel.device()) {
        // Ids would have to come back from a graphics processor's memory, and everything wait for them; so there
        // nobody looks whether the table has their rows.
        Reach::LayersAndUpdates => Input::Vectors(input.vectors()),
        _ => input,
    };
    let (input, ids) = match input {
        Input::Vectors(vectors) => {
            assert_eq!(vectors.dims()[2], sizes[2], "W must have a row for every input");
            (vectors.into_dispatch(), None)
        }
        Input::Ids { table, ids } => {
            assert_eq!(table.dims()[1], sizes[2], "W must have a row for every input");
            let ids = numbers(ids, table.dims()[0]);
            (table.into_dispatch(), Some(ids))
        }
    };
    // A cell without a memory does not look at what stands in its place.
    let memory = state.memory.clone().unwrap_or_else(|| state.hidden.clone().detach());
    let every = steps == Steps::Every;
    let output = Dispatch::sequence(
        Plan { equations, steps: [batch, time], every },
        ids,
        input,
        kernel.into_dispatch(),
        recurrent.into_dispatch(),
        bias.into_dispatch(),
        state.hidden.into_dispatch(),
        memory.into_dispatch(),
    );
    let output: Tensor<3> = Tensor::from_dispatch(output);
    let count = if every { time } else { 1 };
    let slot = |at: usize| output.clone().slice(s![.., at..at + 1, ..]).squeeze_dim::<2>(1);
    let after =
        CellState { hidden: slot(count - 1), memory: state.memory.is_some().then(|| slot(count)) };
    let hidden = match state.memory {
        Some(_) => output.slice(s![.., 0..count, ..]),
        None => output,
    };
    (hidden, after)
}

/// Ids as plain numbers.
///
/// # Panics
/// If one of them is not below `count`.
pub(crate) fn numbers<const D: usize>(ids: Tensor<D, Int>, count: usize) -> Arc<[u32]> {
    let ids: Vec<i64> = ids.try_into_vec_as().expect("the ids lie in memory");
    let number = |id: i64| match usize::try_from(id) {
        Ok(at) if at < count => at as u32,
        _ => panic!("an id is {id}; expected 0 to {}", count - 1),
    };
    ids.into_iter().map(number).collect()
}
