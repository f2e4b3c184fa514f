//! The trained model that a run starts from: the built-in base or the model in a directory.

use std::path::Path;

use burn::tensor::Device;
use models::LmBundle;
use models::bundle::MANIFEST;
use seqdata::hash::sha256;
use trainer::Checkpoints;

use crate::base;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::run::init::CONFIG;
use crate::run::provenance::{BaseOrigin, Provenance};

/// No chain of runs that start from each other is longer.
const MAX_CHAIN: usize = 100;

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

/// The base model that the weights in `directory` come from: the model itself, the one that its run recorded when it started,
/// or else that of the model that its run started from, and so on, as far as the directories exist.
pub fn base_of(directory: &Path) -> Option<BaseOrigin> {
    let mut model = directory.to_path_buf();
    for _ in 0..MAX_CHAIN {
        if base::is_any_base(&model)
            && let Ok(manifest_sha256) = manifest_sha256(&model)
        {
            return Some(BaseOrigin { model, manifest_sha256 });
        }
        let run = Checkpoints::run_of(&model);
        let record = Provenance::read(run.as_deref().unwrap_or(&model)).ok();
        if let Some(base) = record.and_then(|record| record.from?.base) {
            return Some(base);
        }
        model = Config::of_model(&model, CONFIG).init.from?;
    }
    None
}
