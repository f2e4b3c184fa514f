//! From a file of questions to a data set: reads it, splits it into training and validation documents, makes examples.

use std::path::PathBuf;

use super::dataset::{QaDataset, QaDatasetConfig};
use super::error::Result;
use super::split::split;
use super::{QuestionCounts, ReadOptions};

impl QaDataset {
    /// A data set of the questions in a file of one of the formats of [`read`](super::read()).
    pub fn from_file(path: impl Into<PathBuf>) -> QaDatasetBuilder {
        let (path, config) = (path.into(), QaDatasetConfig::default());
        let read = ReadOptions::default();
        QaDatasetBuilder { path, read, valid_file: None, valid_fraction: 0.1, seed: 1, config }
    }
}

/// The options of a [`QaDataset`], whose file is read by [`build`](Self::build). Created by [`QaDataset::from_file`].
#[derive(Clone, Debug)]
#[must_use = "the file is read by `build`"]
pub struct QaDatasetBuilder {
    path: PathBuf,
    read: ReadOptions,
    valid_file: Option<PathBuf>,
    valid_fraction: f64,
    seed: u64,
    config: QaDatasetConfig,
}

impl QaDatasetBuilder {
    /// Replaces the options of the configuration.
    pub fn config(self, config: QaDatasetConfig) -> Self {
        Self { config, ..self }
    }

    /// Whether an invalid item of a file is an error. Default: false; it is left out and counted in
    /// [`QaDataset::file_counts`].
    pub fn strict(self, strict: bool) -> Self {
        Self { read: self.read.strict(strict), ..self }
    }

    /// Validates on the questions of another file. Without one, a part of the documents is held out.
    pub fn valid_file(self, path: impl Into<PathBuf>) -> Self {
        Self { valid_file: Some(path.into()), ..self }
    }

    /// The fraction of the questions that are held out for validation, in whole documents. Default: 0.1.
    pub fn valid_fraction(self, valid_fraction: f64) -> Self {
        Self { valid_fraction, ..self }
    }

    /// The RNG seed for the choice of the documents that are held out. Default: 1.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Reads the files and makes the examples.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged, the documents cannot be split, or training or validation has no usable
    /// question.
    pub fn build(self) -> Result<QaDataset> {
        let Self { path, read, valid_file, valid_fraction, seed, config } = self;
        let mut file_counts: Vec<QuestionCounts> = Vec::new();
        let mut documents = |path: PathBuf| -> Result<_> {
            let loaded = read.read(path)?;
            file_counts.push(loaded.counts);
            Ok(loaded.documents)
        };
        let all = documents(path)?;
        let (train, valid) = match valid_file {
            Some(path) => (all, documents(path)?),
            None => split(all, valid_fraction, seed)?,
        };
        Ok(QaDataset { file_counts, ..QaDataset::new(&train, &valid, &config)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_split_or_validated_on_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, animals: &[&str]| {
            let line = |animal| format!(r#"{{"context":"A {animal} ran.","question":"Who ran?","answer":"{animal}"}}"#);
            let lines: Vec<String> = animals.iter().map(line).collect();
            let path = folder.path().join(name);
            std::fs::write(&path, lines.join("\n")).unwrap();
            path
        };
        let train = QaDataset::from_file(file("train.jsonl", &["fox", "crow", "frog", "lion"]));
        let train = train.config(QaDatasetConfig::default().min_count(1));
        let counts = |builder: QaDatasetBuilder| builder.build().unwrap().counts.map(|counts| counts.examples);
        assert_eq!(counts(train.clone().valid_fraction(0.5)), [2, 2]);
        assert_eq!(counts(train.valid_file(file("valid.jsonl", &["wolf"]))), [4, 1]);
    }

    #[test]
    fn invalid_items_are_counted_or_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let line = |animal: &str| format!(r#"{{"context":"A {animal} ran.","question":"Who?","answer":"{animal}"}}"#);
        std::fs::write(&path, [line("fox"), "{".into(), line("owl")].join("\n")).unwrap();
        let builder = QaDataset::from_file(&path).config(QaDatasetConfig::default().min_count(1));
        let counts = builder.clone().build().unwrap().file_counts;
        assert_eq!(counts[0].to_string(), "of 3: 1 not in the expected format (line 2)");
        assert!(builder.strict(true).build().unwrap_err().to_string().contains("line 2"));
    }
}
