//! Files of `torch.save`. Their pickled objects are read as data by `pytorch-reader`: no class of them is called, whatever it is.

use std::io::Read;
use std::path::Path;

use durable::read::Accept;
use pytorch_reader::{DType, PytorchReader};
use text_prep::error::one_line;

use super::stored_tensor::{Float, StoredTensor};
use crate::error::{Error, Result};

/// Whether `path` begins like a file of `torch.save`: a zip archive, or a pickle as before PyTorch 1.6.
///
/// # Errors
/// If it cannot be read.
pub fn is_pytorch_file(path: &Path) -> Result<bool> {
    let mut bytes = Vec::new();
    let file = Accept::File.open(path).map_err(Error::io(path, "read"))?;
    file.take(9).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    // A pickle begins with 0x80 and its version; a safetensors file with a length, then `{`.
    let is_pickle = matches!(bytes[..], [0x80, 0..=5, ..]) && bytes.get(8) != Some(&b'{');
    Ok(bytes.starts_with(b"PK\x03\x04") || is_pickle)
}

/// The tensors of a file; those of nested dictionaries and modules have names with dots.
pub(super) fn stored(path: &Path) -> Result<Vec<StoredTensor>> {
    let invalid = |reason: String| Error::WeightFile {
        path: path.into(),
        reason: format!("it is not a complete file of `torch.save` ({})", one_line(&reason)),
    };
    Accept::File.check(path).map_err(Error::io(path, "read"))?;
    let reader = PytorchReader::new(path).map_err(|error| invalid(error.to_string()))?;
    if reader.is_empty() {
        let reason = "it has no tensors: expected a state dict, or a checkpoint or module that has one".into();
        return Err(Error::WeightFile { path: path.into(), reason });
    }
    let mut tensors = Vec::with_capacity(reader.len());
    for (name, tensor) in reader.into_tensors() {
        let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
        let float = match dtype {
            DType::F16 => Ok(Float::F16),
            DType::BF16 => Ok(Float::Bf16),
            DType::F32 => Ok(Float::F32),
            DType::F64 => Ok(Float::F64),
            other => Err(format!("{other:?}")),
        };
        let mut bytes = tensor.read().map_err(|error| invalid(error.to_string()))?;
        if cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
        }
        tensors.push(StoredTensor { name, shape, float, bytes });
    }
    Ok(tensors)
}
