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
    AnyConfig, Config, PretrainedModel, Resolved, read, read_any, reject_changes, reject_model_changes,
};
use crate::error::{Error, Result};
use crate::output::status;
use crate::run::experiment_lm::LmExperiment;
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
    let own = Some(model.join(CONFIG)).filter(|own| own.is_file());
    // An imported model may have no configuration: then the default one is used.
    let unchanged = ConfigArgs { config: own.clone(), ..ConfigArgs::default() };
    let (before, _) = read(&unchanged)?;
    let (mut config, _) = read(&ConfigArgs { config: own, ..args.config.clone() })?;
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
        (AnyConfig::Questions(before), AnyConfig::Questions(now)) => {
            reject_changes(before, now, &name)?;
        }
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
        return Ok(LmExperiment { resolved: Resolved::new(config)? });
    }
    // The checkpoint contains the vocabulary, even if the model that the run was initialized from is gone.
    let newest = Checkpoints::of(run).newest_path()?;
    let model = LmBundle::read_metadata(&newest)?.config;
    let tokenizer = models::bundle::read_tokenizer(&newest)?;
    let pretrained = PretrainedModel { tokenizer, model, new_tokens: NewTokens::Unk };
    Ok(LmExperiment { resolved: Resolved::with_pretrained(config, &pretrained)? })
}

/// The data and the initial weights of a new run.
pub struct PreparedRun {
    /// The configuration and data.
    pub experiment: LmExperiment,
    /// The model with its initial weights.
    pub model: LanguageModel,
    /// The trained model from which the weights were initialized.
    pub origin: Option<Origin>,
}

impl PreparedRun {
    /// Prepares the text and initializes the weights, from the trained model if `config` names one.
    ///
    /// # Errors
    /// If the configuration, the text or the model is rejected.
    pub fn new(config: Config, device: &Device) -> Result<Self> {
        let Some(path) = config.init.from.clone() else {
            let resolved = Resolved::new(config)?;
            let model = init_model(&resolved, device)?;
            return Ok(Self { experiment: LmExperiment { resolved }, model, origin: None });
        };
        let artifact = LmBundle::load(&path, device)?;
        let manifest = path.join(MANIFEST);
        let manifest = std::fs::read(&manifest).map_err(Error::io(&manifest, "read"))?;
        let new_tokens = config.init.new_tokens;
        let resolved =
            Resolved::with_pretrained(config, &PretrainedModel { new_tokens, ..PretrainedModel::of(&artifact) })?;
        let (before, now) = (artifact.model.vocab_size(), resolved.model.vocab_size);
        if now > before {
            let how = if artifact.metadata.config.frozen_embedding {
                "and keep their random embeddings, because the embedding is frozen"
            } else {
                "and are learned from random embeddings"
            };
            status(&format!("{} tokens are new {how}", now - before));
        }
        let model = artifact.model.resize_vocab(resolved.model.init(resolved.config.seed, device)?);
        let model_directory = resolved.config.init.from.clone().unwrap_or(path);
        let origin = Origin { model: model_directory, manifest_sha256: sha256(&manifest) };
        Ok(Self { experiment: LmExperiment { resolved }, model, origin: Some(origin) })
    }
}

/// A newly initialized model, with pretrained word vectors if the configuration names them.
fn init_model(resolved: &Resolved, device: &Device) -> Result<LanguageModel> {
    let model = resolved.model.init(resolved.config.seed, device)?;
    match PretrainedVectors::read(resolved)? {
        None => Ok(model),
        Some(vectors) => {
            status(&format!("word vectors cover {}", vectors.coverage()));
            vectors.fill(model)
        }
    }
}
