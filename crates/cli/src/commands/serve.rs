//! `serve`: answers requests over HTTP with one or more models.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use args::Serve;
use burn::tensor::Device;
use eval::TrainingText;
use generate::{Generator, Sampling};
use models::bundle::read_metadata;
use models::{ModelBundle, Network};
use qa::{QaPipeline, QuestionModel};
use serve::{Options, ServedModel, ServedQuestionModel, Server};

use super::generate::{MAX_TOKENS, TEMPERATURE, TOP_P, int8, newest_model_or_base};
use super::own_text::own_text;
use super::{load_model, mix};
use crate::base;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::output::status;
use crate::report::baselines::train_ids;
use crate::report::question_scores;
use crate::run::initial_model::manifest_sha256;
use crate::run::{directory, signals};

/// Why the training text of the built-in base is not read.
const NOT_CONTAINED: &str = "the program does not contain it";
/// The name of what asks by rules alone.
const RULES: &str = "rules";

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
    let (models, question_models) = load(args, backend)?;
    let names = models.iter().map(|model| model.name.as_str());
    // Rules are always there.
    let questions = question_models.iter().map(|model| model.name.as_str()).filter(|name| *name != RULES);
    let names = names.chain(questions).collect::<Vec<_>>().join(", ");
    let address = server.address()?;
    let stop = server.stop_handle();
    signals::end_command(move || stop.stop())?;
    status(&format!("serving {names} at http://{address}; Ctrl-C ends it"));
    server.run(models, question_models)?;
    status("the server has ended");
    Ok(())
}

/// The error of a server that cannot listen, with the options that choose another address.
fn with_options(error: serve::Error) -> Error {
    let hint = match error {
        serve::Error::PortInUse { .. } => Some("as in `--port 8081` or `--port 0`"),
        serve::Error::EmptyToken | serve::Error::InvalidToken => {
            Some("check `--token` and the variable `PASTICHE_TOKEN`")
        }
        serve::Error::InvalidHost { .. } => Some("check `--allow-host`"),
        serve::Error::NoToken { .. } => Some("as in `--token SECRET` or `--host 127.0.0.1`"),
        _ => None,
    };
    Error::from(error).with_hint(hint)
}

/// The models that can be loaded, those that write and those that ask. One that cannot does not stop the others.
fn load(args: &Serve, backend: &BackendSelection) -> Result<(Vec<ServedModel>, Vec<ServedQuestionModel>)> {
    let directories: Vec<PathBuf> = match args.model.as_slice() {
        [] => vec![newest_model_or_base()?],
        given => given.iter().map(|path| directory::resolve_model(path)).collect(),
    };
    let device = backend.open()?;
    let (mut models, mut question_models): (Vec<ServedModel>, Vec<ServedQuestionModel>) = Default::default();
    let mut names = vec![RULES.to_owned()];
    let mut failed = Vec::new();
    for directory in directories {
        let name = name(&directory);
        if names.contains(&name) {
            bail!(
                "`--model` has two models of the name `{name}`, by which requests choose one, or the name is `{RULES}`, which \
                 stands for questions by rules: rename a directory"
            );
        }
        names.push(name.clone());
        if asks(&directory) {
            match load_questions(&directory, backend, &device) {
                Ok(pipeline) => question_models.push(ServedQuestionModel { name, pipeline }),
                Err(error) => failed.push((name, error)),
            }
        } else {
            match load_one(args, &name, &directory, backend, &device) {
                Ok(model) => models.push(model),
                Err(error) => failed.push((name, error)),
            }
        }
    }
    if models.is_empty()
        && question_models.is_empty()
        && let Some((_, error)) = failed.pop()
    {
        return Err(error);
    }
    for (name, error) in failed {
        status(&format!("warning: {name} is not served: {}", error.full_message()));
    }
    if models.is_empty() {
        models.push(load_one(args, base::NAME, Path::new(base::NAME), backend, &device)?);
    }
    let pipeline = question_scores::pipeline_by_rules(&device)?;
    question_models.push(ServedQuestionModel { name: RULES.into(), pipeline });
    Ok((models, question_models))
}

/// Whether the model in a directory asks questions.
fn asks(directory: &Path) -> bool {
    !base::is_base(directory) && read_metadata(directory).is_ok_and(|metadata| metadata.kind == QuestionModel::KIND)
}

fn load_questions(directory: &Path, backend: &BackendSelection, device: &Device) -> Result<QaPipeline> {
    let bundle: ModelBundle<QuestionModel> = load_model(directory, backend, device)?;
    question_scores::pipeline(&bundle)
}

fn load_one(
    args: &Serve,
    name: &str,
    directory: &Path,
    backend: &BackendSelection,
    device: &Device,
) -> Result<ServedModel> {
    let generator = Generator::new(mix::load_model(args.mix, directory, backend, device)?);
    let generator = if args.int8 { int8(generator)? } else { generator };
    let mixture = mix::for_writing(args.mix, generator.bundle(), directory)?;
    let generator = generator.with_mixture(mixture);
    let training_text = match (args.trace, base::is_base(directory)) {
        (true, _) => training_text(name, &generator, directory),
        (false, true) => Err(NOT_CONTAINED.into()),
        (false, false) => Err("start the server with `--trace`, which reads it".into()),
    };
    let manifest_sha256 = manifest_sha256(directory)?;
    Ok(ServedModel { name: name.into(), generator, training_text, manifest_sha256 })
}

/// The training text of a run, if it can still be read; else says and returns why not.
fn training_text(name: &str, generator: &Generator, directory: &Path) -> std::result::Result<TrainingText, String> {
    let bundle = generator.bundle();
    let read = if base::is_base(directory) {
        Err(Error::new(NOT_CONTAINED))
    } else {
        own_text(bundle, directory, "or leave `--trace` out")
    };
    match read {
        Ok(experiment) => {
            let document = bundle.tokenizer.vocabulary.document_id();
            Ok(TrainingText::new(train_ids(&experiment.dataset), document))
        }
        Err(error) => {
            let reason = error.full_message();
            status(&format!("warning: nothing is traced to the training text of {name}: {reason}"));
            Err(reason)
        }
    }
}

/// The last part of the path.
pub(super) fn name(directory: &Path) -> String {
    let absolute = std::path::absolute(directory);
    let last = absolute.as_deref().unwrap_or(directory).file_name();
    last.map_or_else(|| directory.display().to_string(), |name| name.to_string_lossy().into_owned())
}
