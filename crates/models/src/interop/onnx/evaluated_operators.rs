//! ONNX's operators that exported graphs consist of, as their documents define them: <https://onnx.ai/onnx/operators/>.

use super::evaluator::{Attribute, Node};
use crate::interop::array::Array;

/// The outputs of an operator.
pub(super) fn operator(node: &Node, inputs: &[Option<&Array>]) -> Vec<Array> {
    let at = |index: usize| inputs[index].unwrap_or_else(|| panic!("{} has no input {index}", node.op_type));
    let ints = |index: usize| -> Vec<usize> { at(index).values.iter().map(|&value| value as usize).collect() };
    let attribute = |name: &str| node.attributes.get(name).unwrap_or_else(|| panic!("{} has no {name}", node.op_type));
    let axis = || attribute("axis").int as usize;
    let output = match node.op_type.as_str() {
        "Gather" => gather(at(0), at(1)),
        "Add" => broadcast(at(0), at(1), |a, b| a + b),
        "Mul" => broadcast(at(0), at(1), |a, b| a * b),
        "Equal" => broadcast(at(0), at(1), |a, b| f64::from(u8::from(a == b))),
        "Where" => {
            let of_true = broadcast(at(0), at(1), |condition, value| if condition != 0.0 { value } else { f64::NAN });
            broadcast(&of_true, at(2), |value, other| if value.is_nan() { other } else { value })
        }
        "MatMul" => mat_mul(at(0), at(1)),
        "Transpose" => {
            let order: Vec<usize> = attribute("perm").ints.iter().map(|&axis| axis as usize).collect();
            transpose(at(0), &order)
        }
        "Slice" => slice(at(0), ints(3)[0], ints(1)[0]..ints(2)[0]),
        "Concat" => concat(&(0..inputs.len()).map(at).collect::<Vec<_>>(), axis()),
        "Squeeze" => {
            let mut shape = at(0).shape.clone();
            assert_eq!(shape.remove(ints(1)[0]), 1);
            Array { shape, values: at(0).values.clone() }
        }
        "Unsqueeze" => {
            let mut shape = at(0).shape.clone();
            shape.insert(ints(1)[0], 1);
            Array { shape, values: at(0).values.clone() }
        }
        "LogSoftmax" => by_row(at(0), axis(), |row| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|value| (value - largest).exp()).sum();
            row.iter().map(|value| value - largest - sum.ln()).collect()
        }),
        "LayerNormalization" => {
            let epsilon = attribute("epsilon").float;
            by_row(at(0), axis(), |row| {
                let mean = row.iter().sum::<f64>() / row.len() as f64;
                let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / row.len() as f64;
                let normalised = row.iter().map(|value| (value - mean) / (variance + epsilon).sqrt());
                normalised
                    .zip(at(1).values.iter().zip(&at(2).values))
                    .map(|(x, (gain, bias))| x * gain + bias)
                    .collect()
            })
        }
        "RNN" | "LSTM" | "GRU" => return recurrent(node, inputs),
        other => panic!("the operator {other} is not known"),
    };
    vec![output]
}

/// The number of values of the dimensions before `axis`, and of those after it.
fn around(shape: &[usize], axis: usize) -> [usize; 2] {
    [shape[..axis].iter().product(), shape[axis + 1..].iter().product()]
}

fn gather(table: &Array, ids: &Array) -> Array {
    let [_, width] = around(&table.shape, 0);
    let row = |&id: &f64| table.values[id as usize * width..][..width].to_vec();
    Array { shape: [&ids.shape, &table.shape[1..]].concat(), values: ids.values.iter().flat_map(row).collect() }
}

