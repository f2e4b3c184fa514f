//! A tensor of an optimizer's state, which reaches a device only when a step needs it.
//!
//! Burn's `ModuleOptimizer::load_record` rebuilds the state on `Device::default()`, whatever the device of the
//! weights is. With a GPU backend compiled in, that is the GPU, and creating a tensor there panics if there is none.
//! So a loaded tensor stays data in main memory until `ModuleOptimizer::step` moves it to the device of its gradient.

use burn::optim::{StateSink, StateSource};
use burn::tensor::{Device, Tensor, TensorData};

/// A tensor of rank D in the state of an optimizer.
// After the first step all are of the larger variant.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum StateTensor<const D: usize> {
    /// In use.
    OnDevice(Tensor<D>),
    /// Loaded from a file, and on no device yet.
    Loaded(TensorData),
}

impl<const D: usize> StateTensor<D> {
    /// The tensor, created on `device` if it is on none yet.
    pub(super) fn into_tensor(self, device: &Device) -> Tensor<D> {
        match self {
            Self::OnDevice(tensor) => tensor,
            Self::Loaded(data) => Tensor::from_data(data, device),
        }
    }

    /// The same values on `device`.
    pub(super) fn moved_to(self, device: &Device) -> Self {
        Self::OnDevice(match self {
            Self::OnDevice(tensor) => tensor.to_device(device),
            Self::Loaded(data) => Tensor::from_data(data, device),
        })
    }

    /// Adds the values to a record, as `field` of the state `prefix`.
    pub(super) fn flatten(&self, prefix: &str, field: &str, record: &mut StateSink) {
        let data = match self {
            Self::OnDevice(tensor) => tensor.clone().into_data(),
            Self::Loaded(data) => data.clone(),
        };
        record.push_tensor(prefix, field, data);
    }

    /// `field` of the state `prefix`, taken out of a record; `None` if it is absent.
    pub(super) fn take(record: &mut StateSource, prefix: &str, field: &str) -> Option<Self> {
        record.take_tensor(prefix, field).map(Self::Loaded)
    }
}

impl<const D: usize> From<Tensor<D>> for StateTensor<D> {
    fn from(tensor: Tensor<D>) -> Self {
        Self::OnDevice(tensor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use burn::module::{Module, Param};
    use burn::optim::{GradientsParams, ModuleOptimizer, Optimizer, RecordState};

    use super::super::adam::AdamState;
    use super::super::rmsprop::RmspropState;
    use super::super::state_file::to_bytes;
    use super::super::{Adam, AdamConfig, Rmsprop, RmspropConfig, Sgd, SgdConfig};
    use super::*;

    #[derive(Module, Debug)]
    struct One {
        weight: Param<Tensor<1>>,
    }

    fn step(optimizer: &mut ModuleOptimizer, module: One) -> One {
        let gradient = Tensor::<1>::from_floats([0.5, -2.0, 0.25], &Device::flex());
        let mut gradients = GradientsParams::new();
        gradients.register(module.weight.id, gradient);
        optimizer.step(0.1, module, gradients)
    }

    /// A loaded optimizer has the same bytes as the saved one, and continues as if it had not been saved.
    fn assert_round_trip<O: Optimizer>(optimizer: O) {
        let new: ModuleOptimizer = optimizer.into();
        let weight = Param::from_tensor(Tensor::<1>::from_floats([1.0, 2.0, 3.0], &Device::flex().autodiff()));
        let mut saved = new.clone();
        let module = step(&mut saved, One { weight });
        let mut loaded = new.load_record(saved.to_record());
        let to_bytes = |optimizer: &ModuleOptimizer| to_bytes(optimizer, &BTreeMap::new()).unwrap();
        assert_eq!(to_bytes(&loaded), to_bytes(&saved));
        let values = |module: One| module.weight.val().into_data();
        assert_eq!(values(step(&mut loaded, module.clone())), values(step(&mut saved, module)));
        assert_eq!(to_bytes(&loaded), to_bytes(&saved));
    }

    #[test]
    fn a_loaded_state_is_the_saved_one() {
        let all = RmspropConfig::default().momentum(0.5).centered(true);
        assert_round_trip(Rmsprop::new(RmspropConfig::default()));
        assert_round_trip(Rmsprop::new(all));
        assert_round_trip(Adam::new(AdamConfig::default()));
        assert_round_trip(Sgd::new(SgdConfig::default()));
        assert_round_trip(Sgd::new(SgdConfig::default().momentum(0.5)));
    }

    /// Writes `state` and reads it back, as `ModuleOptimizer::load_record` does.
    fn reload<S: RecordState>(state: &S) -> S {
        let mut written = StateSink::default();
        state.state_flatten("7", &mut written);
        let mut source = StateSource::new(written.scalars.into_iter().collect());
        for (name, data) in written.tensors {
            source.insert_tensor(name, data);
        }
        S::state_unflatten("7", &mut source, &Device::default()).expect("nothing is missing")
    }

    fn assert_loaded(tensors: &[&StateTensor<1>]) {
        assert!(tensors.iter().all(|tensor| matches!(tensor, StateTensor::Loaded(_))), "{tensors:?}");
    }

    #[test]
    fn loading_creates_no_tensor_on_the_default_device() {
        let tensor = || StateTensor::from(Tensor::<1>::from_floats([1.0, 2.0], &Device::flex()));
        let AdamState { mean, mean_square, step } =
            reload(&AdamState { mean: tensor(), mean_square: tensor(), step: 3 });
        assert_eq!(step, 3);
        assert_loaded(&[&mean, &mean_square]);
        let state = RmspropState { mean_square: tensor(), mean: Some(tensor()), update: None };
        let RmspropState { mean_square, mean, update } = reload(&state);
        assert_loaded(&[&mean_square, &mean.unwrap()]);
        assert!(update.is_none());
        let StateTensor::OnDevice(moved) = mean_square.moved_to(&Device::flex()) else { panic!("it is on no device") };
        assert_eq!(moved.device(), Device::flex());
    }
}
