//! Keras's layout of a cell: kernels have our shape `[inputs, gates · H]` and order of gates; a GRU with
//! `reset_after` stores its two biases in one matrix, `[2, 3H]`. Tensors are named by their variables'
//! paths, as in `{v.path: v.numpy() for v in model.weights}`.

use super::array::{Array, CellArrays, Tensors};
use super::strict_loader::StrictLoader;
use crate::cell::CellKind;

/// The path of a cell's variables in the layer called `layer`; `backward` is given for bidirectional
/// layers.
pub(super) fn path(layer: &str, kind: CellKind, backward: Option<bool>) -> String {
    let name = kind.spec().keras_name;
    match backward {
        None => format!("{layer}/{name}_cell"),
        Some(backward) => {
            let direction = if backward { "backward" } else { "forward" };
            format!("{layer}/{direction}_{name}/{name}_cell")
        }
    }
}

/// `tensors` without the model name that a sequential model puts before every path.
pub(super) fn without_model_name(tensors: Tensors) -> Tensors {
    let end = "/embedding/embeddings";
    let model = tensors.keys().find_map(|name| name.strip_suffix(end)).map(|name| format!("{name}/"));
    let Some(model) = model else { return tensors };
    let rest = |name: String| name.strip_prefix(&model).map(String::from).unwrap_or(name);
    tensors.into_iter().map(|(name, array)| (rest(name), array)).collect()
}

/// The weights of a cell; `None` if one is missing, which `loader` reports.
pub(super) fn import(
    loader: &mut StrictLoader,
    path: &str,
    kind: CellKind,
    [inputs, units, gates]: [usize; 3],
) -> Option<CellArrays> {
    let columns = gates * units;
    let two_biases = kind.spec().biases == 2;
    let shape = if two_biases { vec![2, columns] } else { vec![columns] };
    let kernel = loader.take(&format!("{path}/kernel"), &[inputs, columns]);
    let recurrent_kernel = loader.take(&format!("{path}/recurrent_kernel"), &[units, columns]);
    let name = format!("{path}/bias");
    let bias = loader.take_bias(&name, &shape, &name);
    let (kernel, recurrent_kernel, mut bias) = (kernel?, recurrent_kernel?, bias?.values);
    let recurrent_bias = two_biases.then(|| Array::vector(bias.split_off(columns)));
    Some(CellArrays { kernel, recurrent_kernel, bias: Array::vector(bias), recurrent_bias })
}

pub(super) fn export(tensors: &mut Tensors, path: &str, arrays: CellArrays) {
    let bias = match arrays.recurrent_bias {
        None => arrays.bias,
        Some(second) => {
            let shape = vec![2, second.values.len()];
            Array { shape, values: [arrays.bias.values, second.values].concat() }
        }
    };
    let named = [("kernel", arrays.kernel), ("recurrent_kernel", arrays.recurrent_kernel), ("bias", bias)];
    tensors.extend(named.map(|(name, array)| (format!("{path}/{name}"), array)));
}
