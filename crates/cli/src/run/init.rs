//! How a run starts: with new weights, with those of a trained model, or from its own last checkpoint.

use std::path::Path;

use args::{ConfigArgs, Train};
use burn::tensor::Device;
use models::bundle::MANIFEST;
use models::{LanguageModel, LmBundle};
use seqdata::NewTokens;
use seqdata::hash::sha256;
use trainer::Checkpoints;

use crate::config::{
    AnyConfig, Config, LmExperiment, PretrainedModel, read, read_any, reject_changes, reject_model_changes,
};
use crate::error::{Error, Result};
use crate::output::status;
use crate::run::provenance::Origin;
use crate::run::word_vectors::PretrainedVectors;

/// The configuration's file name in a run directory.
pub const CONFIG: &str = "config.toml";

/// The configuration of a new run, and its name. With `--init-from` it starts from the trained model's configuration.
///
/// # Errors
/// If it cannot be read, or a change is rejected.
pub fn new_run_config(args: &Train) -> Result<(AnyConfig, String)> {
    let Some(model) = &args.init_from else { return read_any(&args.config) };
    let model_config = Some(model.join(CONFIG)).filter(|model_config| model_config.is_file());
    // An imported model may have no configuration: then the default one is used.
    let (before, _) = read(&ConfigArgs { config: model_config.clone(), ..ConfigArgs::default() })?;
    let (mut config, _) = read(&ConfigArgs { config: model_config, ..args.config.clone() })?;
    reject_model_changes(&before, &config, &model.display().to_string())?;
    let name = model.file_name().map_or("run".into(), |name| name.to_string_lossy());
    let name = format!("from-{name}");
    config.init = crate::config::Init {
        from: Some(model.clone()),
        new_tokens: match args.new_tokens {
            None | Some(args::NewTokens::Error) => NewTokens::Error,
            Some(args::NewTokens::Unk) => NewTokens::Unk,
            Some(args::NewTokens::Extend) => NewTokens::Extend,
        },
    };
    Ok((AnyConfig::LanguageModel(Box::new(config)), name))
}

/// Rejects a directory that is not a run.
///
/// # Errors
/// If `run` contains neither a configuration nor a checkpoint.
pub fn check_is_run(run: &Path) -> Result<()> {
    if run.join(CONFIG).is_file() || Checkpoints::of(run).newest_path().is_ok() {
        return Ok(());
    }
    Err(Error::new(format!(
        "{} is not a run: it does not exist or contains no {CONFIG}; expected a directory such as runs/lstm-1",
        run.display()
    )))
}

/// The last saved configuration of a run, with the requested changes.
///
/// # Errors
/// If it cannot be read, or a key is changed that must not change in a run.
pub fn resumed_config(run: &Path, args: &ConfigArgs) -> Result<AnyConfig> {
    let name = run.display().to_string();
    // The number of epochs may have been changed since the run started.
    let path = Checkpoints::of(run).newest_path()?.join(CONFIG);
    let config = |args: ConfigArgs| -> Result<AnyConfig> {
        let read = read_any(&ConfigArgs { config: Some(path.clone()), ..args });
        Ok(read.map_err(|error| Error::new(format!("{name} cannot be resumed: {error}")))?.0)
    };
    let before = config(ConfigArgs::default())?;
    let now = config(args.clone())?;
    match (&before, &now) {
        (AnyConfig::Questions(before), AnyConfig::Questions(now)) => reject_changes(before, now, &name)?,
        (AnyConfig::LanguageModel(before), AnyConfig::LanguageModel(now)) => reject_changes(before, now, &name)?,
        // Both come from the same file, and its task cannot be changed.
        _ => {}
    }
    Ok(now)
}

/// The data of a run that is resumed, with the vocabulary of its last checkpoint.
///
/// # Errors
/// If the text cannot be prepared, or the checkpoint cannot be read.
pub fn resumed_experiment(run: &Path, config: Config) -> Result<LmExperiment> {
    if config.init.from.is_none() {
        return LmExperiment::new(config, None);
    }
    // The checkpoint contains the vocabulary, even if the model that the run was initialized from is gone.
    let newest = Checkpoints::of(run).newest_path()?;
    let model = LmBundle::read_metadata(&newest)?.config;
    let tokenizer = models::bundle::read_tokenizer(&newest)?;
    LmExperiment::new(config, Some(&PretrainedModel { tokenizer, model, new_tokens: NewTokens::Unk }))
}

/// The data of a new run, its model with initial weights, and the trained model that `config` takes them from, if any.
///
/// # Errors
/// If the configuration, the text or the model is rejected.
pub fn new_experiment(config: Config, device: &Device) -> Result<(LmExperiment, LanguageModel, Option<Origin>)> {
    let Some(path) = config.init.from.clone() else {
        let experiment = LmExperiment::new(config, None)?;
        let model = init_model(&experiment, device)?;
        return Ok((experiment, model, None));
    };
    let bundle = LmBundle::load(&path, device)?;
    let manifest = path.join(MANIFEST);
    let manifest = std::fs::read(&manifest).map_err(Error::io(&manifest, "read"))?;
    let pretrained = PretrainedModel { new_tokens: config.init.new_tokens, ..PretrainedModel::of(&bundle) };
    let experiment = LmExperiment::new(config, Some(&pretrained))?;
    let (before, now) = (bundle.model.vocab_size(), experiment.model.vocab_size);
    if now > before {
        let how = if bundle.metadata.config.frozen_embedding {
            "and keep their random embeddings, because the embedding is frozen"
        } else {
            "and are learned from random embeddings"
        };
        status(&format!("{} tokens are new {how}", now - before));
    }
    let model = bundle.model.resize_vocab(experiment.model.init(experiment.config.seed, device)?);
    let directory = experiment.config.init.from.clone().unwrap_or(path);
    Ok((experiment, model, Some(Origin { model: directory, manifest_sha256: sha256(&manifest) })))
}

/// A newly initialized model, with pretrained word vectors if the configuration has them.
fn init_model(experiment: &LmExperiment, device: &Device) -> Result<LanguageModel> {
    let model = experiment.model.init(experiment.config.seed, device)?;
    match PretrainedVectors::read(experiment)? {
        None => Ok(model),
        Some(vectors) => {
            status(&format!("word vectors cover {}", vectors.coverage()));
            vectors.fill(model)
        }
    }
}
