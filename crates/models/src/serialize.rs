//! Weights and recurrent states as bytes, bit for bit.

use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::cell::CellState;
use crate::network::Network;
use crate::stack::State;

/// The weights of `model` as a Burnpack file.
///
/// # Errors
/// The reason, if they cannot be serialized.
pub fn weights_to_bytes<M: Network>(model: &M) -> Result<Vec<u8>, String> {
    let record = model.clone().into_record().into_bytes();
    record.map(|bytes| bytes.to_vec()).map_err(|error| format!("the weights cannot be serialized: {error}"))
}

/// The network of this configuration with the weights in `bytes`.
///
/// # Errors
/// The reason, if they are not the weights of such a model.
pub fn weights_from_bytes<M: Network>(config: &M::Config, bytes: Vec<u8>, device: &Device) -> Result<M, String> {
    let model = M::zeros(config, device).map_err(|error| error.to_string())?;
    // From memory: a record on disk is read, and may have changed, at first use.
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes));
    record
        .and_then(|record| model.try_load_record(record))
        .map_err(|error| format!("the weights do not fit the model: {error}"))
}

/// The state of every layer and direction as a safetensors file of 32-bit floats: `0.hidden`,
/// `0.memory` (the cell state), `1.hidden`, ….
///
/// # Errors
/// The reason, if the device fails to return it.
pub fn state_to_bytes(state: &State) -> Result<Vec<u8>, String> {
    let mut arrays: Vec<(String, [usize; 2], Vec<u8>)> = Vec::new();
    for (index, CellState { hidden, cell }) in state.iter().enumerate() {
        for (name, tensor) in [("hidden", Some(hidden)), ("memory", cell.as_ref())] {
            let Some(tensor) = tensor else { continue };
            let values: Vec<f32> = tensor.clone().try_into_vec_as().map_err(|error| error.to_string())?;
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            arrays.push((format!("{index}.{name}"), tensor.dims(), bytes));
        }
    }
    let mut views = Vec::with_capacity(arrays.len());
    for (name, shape, bytes) in &arrays {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes);
        views.push((name.as_str(), view.map_err(|error| error.to_string())?));
    }
    safetensors::serialize(views, None).map_err(|error| error.to_string())
}

/// The state in `bytes`, as written by [`state_to_bytes`].
///
/// # Errors
/// The reason, if it is not a state.
pub fn state_from_bytes(bytes: &[u8], device: &Device) -> Result<State, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let tensor = |name: &str| -> Result<Option<Tensor<2>>, String> {
        let Ok(view) = file.tensor(name) else { return Ok(None) };
        let (&[rows, columns], Dtype::F32) = (view.shape(), view.dtype()) else {
            return Err(format!("`{name}` is not a matrix of 32-bit floats"));
        };
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok(Some(Tensor::from_data(TensorData::new(values, [rows, columns]), device)))
    };
    let mut state = State::new();
    while let Some(hidden) = tensor(&format!("{}.hidden", state.len()))? {
        let cell = tensor(&format!("{}.memory", state.len()))?;
        state.push(CellState { hidden, cell });
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_restored_bit_for_bit() {
        let device = Device::flex();
        let tensor = |values: [f32; 4]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [2, 2]), &device);
        let state = vec![
            CellState { hidden: tensor([0.1, -0.2, 1e-30, 4.0]), cell: None },
            CellState { hidden: tensor([1.0, 2.0, 3.0, 4.0]), cell: Some(tensor([f32::MIN_POSITIVE, 0.3, -0.0, 7.7])) },
        ];
        let read = state_from_bytes(&state_to_bytes(&state).unwrap(), &device).unwrap();
        let bits = |state: &State| -> Vec<Option<Vec<u32>>> {
            let bits = |tensor: &Tensor<2>| {
                let values: Vec<f32> = tensor.clone().try_into_vec_as().unwrap();
                values.into_iter().map(f32::to_bits).collect()
            };
            let cells = state.iter();
            cells.flat_map(|cell| [Some(bits(&cell.hidden)), cell.cell.as_ref().map(bits)]).collect()
        };
        assert_eq!(bits(&read), bits(&state));
        assert!(state_from_bytes(b"nothing", &device).is_err());
    }
}
