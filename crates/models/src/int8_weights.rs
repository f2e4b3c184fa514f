//! Weights in 8 bits, as a safetensors file of about a quarter of the size.
//!
//! A matrix is stored as integers from −127 to 127 (I8) under its name, and what they are multiplied by (F32) under its
//! name and `.scale`: a value per row of an embedding, `[rows, 1]`, and per column, which is an output unit, of any
//! other matrix, `[1, columns]`. The integers are the nearest ones, so that no weight changes by more than half its
//! scale. Vectors, such as biases, are stored as they are (F32).

use std::collections::BTreeMap;

use burn::tensor::{Bytes, DType};
use kernels::inference::{quantization_scale, quantize};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use text_prep::error::one_line;

use crate::network::Network;
use crate::parameters::parameters;
use crate::serialize::{tensors, weights_from_tensors, weights_to_bytes};

/// What is added to the name of a matrix in that of its scales.
const SCALE: &str = ".scale";
/// How the names of embeddings end, see [`Embedding`](crate::embedding::Embedding).
const EMBEDDING: &str = ".weight";
/// The largest absolute value of a weight, and of a scale: no product of a scale and an integer is infinite.
const MAX_WEIGHT: f32 = 1e30;

/// A tensor of the file.
struct Array {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// The weights of `model` with matrices in 8 bits. The same weights give the same bytes.
///
/// # Errors
/// The reason, if they are not finite, or cannot be serialized.
pub fn int8_weights_to_bytes<M: Network>(model: &M) -> Result<Vec<u8>, String> {
    let mut arrays: Vec<Array> = Vec::new();
    for tensor in tensors(Bytes::from_bytes_vec(weights_to_bytes(model)?))? {
        let (name, dtype, shape, _, bytes) = tensor.into_parts().map_err(|error| one_line(&error.to_string()))?;
        if dtype != DType::F32 {
            return Err(format!("{name} is {dtype:?}, expected F32"));
        }
        let (shape, values) = (shape.to_vec(), floats(&bytes));
        check_range(&name, &values, -MAX_WEIGHT)?;
        match <[usize; 2]>::try_from(shape.as_slice()) {
            Ok(sizes) => arrays.extend(quantized(name, &values, sizes)),
            Err(_) => arrays.push(Array { name, dtype: Dtype::F32, shape, bytes: bytes.to_vec() }),
        }
    }
    serialize(&arrays)
}

/// `model`, such as [`Network::zeros`], with the weights in `bytes`, as written by [`int8_weights_to_bytes`].
///
/// # Errors
/// The reason, if they are not the weights of such a model.
pub fn int8_weights_from_bytes<M: Network>(model: M, bytes: &[u8]) -> Result<M, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("it cannot be read as weights: {}", one_line(&error.to_string())))?;
    let views: BTreeMap<&str, TensorView> = file.iter().collect();
    let is_scale = |name: &str| {
        let matrix = name.strip_suffix(SCALE).and_then(|matrix| views.get(matrix));
        matrix.is_some_and(|matrix| matrix.dtype() == Dtype::I8)
    };
    // The weights as 32-bit floats are checked and loaded like those of any model.
    let parameters = parameters(&model);
    let mut tensors = Vec::new();
    for (&name, view) in views.iter().filter(|(name, _)| !is_scale(name)) {
        let values = match view.dtype() {
            Dtype::I8 => dequantized(&one_line(name), view, views.get(format!("{name}{SCALE}").as_str()))?,
            Dtype::F32 => floats(view.data()),
            dtype => return Err(format!("{} is {dtype:?}, expected I8 or F32", one_line(name))),
        };
        if !values.iter().all(|value| value.is_finite()) {
            return Err(format!("{} has values that are not finite", one_line(name)));
        }
        let id = parameters.get(name).map(|parameter| parameter.id.val());
        let shape = view.shape().to_vec();
        tensors.push(burn_pack::Tensor::new(name.into(), DType::F32, shape, id, Bytes::from_elems(values)));
    }
    weights_from_tensors(model, tensors)
}

