//! Keras's layout of a cell: kernels lie as ours do, `[inputs, gates · H]`, in the same order of
//! gates; a GRU that resets after the product keeps its two biases in one matrix, `[2, 3H]`. Tensors
//! are called by their variables' paths, as in `{v.path: v.numpy() for v in model.weights}`.

use super::{Array, Take, Tensors};
use crate::cell::CellKind;
use crate::foreign::model::CellArrays;

/// Keras's name of a cell's layer, as in `lstm`.
pub(super) fn layer_name(kind: CellKind) -> &'static str {
    match kind {
        CellKind::Elman(_) => "simple_rnn",
        CellKind::Lstm => "lstm",
        CellKind::Gru { .. } => "gru",
    }
}

/// The path of a cell's variables in the layer `layer`; `backward` is given in layers that read both
/// ways.
pub(super) fn path(layer: &str, kind: CellKind, backward: Option<bool>) -> String {
    let name = layer_name(kind);
    match backward {
        None => format!("{layer}/{name}_cell"),
        Some(backward) => {
            let direction = if backward { "backward" } else { "forward" };
            format!("{layer}/{direction}_{name}/{name}_cell")
        }
    }
}

/// `tensors` without the name that a sequential model puts before every path.
pub(super) fn without_model_name(tensors: Tensors) -> Tensors {
    let end = "/embedding/embeddings";
    let model =
        tensors.keys().find_map(|name| name.strip_suffix(end)).map(|name| format!("{name}/"));
    let Some(model) = model else { return tensors };
    let rest = |name: String| name.strip_prefix(&model).map(String::from).unwrap_or(name);
    tensors.into_iter().map(|(name, array)| (rest(name), array)).collect()
}

pub(super) fn import(
    take: &mut Take,
    path: &str,
    kind: CellKind,
    [inputs, units, gates]: [usize; 3],
) -> CellArrays {
    let columns = gates * units;
    let two_biases = kind == CellKind::Gru { reset_after: true };
    let shape = if two_biases { vec![2, columns] } else { vec![columns] };
    let kernel = take.take(&format!("{path}/kernel"), &[inputs, columns]);
    let recurrent_kernel = take.take(&format!("{path}/recurrent_kernel"), &[units, columns]);
    let mut bias = take.take(&format!("{path}/bias"), &shape).values;
    let recurrent_bias = two_biases.then(|| Array::vector(bias.split_off(columns)));
    CellArrays { kernel, recurrent_kernel, bias: Array::vector(bias), recurrent_bias }
}

pub(super) fn export(tensors: &mut Tensors, path: &str, arrays: CellArrays) {
    let bias = match arrays.recurrent_bias {
        None => arrays.bias,
        Some(second) => {
            let shape = vec![2, second.values.len()];
            Array { shape, values: [arrays.bias.values, second.values].concat() }
        }
    };
    let ours =
        [("kernel", arrays.kernel), ("recurrent_kernel", arrays.recurrent_kernel), ("bias", bias)];
    tensors.extend(ours.map(|(name, array)| (format!("{path}/{name}"), array)));
}
