//! A tensor of a file of weights before its values are decoded.

use std::path::Path;

use half::{bf16, f16};
use text_prep::error::one_line;

use super::array::{Array, Tensors};
use crate::error::{Error, Result};

/// The floats that are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// The values of little-endian `bytes`.
    fn decode(self, bytes: &[u8]) -> Vec<f64> {
        fn values<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect()
        }
        match self {
            Self::F16 => values(bytes, |bytes| f16::from_le_bytes(bytes).to_f64()),
            Self::Bf16 => values(bytes, |bytes| bf16::from_le_bytes(bytes).to_f64()),
            Self::F32 => values(bytes, |bytes| f32::from_le_bytes(bytes).into()),
            Self::F64 => values(bytes, f64::from_le_bytes),
        }
    }
}

/// A tensor of a file, whose values are not decoded.
pub(super) struct StoredTensor {
    pub name: String,
    pub shape: Vec<usize>,
    /// The type of its values, or the name of another type.
    pub float: std::result::Result<Float, String>,
    /// Little-endian, row by row.
    pub bytes: Vec<u8>,
}

/// The values of all tensors.
pub(super) fn decoded(path: &Path, stored: Vec<StoredTensor>) -> Result<Tensors> {
    let mut tensors = Tensors::new();
    let mut rejected = Vec::new();
    for StoredTensor { name, shape, float, bytes } in stored {
        match float.map(|float| float.decode(&bytes)) {
            Ok(values) if !values.iter().all(|value| value.is_finite()) => {
                rejected.push(format!("{} (not finite)", one_line(&name)));
            }
            Ok(values) => {
                tensors.insert(name, Array { shape, values });
            }
            Err(other) => rejected.push(format!("{} ({other})", one_line(&name))),
        }
    }
    if rejected.is_empty() {
        return Ok(tensors);
    }
    rejected.sort_unstable();
    let reason = format!("expected finite F16, BF16, F32 or F64 values, found {}", rejected.join(", "));
    Err(Error::WeightFile { path: path.into(), reason })
}