/// Dimensions are aligned at the last one; one of size 1 is repeated.
fn broadcast(a: &Array, b: &Array, f: impl Fn(f64, f64) -> f64) -> Array {
    let rank = a.shape.len().max(b.shape.len());
    let padded = |array: &Array| [vec![1; rank - array.shape.len()], array.shape.clone()].concat();
    let shapes = [padded(a), padded(b)];
    let shape: Vec<usize> = (0..rank).map(|axis| shapes[0][axis].max(shapes[1][axis])).collect();
    for of_input in &shapes {
        assert!(of_input.iter().zip(&shape).all(|(&size, &whole)| size == whole || size == 1), "{shapes:?}");
    }
    let value = |array: &Array, of_input: &[usize], index: &[usize]| {
        let at =
            index.iter().zip(of_input).fold(0, |at, (&index, &size)| at * size + if size == 1 { 0 } else { index });
        array.values[at]
    };
    let values = indices(&shape).map(|index| f(value(a, &shapes[0], &index), value(b, &shapes[1], &index)));
    Array { values: values.collect(), shape }
}

/// All indices of an array of `shape`, row by row.
fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<'_> {
    let count: usize = shape.iter().product();
    (0..count).map(move |mut at| {
        let mut index: Vec<usize> = shape
            .iter()
            .rev()
            .map(|&size| {
                let position = at % size;
                at /= size;
                position
            })
            .collect();
        index.reverse();
        index
    })
}

fn mat_mul(a: &Array, b: &Array) -> Array {
    let [inner, columns] = b.shape[..] else { panic!("a matrix of shape {:?}", b.shape) };
    let row = |row: &[f64]| -> Vec<f64> {
        (0..columns).map(|column| (0..inner).map(|at| row[at] * b.values[at * columns + column]).sum()).collect()
    };
    let (last, outer) = a.shape.split_last().unwrap();
    assert_eq!(*last, inner);
    Array { shape: [outer, &[columns]].concat(), values: a.values.chunks(inner).flat_map(row).collect() }
}

fn transpose(array: &Array, order: &[usize]) -> Array {
    let shape: Vec<usize> = order.iter().map(|&axis| array.shape[axis]).collect();
    let value = |index: Vec<usize>| {
        let mut source = vec![0; order.len()];
        order.iter().zip(index).for_each(|(&axis, position)| source[axis] = position);
        array.values[source.iter().zip(&array.shape).fold(0, |at, (position, size)| at * size + position)]
    };
    Array { values: indices(&shape).map(value).collect(), shape }
}

fn slice(array: &Array, axis: usize, range: std::ops::Range<usize>) -> Array {
    let [before, after] = around(&array.shape, axis);
    let size = array.shape[axis] * after;
    let rows = (0..before).map(|row| &array.values[row * size + range.start * after..row * size + range.end * after]);
    let values = rows.collect::<Vec<_>>().concat();
    let mut shape = array.shape.clone();
    shape[axis] = range.len();
    Array { shape, values }
}

fn concat(arrays: &[&Array], axis: usize) -> Array {
    let [before, after] = around(&arrays[0].shape, axis);
    let mut shape = arrays[0].shape.clone();
    shape[axis] = arrays.iter().map(|array| array.shape[axis]).sum();
    let part = |array: &Array, row: usize| {
        let size = array.shape[axis] * after;
        array.values[row * size..][..size].to_vec()
    };
    let values = (0..before).flat_map(|row| arrays.iter().flat_map(move |array| part(array, row))).collect();
    Array { shape, values }
}

