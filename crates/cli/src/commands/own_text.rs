//! The text that a model was trained on, read again.

use std::path::Path;

use models::LmBundle;

use super::train::CONFIG;
use crate::base;
use crate::config::{Config, LmExperiment, PretrainedModel, parse_config};
use crate::error::{Error, Result, bail};
use crate::run::changed_text;
use crate::run::init::check_text;

/// What can be done instead of restoring the text of a run, where a command takes another one.
pub const OTHER_TEXT: &str = "or give a text with `--text`";

/// Reads the run's own text again and checks that it has not changed. `otherwise` says what to do besides restoring it.
///
/// # Errors
/// If the text is unknown, cannot be read or has changed.
pub fn own_text(bundle: &LmBundle, directory: &Path, otherwise: &str) -> Result<LmExperiment> {
    if base::is_base(directory) {
        bail!("the program does not contain the text of the built-in base: give a text with `--text`");
    }
    let text = bundle.extra_files.get(CONFIG).ok_or_else(|| {
        Error::new(format!("the model has no config.toml, so its validation text is unknown: restore it, {otherwise}"))
    })?;
    let config: Config = parse_config(&String::from_utf8_lossy(text), CONFIG)?;
    let config = config.saved_in(directory);
    check_text("the model", &config, otherwise)?;
    // The vocabulary depends on that of the model that the run started from.
    let pretrained = config.init.from.is_some().then(|| PretrainedModel::of(bundle));
    let own = config.clone();
    let experiment = LmExperiment::new(config, pretrained.as_ref());
    let experiment = changed_text::explain(experiment, directory, &own, &format!(", {otherwise}"))?;
    let dataset = &experiment.dataset;
    // Texts that differ by a one-to-one exchange of words have equal ids, so compare the tokenizers, too.
    let same_ids = dataset.valid_sha256() == bundle.metadata.valid_sha256;
    if !same_ids || dataset.tokenizer != bundle.tokenizer {
        bail!(
            "the run's text has changed since training (the validation split or the vocabulary differs): \
             restore it, {otherwise}"
        );
    }
    Ok(experiment)
}
