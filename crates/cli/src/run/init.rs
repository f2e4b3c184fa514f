//! What a run begins with: fresh weights, those of a trained model, or those of its own last checkpoint.

use std::path::Path;

use args::{ConfigArgs, Train};
use burn::tensor::Device;
use models::artifact::MANIFEST;
use models::{Artifact, LanguageModel};
use seqdata::NewTokens;
use seqdata::hash::sha256;
use trainer::Checkpoints;

use crate::config::{
    Config, Known, Resolved, Written, read, read_any, refuse_changes, refuse_others,
};
use crate::error::{Error, Result};
use crate::output::tell;
use crate::run::provenance::Origin;
use crate::run::word_vectors::Vectors;

/// The configuration's name in a run directory.
pub const CONFIG: &str = "config.toml";

/// The configuration of a fresh run, and its name. A trained model brings its own configuration along.
///
/// # Errors
/// If it cannot be read, or a change is refused.
pub fn begin(args: &Train) -> Result<(Written, String)> {
    let Some(model) = &args.from else { return read_any(&args.config) };
    let own = Some(model.join(CONFIG)).filter(|own| own.is_file());
    // An imported model may know no text: then the configuration is the default one.
    let unchanged = ConfigArgs { config: own.clone(), ..ConfigArgs::default() };
    let (before, _) = read(&unchanged)?;
    let (mut config, _) = read(&ConfigArgs { config: own, ..args.config.clone() })?;
    refuse_others(&before, &config, &model.display().to_string())?;
    let name = model.file_name().map_or("run".into(), |name| name.to_string_lossy());
    let name = format!("from-{name}");
    config.from = crate::config::From {
        model: Some(model.clone()),
        vocabulary: match args.vocabulary {
            None | Some(args::NewTokens::Refuse) => NewTokens::Refuse,
            Some(args::NewTokens::Keep) => NewTokens::Keep,
            Some(args::NewTokens::Extend) => NewTokens::Extend,
        },
    };
    Ok((Written::Writing(Box::new(config)), name))
}

/// Refuses a directory that holds no run.
///
/// # Errors
/// Says what a run looks like.
pub fn is_run(run: &Path) -> Result<()> {
    match run.join(CONFIG).is_file() || Checkpoints::of(run).newest_path().is_ok() {
        true => Ok(()),
        false => Err(Error::new(format!(
            "{} is no run: it does not exist or holds no {CONFIG}; expected a directory such as \
             runs/lstm-1",
            run.display()
        ))),
    }
}

/// The configuration of a run that is gone on with, as it was last kept and with the changes that are
/// asked for.
///
/// # Errors
/// If it cannot be read, or a change would make another run of it.
pub fn go_on(run: &Path, args: &ConfigArgs) -> Result<Written> {
    let name = run.display().to_string();
    // The goal may have been moved since the run began.
    let path = Checkpoints::of(run).newest_path()?.join(CONFIG);
    let config = |args: ConfigArgs| -> Result<Written> {
        let read = read_any(&ConfigArgs { config: Some(path.clone()), ..args });
        Ok(read.map_err(|error| Error::new(format!("{name} cannot be resumed: {error}")))?.0)
    };
    let before = config(ConfigArgs::default())?;
    let now = config(args.clone())?;
    match (&before, &now) {
        (Written::Questions(before), Written::Questions(now)) => {
            refuse_changes(before, now, &name)?;
        }
        (Written::Writing(before), Written::Writing(now)) => refuse_changes(before, now, &name)?,
        // It is the same file, and what it is about cannot be set.
        _ => {}
    }
    Ok(now)
}

/// The text of a run that is gone on with, by the tokens that it has.
///
/// # Errors
/// If the text cannot be prepared, or the checkpoint cannot be read.
pub fn resolve_again(run: &Path, config: Config) -> Result<Resolved> {
    if config.from.model.is_none() {
        return Resolved::new(config);
    }
    // The run's own checkpoint knows its tokens, whatever became of the model that it began with.
    let newest = Checkpoints::of(run).newest_path()?;
    let model = Artifact::about(&newest)?.model;
    let tokenizer = models::artifact::tokenizer(&newest)?;
    Resolved::known(config, &Known { tokenizer, model, new: NewTokens::Keep })
}

/// A run that has not begun: its text, its weights, and where these come from.
pub struct Beginning {
    /// The configuration with its text.
    pub resolved: Resolved,
    /// The weights.
    pub model: LanguageModel,
    /// The trained model that they come from.
    pub origin: Option<Origin>,
}

impl Beginning {
    /// Prepares the text and draws the weights, or takes them from the model that `config` names.
    ///
    /// # Errors
    /// If the configuration, the text or the model is refused.
    pub fn new(config: Config, device: &Device) -> Result<Self> {
        let Some(path) = config.from.model.clone() else {
            let resolved = Resolved::new(config)?;
            let model = fresh(&resolved, device)?;
            return Ok(Self { resolved, model, origin: None });
        };
        let artifact = Artifact::load(&path, device)?;
        let manifest = path.join(MANIFEST);
        let manifest = std::fs::read(&manifest).map_err(Error::io(&manifest, "read"))?;
        let new = config.from.vocabulary;
        let resolved = Resolved::known(config, &Known { new, ..Known::of(&artifact) })?;
        let (before, now) = (artifact.model.vocabulary(), resolved.model.vocabulary);
        if now > before {
            let how = match artifact.about.model.frozen_embedding {
                true => {
                    "and keep the vectors that were drawn for them, for the embedding is frozen"
                }
                false => "and will be learned from the beginning",
            };
            tell(&format!("{} tokens are new {how}", now - before));
        }
        let model = artifact.model.grown(resolved.model.init(resolved.config.seed, device)?);
        let model_directory = resolved.config.from.model.clone().unwrap_or(path);
        let origin = Origin { model: model_directory, manifest_sha256: sha256(&manifest) };
        Ok(Self { resolved, model, origin: Some(origin) })
    }
}

/// The model as the seed draws it, with pretrained vectors where the configuration names them.
fn fresh(resolved: &Resolved, device: &Device) -> Result<LanguageModel> {
    let model = resolved.model.init(resolved.config.seed, device)?;
    match Vectors::read(resolved)? {
        None => Ok(model),
        Some(vectors) => {
            tell(&format!("word vectors cover {}", vectors.coverage()));
            vectors.fill(model)
        }
    }
}