/// Replaces each row of the last dimension, which must be `axis`.
fn by_row(array: &Array, axis: usize, f: impl Fn(&[f64]) -> Vec<f64>) -> Array {
    assert_eq!(axis, array.shape.len() - 1);
    Array { shape: array.shape.clone(), values: array.values.chunks(array.shape[axis]).flat_map(f).collect() }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `RNN`, `LSTM` and `GRU` with `layout` 0, from `X` `[time, batch, D]` to `Y` `[time, 1, batch, H]`, `Y_h` and `Y_c`.
fn recurrent(node: &Node, inputs: &[Option<&Array>]) -> Vec<Array> {
    let [x, w, r, b] = [0, 1, 2, 3].map(|index| inputs[index].unwrap());
    assert!(inputs[4].is_none(), "all rows have the same length");
    let [time, batch, width] = x.shape[..] else { panic!("X has the shape {:?}", x.shape) };
    let units = node.attributes["hidden_size"].int as usize;
    let gates = w.shape[1] / units;
    assert_eq!([&w.shape[..], &r.shape[..]], [[1, gates * units, width], [1, gates * units, units]]);
    assert_eq!(b.shape, [1, 2 * gates * units]);
    let mut states: Vec<Array> = inputs[5..].iter().map(|state| state.unwrap().clone()).collect();
    assert!(states.iter().all(|state| state.shape == [1, batch, units]));
    // One gate of one unit: the row of `matrix` times `vector`.
    let product = |matrix: &Array, row: usize, vector: &[f64]| -> f64 {
        let row = &matrix.values[row * vector.len()..][..vector.len()];
        row.iter().zip(vector).map(|(a, b)| a * b).sum()
    };
    let mut y = Vec::with_capacity(time * batch * units);
    for step in 0..time {
        for row in 0..batch {
            let x = &x.values[(step * batch + row) * width..][..width];
            let h = states[0].values[row * units..][..units].to_vec();
            let c: Option<Vec<f64>> = states.get(1).map(|cell| cell.values[row * units..][..units].to_vec());
            let of_x = |gate: usize, unit: usize| product(w, gate * units + unit, x) + b.values[gate * units + unit];
            let with = |gate: usize, unit: usize, h: &[f64]| {
                product(r, gate * units + unit, h) + b.values[(gates + gate) * units + unit]
            };
            let sum = |gate: usize, unit: usize| of_x(gate, unit) + with(gate, unit, &h);
            let (h, c) = match (node.op_type.as_str(), c) {
                ("RNN", None) => {
                    let activation = activation(&node.attributes["activations"]);
                    ((0..units).map(|unit| activation(sum(0, unit))).collect::<Vec<_>>(), None)
                }
                ("LSTM", Some(before)) => {
                    let c = (0..units)
                        .map(|unit| sigmoid(sum(2, unit)) * before[unit] + sigmoid(sum(0, unit)) * sum(3, unit).tanh());
                    let c: Vec<f64> = c.collect();
                    ((0..units).map(|unit| sigmoid(sum(1, unit)) * c[unit].tanh()).collect(), Some(c))
                }
                ("GRU", None) => {
                    let reset: Vec<f64> = (0..units).map(|unit| sigmoid(sum(1, unit))).collect();
                    let reset_h: Vec<f64> = reset.iter().zip(&h).map(|(reset, h)| reset * h).collect();
                    let candidate = |unit: usize| match node.attributes["linear_before_reset"].int {
                        0 => (of_x(2, unit) + with(2, unit, &reset_h)).tanh(),
                        _ => (of_x(2, unit) + reset[unit] * with(2, unit, &h)).tanh(),
                    };
                    let new = |unit: usize| {
                        let update = sigmoid(sum(0, unit));
                        (1.0 - update) * candidate(unit) + update * h[unit]
                    };
                    ((0..units).map(new).collect(), None)
                }
                (op_type, _) => panic!("{op_type} with {} states", states.len()),
            };
            y.extend(&h);
            for (state, value) in states.iter_mut().zip([Some(h), c].into_iter().flatten()) {
                state.values[row * units..][..units].copy_from_slice(&value);
            }
        }
    }
    [vec![Array { shape: vec![time, 1, batch, units], values: y }], states].concat()
}

fn activation(attribute: &Attribute) -> fn(f64) -> f64 {
    match attribute.strings.join(" ").as_str() {
        "Tanh" => f64::tanh,
        "Sigmoid" => sigmoid,
        "Relu" => |x: f64| x.max(0.0),
        other => panic!("the activation {other} is not known"),
    }
}
