//! Pretrained word vectors of a configuration, and how much of the text they cover.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use models::LanguageModel;
use models::word_vectors::WordVectors;
use text_prep::Vocabulary;

use crate::config::LmExperiment;
use crate::error::{Error, Result};

/// The word vectors that a configuration names, and their coverage.
pub struct PretrainedVectors {
    vectors: WordVectors,
    /// The fraction of the vocabulary (without reserved ids) that has a vector.
    pub vocabulary_coverage: f64,
    /// The fraction of the training tokens that have a vector.
    pub training_coverage: f64,
}

/// Reads the vectors of size `size` in `path` for the words of `vocabulary`.
///
/// # Errors
/// If the file cannot be read, or its vectors have another size.
pub fn read(path: &Path, vocabulary: &Vocabulary, size: usize) -> Result<WordVectors> {
    let words: Vec<(u32, &str)> = (0..vocabulary.len() as u32)
        .filter(|&id| !vocabulary.is_reserved(id))
        .filter_map(|id| Some((id, vocabulary.token(id)?)))
        .collect();
    let file = BufReader::new(File::open(path).map_err(Error::io(path, "opened"))?);
    Ok(WordVectors::read(file, path, size, words.into_iter())?)
}

impl PretrainedVectors {
    /// Reads the vectors that `experiment` names, if it names any.
    pub fn read(experiment: &LmExperiment) -> Result<Option<Self>> {
        let Some(path) = &experiment.config.model.vectors.path else { return Ok(None) };
        let dataset = &experiment.dataset;
        let vocabulary = &dataset.tokenizer.vocabulary;
        let vectors = read(path, vocabulary, experiment.model.embedding_dim)?;
        let count = vocabulary.num_words() as f64;
        let training = dataset.split.train.clone();
        let known = training.clone().filter(|&at| vectors.covers(dataset.ids.get(at))).count();
        Ok(Some(Self {
            vocabulary_coverage: vectors.len() as f64 / count,
            training_coverage: known as f64 / training.len() as f64,
            vectors,
        }))
    }

    /// The model with these vectors in its embedding.
    pub fn fill(&self, model: LanguageModel) -> Result<LanguageModel> {
        Ok(LanguageModel { embedding: self.vectors.fill(model.embedding)?, ..model })
    }

    /// The coverage as text.
    pub fn coverage(&self) -> String {
        format!(
            "{:.1} % of the vocabulary, {:.1} % of the training tokens",
            100.0 * self.vocabulary_coverage,
            100.0 * self.training_coverage
        )
    }
}
