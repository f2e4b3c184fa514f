//! The values of tensors on any device.

#[cfg(feature = "ndarray")]
use burn::backend::{BackendTensor, DispatchTensorKind, TensorMetadata, ndarray::NdArrayTensor};
#[cfg(feature = "ndarray")]
use burn::tensor::DType;
use burn::tensor::{Tensor, TensorReadError};

#[cfg(feature = "ndarray")]
use super::cpu::TensorFloat;

/// The values of `tensor`, row by row.
///
/// # Errors
/// If the device does not return them.
pub fn f32_values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, TensorReadError> {
    // Burn copies the values of this backend one by one, unless no other tensor shares them, which took a large part
    // of the time to load a model.
    #[cfg(feature = "ndarray")]
    if let Some(values) = ndarray(tensor.clone().into_dispatch().kind) {
        return Ok(f32::values(&values).contiguous().into_owned());
    }
    tensor.try_into_vec_as()
}

/// The f32 tensor of the ndarray backend, if it is one, outside the autodiff graph.
#[cfg(feature = "ndarray")]
fn ndarray(kind: DispatchTensorKind) -> Option<NdArrayTensor> {
    match kind {
        DispatchTensorKind::NdArray(BackendTensor::Float(tensor)) if tensor.dtype() == DType::F32 => Some(tensor),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn values_are_read_row_by_row_whatever_the_layout_is() {
        let devices = [
            Device::flex(),
            #[cfg(feature = "ndarray")]
            Device::ndarray(),
        ];
        for device in devices {
            let tensor = Tensor::<2>::from_floats([[1.0, -0.0, 3.0], [4.0, f32::MIN_POSITIVE, 6.0]], &device);
            let bits =
                |tensor: Tensor<2>| -> Vec<u32> { f32_values(tensor).unwrap().into_iter().map(f32::to_bits).collect() };
            let expected = [1.0, -0.0, 3.0, 4.0, f32::MIN_POSITIVE, 6.0].map(f32::to_bits);
            // Shared with a clone, of which a part and a transposed view are read, and alone.
            assert_eq!(bits(tensor.clone()), expected);
            assert_eq!(f32_values(tensor.clone().transpose()).unwrap()[..3], [1.0, 4.0, -0.0]);
            assert_eq!(f32_values(tensor.clone().narrow(1, 1, 2)).unwrap()[1..3], [3.0, f32::MIN_POSITIVE]);
            assert_eq!(bits(tensor), expected);
        }
    }
}
