//! Saves a text, who wrote how much of it, or the whole tree.

use std::path::Path;

use durable::write_atomically;
use serde::Serialize;

use super::tree::{Author, Step, Tree};
use crate::commands::sampling_settings::Settings;
use crate::error::{Error, Result};

/// Where the text comes from.
#[derive(Serialize)]
pub struct Origin {
    /// Name and version of this program.
    pub program: &'static str,
    /// The path of the model, or the name of the built-in base.
    pub model: String,
    /// SHA-256 of its manifest, which contains the hashes of its files.
    pub model_sha256: String,
    /// What the model is mixed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix: Option<&'static str>,
    /// The label of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// With which tokens are sampled.
    pub sampling: Settings,
}

/// The form of `--save FILE.json`.
#[derive(Serialize)]
struct Saved<'a> {
    #[serde(flatten)]
    origin: &'a Origin,
    text: String,
    /// The characters of the text by who wrote them.
    characters: serde_json::Map<String, serde_json::Value>,
    prompt: &'a str,
    /// The last step of the text.
    current: usize,
    /// By their number.
    steps: &'a [Step],
}

/// Writes the text to `path`; to a `.md` also who wrote how much, to a `.json` the tree.
///
/// # Errors
/// If the file cannot be written.
pub fn save(tree: &Tree, origin: &Origin, path: &Path) -> Result<()> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let contents = match extension.to_ascii_lowercase().as_str() {
        "json" => json(tree, origin)?,
        "md" => markdown(tree, origin),
        _ => tree.text() + "\n",
    };
    Ok(write_atomically(path, contents.as_bytes())?)
}

fn json(tree: &Tree, origin: &Origin) -> Result<String> {
    let characters = tree.shares().into_iter().map(|(author, count)| (author.name().into(), count.into())).collect();
    let (text, prompt, current, steps) = (tree.text(), tree.prompt(), tree.current(), tree.steps());
    let saved = Saved { origin, text, characters, prompt, current, steps };
    serde_json::to_string_pretty(&saved).map(|json| json + "\n").map_err(|error| Error::new(error.to_string()))
}

fn markdown(tree: &Tree, origin: &Origin) -> String {
    let shares = tree.shares();
    let all: usize = shares.iter().map(|(_, count)| count).sum();
    let row = |(author, count): (Author, usize)| {
        let percent = 100.0 * count as f64 / all.max(1) as f64;
        format!("| {} | {count} | {percent:.1} % |\n", author.name())
    };
    let rows: String = shares.into_iter().map(row).collect();
    let Origin { program, model, model_sha256, .. } = origin;
    format!(
        "{}\n\n---\n\n| author | characters | share |\n|---|---|---|\n{rows}\nWritten with {program}, model {model} (SHA-256 of \
         its manifest: {model_sha256}).\n",
        tree.text()
    )
}
