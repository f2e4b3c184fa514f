//! Safetensors files with tensors of 32-bit or 64-bit floats.

use std::path::Path;

use durable::write_atomically;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use text_prep::error::one_line;

use super::array::{Array, Tensors};
use crate::error::{Error, Result};

/// Reads all tensors of a file.
///
/// # Errors
/// If the file cannot be read, is not a safetensors file, or has tensors of other types than 32-bit and
/// 64-bit floats or with values that are not finite; all of them are listed.
pub fn read_safetensors(path: &Path) -> Result<Tensors> {
    let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
    let invalid = |reason: String| Error::Safetensors { path: path.into(), reason };
    let file = SafeTensors::deserialize(&bytes).map_err(|error| {
        invalid(format!("it is not a complete safetensors file ({})", one_line(&error.to_string())))
    })?;
    let mut tensors = Tensors::new();
    let mut rejected = Vec::new();
    for (name, view) in file.iter() {
        match values(&view) {
            Some(values) if !values.iter().all(|value| value.is_finite()) => {
                rejected.push(format!("{} (not finite)", one_line(name)));
            }
            Some(values) => {
                tensors.insert(name.to_string(), Array { shape: view.shape().into(), values });
            }
            None => rejected.push(format!("{} ({:?})", one_line(name), view.dtype())),
        }
    }
    if rejected.is_empty() {
        return Ok(tensors);
    }
    rejected.sort_unstable();
    Err(invalid(format!("expected finite F32 or F64 values, found {}", rejected.join(", "))))
}

fn values(view: &TensorView) -> Option<Vec<f64>> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => {
            let value = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes).into();
            Some(data.as_chunks::<4>().0.iter().map(value).collect())
        }
        Dtype::F64 => {
            let value = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes);
            Some(data.as_chunks::<8>().0.iter().map(value).collect())
        }
        _ => None,
    }
}

/// Writes all tensors as 32-bit floats, atomically.
///
/// # Errors
/// If the file system fails.
pub fn write_safetensors(path: &Path, tensors: &Tensors) -> Result<()> {
    let bytes: Vec<(&String, &Array, Vec<u8>)> = tensors
        .iter()
        .map(|(name, array)| {
            let values = array.values.iter().flat_map(|&value| (value as f32).to_le_bytes());
            (name, array, values.collect())
        })
        .collect();
    let invalid =
        |error: safetensors::SafeTensorError| Error::Safetensors { path: path.into(), reason: error.to_string() };
    let mut views = Vec::with_capacity(bytes.len());
    for (name, array, bytes) in &bytes {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), bytes).map_err(invalid)?;
        views.push((name.as_str(), view));
    }
    let file = safetensors::serialize(views, None).map_err(invalid)?;
    Ok(write_atomically(path, &file)?)
}

#[cfg(test)]
mod tests {
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
