//! Weights and recurrent states as bytes, bit for bit. What is read is compared with the model before it takes memory.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bytes, DType, Tensor, TensorData};
use burn_pack::{Reader, Writer};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use text_prep::error::one_line;

use crate::cell::CellState;
use crate::network::Network;
use crate::parameters::{Differences, parameters};
use crate::stack::State;

/// The weights of `model` as a Burnpack file.
///
/// # Errors
/// The reason, if they cannot be serialized.
pub fn weights_to_bytes<M: Network>(model: &M) -> Result<Vec<u8>, String> {
    let mut saving = Saving::default();
    model.visit(&mut saving);
    let bytes = file_bytes(Writer::new(saving.tensors));
    bytes.map_err(|error| format!("the weights cannot be serialized: {error}"))
}

/// The file of `writer`, in memory of its exact size: `Writer::into_bytes` returns memory of another kind, from which a
/// vector is a copy.
///
/// # Errors
/// If the values of a tensor cannot be read.
pub fn file_bytes(writer: Writer) -> Result<Vec<u8>, burn_pack::Error> {
    let mut bytes = vec![0; writer.size()?];
    writer.write_into(&mut bytes)?;
    Ok(bytes)
}

/// The parameters of a model by path, as Burn's `ModuleRecord` names them. Their values are read when they are written, one
/// parameter at a time, so that there is no second copy of all weights.
#[derive(Default)]
struct Saving {
    path: Vec<String>,
    tensors: Vec<burn_pack::Tensor>,
}

impl ModuleVisitor for Saving {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.transform_for_save().val();
        let (dtype, shape) = (value.dtype(), value.shape());
        let length = shape.num_elements() * dtype.size();
        let read = move || {
            let data = value.clone().try_into_data();
            data.map(|data| data.into_parts().0).map_err(|error| burn_pack::Error::IoError(error.to_string()))
        };
        let name = self.path.join(".");
        self.tensors.push(burn_pack::Tensor::deferred(name, dtype, shape, Some(param.id.val()), length, read));
    }
}

/// `model`, such as [`Network::zeros`], with the weights in `bytes`.
///
/// # Errors
/// The reason, if they are not the weights of such a model.
pub fn weights_from_bytes<M: Network>(model: M, bytes: Vec<u8>) -> Result<M, String> {
    // From memory: a record on disk is read, and may have changed, at first use.
    weights_from_tensors(model, tensors(Bytes::from_bytes_vec(bytes).shared())?)
}

/// `model`, such as [`Network::zeros`], with the values of `tensors`, which are not copied.
///
/// # Errors
/// The reason, if they are not the weights of such a model.
pub(crate) fn weights_from_tensors<M: Network>(model: M, tensors: Vec<burn_pack::Tensor>) -> Result<M, String> {
    let expected = parameters(&model).into_iter().map(|(path, parameter)| (path, parameter.shape));
    let mut expected: BTreeMap<String, Vec<usize>> = expected.collect();
    let mut differences = Differences::new(&tensors, &mut expected);
    expected.iter().for_each(|(name, shape)| differences.add("missing", format!("{name} {shape:?}")));
    differences.check().map_err(|wrong| format!("the weights do not fit the model ({wrong})"))?;
    // Optimizers and averages find parameters by their ids.
    if tensors.iter().map(|tensor| tensor.param_id).collect::<BTreeSet<_>>().len() < tensors.len() {
        return Err("two of the weights have the same parameter id".into());
    }
    let mut weights = Weights::new();
    for tensor in tensors {
        let (name, dtype, shape, id, bytes) = tensor.into_parts().map_err(|error| one_line(&error.to_string()))?;
        let id = id.map_or_else(ParamId::new, ParamId::from);
        weights.insert(name, (id, TensorData::from_bytes(bytes, shape, dtype)));
    }
    with_weights(model, weights)
}

/// The values of parameters by path.
type Weights = BTreeMap<String, (ParamId, TensorData)>;

/// `model` with these values of its parameters.
///
/// # Errors
/// If one of them is that of no parameter.
fn with_weights<M: Network>(model: M, weights: Weights) -> Result<M, String> {
    let mut loading = Loading { path: Vec::new(), weights };
    let model = model.map(&mut loading);
    match loading.weights.keys().next() {
        None => Ok(model),
        Some(unused) => Err(format!("the weights do not fit the model (`{unused}` is of none of its parameters)")),
    }
}

/// Gives parameters their values by path.
struct Loading {
    path: Vec<String>,
    /// Those that are left.
    weights: Weights,
}

impl ModuleMapper for Loading {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some((id, data)) = self.weights.remove(&self.path.join(".")) else { return param };
        let tensor = Tensor::from_data(data, (&param.lazy_device(), DType::F32));
        param.transform_for_load(tensor, id)
    }
}

