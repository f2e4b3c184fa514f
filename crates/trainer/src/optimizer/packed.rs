//! An optimizer's memory as bytes: the same bytes for the same memory.

use burn::optim::ModuleOptimizer;
use burn_pack::{Reader, Writer};

/// The memory of `optimizer` as a Burnpack file, its tensors sorted by name: Burn writes them in the
/// order of a hash map, which is another one in every process.
///
/// # Errors
/// In words, if it cannot be packed.
pub(crate) fn pack(optimizer: &ModuleOptimizer) -> Result<Vec<u8>, String> {
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
