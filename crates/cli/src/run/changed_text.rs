//! Explains errors about the text of a saved run: it was accepted once, so it has changed.

use std::path::Path;

use trainer::Checkpoints;

use super::provenance::Provenance;
use crate::config::Config;
use crate::error::{Error, Result};

/// Explains why the text of the run or model in `directory`, which has the configuration `config`, can no longer be
/// prepared; `advice` says what to do besides restoring it.
pub fn explain<T>(result: Result<T>, directory: &Path, config: &Config, advice: &str) -> Result<T> {
    result.map_err(|error| {
        let run = Checkpoints::run_of(directory);
        let before = Provenance::read(run.as_deref().unwrap_or(directory)).map(|run| run.inputs.text_sha256);
        let name = directory.display();
        let file = match &config.text.all_paths()[..] {
            [] => String::new(),
            [file] => format!(", {},", file.display()),
            [file, _] => format!(", {} and 1 other,", file.display()),
            [file, others @ ..] => format!(", {} and {} others,", file.display(), others.len()),
        };
        match (before, config.text.sha256(&config.data)) {
            (Ok(before), Ok(now)) if before == now => error,
            (Ok(before), Ok(now)) => Error::new(format!(
                "the text of {name}{file} has changed since training (SHA-256 {}, now {}): restore it{advice}",
                before.get(..12).unwrap_or(&before),
                &now[..12]
            )),
            _ => possibly_changed(error, directory, "text", advice),
        }
    })
}

/// As [`explain`], for the questions of a run.
pub fn explain_questions<T>(result: Result<T>, directory: &Path, advice: &str) -> Result<T> {
    result.map_err(|error| possibly_changed(error, directory, "data", advice))
}

fn possibly_changed(error: Error, directory: &Path, what: &str, advice: &str) -> Error {
    let hint = format!(
        "the {what} of {} may have changed since training: restore {}{advice}",
        directory.display(),
        if what == "data" { "them" } else { "it" }
    );
    let hint = error.is_about_text().then_some(hint);
    error.with_hint(hint.as_deref())
}
