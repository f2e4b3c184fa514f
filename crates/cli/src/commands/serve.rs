//! `serve`: answers requests over HTTP with one or more models.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use args::Serve;
use burn::tensor::Device;
use eval::TrainingText;
use generate::{Generator, Sampling};
use models::{LanguageModel, Network};
use serve::{Options, ServedModel, Server};

use super::generate::{MAX_TOKENS, TEMPERATURE, TOP_P, int8, newest_model_or_base};
use super::mix;
use super::own_text::own_text;
use crate::base;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::output::status;
use crate::report::baselines::train_ids;
use crate::run::{directory, signals};

/// Runs the command.
pub fn run(args: &Serve, backend: &BackendSelection) -> Result<()> {
    let options = Options {
        token: args.token.clone(),
        hosts: args.allow_host.clone(),
        runs: Some(directory::RUNS.into()),
        sampling: Sampling::default().temperature(TEMPERATURE).top_p(TOP_P).max_tokens(MAX_TOKENS),
        ..Options::new(SocketAddr::new(args.host, args.port))
    };
    // A port in use is reported before models are loaded.
    let server = Server::bind(options).map_err(with_options)?;
    let models = load(args, backend)?;
    let names = models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>().join(", ");
    let address = server.address()?;
    let stop = server.stop_handle();
    signals::end_command(move || stop.stop())?;
    status(&format!("serving {names} at http://{address}; Ctrl-C ends it"));
    server.run(models)?;
    status("the server has ended");
    Ok(())
}

/// The error of a server that cannot listen, with the options that choose another address.
fn with_options(error: serve::Error) -> Error {
    let hint = match error {
        serve::Error::PortInUse { .. } => Some("as in `--port 8081` or `--port 0`"),
        serve::Error::EmptyToken => Some("check `--token` and the variable `PASTICHE_TOKEN`"),
        serve::Error::NoToken { .. } => Some("as in `--token SECRET` or `--host 127.0.0.1`"),
        _ => None,
    };
    Error::from(error).with_hint(hint)
}

/// The models that can be loaded. One that cannot does not stop the others.
fn load(args: &Serve, backend: &BackendSelection) -> Result<Vec<ServedModel>> {
    let directories: Vec<PathBuf> = match args.model.as_slice() {
        [] => vec![newest_model_or_base()?],
        given => {
            let found = given.iter().map(|path| directory::find_model(Some(path), Some(LanguageModel::KIND)));
            found.collect::<Result<_>>()?
        }
    };
    let device = backend.open()?;
    let mut models: Vec<ServedModel> = Vec::new();
    let mut failed = Vec::new();
    for directory in directories {
        let name = name(&directory);
        if models.iter().any(|model| model.name == name) {
            bail!("`--model` has two models of the name `{name}`, by which requests choose one: rename a directory");
        }
        match load_one(args, &directory, backend, &device) {
            Ok(generator) => {
                let training_text = if args.trace { training_text(&name, &generator, &directory) } else { None };
                models.push(ServedModel { name, generator, training_text });
            }
            Err(error) => failed.push((name, error)),
        }
    }
    if models.is_empty()
        && let Some((_, error)) = failed.pop()
    {
        return Err(error);
    }
    for (name, error) in failed {
        status(&format!("warning: {name} is not served: {}", error.full_message()));
    }
    Ok(models)
}

fn load_one(args: &Serve, directory: &Path, backend: &BackendSelection, device: &Device) -> Result<Generator> {
    let generator = Generator::new(mix::load_model(args.mix, directory, backend, device)?);
    let generator = if args.int8 { int8(generator)? } else { generator };
    let mixture = mix::for_writing(args.mix, generator.bundle(), directory)?;
    Ok(generator.with_mixture(mixture))
}

/// The training text of a run, if it can still be read; else says why not.
fn training_text(name: &str, generator: &Generator, directory: &Path) -> Option<TrainingText> {
    let bundle = generator.bundle();
    let read = if base::is_base(directory) {
        Err(Error::new("the program does not contain it"))
    } else {
        own_text(bundle, directory, "or leave `--trace` out")
    };
    match read {
        Ok(experiment) => {
            let document = bundle.tokenizer.vocabulary.document_id();
            Some(TrainingText::new(train_ids(&experiment.dataset), document))
        }
        Err(error) => {
            status(&format!("warning: nothing is traced to the training text of {name}: {}", error.full_message()));
            None
        }
    }
}

/// The last part of the path.
pub(super) fn name(directory: &Path) -> String {
    let absolute = std::path::absolute(directory);
    let last = absolute.as_deref().unwrap_or(directory).file_name();
    last.map_or_else(|| directory.display().to_string(), |name| name.to_string_lossy().into_owned())
}
