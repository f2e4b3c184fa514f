//! Known corpora: the descriptions `datasets/NAME/dataset.toml`, and their texts.

use std::io::Read;
use std::path::{Path, PathBuf};

use durable::read::{Accept, is_file_name, small_text};
use seqdata::hash::sha256;
use serde::Deserialize;
use text_prep::{Excerpt, SourceOptions, TextFiles};

use crate::config::parse;
use crate::embedded;
use crate::error::{Error, Result, bail};
use crate::fixed_split::FixedSplit;

/// The contents of a `dataset.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// The title of the work.
    pub title: String,
    /// The origin of the text.
    pub source: String,
    /// The URL of the text.
    pub address: Option<String>,
    /// The licence of the text.
    pub licence: String,
    /// The name of the text file next to `dataset.toml`; of the training part, if the corpus has a fixed split.
    pub file: String,
    /// SHA-256 of the files that give the counts below.
    #[serde(default)]
    pub sha256: Vec<String>,
    /// The lengths in bytes of the earlier editions, from the first one on. Each is a beginning of the text.
    #[serde(default)]
    pub earlier_editions: Vec<u64>,
    /// The part to use.
    pub excerpt: Option<Excerpt>,
    /// The expected counts with the preset `keras-lowercase`; not of a corpus with a fixed split.
    pub counts: Option<Counts>,
    /// The files for validation and a test, with the counts of all parts, of a corpus with a fixed split.
    pub split: Option<FixedSplit>,
}

/// Counts with the preset `keras-lowercase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Characters after cleaning.
    pub characters: usize,
    /// Tokens.
    pub tokens: usize,
    /// Distinct tokens.
    pub words: usize,
}

impl Corpus {
    /// The corpus of this name, from `datasets/` in the working directory or built in.
    ///
    /// # Errors
    /// If it is unknown, or its description cannot be read.
    pub fn find(name: &str) -> Result<Self> {
        if !is_file_name(name) {
            return Err(unknown(name));
        }
        let path = folder(name).join("dataset.toml");
        match small_text(&path) {
            Ok(text) => {
                let corpus: Self = parse(&text, &path.display().to_string())?;
                corpus.check_description(&path)?;
                Ok(corpus)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let known = embedded::DATASETS.iter().find(|(known, _)| *known == name);
                let (name, text) = known.ok_or_else(|| unknown(name))?;
                parse(text, &format!("the built-in corpus {name}"))
            }
            Err(error) => Err(Error::io(path, "read")(error)),
        }
    }

    /// Checks the description, which was read from `path`.
    fn check_description(&self, path: &Path) -> Result<()> {
        let path = path.display();
        let split = self.split.iter().flat_map(|split| [("split.valid", &split.valid), ("split.test", &split.test)]);
        for (key, file) in [("file", &self.file)].into_iter().chain(split) {
            if !is_file_name(file) {
                bail!("{path}: `{key}` is {file:?}; expected the name of a file next to it");
            }
        }
        if self.counts.is_some() == self.split.is_some() {
            bail!("{path}: expected one of the sections `counts`, of a single text, and `split`, of a benchmark");
        }
        Ok(())
    }

    /// The number of the latest edition, which is the whole text. The first edition has the number 1.
    pub fn latest_edition(&self) -> usize {
        self.earlier_editions.len() + 1
    }

    /// The text of an edition, by default of the latest; `options` decide on single characters. Of a corpus with a fixed
    /// split, the training part, after the counts of all parts were checked.
    ///
    /// # Errors
    /// If the text is missing, has no such edition, or is not that of the corpus.
    pub fn files(&self, name: &str, edition: Option<usize>, options: &SourceOptions) -> Result<TextFiles<'static>> {
        let latest = self.latest_edition();
        let edition = edition.unwrap_or(latest);
        if !(1..=latest).contains(&edition) {
            bail!("`text.edition` is {edition}; expected 1 to {latest}, the editions of the corpus `{name}`");
        }
        self.check_split(name)?;
        // The latest edition has no end.
        let end = self.earlier_editions.get(edition - 1);
        let path = self.path(name);
        let files = match (path.exists(), end) {
            (true, None) => TextFiles::new([path]),
            (true, Some(&end)) => {
                let file = Accept::File.open(&path).map_err(Error::io(&path, "read"))?;
                TextFiles::default().reader(path.display().to_string(), file.take(end))
            }
            (false, end) if name == "fables" => {
                let end = end.copied().unwrap_or(u64::MAX);
                TextFiles::default().reader(name, embedded::FABLES.as_bytes().take(end))
            }
            (false, _) => bail!(
                "the text of the corpus `{name}` is missing ({}): run `cargo xtask fetch {name}`, or \
                 `pastiche fetch {name}`",
                path.display()
            ),
        };
        Ok(files.options(SourceOptions { excerpt: self.excerpt.clone(), ..options.clone() }))
    }

    /// Checks the counts of all parts, if the corpus has a fixed split. Returns the fractions of the words for validation and
    /// the test that are not in the training part.
    ///
    /// # Errors
    /// If a file is missing or has other counts.
    pub fn check_split(&self, name: &str) -> Result<Option<[f64; 2]>> {
        self.split.as_ref().map(|split| split.check(name, &folder(name), &self.file)).transpose()
    }

    /// The paths of the files for validation and a test, if the corpus has a fixed split.
    pub fn held_out(&self, name: &str) -> [Option<PathBuf>; 2] {
        let split = self.split.as_ref();
        [split.map(|split| &split.valid), split.map(|split| &split.test)].map(|file| Some(folder(name).join(file?)))
    }

    /// How to read the text.
    pub fn source_options(&self) -> SourceOptions {
        SourceOptions { excerpt: self.excerpt.clone(), ..SourceOptions::default() }
    }

    /// The path of the text.
    pub fn path(&self, name: &str) -> PathBuf {
        folder(name).join(&self.file)
    }

    /// Whether these bytes are a known file of the text.
    pub fn is_known_file(&self, bytes: &[u8]) -> bool {
        self.sha256.contains(&sha256(bytes))
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new("datasets").join(name)
}

fn unknown(name: &str) -> Error {
    let mut known: Vec<String> = embedded::DATASETS.iter().map(|(name, _)| (*name).to_string()).collect();
    let found = std::fs::read_dir("datasets").into_iter().flatten().flatten();
    let found = found.filter(|entry| entry.path().join("dataset.toml").exists());
    known.extend(found.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    known.sort();
    known.dedup();
    Error::new(format!("the corpus `{name}` is unknown; expected one of {}", known.join(", ")))
}
