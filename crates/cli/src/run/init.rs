//! How a run starts: with new weights, with those of a trained model, or from its own last checkpoint.

use std::path::{Path, PathBuf};

use args::{ConfigArgs, Train};
use burn::tensor::Device;
use models::bundle::{DOCUMENT_HASHES, read_metadata};
use models::{LanguageModel, LanguageModelConfig, LmBundle};
use seqdata::{DocumentHashes, NewTokens};
use trainer::Checkpoints;

use crate::base;
use crate::config::{
    AnyConfig, Config, ConfigFile, FINE_TUNING, LmExperiment, PretrainedModel, QuestionsConfig, Text, Vectors,
    apply_changes, read, read_any, reject_changes, reject_model_changes, unused_keys,
};
use crate::error::{Error, Result, bail};
use crate::input::{is_open_file, is_pattern};
use crate::long_task::LongTask;
use crate::output::status;
use crate::run::provenance::{self, Origin};
use crate::run::word_vectors::PretrainedVectors;
use crate::run::{changed_text, directory, initial_model};
use crate::view::format::decimals;

/// The configuration's file name in a run directory.
pub const CONFIG: &str = "config.toml";

/// The configuration of a new run, and a name for its directory: that of `--config`; with `--init-from` the trained
/// model's configuration, or that of `--config` without what the model determines.
///
/// # Errors
/// If it cannot be read, or a change is rejected.
pub fn new_run_config(args: &Train) -> Result<(AnyConfig, String)> {
    match &args.init_from {
        Some(model) => config_from_model(args, model),
        None => read_any(&args.config),
    }
}

fn config_from_model(args: &Train, model: &Path) -> Result<(AnyConfig, String)> {
    let is_base = base::is_base(model);
    let model = &directory::resolve_model(model);
    let name = model.display().to_string();
    let pretrained = PretrainedModel::read(model)?;
    let model_config = Some(model.join(CONFIG)).filter(|model_config| !is_base && model_config.is_file());
    // The base and imported models have no configuration to start with.
    let mut of_model = match &model_config {
        Some(path) => read(&ConfigArgs { config: Some(path.clone()), ..ConfigArgs::default() })?.0,
        None => pretrained.config(),
    };
    let extends = args.new_tokens == Some(args::NewTokens::Extend) && pretrained.tokenizer.vocabulary.is_subwords();
    if extends {
        // Its size says how many ids the model has, not to how many it is extended.
        of_model.vocabulary.size = None;
    }
    let changed = apply_changes(of_model.clone(), &args.config.set)?;
    reject_model_changes(&of_model, &changed, &name, extends)?;
    let default = if is_base { Some(Path::new(FINE_TUNING)) } else { model_config.as_deref() };
    let config_file = ConfigFile::read(args.config.config.as_deref().or(default))?;
    let as_given = config_file.language_model(&ConfigArgs::default())?;
    let config_file = config_file.starting_from(model);
    let mut config = config_file.language_model(&args.config)?;
    if extends && args.config.config.is_none() {
        config.vocabulary.size = changed.vocabulary.size;
    }
    if config.text.path.is_some() && config.text.encoding.is_none() && of_model.text.encoding.is_some() {
        config.text.encoding = of_model.text.encoding.clone();
        let encoding = config.text.encoding.as_deref().unwrap_or_default();
        status(&format!("the text is read as {encoding}, like that of {name}; `--encoding` names another encoding"));
    }
    if let Some(file) = &args.config.config {
        let given = config_file.keys()?;
        let has_config = is_base || model_config.is_some();
        if let Some(keys) = unused_keys(&of_model, &as_given, &given, extends).filter(|_| has_config) {
            status(&format!("{keys} of {} are not used: the model {name} determines them", file.display()));
        }
        config.model.vectors.path = of_model.model.vectors.path;
        config.tokens = of_model.tokens;
        config.clean = of_model.clean;
        config.vocabulary.oov = of_model.vocabulary.oov;
        if !extends {
            config.vocabulary.size = of_model.vocabulary.size;
        }
    } else if model_config.is_some() && is_same_source(&config.text, &as_given.text) {
        // The new run checks the same text as every new run.
        let text = config.text.clone().saved_in(model).for_another_run()?;
        config.text = Text { run: None, ..text };
        check_text(&name, &config, "or give another with `--text`")?;
    } else if config.text.path.is_some() {
        // Another text than the model's copy.
        config.text.copy = false;
    }
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
    if base::is_base(run) {
        bail!("`base` is the built-in base model, not a run: start a run from it with `train --init-from base`");
    }
    Err(Error::new(format!(
        "{} is not a run: it does not exist or contains no {CONFIG}; expected a directory such as runs/lstm-1",
        run.display()
    )))
}

