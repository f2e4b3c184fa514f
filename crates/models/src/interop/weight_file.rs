//! Files of weights of all kinds, and the tensors of them that are used.

use std::collections::BTreeSet;
use std::path::Path;

use text_prep::error::one_line;

use super::array::Tensors;
use super::stored_tensor::{StoredTensor, decoded};
use super::{keras_file, pytorch_file, safetensors_file};
use crate::error::{Error, Result};

/// Reads the tensors of a safetensors file, of a file of Keras (`.keras`, `.h5`, `.hdf5`), whose layers get the names of Keras 3, or of
/// a file that `torch.save` wrote: a state dict, a checkpoint or a whole module. With
/// a `key`, such as `state_dict`, only those under it are read, without it in their names.
///
/// # Errors
/// If the file cannot be read or is of another kind, has no tensor under the key, or has tensors of other types than 16 to
/// 64-bit floats or with values that are not finite; all of them are listed.
pub fn read_weights(path: &Path, key: Option<&str>) -> Result<Tensors> {
    let stored = if keras_file::is_keras_file(path)? {
        keras_file::stored(path)?
    } else if pytorch_file::is_pytorch_file(path)? {
        pytorch_file::stored(path)?
    } else {
        safetensors_file::stored(path)?
    };
    match key {
        None => decoded(path, stored),
        Some(key) => decoded(path, under_key(path, stored, key)?),
    }
}

/// The tensors whose names begin with `key.`, without it.
fn under_key(path: &Path, tensors: Vec<StoredTensor>, key: &str) -> Result<Vec<StoredTensor>> {
    let prefix = format!("{key}.");
    let keys: BTreeSet<String> =
        tensors.iter().filter_map(|tensor| Some(one_line(tensor.name.split_once('.')?.0))).collect();
    let mut found = Vec::new();
    for mut tensor in tensors {
        if let Some(rest) = tensor.name.strip_prefix(&prefix) {
            tensor.name = rest.into();
            found.push(tensor);
        }
    }
    if found.is_empty() {
        let keys = Vec::from_iter(keys).join(", ");
        let reason = format!("it has no tensors under `{}`: expected one of its keys, {keys}", one_line(key));
        return Err(Error::WeightFile { path: path.into(), reason });
    }
    Ok(found)
}
