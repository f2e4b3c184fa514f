//! `export`: a model's weights as a safetensors file for other programs.

use args::Export;
use models::foreign::{export, write};
use models::{Artifact, Purpose};

use super::layout;
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::output::{print, tell};
use crate::run::directory;

/// Runs the command.
pub fn run(args: &Export, choice: &Choice) -> Result<()> {
    let path = &args.weights;
    if path.exists() {
        return Err(Error::new(format!(
            "{0} exists: name another file, or delete it",
            path.display()
        )));
    }
    let directory = directory::model(args.model.as_deref(), Some(Purpose::Writing))?;
    let device = choice.open()?;
    let artifact = Artifact::load(&directory, &device)?;
    let tensors = export(&artifact.model, layout(args.layout))?;
    write(path, &tensors)?;
    tell(&format!(
        "model {}: {} tensors; the ids of its tokens stand in {}",
        directory.display(),
        tensors.len(),
        directory.join("vocabulary.tsv").display()
    ));
    print(&format!("{}\n", path.display()))
}
