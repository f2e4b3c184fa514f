//! The trained model that a run starts from: the built-in base or the model in a directory.

use std::path::Path;

use burn::tensor::Device;
use models::LmBundle;
use models::bundle::MANIFEST;
use seqdata::hash::sha256;

use crate::base;
use crate::error::{Error, Result};

/// Loads the model.
///
/// # Errors
/// If the directory has no undamaged language model.
pub fn load(from: &Path, device: &Device) -> Result<LmBundle> {
    if base::is_base(from) { base::load(device) } else { Ok(LmBundle::load(from, device)?) }
}

/// SHA-256 of the model's manifest, which contains the hashes of all its files.
///
/// # Errors
/// If it cannot be read.
pub fn manifest_sha256(from: &Path) -> Result<String> {
    if base::is_base(from) {
        return Ok(base::manifest_sha256());
    }
    let manifest = from.join(MANIFEST);
    Ok(sha256(&durable::read::small_file(&manifest).map_err(Error::io(&manifest, "read"))?))
}
