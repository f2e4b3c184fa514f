//! Weights in half precision, as a safetensors file of about half the size.
//!
//! Matrices are stored as F16, rounded to the nearest value, and vectors, such as biases, as F32.

use burn::tensor::{Bytes, DType};
use half::f16;
use safetensors::tensor::{Dtype, TensorView};
use text_prep::error::one_line;

use crate::network::Network;
use crate::serialize::{tensors, weights_to_bytes};

/// The weights of `model` with matrices in half precision. The same weights give the same bytes.
///
/// # Errors
/// The reason, if they are not finite, too large for half precision, or cannot be serialized.
pub fn f16_weights_to_bytes<M: Network>(model: &M) -> Result<Vec<u8>, String> {
    let mut arrays: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for tensor in tensors(Bytes::from_bytes_vec(weights_to_bytes(model)?))? {
        let (name, dtype, shape, _, bytes) = tensor.into_parts().map_err(|error| one_line(&error.to_string()))?;
        if dtype != DType::F32 {
            return Err(format!("{name} is {dtype:?}, expected F32"));
        }
        let values = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let most = f32::from(f16::MAX);
        if let Some(found) = values.clone().find(|value| !(-most..=most).contains(value)) {
            return Err(format!("{name} has the value {found:e}, expected {:e} to {most:e}", -most));
        }
        let shape = shape.to_vec();
        arrays.push(if shape.len() == 2 {
            let halves = values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
            (name, Dtype::F16, shape, halves)
        } else {
            (name, Dtype::F32, shape, bytes.to_vec())
        });
    }
    let mut views = Vec::with_capacity(arrays.len());
    for (name, dtype, shape, bytes) in &arrays {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        views.push((name.as_str(), view.map_err(|error| error.to_string())?));
    }
    safetensors::serialize(views, None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use safetensors::SafeTensors;

    use super::*;
    use crate::language_model::LanguageModelConfig;
    use crate::parameters::parameters;
    use crate::stack::LayerConfig;

    #[test]
    fn matrices_are_halves_and_vectors_stay() {
        let config = LanguageModelConfig::new(9, 4, vec![LayerConfig::gru(5).layer_norm(true)]);
        let model = config.init(1, &Device::flex()).unwrap();
        let bytes = f16_weights_to_bytes(&model).unwrap();
        assert_eq!(f16_weights_to_bytes(&model).unwrap(), bytes);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let parameters = parameters(&model);
        assert_eq!(file.len(), parameters.len());
        for (name, parameter) in parameters {
            let view = file.tensor(&name).unwrap();
            assert_eq!(view.shape(), parameter.shape, "{name}");
            assert_eq!(view.dtype(), if parameter.shape.len() == 2 { Dtype::F16 } else { Dtype::F32 }, "{name}");
        }
        let first = crate::cell::f32_values(model.embedding.weight.val())[0];
        let stored = file.tensor("embedding.weight").unwrap().data()[..2].to_vec();
        assert_eq!(f16::from_le_bytes([stored[0], stored[1]]), f16::from_f32(first));
    }

    #[test]
    fn weights_that_halves_cannot_have_are_rejected() {
        let config = LanguageModelConfig::new(9, 4, vec![LayerConfig::lstm(5)]);
        for value in [f32::NAN, f32::INFINITY, 7e4, -7e4] {
            let mut model = config.zeros(&Device::flex()).unwrap();
            model.output.kernel = model.output.kernel.map(|kernel| kernel.map(|kernel| kernel.add_scalar(value)));
            let error = f16_weights_to_bytes(&model).unwrap_err();
            assert!(error.contains("output.kernel has the value") && error.contains("expected -6.5504e4"), "{error}");
        }
    }
}
