//! What the real PyTorch and Keras computed, in committed files that `cargo xtask parity` makes: the
//! cells, stacks and whole models give the same outputs, states and gradients.

mod cells;
mod initial;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Tensor, TensorData};
use models::foreign::{Array, Tensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A tensor of a fixture.
#[derive(Clone, Debug, Deserialize)]
struct Stored {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Stored {
    fn tensor<const D: usize>(&self, dtype: DType, device: &Device) -> Tensor<D> {
        let data = TensorData::new(self.data.clone(), self.shape.clone());
        Tensor::from_data(data, (device, dtype))
    }

    /// |a − b| ≤ tolerance · max |b|.
    fn assert_equals<const D: usize>(&self, found: Tensor<D>, tolerance: f64, what: &str) {
        assert_eq!(found.dims().to_vec(), self.shape, "{what}");
        let found: Vec<f64> = found.try_into_vec_as().unwrap();
        self.assert_numbers(&found, tolerance, what);
    }

    fn assert_numbers(&self, found: &[f64], tolerance: f64, what: &str) {
        let largest = self.data.iter().fold(0f64, |largest, x| largest.max(x.abs()));
        assert_eq!(found.len(), self.data.len(), "{what}");
        for (found, expected) in found.iter().zip(&self.data) {
            let error = (found - expected).abs();
            assert!(error <= tolerance * largest, "{what}: {found}, expected {expected}");
        }
    }
}

fn tensors(stored: &BTreeMap<String, Stored>) -> Tensors {
    let array =
        |stored: &Stored| Array { shape: stored.shape.clone(), values: stored.data.clone() };
    stored.iter().map(|(name, stored)| (name.clone(), array(stored))).collect()
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(path(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}
