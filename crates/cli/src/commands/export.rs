//! `export`: writes a model's weights as a safetensors file for other programs.

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
    let ids = if base::is_base(&directory) {
        // The base is a part of the program and has no directory.
        "in the source of this program, in datasets/base/vocabulary.tsv".into()
    } else {
        format!("in {}", directory.join("vocabulary.tsv").display())
    };
    status(&format!("model {}: {} tensors; the token ids are listed {ids}", directory.display(), tensors.len()));
    print(&format!("{}\n", path.display()))
}
