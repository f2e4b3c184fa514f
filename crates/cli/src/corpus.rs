//! Known corpora: what `datasets/NAME/dataset.toml` says, and the text it describes.

use std::path::{Path, PathBuf};

use seqdata::hash::sha256;
use serde::Deserialize;
use text_prep::{Excerpt, Source, Text};

use crate::config::parse;
use crate::embedded;
use crate::error::{Error, Result};

/// A corpus as its `dataset.toml` describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// What it is.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// Where it can be downloaded.
    pub address: Option<String>,
    /// Under which licence.
    pub licence: String,
    /// The name of the text file beside `dataset.toml`.
    pub file: String,
    /// SHA-256 of the editions that are known to give the counts below.
    pub sha256: Vec<String>,
    /// The part that is used.
    pub excerpt: Option<Excerpt>,
    /// What preparation by the seed's recipe must yield.
    pub counts: Counts,
}

/// Counts by the seed's recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Characters after cleaning.
    pub characters: usize,
    /// Tokens.
    pub tokens: usize,
    /// Different tokens.
    pub words: usize,
}

impl Dataset {
    /// The known corpus of this name: under `datasets/` in the working directory, or built in.
    pub fn find(name: &str) -> Result<Self> {
        let path = folder(name).join("dataset.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text, &path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let known = embedded::DATASETS.iter().find(|(known, _)| *known == name);
                let (name, text) = known.ok_or_else(|| unknown(name))?;
                parse(text, &format!("the built-in corpus {name}"))
            }
            Err(error) => Err(Error::io(path, "read")(error)),
        }
    }

    /// The corpus's text.
    pub fn text(&self, name: &str) -> Result<Box<dyn Text>> {
        let path = self.path(name);
        if !path.exists() && name == "fables" {
            return Ok(Box::new(embedded::FABLES));
        }
        if !path.exists() {
            return Err(Error::new(format!(
                "the corpus `{name}` is not in place ({} is missing): run `cargo xtask fetch \
                 {name}`, or `pastiche fetch {name}`",
                path.display()
            )));
        }
        Ok(Box::new(self.reading().open(&path)?))
    }

    /// How the text's bytes are read.
    pub fn reading(&self) -> Source {
        Source { excerpt: self.excerpt.clone(), ..Source::default() }
    }

    /// Where the text belongs.
    pub fn path(&self, name: &str) -> PathBuf {
        folder(name).join(&self.file)
    }

    /// Whether these bytes are a known edition.
    pub fn knows(&self, bytes: &[u8]) -> bool {
        self.sha256.contains(&sha256(bytes))
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new("datasets").join(name)
}

fn unknown(name: &str) -> Error {
    let mut known: Vec<String> =
        embedded::DATASETS.iter().map(|(name, _)| (*name).to_string()).collect();
    let found = std::fs::read_dir("datasets").into_iter().flatten().flatten();
    let found = found.filter(|entry| entry.path().join("dataset.toml").exists());
    known.extend(found.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    known.sort();
    known.dedup();
    Error::new(format!("the corpus `{name}` is unknown; known are {}", known.join(", ")))
}
