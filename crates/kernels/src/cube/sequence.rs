//! A layer over whole sequences: two launches per step, one for the product with U and one for all the rest.

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{Shape, Slice};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::zeros_client;
use burn_cubecl::tensor::CubeTensor;

use super::common::{elem_type, empty_like, launch_size};
use super::{elman, gru, lstm};
use crate::cpu::kernel_cell::KernelCell;

/// A layer with its input and initial state.
pub struct Layer {
    /// The cell.
    pub cell: KernelCell,
    /// `[N, T]`.
    pub batch_and_time: [usize; 2],
    /// All hidden states, or only the last.
    pub all_steps: bool,
    /// x `[N, T, D]`.
    pub input: CubeTensor,
    /// W `[D, G · H]`.
    pub kernel: CubeTensor,
    /// U `[H, G · H]`.
    pub recurrent: CubeTensor,
    /// The biases, in the order of the cell's kernel.
    pub bias: CubeTensor,
    /// h before the first step, `[N, H]`.
    pub hidden: CubeTensor,
    /// c before the first step, `[N, H]`, if the cell has one.
    pub cell_state: CubeTensor,
    /// 0 where the state is reset before a step, 1 elsewhere, `[N, T]`; `None` if it is never reset.
    pub keep_state: Option<CubeTensor>,
}

/// What the backward pass needs of the forward pass.
pub struct ForwardCache {
    /// The gates of every step, or h if the cell has none, `[N · T, G · H]`.
    gates: CubeTensor,
    /// For every step: h before it, then c before it (LSTM) or the factor of r (GRU).
    before: CubeTensor,
}

/// The gradients, in the order of the layer's tensors; none of c, if the cell has none.
pub type Gradients = [Option<CubeTensor>; 6];

/// The output `[N, S, H]`: the hidden states, then c after the last step, if the cell has one.
pub fn forward(layer: Layer) -> (CubeTensor, ForwardCache) {
    let (sizes, cell) = (Sizes::of(&layer), layer.cell);
    let Sizes { batch, time, inputs, units, slots } = sizes;
    let rows = reshaped(layer.input, &[batch * time, inputs]);
    let sums = matmul(rows, layer.kernel);
    let recurrent = into_contiguous(layer.recurrent);
    let bias = into_contiguous(layer.bias);
    // Copies, because they are overwritten.
    let hidden = into_contiguous(layer.hidden).copy();
    let cell_state = has_cell_state(cell).then(|| into_contiguous(layer.cell_state).copy());
    let before = empty_like(&hidden, &[batch * time, saved_blocks(cell) * units]);
    let output = empty_like(&hidden, &[batch * slots, units]);
    let (has_resets, keep_state) = keep_state(layer.keep_state, &before);
    let (client, element) = (hidden.client.clone(), elem_type(hidden.dtype));
    let (count, dim) = launch_size(&client, batch * units);

    for at in 0..time {
        let part = matmul(hidden.clone(), recurrent.clone()).into_tensor_arg();
        let arg = |tensor: &CubeTensor| tensor.clone().into_tensor_arg();
        let (count, slot) = (count.clone(), sizes.slot(layer.all_steps, at));
        let (sums, bias, hidden) = (arg(&sums), arg(&bias), arg(&hidden));
        let (before, output, keep) = (arg(&before), arg(&output), arg(&keep_state));
        match (cell, &cell_state) {
            (KernelCell::Lstm, cell_state) => {
                let cell_state = arg(cell_state.as_ref().expect("an LSTM has c"));
                // c after the last step is the last slot.
                let cell_slot = if at + 1 == time { slots - 1 } else { slots };
                lstm::forward::launch(
                    &client, count, dim, sums, part, bias, hidden, cell_state, before, output, keep, time, at, slots,
                    slot, cell_slot, has_resets, element,
                );
            }
            (KernelCell::Gru, _) => gru::forward::launch(
                &client, count, dim, sums, part, bias, hidden, before, output, keep, time, at, slots, slot, has_resets,
                element,
            ),
            (KernelCell::Elman(activation), _) => elman::forward::launch(
                &client, count, dim, sums, part, bias, hidden, before, output, keep, time, at, slots, slot, has_resets,
                activation, element,
            ),
        }
    }
    (reshaped(output, &[batch, slots, units]), ForwardCache { gates: sums, before })
}