/// The tensors of a Burnpack file in memory.
pub(crate) fn tensors(bytes: Bytes) -> Result<Vec<burn_pack::Tensor>, String> {
    let tensors = Reader::from_bytes(bytes).and_then(Reader::into_tensors);
    tensors.map_err(|error| format!("it cannot be read as weights: {}", one_line(&error.to_string())))
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

/// The state of `rows` sequences in `bytes`, as written by [`state_to_bytes`]. `model_state` is a state of the same
/// model, of any number of rows.
///
/// # Errors
/// The reason, if it is not a state of this model and size.
pub fn state_from_bytes(bytes: &[u8], model_state: &State, rows: usize) -> Result<State, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("it is not a state: {}", one_line(&error.to_string())))?;
    let mut taken = 0;
    let mut take = |name: String, like: &Tensor<2>| -> Result<Tensor<2>, String> {
        let shape = [rows, like.dims()[1]];
        let view = file.tensor(&name).map_err(|_| format!("the state `{name}` is missing"))?;
        if (view.shape(), view.dtype()) != (&shape, Dtype::F32) {
            let (found, dtype) = (view.shape(), view.dtype());
            return Err(format!("the state `{name}` is {dtype:?} {found:?}, expected F32 {shape:?}"));
        }
        taken += 1;
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok(Tensor::from_data(TensorData::new(values, shape), &like.device()))
    };
    let mut state = State::with_capacity(model_state.len());
    for (index, like) in model_state.iter().enumerate() {
        let hidden = take(format!("{index}.hidden"), &like.hidden)?;
        let cell = like.cell.as_ref().map(|like| take(format!("{index}.memory"), like)).transpose()?;
        state.push(CellState { hidden, cell });
    }
    match file.len() {
        found if found == taken => Ok(state),
        found => Err(format!("it has {found} states, expected {taken}")),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::adaptive_softmax::AdaptiveSoftmax;
    use crate::cell::f32_values;
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    #[test]
    fn weights_of_another_size_are_rejected_before_the_model_takes_memory() {
        let config = |units| LanguageModelConfig::new(9, 4, vec![LayerConfig::lstm(units); 100]);
        let zeros = |units| config(units).zeros(&Device::flex()).unwrap();
        let bytes = weights_to_bytes(&config(2).init(1, &Device::flex()).unwrap()).unwrap();
        weights_from_bytes(zeros(2), bytes.clone()).unwrap();
        let error = weights_from_bytes(zeros(8_192), bytes.clone()).unwrap_err();
        assert!(error.contains("(found [2, 8], expected [8192, 32768])"), "{error}");
        let error = weights_from_bytes(zeros(2), bytes[..bytes.len() / 2].to_vec()).unwrap_err();
        assert!(error.contains("cannot be read as weights"), "{error}");
    }

    #[test]
    fn the_file_of_weights_is_that_of_burn() {
        let mogrifier = LayerConfig::lstm(5).cell_norm(true).mogrifier_rounds(3).mogrifier_rank(2);
        let plain = LanguageModelConfig::new(9, 4, vec![LayerConfig::gru(6).layer_norm(true), mogrifier]);
        let labels = plain.clone().document_id(2).labels(["a", "b"]).projection_dim(4).tie_weights(true);
        let adaptive = plain.adaptive_softmax(AdaptiveSoftmax::default().cutoffs([3, 5]).division(2));
        for config in [labels, adaptive] {
            let model = config.init(1, &Device::flex()).unwrap();
            let expected = burn::module::Module::into_record(model.clone()).into_bytes().unwrap();
            assert_eq!(weights_to_bytes(&model).unwrap(), expected.to_vec());
        }
    }

    #[test]
    fn weights_that_no_parameter_takes_are_rejected() {
        let model = || LanguageModelConfig::new(9, 4, vec![LayerConfig::lstm(2)]).zeros(&Device::flex()).unwrap();
        let weights = |names: &[&str]| -> Weights {
            let value = || (ParamId::new(), TensorData::new(vec![0.5_f32; 36], [9, 4]));
            names.iter().map(|name| (name.to_string(), value())).collect()
        };
        let loaded = with_weights(model(), weights(&["embedding.weight"])).unwrap();
        assert_eq!(f32_values(loaded.embedding.weight.val()), [0.5; 36]);
        let error = with_weights(model(), weights(&["embedding.weight", "embedding.other"])).err().unwrap();
        assert_eq!(error, "the weights do not fit the model (`embedding.other` is of none of its parameters)");
    }

    #[test]
    fn a_state_is_restored_bit_for_bit() {
        let device = Device::flex();
        let tensor = |values: [f32; 4]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [2, 2]), &device);
        let state = vec![
            CellState { hidden: tensor([0.1, -0.2, 1e-30, 4.0]), cell: None },
            CellState { hidden: tensor([1.0, 2.0, 3.0, 4.0]), cell: Some(tensor([f32::MIN_POSITIVE, 0.3, -0.0, 7.7])) },
        ];
        let bytes = state_to_bytes(&state).unwrap();
        let read = state_from_bytes(&bytes, &state, 2).unwrap();
        let bits = |state: &State| -> Vec<Option<Vec<u32>>> {
            let bits = |tensor: &Tensor<2>| {
                let values: Vec<f32> = tensor.clone().try_into_vec_as().unwrap();
                values.into_iter().map(f32::to_bits).collect()
            };
            let cells = state.iter();
            cells.flat_map(|cell| [Some(bits(&cell.hidden)), cell.cell.as_ref().map(bits)]).collect()
        };
        assert_eq!(bits(&read), bits(&state));
        let error =
            |bytes: &[u8], state: &[CellState], rows| state_from_bytes(bytes, &state.to_vec(), rows).unwrap_err();
        assert!(error(b"nothing", &state, 2).contains("not a state"));
        assert!(error(&bytes, &state, 3).contains("`0.hidden` is F32 [2, 2], expected F32 [3, 2]"));
        assert!(error(&bytes, &state[..1], 2).contains("has 3 states, expected 1"));
        assert!(error(&bytes, &[&state[..], &state[..1]].concat(), 2).contains("`2.hidden` is missing"));
        assert!(error(&bytes, &[state[1].clone()], 2).contains("`0.memory` is missing"));
    }
}
