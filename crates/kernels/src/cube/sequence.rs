//! A layer over whole sequences: two launches a step, the product with U and one that does all the rest.

use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{Shape, Slice};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::zeros_client;
use burn_cubecl::tensor::CubeTensor;

use super::{element, elman, gru, lstm, room, units_for};
use crate::cpu::equations::Equations;

/// What a layer computes, and from what.
pub struct Layer {
    /// By which equations.
    pub equations: Equations,
    /// N and T.
    pub steps: [usize; 2],
    /// All hidden states, or only the last.
    pub every: bool,
    /// x `[N, T, D]`.
    pub input: CubeTensor,
    /// W `[D, G · H]`.
    pub kernel: CubeTensor,
    /// U `[H, G · H]`.
    pub recurrent: CubeTensor,
    /// The biases, as the kernel for this cell's equations takes them.
    pub bias: CubeTensor,
    /// h before the first step, `[N, H]`.
    pub hidden: CubeTensor,
    /// c before the first step, `[N, H]`, where the cell has one.
    pub memory: CubeTensor,
}

/// What the way back needs of the way there.
pub struct Tape {
    /// Of every step the gates, or h where there are none, `[N · T, G · H]`.
    gates: CubeTensor,
    /// Of every step h before it, and beside it c, or what a GRU resets.
    before: CubeTensor,
}

/// The gradients, in the order of the layer's tensors; none of c, if the cell has none.
pub type Gradients = [Option<CubeTensor>; 6];

/// What the layer hands on, `[N, S, H]`: the hidden states, then c after the last step, where there is one.
pub fn forward(layer: Layer) -> (CubeTensor, Tape) {
    let (sizes, equations) = (Sizes::of(&layer), layer.equations);
    let Sizes { batch, time, inputs, units, slots } = sizes;
    let rows = reshaped(layer.input, &[batch * time, inputs]);
    let sums = matmul(rows, layer.kernel);
    let recurrent = into_contiguous(layer.recurrent);
    let bias = into_contiguous(layer.bias);
    // Copies, since they are written to.
    let hidden = into_contiguous(layer.hidden).copy();
    let memory = has_memory(equations).then(|| into_contiguous(layer.memory).copy());
    let before = room(&hidden, &[batch * time, kept_blocks(equations) * units]);
    let output = room(&hidden, &[batch * slots, units]);
    let (client, element) = (hidden.client.clone(), element(hidden.dtype));
    let (count, dim) = units_for(&client, batch * units);

    for at in 0..time {
        let part = matmul(hidden.clone(), recurrent.clone()).into_tensor_arg();
        let arg = |tensor: &CubeTensor| tensor.clone().into_tensor_arg();
        let (count, slot) = (count.clone(), sizes.slot(layer.every, at));
        let (sums, bias, hidden) = (arg(&sums), arg(&bias), arg(&hidden));
        let (before, output) = (arg(&before), arg(&output));
        match (equations, &memory) {
            (Equations::Lstm, memory) => {
                let memory = arg(memory.as_ref().expect("an LSTM's state has a memory"));
                // The last slot is c's, after the last step.
                let memory_slot = if at + 1 == time { slots - 1 } else { slots };
                lstm::forward::launch(
                    &client,
                    count,
                    dim,
                    sums,
                    part,
                    bias,
                    hidden,
                    memory,
                    before,
                    output,
                    time,
                    at,
                    slots,
                    slot,
                    memory_slot,
                    element,
                );
            }
            (Equations::Gru, _) => gru::forward::launch(
                &client, count, dim, sums, part, bias, hidden, before, output, time, at, slots,
                slot, element,
            ),
            (Equations::Elman(activation), _) => elman::forward::launch(
                &client, count, dim, sums, part, bias, hidden, before, output, time, at, slots,
                slot, activation, element,
            ),
        }
    }
    (reshaped(output, &[batch, slots, units]), Tape { gates: sums, before })
}