/// The gradients of all inputs of [`forward`], from that of its output.
pub fn backward(layer: Layer, cache: ForwardCache, gradient: CubeTensor) -> Gradients {
    let (sizes, cell) = (Sizes::of(&layer), layer.cell);
    let Sizes { batch, time, inputs, units, slots } = sizes;
    let ForwardCache { gates, before } = cache;
    let width = gates.shape()[1];
    let gradient = into_contiguous(gradient);
    let cell_slot = || {
        let c = slice(gradient.clone(), &[0..batch, slots - 1..slots, 0..units]);
        reshaped(c, &[batch, units]).copy()
    };
    let zeros = |shape: [usize; 2]| {
        let (client, device) = (gates.client.clone(), gates.device.clone());
        zeros_client(client, device, Shape::from(shape.to_vec()), gates.dtype)
    };
    // The gradient that reaches the step before without going through U: that of c, or that of h through z.
    let direct = match cell {
        KernelCell::Lstm => Some(cell_slot()),
        KernelCell::Gru => Some(zeros([batch, units])),
        KernelCell::Elman(_) => None,
    };
    // In a GRU the sums over h have other gradients than the sums over x.
    let recurrent_sums = match cell {
        KernelCell::Gru => Some(empty_like(&gates, &[batch * time, width])),
        _ => None,
    };
    let gradient = reshaped(gradient, &[batch * slots, units]);
    let recurrent_t = into_contiguous(transposed(layer.recurrent));
    let step_sums = empty_like(&gates, &[batch, width]);
    let mut from_later = zeros([batch, units]);
    let (has_resets, keep_state) = keep_state(layer.keep_state, &gates);
    let (client, element) = (gates.client.clone(), elem_type(gates.dtype));
    let (count, dim) = launch_size(&client, batch * units);

    for at in (0..time).rev() {
        let arg = |tensor: &CubeTensor| tensor.clone().into_tensor_arg();
        let (count, slot) = (count.clone(), sizes.slot(layer.all_steps, at));
        let (gates, before, gradient) = (arg(&gates), arg(&before), arg(&gradient));
        let (later, sums, keep) = (from_later.into_tensor_arg(), arg(&step_sums), arg(&keep_state));
        match (cell, &direct, &recurrent_sums) {
            (KernelCell::Lstm, Some(cell_state), _) => lstm::backward::launch(
                &client,
                count,
                dim,
                gates,
                before,
                gradient,
                later,
                arg(cell_state),
                sums,
                keep,
                time,
                at,
                slots,
                slot,
                has_resets,
                element,
            ),
            (KernelCell::Gru, Some(through_z), Some(recurrent_sums)) => gru::backward::launch(
                &client,
                count,
                dim,
                gates,
                arg(recurrent_sums),
                before,
                gradient,
                later,
                arg(through_z),
                sums,
                keep,
                time,
                at,
                slots,
                slot,
                has_resets,
                element,
            ),
            (KernelCell::Elman(activation), ..) => elman::backward::launch(
                &client, count, dim, gates, gradient, later, sums, keep, time, at, slots, slot, has_resets, activation,
                element,
            ),
            _ => unreachable!("each cell's buffers were made above"),
        }
        from_later = matmul(step_sums.clone(), recurrent_t.clone());
    }

    let rows = reshaped(layer.input, &[batch * time, inputs]);
    let old_hidden = slice(before, &[0..batch * time, 0..units]);
    let sums_over_h = recurrent_sums.as_ref().unwrap_or(&gates).clone();
    let bias = match &recurrent_sums {
        None => column_sums(gates.clone()),
        Some(recurrent_sums) => {
            // n of x, z and r of both x and h, n of h.
            let block =
                |sums: &CubeTensor, at: usize| slice(sums.clone(), &[0..batch * time, at * units..(at + 1) * units]);
            let blocks = [block(&gates, 2), block(&gates, 0), block(&gates, 1), block(recurrent_sums, 2)];
            let sums = blocks.map(column_sums);
            CubeBackend::float_cat(sums.to_vec(), 0)
        }
    };
    let (hidden, cell_state) = match cell {
        KernelCell::Lstm => (from_later, direct),
        KernelCell::Gru => {
            let through_z = direct.expect("it was made above");
            (CubeBackend::float_add(from_later, through_z), None)
        }
        KernelCell::Elman(_) => (from_later, None),
    };
    [
        Some(reshaped(matmul(gates.clone(), transposed(layer.kernel)), &[batch, time, inputs])),
        Some(matmul(transposed(rows), gates)),
        Some(matmul(transposed(old_hidden), sums_over_h)),
        Some(bias),
        Some(hidden),
        cell_state,
    ]
}

/// N, T, D, H and S.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    time: usize,
    inputs: usize,
    units: usize,
    slots: usize,
}

impl Sizes {
    fn of(layer: &Layer) -> Self {
        let [batch, time] = layer.batch_and_time;
        let (inputs, units) = (layer.kernel.shape()[0], layer.recurrent.shape()[0]);
        let hidden_states = if layer.all_steps { time } else { 1 };
        let slots = hidden_states + usize::from(has_cell_state(layer.cell));
        Self { batch, time, inputs, units, slots }
    }

    /// The slot of h after step `at` in the output; S if it is not part of the output.
    fn slot(&self, all_steps: bool, at: usize) -> usize {
        match (all_steps, at + 1 == self.time) {
            (true, _) => at,
            (false, true) => 0,
            (false, false) => self.slots,
        }
    }
}

fn has_cell_state(cell: KernelCell) -> bool {
    cell == KernelCell::Lstm
}

/// Whether there are resets, and where; the second is a placeholder if there are none.
fn keep_state(keep_state: Option<CubeTensor>, like: &CubeTensor) -> (bool, CubeTensor) {
    let has_resets = keep_state.is_some();
    (has_resets, keep_state.map_or_else(|| empty_like(like, &[1, 1]), into_contiguous))
}

/// Blocks of H values that a step saves for the backward pass in addition to its gates.
fn saved_blocks(cell: KernelCell) -> usize {
    if matches!(cell, KernelCell::Elman(_)) { 1 } else { 2 }
}

fn matmul(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    CubeBackend::float_matmul(left, right)
}

fn transposed(tensor: CubeTensor) -> CubeTensor {
    CubeBackend::float_transpose(tensor)
}

fn reshaped(tensor: CubeTensor, shape: &[usize]) -> CubeTensor {
    CubeBackend::float_reshape(tensor, Shape::from(shape.to_vec()))
}

fn slice(tensor: CubeTensor, ranges: &[std::ops::Range<usize>]) -> CubeTensor {
    let slices: Vec<Slice> = ranges.iter().cloned().map(Slice::from).collect();
    CubeBackend::float_slice(tensor, &slices)
}

/// The sum of each column over all rows.
fn column_sums(rows: CubeTensor) -> CubeTensor {
    let columns = rows.shape()[1];
    reshaped(CubeBackend::float_sum_dim(rows, 0), &[columns])
}
