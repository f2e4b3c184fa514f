//! Optimizer state as bytes. Equal states give equal bytes.

use burn::optim::ModuleOptimizer;
use burn_pack::{Reader, Writer};

/// The state of `optimizer` as a Burnpack file with its tensors sorted by name: Burn writes them in the order of
/// a hash map, which differs between processes.
///
/// # Errors
/// Burn's message, if the state cannot be serialized.
pub(crate) fn to_bytes(optimizer: &ModuleOptimizer) -> Result<Vec<u8>, String> {
    let bytes = optimizer.into_bytes().map_err(|error| error.to_string())?;
    sorted(Reader::from_bytes(bytes)).map_err(|error| error.to_string())
}

fn sorted(reader: Result<Reader, burn_pack::Error>) -> Result<Vec<u8>, burn_pack::Error> {
    let reader = reader?;
    let (scalars, paths) = (reader.scalars().clone(), reader.metadata().clone());
    let mut tensors = reader.into_tensors()?;
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    let mut writer = Writer::new(tensors);
    for (key, value) in scalars {
        writer = writer.with_scalar(&key, value);
    }
    for (key, value) in paths {
        writer = writer.with_metadata(&key, &value);
    }
    Ok(writer.into_bytes()?.to_vec())
}