/// The gradients of everything that went in, from that of what came out.
pub fn backward(layer: Layer, tape: Tape, gradient: CubeTensor) -> Gradients {
    let (sizes, equations) = (Sizes::of(&layer), layer.equations);
    let Sizes { batch, time, inputs, units, slots } = sizes;
    let Tape { gates, before } = tape;
    let width = gates.shape()[1];
    let gradient = into_contiguous(gradient);
    let memory_slot = || {
        let c = slice(gradient.clone(), &[0..batch, slots - 1..slots, 0..units]);
        reshaped(c, &[batch, units]).copy()
    };
    let zeros = |shape: [usize; 2]| {
        let (client, device) = (gates.client.clone(), gates.device.clone());
        zeros_client(client, device, Shape::from(shape.to_vec()), gates.dtype)
    };
    // What goes from a step to the one before it beside the product: c's gradient, or h's by z.
    let beside = match equations {
        Equations::Lstm => Some(memory_slot()),
        Equations::Gru => Some(zeros([batch, units])),
        Equations::Elman(_) => None,
    };
    // A GRU's sums over h have gradients of their own.
    let of_hidden = match equations {
        Equations::Gru => Some(room(&gates, &[batch * time, width])),
        _ => None,
    };
    let gradient = reshaped(gradient, &[batch * slots, units]);
    let back = into_contiguous(transposed(layer.recurrent));
    let step_sums = room(&gates, &[batch, width]);
    let mut from_later = zeros([batch, units]);
    let (client, element) = (gates.client.clone(), element(gates.dtype));
    let (count, dim) = units_for(&client, batch * units);

    for at in (0..time).rev() {
        let arg = |tensor: &CubeTensor| tensor.clone().into_tensor_arg();
        let (count, slot) = (count.clone(), sizes.slot(layer.every, at));
        let (gates, before, gradient) = (arg(&gates), arg(&before), arg(&gradient));
        let (later, sums) = (from_later.into_tensor_arg(), arg(&step_sums));
        match (equations, &beside, &of_hidden) {
            (Equations::Lstm, Some(memory), _) => lstm::backward::launch(
                &client,
                count,
                dim,
                gates,
                before,
                gradient,
                later,
                arg(memory),
                sums,
                time,
                at,
                slots,
                slot,
                element,
            ),
            (Equations::Gru, Some(kept), Some(of_hidden)) => gru::backward::launch(
                &client,
                count,
                dim,
                gates,
                arg(of_hidden),
                before,
                gradient,
                later,
                arg(kept),
                sums,
                time,
                at,
                slots,
                slot,
                element,
            ),
            (Equations::Elman(activation), ..) => elman::backward::launch(
                &client, count, dim, gates, gradient, later, sums, time, at, slots, slot,
                activation, element,
            ),
            _ => unreachable!("each cell's buffers were made above"),
        }
        from_later = matmul(step_sums.clone(), back.clone());
    }

    let rows = reshaped(layer.input, &[batch * time, inputs]);
    let old_hidden = slice(before, &[0..batch * time, 0..units]);
    let sums_of_hidden = of_hidden.as_ref().unwrap_or(&gates).clone();
    let bias = match &of_hidden {
        None => column_sums(gates.clone()),
        Some(of_hidden) => {
            // n of x, z and r of both, n of h.
            let block = |sums: &CubeTensor, at: usize| {
                slice(sums.clone(), &[0..batch * time, at * units..(at + 1) * units])
            };
            let blocks =
                [block(&gates, 2), block(&gates, 0), block(&gates, 1), block(of_hidden, 2)];
            let sums = blocks.map(column_sums);
            CubeBackend::float_cat(sums.to_vec(), 0)
        }
    };
    let (hidden, memory) = match equations {
        Equations::Lstm => (from_later, beside),
        Equations::Gru => {
            let kept = beside.expect("it was made above");
            (CubeBackend::float_add(from_later, kept), None)
        }
        Equations::Elman(_) => (from_later, None),
    };
    [
        Some(reshaped(matmul(gates.clone(), transposed(layer.kernel)), &[batch, time, inputs])),
        Some(matmul(transposed(rows), gates)),
        Some(matmul(transposed(old_hidden), sums_of_hidden)),
        Some(bias),
        Some(hidden),
        memory,
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
        let [batch, time] = layer.steps;
        let (inputs, units) = (layer.kernel.shape()[0], layer.recurrent.shape()[0]);
        let handed_on = if layer.every { time } else { 1 };
        let slots = handed_on + usize::from(has_memory(layer.equations));
        Self { batch, time, inputs, units, slots }
    }

    /// Where h after step `at` is handed on; S, which is no slot, if it is not.
    fn slot(&self, every: bool, at: usize) -> usize {
        match (every, at + 1 == self.time) {
            (true, _) => at,
            (false, true) => 0,
            (false, false) => self.slots,
        }
    }
}

fn has_memory(equations: Equations) -> bool {
    equations == Equations::Lstm
}

/// Blocks of H numbers that a step leaves for the way back beside its gates.
fn kept_blocks(equations: Equations) -> usize {
    if matches!(equations, Equations::Elman(_)) { 1 } else { 2 }
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

/// Of each column the sum over all rows.
fn column_sums(rows: CubeTensor) -> CubeTensor {
    let columns = rows.shape()[1];
    reshaped(CubeBackend::float_sum_dim(rows, 0), &[columns])
}