/// A matrix, row after row, as integers and scales.
fn quantized(name: String, values: &[f32], [rows, columns]: [usize; 2]) -> [Array; 2] {
    let per_row = name.ends_with(EMBEDDING);
    let index = |at: usize| if per_row { at / columns } else { at % columns };
    // A row or column of zeros has a scale, too.
    let mut scales = vec![f32::MIN_POSITIVE; if per_row { rows } else { columns }];
    for (at, &value) in values.iter().enumerate() {
        let scale = &mut scales[index(at)];
        *scale = scale.max(quantization_scale(value));
    }
    let integers = values.iter().enumerate().map(|(at, &value)| quantize(value, scales[index(at)]).cast_unsigned());
    let integers = integers.collect();
    let scale = Array {
        name: format!("{name}{SCALE}"),
        dtype: Dtype::F32,
        shape: if per_row { vec![rows, 1] } else { vec![1, columns] },
        bytes: scales.iter().flat_map(|scale| scale.to_le_bytes()).collect(),
    };
    [Array { name, dtype: Dtype::I8, shape: vec![rows, columns], bytes: integers }, scale]
}

/// The values of the matrix `name`, row after row.
fn dequantized(name: &str, matrix: &TensorView, scale: Option<&TensorView>) -> Result<Vec<f32>, String> {
    let &[rows, columns] = matrix.shape() else {
        return Err(format!("{name} is I8 {:?}, expected a matrix or F32", matrix.shape()));
    };
    let scale = scale.ok_or_else(|| format!("{name}{SCALE} is missing"))?;
    let per_row = match *scale.shape() {
        [1, found] if found == columns => false,
        [found, 1] if found == rows => true,
        _ => return Err(unexpected_scale(name, scale, [rows, columns])),
    };
    if scale.dtype() != Dtype::F32 {
        return Err(unexpected_scale(name, scale, [rows, columns]));
    }
    let scales = floats(scale.data());
    check_range(&format!("{name}{SCALE}"), &scales, f32::MIN_POSITIVE)?;
    let mut values = Vec::with_capacity(matrix.data().len());
    // A matrix without columns has no values.
    for (row, integers) in matrix.data().chunks_exact(columns.max(1)).enumerate() {
        let integers = integers.iter().map(|byte| f32::from(byte.cast_signed()));
        if per_row {
            values.extend(integers.map(|integer| integer * scales[row]));
        } else {
            values.extend(integers.zip(&scales).map(|(integer, scale)| integer * scale));
        }
    }
    Ok(values)
}

fn unexpected_scale(name: &str, scale: &TensorView, [rows, columns]: [usize; 2]) -> String {
    let (dtype, shape) = (scale.dtype(), scale.shape());
    format!("{name}{SCALE} is {dtype:?} {shape:?}, expected F32 [{rows}, 1] or [1, {columns}]")
}

/// Checks that all values are from `least` to [`MAX_WEIGHT`].
fn check_range(name: &str, values: &[f32], least: f32) -> Result<(), String> {
    match values.iter().find(|value| !(least..=MAX_WEIGHT).contains(*value)) {
        Some(found) => Err(format!("{name} has the value {found:e}, expected {least:e} to {MAX_WEIGHT:e}")),
        None => Ok(()),
    }
}

