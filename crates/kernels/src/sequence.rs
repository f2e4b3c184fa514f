//! Recurrent layers over whole sequences: the fused kernel where there is one, else the reference equations.

use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor, s};

use crate::cpu::kernel_cell::KernelCell;
use crate::dispatch::{KernelSupport, is_kernel_type};
use crate::ops::{SequenceOps, SequenceSpec};
use crate::reference;
use crate::types::{CellState, ElmanWeights, GruWeights, Input, LstmWeights, SequenceOptions, Steps};

/// Runs an LSTM over whole sequences. Returns the hidden states `[N, T, H]` (or `[N, 1, H]` for [`Steps::Last`])
/// and the state after the last step, both differentiable.
///
/// # Panics
/// If sizes do not match, any of them is zero, or the state has no cell state c.
pub fn lstm_sequence(
    input: Input,
    weights: LstmWeights,
    state: CellState,
    options: &SequenceOptions,
) -> (Tensor<3>, CellState) {
    assert!(state.cell.is_some(), "the state of an LSTM must have a cell state c");
    if !has_kernel(&weights.kernel, options) {
        return reference::run(input, &reference::Lstm(weights), state, options);
    }
    let LstmWeights { kernel, recurrent, bias } = weights;
    fused(KernelCell::Lstm, input, [kernel, recurrent], bias, state, options)
}

/// Runs a GRU over whole sequences; see [`lstm_sequence`]. There is no kernel for a reset gate that acts before
/// the product.
///
/// # Panics
/// If sizes do not match, or any of them is zero.
pub fn gru_sequence(
    input: Input,
    weights: GruWeights,
    state: CellState,
    options: &SequenceOptions,
) -> (Tensor<3>, CellState) {
    match weights {
        GruWeights { kernel, recurrent, bias, recurrent_bias: Some(more) } if has_kernel(&kernel, options) => {
            // The kernel's sums: n, z and r of x, to which z and r of h are added, and n of h.
            let units = recurrent.dims()[0];
            let block = |bias: &Tensor<1>, at: usize| bias.clone().slice(s![at * units..(at + 1) * units]);
            let gates = bias.clone().slice(s![..2 * units]) + more.clone().slice(s![..2 * units]);
            let biases = Tensor::cat(vec![block(&bias, 2), gates, block(&more, 2)], 0);
            fused(KernelCell::Gru, input, [kernel, recurrent], biases, state, options)
        }
        weights => reference::run(input, &reference::Gru(weights), state, options),
    }
}

/// Runs a vanilla RNN layer over whole sequences; see [`lstm_sequence`].
///
/// # Panics
/// If sizes do not match, or any of them is zero.
pub fn elman_sequence(
    input: Input,
    weights: ElmanWeights,
    state: CellState,
    options: &SequenceOptions,
) -> (Tensor<3>, CellState) {
    if !has_kernel(&weights.kernel, options) {
        return reference::run(input, &reference::Elman(weights), state, options);
    }
    let ElmanWeights { kernel, recurrent, bias, activation } = weights;
    fused(KernelCell::Elman(activation), input, [kernel, recurrent], bias, state, options)
}

/// Whether a kernel computes this.
fn has_kernel(kernel: &Tensor<2>, options: &SequenceOptions) -> bool {
    let support = options.kernels.support(&kernel.device());
    options.mask.is_none() && is_kernel_type(kernel.dtype()) && support != KernelSupport::None
}

fn fused(
    cell: KernelCell,
    input: Input,
    [kernel, recurrent]: [Tensor<2>; 2],
    bias: Tensor<1>,
    state: CellState,
    options: &SequenceOptions,
) -> (Tensor<3>, CellState) {
    let [batch, time] = input.batch_and_time();
    let units = recurrent.dims()[0];
    let gates = kernel.dims()[1] / units;
    let sizes = [batch, time, kernel.dims()[0], units];
    assert!(sizes.iter().all(|&size| size > 0), "N, T, D and H are {sizes:?}; each must be 1 or more");
    assert_eq!(kernel.dims()[1], gates * units, "W and U must have gates of the same size");
    assert_eq!(recurrent.dims(), [units, gates * units], "W and U must have the same gates");
    assert_eq!(state.hidden.dims(), [batch, units], "the state must be [N, H]");
    // On a GPU, reading the ids back to check them against the table would stall it: they are not checked.
    let on_cpu = options.kernels.fuses_all(&kernel.device());
    let input = if on_cpu { input } else { Input::Vectors(input.into_vectors()) };
    let (input, ids) = match input {
        Input::Vectors(vectors) => {
            assert_eq!(vectors.dims()[2], sizes[2], "W must have one row per input");
            (vectors.into_dispatch(), None)
        }
        Input::Ids { table, ids } => {
            assert_eq!(table.dims()[1], sizes[2], "W must have one row per input");
            let ids = checked_ids(ids, table.dims()[0]);
            (table.into_dispatch(), Some(ids))
        }
    };
    // A cell without c ignores this argument, and one without resets the last.
    let unused = || state.hidden.clone().detach();
    let cell_state = state.cell.clone().unwrap_or_else(unused);
    let keep_state = options.keep_state.clone().map(|keep| keep.detach().cast(kernel.dtype()));
    assert!(keep_state.as_ref().is_none_or(|keep| keep.dims() == [batch, time]), "`keep_state` must be [N, T]");
    let has_resets = keep_state.is_some();
    let keep_state = keep_state.unwrap_or_else(unused);
    let all_steps = options.steps == Steps::Every;
    let output = Dispatch::sequence(
        SequenceSpec {
            cell,
            batch_and_time: [batch, time],
            all_steps,
            has_resets,
            operands: options.kernels.operands(),
        },
        ids,
        input,
        kernel.into_dispatch(),
        recurrent.into_dispatch(),
        bias.into_dispatch(),
        state.hidden.into_dispatch(),
        cell_state.into_dispatch(),
        keep_state.into_dispatch(),
    );
    let output: Tensor<3> = Tensor::from_dispatch(output);
    let count = if all_steps { time } else { 1 };
    let slot = |at: usize| output.clone().slice(s![.., at..at + 1, ..]).squeeze_dim::<2>(1);
    let after = CellState { hidden: slot(count - 1), cell: state.cell.is_some().then(|| slot(count)) };
    let hidden = match state.cell {
        Some(_) => output.slice(s![.., 0..count, ..]),
        None => output,
    };
    (hidden, after)
}

/// Ids as plain integers.
///
/// # Panics
/// If one of them is not below `count`.
pub(crate) fn checked_ids<const D: usize>(ids: Tensor<D, Int>, count: usize) -> Arc<[u32]> {
    let ids: Vec<i64> = ids.try_into_vec_as().expect("ids can be read as integers");
    let check = |id: i64| match usize::try_from(id) {
        Ok(at) if at < count => at as u32,
        _ => panic!("an id is {id}; expected 0 to {}", count - 1),
    };
    ids.into_iter().map(check).collect()
}
