//! PyTorch's layout of a cell: `weight_ih` and `weight_hh` are transposed, `[gates · H, inputs]`, there
//! are two biases, and the gates of a GRU are in the order r z n.

use super::array::{Array, CellArrays, Tensors};
use super::strict_loader::StrictLoader;
use crate::cell::{Activation, CellKind};
use crate::error::{Error, Result};
use crate::stack::Stack;

/// The names of one direction of layer `at`.
fn names(index: usize, backward: bool) -> [String; 4] {
    let end = if backward { "_reverse" } else { "" };
    ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|name| format!("rnn.{name}_l{index}{end}"))
}

/// Rejects a stack that one module of `torch.nn` cannot compute.
pub(super) fn check(stack: &Stack) -> Result<()> {
    let Some(first) = stack.layers.first() else { return Ok(()) };
    for (index, layer) in stack.layers.iter().enumerate() {
        let kind = layer.cell.kind();
        let (key, found, expected) = match kind {
            CellKind::Gru { reset_after: false } => {
                ("reset_after", "false", "true: PyTorch's GRU resets after the product")
            }
            CellKind::Elman(Activation::Sigmoid) => {
                ("activation", "sigmoid", "tanh or relu: PyTorch's RNN has no other")
            }
            _ if kind != first.cell.kind() => {
                ("cell", "different", "that of the first layer: PyTorch stacks equal cells")
            }
            _ if layer.cell.units() != first.cell.units() => {
                ("units", "different", "that of the first layer: PyTorch stacks equal sizes")
            }
            _ if layer.backward.is_some() != first.backward.is_some() => {
                ("bidirectional", "different", "that of the first layer: PyTorch stacks equal layers")
            }
            _ if layer.norm.is_some() => ("layer_norm", "true", "false: PyTorch's modules have no layer normalisation"),
            _ => continue,
        };
        return Err(Error::out_of_range(format!("model.layers[{index}].{key}"), found, expected));
    }
    Ok(())
}

/// The weights of a cell; `None` if one is missing, which `loader` reports.
pub(super) fn import(
    loader: &mut StrictLoader,
    (kind, index, backward): (CellKind, usize, bool),
    [inputs, units, gates]: [usize; 3],
) -> Option<CellArrays> {
    let [weight_ih, weight_hh, bias_ih, bias_hh] = names(index, backward);
    let (spec, columns) = (kind.spec(), gates * units);
    let ordered = |array: Array| array.reordered(spec.pytorch_order);
    let kernel = loader.take(&weight_ih, &[columns, inputs]);
    let recurrent = loader.take(&weight_hh, &[columns, units]);
    // `bias=False` holds for all layers of a module.
    let [bias, second] = [bias_ih, bias_hh].map(|name| loader.take_bias(&name, &[columns], "rnn.bias_"));
    let (kernel, recurrent, bias, second) = (kernel?.transposed(), recurrent?.transposed(), bias?, second?);
    let (bias, recurrent_bias) = if spec.biases == 2 {
        (bias, Some(ordered(second)))
    } else {
        // Both are added to the same sum.
        let sum = bias.values.iter().zip(&second.values).map(|(a, b)| a + b).collect();
        (Array::vector(sum), None)
    };
    let (kernel, recurrent_kernel, bias) = (ordered(kernel), ordered(recurrent), ordered(bias));
    Some(CellArrays { kernel, recurrent_kernel, bias, recurrent_bias })
}

pub(super) fn export(tensors: &mut Tensors, (kind, index, backward): (CellKind, usize, bool), arrays: CellArrays) {
    let order = kind.spec().pytorch_order;
    let zeros = Array::vector(vec![0.0; arrays.bias.values.len()]);
    let second = arrays.recurrent_bias.unwrap_or(zeros);
    let ordered = [
        arrays.kernel.reordered(order).transposed(),
        arrays.recurrent_kernel.reordered(order).transposed(),
        arrays.bias.reordered(order),
        second.reordered(order),
    ];
    tensors.extend(names(index, backward).into_iter().zip(ordered));
}