fn serialize(arrays: &[Array]) -> Result<Vec<u8>, String> {
    let mut views = Vec::with_capacity(arrays.len());
    for Array { name, dtype, shape, bytes } in arrays {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        views.push((name.as_str(), view.map_err(|error| error.to_string())?));
    }
    safetensors::serialize(views, None).map_err(|error| error.to_string())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::language_model::{LanguageModel, LanguageModelConfig};
    use crate::stack::LayerConfig;

    /// A small model with every kind of parameter.
    fn config() -> LanguageModelConfig {
        let extended = LayerConfig::lstm(3).cell_norm(true).mogrifier_rounds(2).mogrifier_rank(2);
        let layers = vec![LayerConfig::lstm(5).layer_norm(true), LayerConfig::gru(6), extended, LayerConfig::rnn(4)];
        LanguageModelConfig::new(9, 4, layers).labels(["a", "b"])
    }

    fn models() -> Vec<LanguageModel> {
        let tied = config().projection_dim(4).tie_weights(true);
        [config(), tied].map(|config| config.init(1, &Device::flex()).unwrap()).into()
    }

    fn values(model: &LanguageModel) -> BTreeMap<String, Vec<f32>> {
        let tensors = tensors(Bytes::from_bytes_vec(weights_to_bytes(model).unwrap())).unwrap();
        tensors.into_iter().map(|tensor| (tensor.name.clone(), floats(&tensor.into_bytes().unwrap()))).collect()
    }

    fn zeros() -> LanguageModel {
        config().zeros(&Device::flex()).unwrap()
    }

    #[test]
    fn no_weight_changes_by_more_than_half_its_scale() {
        for (model, config) in models().into_iter().zip([config(), config().projection_dim(4).tie_weights(true)]) {
            let bytes = int8_weights_to_bytes(&model).unwrap();
            let read = int8_weights_from_bytes(config.zeros(&Device::flex()).unwrap(), &bytes).unwrap();
            let parameters = parameters(&model);
            assert_eq!(crate::parameters::parameters(&read), parameters);
            let after = values(&read);
            for (name, before) in values(&model) {
                let after = &after[&name];
                let &[rows, columns] = parameters[&name].shape.as_slice() else {
                    assert_eq!(after, &before, "{name}");
                    continue;
                };
                assert_ne!(after, &before, "{name}");
                for (at, (before_value, after)) in before.iter().zip(after).enumerate() {
                    let (row, column) = (at / columns, at % columns);
                    let group: Vec<f32> = if name.ends_with("embedding.weight") {
                        before[row * columns..][..columns].to_vec()
                    } else {
                        (0..rows).map(|row| before[row * columns + column]).collect()
                    };
                    let scale = group.iter().fold(0f32, |max, value| max.max(value.abs())) / 127.0;
                    let difference = (before_value - after).abs();
                    // The quotient and the product are rounded, too.
                    assert!(difference <= 0.5001 * scale, "{name}, {at}: {before_value} and {after}");
                }
            }
        }
    }

    #[test]
    fn zeros_and_the_largest_weights_are_kept() {
        let read = int8_weights_from_bytes(zeros(), &int8_weights_to_bytes(&zeros()).unwrap()).unwrap();
        assert!(values(&read).values().flatten().all(|&value| value == 0.0));
        let with_output = |value: f32| {
            let mut model = zeros();
            model.output.bias = model.output.bias.map(|bias| bias.add_scalar(value));
            model.output.kernel = model.output.kernel.map(|kernel| kernel.map(|kernel| kernel.add_scalar(value)));
            int8_weights_to_bytes(&model)
        };
        let read = values(&int8_weights_from_bytes(zeros(), &with_output(-MAX_WEIGHT).unwrap()).unwrap());
        assert!(read["output.bias"].iter().all(|&value| value == -MAX_WEIGHT));
        assert!(read["output.kernel"].iter().all(|&value| (value / -MAX_WEIGHT - 1.0).abs() < 1e-6));
        for value in [f32::NAN, f32::INFINITY, 2e30] {
            let error = with_output(value).unwrap_err();
            assert!(error.contains("output.") && error.contains("expected -1e30 to 1e30"), "{error}");
        }
        let model = config().init_with_dtype(1, DType::F64, &Device::flex()).unwrap();
        assert!(int8_weights_to_bytes(&model).unwrap_err().contains("is F64, expected F32"));
    }

    #[test]
    fn the_file_has_about_a_quarter_of_the_size() {
        let config = LanguageModelConfig::new(200, 32, vec![LayerConfig::lstm(64)]);
        let model = config.init(1, &Device::flex()).unwrap();
        let (f32, int8) = (weights_to_bytes(&model).unwrap(), int8_weights_to_bytes(&model).unwrap());
        assert!(int8.len() * 3 < f32.len(), "{} and {}", int8.len(), f32.len());
        assert_eq!(int8_weights_to_bytes(&model).unwrap(), int8);
    }

    /// The error of a file in which the tensor `name` was changed.
    fn error_of(name: &str, change: impl Fn(&mut Array)) -> String {
        let bytes = int8_weights_to_bytes(&models()[0]).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut arrays: Vec<Array> = Vec::new();
        for (name, view) in file.iter() {
            let (shape, bytes) = (view.shape().to_vec(), view.data().to_vec());
            arrays.push(Array { name: name.into(), dtype: view.dtype(), shape, bytes });
        }
        change(arrays.iter_mut().find(|array| array.name == name).unwrap());
        let error = int8_weights_from_bytes(zeros(), &serialize(&arrays).unwrap()).unwrap_err();
        assert!(!error.contains('\n'), "{error}");
        error
    }

    #[test]
    fn damaged_weights_are_rejected() {
        let (matrix, scale, bias) = ("embedding.weight", "embedding.weight.scale", "output.bias");
        let rename = |array: &mut Array| array.name = "more\n".into();
        let error = error_of(bias, rename);
        assert!(error.contains("missing: output.bias [9]") && error.contains("unexpected: more\\n [9]"), "{error}");
        assert!(error_of(matrix, rename).contains("more\\n.scale is missing"));
        assert!(error_of(scale, rename).contains("embedding.weight.scale is missing"));
        let error = error_of(bias, |array| array.shape = vec![3, 3]);
        assert!(error.contains("output.bias (found [3, 3], expected [9])"), "{error}");
        let error = error_of(bias, |array| array.dtype = Dtype::I32);
        assert!(error.contains("output.bias is I32, expected I8 or F32"), "{error}");
        let error = error_of(bias, |array| (array.dtype, array.shape) = (Dtype::I8, vec![36]));
        assert!(error.contains("output.bias is I8 [36], expected a matrix or F32"), "{error}");
        let error = error_of(matrix, |array| array.shape = vec![4, 9]);
        assert!(error.contains("embedding.weight.scale is F32 [9, 1], expected F32 [4, 1] or [1, 9]"), "{error}");
        let error = error_of(scale, |array| array.dtype = Dtype::I32);
        assert!(error.contains("embedding.weight.scale is I32 [9, 1], expected F32"), "{error}");
        for value in [0.0, -0.1, f32::NAN, f32::INFINITY, 2e30] {
            let error = error_of(scale, |array| array.bytes[4..8].copy_from_slice(&f32::to_le_bytes(value)));
            assert!(error.contains("embedding.weight.scale has the value"), "{error}");
        }
        let error = error_of(bias, |array| array.bytes[4..8].copy_from_slice(&f32::NAN.to_le_bytes()));
        assert!(error.contains("output.bias has values that are not finite"), "{error}");
        let bytes = int8_weights_to_bytes(&models()[0]).unwrap();
        for damaged in [&bytes[..bytes.len() / 2], &bytes[1..], &b"nothing"[..], &[]] {
            let error = int8_weights_from_bytes(zeros(), damaged).unwrap_err();
            assert!(error.contains("cannot be read as weights"), "{error}");
        }
    }

    #[test]
    fn weights_of_another_model_are_rejected() {
        let bytes = int8_weights_to_bytes(&models()[0]).unwrap();
        let huge = config().layers(vec![LayerConfig::lstm(8_192); 100]).zeros(&Device::flex()).unwrap();
        let error = int8_weights_from_bytes(huge, &bytes).unwrap_err();
        assert!(error.contains("the weights do not fit the model") && error.contains("missing"), "{error}");
    }
}