/// Rejects a model directory that is not that of a run, such as an imported model; `advice` says what to do with it.
///
/// # Errors
/// If `run` contains a model, but no trace of its training.
pub fn check_was_trained(run: &Path, advice: &str) -> Result<()> {
    if Checkpoints::of(run).newest_path().is_ok() || run.join(provenance::NAME).is_file() {
        return Ok(());
    }
    // Other directories are reported by those who read them.
    let Ok(metadata) = read_metadata(run) else { return Ok(()) };
    let run_name = run.display();
    if run.join("progress.json").is_file() {
        bail!("{run_name} is a checkpoint, not a run: give the directory of its run");
    }
    let kind = if metadata.epochs == 0 { "an imported model" } else { "a saved model" };
    bail!("{run_name} is {kind}, not a training run: {advice}")
}

/// Rejects a configuration whose text is gone: a run or model with this name was trained on it. `advice` says what to do
/// besides restoring it.
///
/// # Errors
/// If the text does not exist.
pub fn check_text(name: &str, config: &Config, advice: &str) -> Result<()> {
    config.text.all_paths().into_iter().try_for_each(|path| check_exists(name, Some(path), advice))
}

/// As [`check_text`], for the data of a question model.
///
/// # Errors
/// If a file does not exist.
pub fn check_questions(name: &str, config: &QuestionsConfig, advice: &str) -> Result<()> {
    config.data.files().into_iter().try_for_each(|path| check_exists(name, path, advice))
}

/// As [`check_text`], for the word vectors of a run that is repeated.
///
/// # Errors
/// If the file does not exist.
pub fn check_vectors(name: &str, vectors: &Vectors) -> Result<()> {
    check_exists(name, vectors.path.clone(), "because only the same word vectors give the same run")
}

fn check_exists(name: &str, path: Option<PathBuf>, advice: &str) -> Result<()> {
    // Whether a pattern has files is seen when they are read.
    let is_missing = |path: &PathBuf| matches!(path.try_exists(), Ok(false)) && !is_pattern(path);
    match path.filter(is_missing) {
        Some(path) if is_open_file(&path) => {
            bail!(
                "{name} was trained on a pipe, {}, and kept no copy of it: its contents cannot be read again, {advice}",
                path.display()
            )
        }
        Some(path) => {
            bail!("{name} was trained on {}, which does not exist: put the file back there, {advice}", path.display())
        }
        None => Ok(()),
    }
}

/// The advice of [`check_text`] for a run that is resumed or repeated.
pub const SAME_TEXT: &str = "because only the same text gives the same run";

/// Sets the number of validation streams of a saved run, which its configuration lacks if an earlier version made it.
///
/// # Errors
/// If its progress cannot be read.
pub fn restore_valid_streams(run: &Path, config: &mut Config) -> Result<()> {
    if let Some(progress) = Checkpoints::of(run).progress()? {
        config.split.valid_streams = progress.config.valid_streams;
    }
    Ok(())
}

/// Sets the number of ids to which a saved run extended the subwords of the model that it started from. Its configuration may
/// lack it, or have another one if an earlier version, which did not extend subwords, made the run.
///
/// # Errors
/// If its tokenizer cannot be read.
pub fn restore_extended_size(run: &Path, config: &mut Config) -> Result<()> {
    if config.init.from.is_some() && config.init.new_tokens == NewTokens::Extend {
        let vocabulary = models::bundle::read_tokenizer(run)?.vocabulary;
        if vocabulary.is_subwords() {
            config.vocabulary.size = Some(vocabulary.len());
        }
    }
    Ok(())
}

