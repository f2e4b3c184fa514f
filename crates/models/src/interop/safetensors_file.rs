//! Safetensors files with tensors of floats: F16, BF16, F32 and F64 are read, F32 is written.

use std::path::Path;

use durable::{read, write_atomically};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use text_prep::error::one_line;

use super::array::{Array, Tensors};
use super::stored_tensor::{Float, StoredTensor, decoded};
use crate::error::{Error, Result};

/// Reads all tensors of a file.
///
/// # Errors
/// If the file cannot be read, is not a safetensors file, or has tensors of other types than F16, BF16, F32 and
/// F64 or with values that are not finite; all of them are listed.
pub fn read_safetensors(path: &Path) -> Result<Tensors> {
    decoded(path, stored(path)?)
}

/// The tensors of a file, whose values are not decoded.
pub(super) fn stored(path: &Path) -> Result<Vec<StoredTensor>> {
    let bytes = read::file(path).map_err(Error::io(path, "read"))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| Error::WeightFile {
        path: path.into(),
        reason: format!("it is not a complete safetensors file ({})", one_line(&error.to_string())),
    })?;
    let tensors = file.iter().map(|(name, view)| {
        let float = match view.dtype() {
            Dtype::F16 => Ok(Float::F16),
            Dtype::BF16 => Ok(Float::Bf16),
            Dtype::F32 => Ok(Float::F32),
            Dtype::F64 => Ok(Float::F64),
            other => Err(format!("{other:?}")),
        };
        StoredTensor { name: name.into(), shape: view.shape().into(), float, bytes: view.data().to_vec() }
    });
    Ok(tensors.collect())
}

/// Writes all tensors as 32-bit floats, atomically.
///
/// # Errors
/// If the file system fails.
pub fn write_safetensors(path: &Path, tensors: &Tensors) -> Result<()> {
    Ok(write_atomically(path, &safetensors_to_bytes(path, tensors)?)?)
}

/// The contents of the file that [`write_safetensors`] writes. `path` is for messages.
///
/// # Errors
/// If the format cannot hold the tensors.
pub fn safetensors_to_bytes(path: &Path, tensors: &Tensors) -> Result<Vec<u8>> {
    let bytes: Vec<(&String, &Array, Vec<u8>)> = tensors
        .iter()
        .map(|(name, array)| {
            let values = array.values.iter().flat_map(|&value| (value as f32).to_le_bytes());
            (name, array, values.collect())
        })
        .collect();
    let invalid =
        |error: safetensors::SafeTensorError| Error::WeightFile { path: path.into(), reason: error.to_string() };
    let mut views = Vec::with_capacity(bytes.len());
    for (name, array, bytes) in &bytes {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), bytes).map_err(invalid)?;
        views.push((name.as_str(), view));
    }
    safetensors::serialize(views, None).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    #[test]
    fn written_tensors_are_read_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let tensors = Tensors::from([
            ("a".to_string(), Array { shape: vec![2, 2], values: vec![1.5, -2.0, 0.0, 3.25] }),
            ("b".to_string(), Array::vector(vec![0.1f32.into()])),
        ]);
        write_safetensors(&path, &tensors).unwrap();
        assert_eq!(read_safetensors(&path).unwrap(), tensors);
    }

    #[test]
    fn floats_of_every_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        // 1.5, −2 and 2⁻⁸ have the same value in every format.
        let values = [1.5f64, -2.0, 0.00390625];
        let bytes = |value: &dyn Fn(f64) -> Vec<u8>| values.iter().flat_map(|&x| value(x)).collect::<Vec<u8>>();
        for (dtype, bytes) in [
            (Dtype::F16, bytes(&|x| f16::from_f64(x).to_le_bytes().into())),
            (Dtype::BF16, bytes(&|x| bf16::from_f64(x).to_le_bytes().into())),
            (Dtype::F32, bytes(&|x| (x as f32).to_le_bytes().into())),
            (Dtype::F64, bytes(&|x| x.to_le_bytes().into())),
        ] {
            let view = TensorView::new(dtype, vec![3], &bytes).unwrap();
            std::fs::write(&path, safetensors::serialize([("w", view)], None).unwrap()).unwrap();
            assert_eq!(read_safetensors(&path).unwrap()["w"].values, values, "{dtype:?}");
        }
        // The smallest and the largest half-precision float, and infinity.
        for (bits, expected) in [(1u16, Some(2f64.powi(-24))), (0x7bff, Some(65504.0)), (0x7c00, None)] {
            let bytes = bits.to_le_bytes();
            let view = TensorView::new(Dtype::F16, vec![1], &bytes).unwrap();
            std::fs::write(&path, safetensors::serialize([("w", view)], None).unwrap()).unwrap();
            assert_eq!(read_safetensors(&path).ok().map(|tensors| tensors["w"].values[0]), expected);
        }
    }

    #[test]
    fn other_files_and_values_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let error = read_safetensors(&path).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
        std::fs::write(&path, b"PK\x03\x04 a zip archive").unwrap();
        let error = read_safetensors(&path).unwrap_err().to_string();
        assert!(error.contains("not a complete safetensors file"), "{error}");
        let ids = [1u8, 0, 0, 0];
        let view = TensorView::new(Dtype::I32, vec![1], &ids).unwrap();
        std::fs::write(&path, safetensors::serialize([("ids", view)], None).unwrap()).unwrap();
        let error = read_safetensors(&path).unwrap_err().to_string();
        assert!(error.contains("ids (I32)"), "{error}");
        let broken = Tensors::from([("w".to_string(), Array::vector(vec![1.0, f64::NAN]))]);
        write_safetensors(&path, &broken).unwrap();
        let error = read_safetensors(&path).unwrap_err().to_string();
        assert!(error.contains("w (not finite)"), "{error}");
    }
}
