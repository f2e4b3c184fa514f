//! The commands, one file each: it reads the arguments, calls the libraries and prints the result.

mod adapted;
pub mod ask;
pub mod base;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod doctor;
pub mod evaluate;
pub mod export;
pub mod fetch;
pub mod generate;
pub mod gradients;
pub mod import;
mod interactive;
pub mod man;
mod mix;
mod option_values;
mod own_text;
pub mod page;
pub mod prepare;
mod prompt;
pub mod reproduce;
pub mod runs;
mod sample_printer;
mod sampling_settings;
pub mod serve;
pub mod summary;
mod text_surprise;
pub mod train;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use durable::Lock;
use models::bundle::{MANIFEST, NGRAM_COUNTS};
use models::{LanguageModel, LmBundle, ModelBundle, Network};
use qa::model::PassageModel;

use crate::device::BackendSelection;
use crate::error::{Error, Result};
use crate::output::warn;
use crate::run::directory;
use crate::run::init::{CONFIG, check_was_trained};

/// Loads the model in `directory`, or of the run of this name, or the built-in base, onto `device`. The directory was
/// given with `--model`.
fn load_model<M: Network>(directory: &Path, backend: &BackendSelection, device: &Device) -> Result<ModelBundle<M>> {
    if crate::base::is_base(directory) {
        return explain("--model", crate::base::load_network(device), backend);
    }
    load_model_of("--model", directory, &[], backend, device)
}

/// Loads the language model `named`, or else the newest one of a run, for a file with the network alone, with its directory. Warns
/// of n-gram counts, of which `left_out` says that they are not in the file.
fn load_network_alone(named: Option<&Path>, backend: &BackendSelection, left_out: &str) -> Result<(PathBuf, LmBundle)> {
    let directory = directory::find_model(named, Some(LanguageModel::KIND))?;
    let device = backend.open()?;
    let bundle: LmBundle = load_model(&directory, backend, &device)?;
    if bundle.extra_files.contains_key(NGRAM_COUNTS) {
        warn(&[format!("{} has n-gram counts, {left_out}", directory.display())]);
    }
    Ok((directory, bundle))
}

/// As [`load_model`], for a directory that was given with `option`; the base is none. Additional files with the names `unread`
/// are not read.
fn load_model_of<M: Network>(
    option: &str,
    directory: &Path,
    unread: &[&str],
    backend: &BackendSelection,
    device: &Device,
) -> Result<ModelBundle<M>> {
    let directory = directory::resolve(directory);
    if directory.join(CONFIG).is_file() && !directory.join(MANIFEST).exists() {
        return Err(no_model_yet(&directory));
    }
    explain(option, ModelBundle::load_unread(directory, unread, device), backend)
}

/// The error of a run whose training has saved no model.
fn no_model_yet(run: &Path) -> Error {
    let name = run.display();
    Error::new(match Lock::holder(run) {
        Some(process) => format!(
            "{name} is in training (process {process}) and has no model yet: it is saved when training ends, or when Ctrl-C \
             stops it after the current step"
        ),
        None => format!(
            "{name} has no model, because its training was interrupted: `train --resume {name}` continues it, and it is saved \
             when training ends"
        ),
    })
}

/// The loaded model for this backend, or an error that says what to give with `option`.
fn explain<M: Network>(
    option: &str,
    loaded: models::Result<ModelBundle<M>>,
    backend: &BackendSelection,
) -> Result<ModelBundle<M>> {
    let bundle = loaded.map_err(|error| {
        let (directory, expected) = match &error {
            models::Error::WrongKind { directory, found, .. } if found == PassageModel::KIND => {
                let run = directory.parent().unwrap_or(directory).display();
                return Error::new(format!(
                    "{} is the pretraining of a question model, which no command uses alone: give its run, {run}, to `ask`",
                    directory.display()
                ));
            }
            models::Error::WrongKind { directory, expected, .. } => (directory, expected),
            models::Error::Missing { directory, file } | models::Error::HashMismatch { directory, file, .. }
                if file == NGRAM_COUNTS =>
            {
                let is_run = check_was_trained(directory, "").is_ok();
                let again = is_run.then(|| format!("`train --resume {}` counts them again", directory.display()));
                return Error::from(error).with_hint(again.as_deref());
            }
            _ => return Error::from(error),
        };
        let (found, wanted, command) = if *expected == LanguageModel::KIND {
            ("question", "language", "`train` trains a language model, and `generate` uses it")
        } else {
            ("language", "question", "`train --config configs/qa.toml` trains a question model, and `ask` uses it")
        };
        Error::new(format!(
            "{} holds a {found} model, expected a {wanted} model: give another directory with `{option}`; {command}",
            directory.display()
        ))
    })?;
    Ok(bundle.with_kernels(backend.kernels()))
}