/// The last saved configuration of a run, with the requested changes.
///
/// # Errors
/// If it cannot be read, or a key is changed that must not change in a run.
pub fn resumed_config(run: &Path, args: &ConfigArgs) -> Result<AnyConfig> {
    let name = run.display().to_string();
    // The number of epochs may have been changed since the run started.
    let path = match Checkpoints::of(run).newest_path() {
        Err(_) if directory::is_in_pretraining(run) => run.join(CONFIG),
        newest => newest?.join(CONFIG),
    };
    let config = |args: ConfigArgs| -> Result<AnyConfig> {
        let read = read_any(&ConfigArgs { config: Some(path.clone()), ..args });
        let (config, _) = read.map_err(|error| Error::new(format!("{name} cannot be resumed: {error}")))?;
        Ok(config.saved_in(run))
    };
    let before = config(ConfigArgs::default())?;
    let mut now = config(args.clone())?;
    match (&before, &mut now) {
        (AnyConfig::Questions(before), AnyConfig::Questions(now)) => reject_changes(before, now, &name)?,
        (AnyConfig::LanguageModel(before), AnyConfig::LanguageModel(now)) => {
            reject_changes(before, now, &name)?;
            restore_valid_streams(run, now)?;
        }
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
    check_text(&run.display().to_string(), &config, SAME_TEXT)?;
    let saved = config.clone();
    if config.init.from.is_none() {
        return changed_text::explain(LmExperiment::new(config, None), run, &saved, "");
    }
    // The checkpoint contains the vocabulary, even if the model that the run was initialized from is gone.
    let newest = Checkpoints::of(run).newest_path()?;
    let model = LmBundle::read_metadata(&newest)?.config;
    let tokenizer = models::bundle::read_tokenizer(&newest)?;
    // It has those of the initial model, too. Checkpoints of running text have none.
    let hashes = std::fs::read(newest.join(DOCUMENT_HASHES)).ok();
    let documents = hashes.and_then(|bytes| DocumentHashes::from_bytes(&bytes)).unwrap_or_default();
    let pretrained = PretrainedModel { tokenizer, model, new_tokens: NewTokens::Unk, documents };
    changed_text::explain(LmExperiment::new(config, Some(&pretrained)), run, &saved, "")
}

/// The data of a new run without its model's weights, to look at.
///
/// # Errors
/// If the configuration or the text is rejected, or the trained model that the run starts from cannot be read.
pub fn inspected_experiment(config: Config) -> Result<LmExperiment> {
    let Some(from) = &config.init.from else { return LmExperiment::new(config, None) };
    let pretrained = PretrainedModel { new_tokens: config.init.new_tokens, ..PretrainedModel::read(from)? };
    LmExperiment::new(config, Some(&pretrained))
}

/// The data of a new run, its model with initial weights, and the trained model that `config` takes them from, if any.
/// `loaded` is that model, if it is in memory already.
///
/// # Errors
/// If the configuration, the text or the model is rejected.
pub fn new_experiment(
    config: Config,
    loaded: Option<LmBundle>,
    device: &Device,
) -> Result<(LmExperiment, LanguageModel, Option<Origin>)> {
    let Some(path) = config.init.from.clone() else {
        let experiment = LmExperiment::new(config, None)?;
        let model = init_model(&experiment, device)?;
        return Ok((experiment, model, None));
    };
    let bundle = loaded.map_or_else(|| initial_model::load(&path, device), Ok)?;
    let manifest_sha256 = initial_model::manifest_sha256(&path)?;
    let pretrained = PretrainedModel { new_tokens: config.init.new_tokens, ..PretrainedModel::of(&bundle) };
    let given = config.clone();
    let is_same = !base::is_base(&path) && is_same_text(&given, &Config::of_model(&path, CONFIG));
    let experiment = LmExperiment::new(config, Some(&pretrained));
    let experiment = if is_same {
        changed_text::explain(experiment, &path, &given, ", or give another with `--text`")?
    } else {
        experiment?
    };
    report_changes(&bundle, &experiment, &path);
    let fresh = experiment.model.init_around_layers(experiment.config.seed, device)?;
    let origins = experiment.dataset.tokenizer.vocabulary.origins(&bundle.tokenizer.vocabulary);
    let model = bundle.model.adapt(fresh, &origins);
    let model_path = experiment.config.init.from.clone().unwrap_or(path);
    // Recorded now, because the models before this one may be gone when the run ends.
    let base = initial_model::base_of(&model_path);
    Ok((experiment, model, Some(Origin { model: model_path, manifest_sha256, base })))
}

/// Prints what the model of a run has in addition to the trained model `bundle` that it starts from, or does not know.
fn report_changes(bundle: &LmBundle, experiment: &LmExperiment, path: &Path) {
    let (old, new) = (&bundle.metadata.config, &experiment.model);
    let name = path.display();
    let is_for_documents = old.document_id.is_none() && new.document_id.is_some();
    if is_for_documents {
        status("the token between documents is new and is learned from initial weights");
    }
    let new_tokens = new.vocab_size - old.vocab_size - usize::from(is_for_documents);
    if new_tokens > 0 {
        let how = if experiment.dataset.tokenizer.vocabulary.is_subwords() {
            [
                "starts as the mean of the tokens that it consists of",
                "start as the mean of the tokens that they consist of",
            ]
        } else if old.frozen_embedding {
            [
                "keeps its random embedding, because it is frozen",
                "keep their random embeddings, because these are frozen",
            ]
        } else {
            ["is learned from a random embedding", "are learned from random embeddings"]
        };
        status(&match new_tokens {
            1 => format!("1 token is new and {}", how[0]),
            _ => format!("{new_tokens} tokens are new and {}", how[1]),
        });
    }
    match new.labels.len().saturating_sub(old.labels.len()) {
        0 => {}
        1 => status("1 label is new"),
        labels => status(&format!("{labels} labels are new")),
    }
    let output_layer =
        |config: &LanguageModelConfig| (config.projection_dim, config.tie_weights, config.adaptive_softmax.clone());
    if output_layer(new) != output_layer(old) {
        status(&format!("the output layer is not that of {name}: what is new in it is learned from initial weights"));
    }
    if experiment.config.init.new_tokens == NewTokens::Unk {
        let [train, valid] = experiment.dataset.unknown_fractions().map(|fraction| decimals(100.0 * fraction, 2));
        status(&format!(
            "{train} % of the training tokens and {valid} % of the validation tokens are unknown to {name}; \
             `--new-tokens extend` adds them to its vocabulary"
        ));
    }
}

/// Whether two configurations read the same text in the same way.
fn is_same_text(config: &Config, other: &Config) -> bool {
    let of = |Config { text, data, .. }: &Config| {
        let paths: Vec<_> = text.all_paths().iter().map(|path| text_prep::absolute_input(path).ok()).collect();
        let table = (text.column.clone(), text.label.clone());
        let corpus = (text.dataset.clone(), text.corpus_edition().ok());
        (corpus, paths, table, text.source_options(), data.clone())
    };
    of(config) == of(other)
}

/// Whether two texts are the same corpus, files or copy, however they are read.
fn is_same_source(text: &Text, other: &Text) -> bool {
    let of = |text: &Text| (text.dataset.clone(), text.path.clone(), text.copy);
    of(text) == of(other)
}

/// A newly initialized model, with pretrained word vectors if the configuration has them.
///
/// # Errors
/// If the model or the word vectors are rejected.
fn init_model(experiment: &LmExperiment, device: &Device) -> Result<LanguageModel> {
    let task = LongTask::start("initializing the weights");
    let model = experiment.model.init(experiment.config.seed, device)?;
    drop(task);
    let _task = LongTask::start("reading the word vectors");
    match PretrainedVectors::read(experiment)? {
        None => Ok(model),
        Some(vectors) => {
            status(&format!("word vectors cover {}", vectors.coverage()));
            vectors.fill(model)
        }
    }
}
