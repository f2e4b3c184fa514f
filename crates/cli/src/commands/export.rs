//! `export`: writes a model's weights as a safetensors file for other programs.

use std::path::Path;

use args::Export;
use models::interop::{export, write_safetensors};
use models::{LanguageModel, LmBundle, Network};

use super::{layout, load_model};
use crate::base;
use crate::device::BackendSelection;
use crate::error::{Result, bail};
use crate::output::{print, status};
use crate::run::directory;

/// Runs the command.
pub fn run(args: &Export, backend: &BackendSelection) -> Result<()> {
    let path = &args.weights;
    if path.exists() {
        bail!("{0} exists: use another file, or delete it", path.display());
    }
    let directory = directory::find_model(args.model.as_deref(), Some(LanguageModel::KIND))?;
    let device = backend.open()?;
    let bundle: LmBundle = load_model(&directory, backend, &device)?;
    let tensors = export(&bundle.model, layout(args.layout))?;
    write_safetensors(path, &tensors)?;
    // The base is a part of the program; its files are in this folder of the project.
    let folder = if base::is_base(&directory) { Path::new("datasets/base") } else { &directory };
    status(&format!(
        "model {}: {} tensors; the token ids are listed in {}",
        directory.display(),
        tensors.len(),
        folder.join("vocabulary.tsv").display()
    ));
    print(&format!("{}\n", path.display()))
}
