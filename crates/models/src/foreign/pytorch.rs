//! PyTorch's layout of a cell: `weight_ih` and `weight_hh` stand upright, `[gates · H, inputs]`, there
//! are two biases, and a GRU's gates come in the order r z n.

use super::{Array, Take, Tensors};
use crate::cell::CellKind;
use crate::error::{Error, Result};
use crate::foreign::model::CellArrays;
use crate::stack::Stack;

/// PyTorch's order of a GRU's gates in terms of ours, z r n, and the other way round.
const GRU: [usize; 3] = [1, 0, 2];

/// The names of one direction of layer `at`.
fn names(at: usize, backward: bool) -> [String; 4] {
    let end = if backward { "_reverse" } else { "" };
    ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|name| format!("rnn.{name}_l{at}{end}"))
}

fn ordered(kind: CellKind, array: Array) -> Array {
    match kind {
        CellKind::Gru { .. } => array.reordered(&GRU),
        CellKind::Elman(_) | CellKind::Lstm => array,
    }
}

/// Refuses a stack that no module of `torch.nn` computes: all of its layers are one module.
pub(super) fn check(stack: &Stack) -> Result<()> {
    use crate::cell::Activation::Sigmoid;
    let Some(first) = stack.layers.first() else { return Ok(()) };
    for (at, layer) in stack.layers.iter().enumerate() {
        let kind = layer.cell.kind();
        let (key, found, expected) = match kind {
            CellKind::Gru { reset_after: false } => {
                ("reset_after", "false", "true, for PyTorch's GRU resets after the product")
            }
            CellKind::Elman(Sigmoid) => {
                ("activation", "sigmoid", "tanh or relu, for PyTorch's RNN knows no other")
            }
            _ if kind != first.cell.kind() => {
                ("cell", "another", "that of the first layer, for PyTorch stacks one kind of cell")
            }
            _ if layer.cell.units() != first.cell.units() => {
                ("units", "another number", "that of the first layer, for PyTorch's are all equal")
            }
            _ if layer.backward.is_some() != first.backward.is_some() => {
                ("bidirectional", "another", "that of the first layer, for PyTorch's are all equal")
            }
            _ if layer.norm.is_some() => {
                ("layer_norm", "true", "false, for PyTorch's modules normalise nothing in between")
            }
            _ => continue,
        };
        return Err(Error::out_of_range(format!("model.layers[{at}].{key}"), found, expected));
    }
    Ok(())
}

pub(super) fn import(
    take: &mut Take,
    (kind, at, backward): (CellKind, usize, bool),
    [inputs, units, gates]: [usize; 3],
) -> CellArrays {
    let [weight_ih, weight_hh, bias_ih, bias_hh] = names(at, backward);
    let columns = gates * units;
    let kernel = take.take(&weight_ih, &[columns, inputs]).transposed();
    let recurrent = take.take(&weight_hh, &[columns, units]).transposed();
    let (bias, second) = (take.take(&bias_ih, &[columns]), take.take(&bias_hh, &[columns]));
    let (bias, recurrent_bias) = match kind {
        CellKind::Gru { .. } => (bias, Some(ordered(kind, second))),
        // Both are added to the same sum.
        CellKind::Elman(_) | CellKind::Lstm => {
            let sum = bias.values.iter().zip(&second.values).map(|(a, b)| a + b).collect();
            (Array::vector(sum), None)
        }
    };
    CellArrays {
        kernel: ordered(kind, kernel),
        recurrent_kernel: ordered(kind, recurrent),
        bias: ordered(kind, bias),
        recurrent_bias,
    }
}

pub(super) fn export(
    tensors: &mut Tensors,
    (kind, at, backward): (CellKind, usize, bool),
    arrays: CellArrays,
) {
    let zeros = Array::vector(vec![0.0; arrays.bias.values.len()]);
    let second = arrays.recurrent_bias.unwrap_or(zeros);
    let ours = [
        ordered(kind, arrays.kernel).transposed(),
        ordered(kind, arrays.recurrent_kernel).transposed(),
        ordered(kind, arrays.bias),
        ordered(kind, second),
    ];
    tensors.extend(names(at, backward).into_iter().zip(ours));
}
