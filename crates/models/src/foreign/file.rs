//! Safetensors files: tensors by name, of 32 or 64 bits, little-endian.

use std::path::Path;

use durable::write_atomically;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{Array, Tensors};
use crate::error::{Error, Result};

/// Reads all tensors of a file.
///
/// # Errors
/// If the file cannot be read, is no safetensors file, or holds tensors that are no 32-bit or 64-bit
/// floating-point numbers, or not finite ones (all of them named).
pub fn read(path: &Path) -> Result<Tensors> {
    let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
    let refuse = |reason: String| Error::Safetensors { path: path.into(), reason };
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| refuse(format!("it is no whole safetensors file ({error})")))?;
    let mut tensors = Tensors::new();
    let mut other = Vec::new();
    for (name, view) in file.iter() {
        match numbers(&view) {
            Some(values) if !values.iter().all(|value| value.is_finite()) => {
                other.push(format!("{name} (not finite)"));
            }
            Some(values) => {
                tensors.insert(name.to_string(), Array { shape: view.shape().into(), values });
            }
            None => other.push(format!("{name} ({:?})", view.dtype())),
        }
    }
    match other.is_empty() {
        true => Ok(tensors),
        false => {
            other.sort_unstable();
            Err(refuse(format!("expected finite F32 or F64 numbers, found {}", other.join(", "))))
        }
    }
}

fn numbers(view: &TensorView) -> Option<Vec<f64>> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => {
            let number = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes).into();
            Some(data.as_chunks::<4>().0.iter().map(number).collect())
        }
        Dtype::F64 => {
            let number = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes);
            Some(data.as_chunks::<8>().0.iter().map(number).collect())
        }
        _ => None,
    }
}

/// Writes all tensors as 32-bit numbers; the file is whole or not there.
///
/// # Errors
/// If the file system refuses.
pub fn write(path: &Path, tensors: &Tensors) -> Result<()> {
    let bytes: Vec<(&String, &Array, Vec<u8>)> = tensors
        .iter()
        .map(|(name, array)| {
            let values = array.values.iter().flat_map(|&value| (value as f32).to_le_bytes());
            (name, array, values.collect())
        })
        .collect();
    let refuse = |error: safetensors::SafeTensorError| Error::Safetensors {
        path: path.into(),
        reason: error.to_string(),
    };
    let mut views = Vec::with_capacity(bytes.len());
    for (name, array, bytes) in &bytes {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), bytes).map_err(refuse)?;
        views.push((name.as_str(), view));
    }
    let file = safetensors::serialize(views, None).map_err(refuse)?;
    Ok(write_atomically(path, &file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let tensors = Tensors::from([
            ("a".to_string(), Array { shape: vec![2, 2], values: vec![1.5, -2.0, 0.0, 3.25] }),
            ("b".to_string(), Array::vector(vec![0.1f32.into()])),
        ]);
        write(&path, &tensors).unwrap();
        assert_eq!(read(&path).unwrap(), tensors);
    }

    #[test]
    fn what_is_no_safetensors_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("cannot be read"), "{error}");
        std::fs::write(&path, b"PK\x03\x04 a zip archive").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("no whole safetensors file"), "{error}");
        let ids = [1u8, 0, 0, 0];
        let view = TensorView::new(Dtype::I32, vec![1], &ids).unwrap();
        std::fs::write(&path, safetensors::serialize([("ids", view)], None).unwrap()).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("ids (I32)"), "{error}");
        let broken = Tensors::from([("w".to_string(), Array::vector(vec![1.0, f64::NAN]))]);
        write(&path, &broken).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("w (not finite)"), "{error}");
    }
}
