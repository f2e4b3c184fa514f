//! Pretrained word vectors of a configuration: the file opened, and how much of the text it knows.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use models::LanguageModel;
use models::word_vectors::WordVectors;
use text_prep::Vocabulary;

use crate::config::Resolved;
use crate::error::{Error, Result};

/// The vectors that a configuration names, and what they cover.
pub struct Vectors {
    vectors: WordVectors,
    /// The share of the vocabulary, reserved ids left out.
    pub of_vocabulary: f64,
    /// The share of the training tokens.
    pub of_training: f64,
}

/// Reads the vectors of size `size` in `path` for the words of `vocabulary`.
///
/// # Errors
/// If the file cannot be read, or holds others.
pub fn read(path: &Path, vocabulary: &Vocabulary, size: usize) -> Result<WordVectors> {
    let words: Vec<(u32, &str)> = (0..vocabulary.len() as u32)
        .filter(|&id| !vocabulary.is_reserved(id))
        .filter_map(|id| Some((id, vocabulary.token(id)?)))
        .collect();
    let file = BufReader::new(File::open(path).map_err(Error::io(path, "opened"))?);
    Ok(WordVectors::read(file, path, size, words.into_iter())?)
}

impl Vectors {
    /// Reads those that `resolved` names; none if it names none.
    pub fn read(resolved: &Resolved) -> Result<Option<Self>> {
        let Some(path) = &resolved.config.model.vectors.path else { return Ok(None) };
        let prepared = &resolved.prepared;
        let vocabulary = &prepared.tokenizer.vocabulary;
        let vectors = read(path, vocabulary, resolved.model.embedding)?;
        let count = vocabulary.words() as f64;
        let training = prepared.split.train.clone();
        let known = training.clone().filter(|&at| vectors.covers(prepared.ids.get(at))).count();
        Ok(Some(Self {
            of_vocabulary: vectors.len() as f64 / count,
            of_training: known as f64 / training.len() as f64,
            vectors,
        }))
    }

    /// The model with these vectors in its embedding.
    pub fn fill(&self, model: LanguageModel) -> Result<LanguageModel> {
        let embedding = self.vectors.fill(model.embedding)?;
        Ok(LanguageModel { embedding, ..model })
    }

    /// What is covered, for people.
    pub fn coverage(&self) -> String {
        format!(
            "{:.1} % of the vocabulary, {:.1} % of the training tokens",
            100.0 * self.of_vocabulary,
            100.0 * self.of_training
        )
    }
}
