//! The commands, one file each: it reads the arguments, calls the libraries and prints the result.

pub mod ask;
pub mod bench;
pub mod compare;
pub mod evaluate;
pub mod export;
pub mod fetch;
pub mod generate;
pub mod gradients;
pub mod import;
pub mod prepare;
pub mod reproduce;
pub mod runs;
pub mod summary;
pub mod train;

use std::path::Path;

use burn::tensor::Device;
use models::interop::Layout;
use models::{LanguageModel, ModelBundle, Network};

use crate::device::BackendSelection;
use crate::error::{Error, Result};
use crate::run::directory;

fn layout(option: args::Layout) -> Layout {
    match option {
        args::Layout::Pytorch => Layout::Pytorch,
        args::Layout::Keras => Layout::Keras,
    }
}

/// Loads the model in `directory`, or of the run of this name, onto `device`.
fn load_model<M: Network>(directory: &Path, backend: &BackendSelection, device: &Device) -> Result<ModelBundle<M>> {
    let directory = directory::resolve(directory);
    let bundle = ModelBundle::load(&directory, device).map_err(|error| {
        let models::Error::WrongKind { directory, expected, .. } = &error else { return Error::from(error) };
        let reason = if *expected == LanguageModel::KIND {
            "a question model, expected a language model: give another directory with `--model`; `train` trains a \
             language model, and `generate` uses it"
        } else {
            "a language model, expected a question model: give another directory with `--model`; `train --config \
             configs/qa.toml` trains a question model, and `ask` uses it"
        };
        Error::new(format!("{} holds {reason}", directory.display()))
    })?;
    Ok(bundle.with_kernels(backend.kernels()))
}
