//! Pretrained word vectors of a configuration, and how much of the text they cover.

use std::io::BufReader;
use std::path::Path;

use durable::read::Accept;
use models::LanguageModel;
use models::word_vectors::WordVectors;
use text_prep::Vocabulary;

use crate::config::LmExperiment;
use crate::error::{Error, Result};
use crate::output::warn;
use crate::view::format::thousands;

/// The word vectors that a configuration names, and their coverage.
pub struct PretrainedVectors {
    vectors: WordVectors,
    /// The fraction of the vocabulary (without reserved ids) that has a vector.
    pub vocabulary_coverage: f64,
    /// The fraction of the training tokens that have a vector.
    pub training_coverage: f64,
}

/// Reads the vectors of size `size` in `path` for the words of `vocabulary`; warns of lines that are left out.
///
/// # Errors
/// If the file cannot be read, or its vectors have another size.
pub fn read(path: &Path, vocabulary: &Vocabulary, size: usize) -> Result<WordVectors> {
    let words: Vec<(u32, &str)> = (0..vocabulary.len() as u32)
        .filter(|&id| !vocabulary.is_reserved(id))
        .filter_map(|id| Some((id, vocabulary.token(id)?)))
        .collect();
    let file = BufReader::new(Accept::FileOrPipe.open(path).map_err(Error::io(path, "opened"))?);
    let vectors = WordVectors::read(file, path, size, words.into_iter())?;
    let skipped = vectors.skipped();
    if skipped.count > 0 {
        let lines = match skipped.count {
            1 => "1 line was".into(),
            count => format!("{} lines were", thousands(count)),
        };
        let first: Vec<String> = skipped.first.iter().map(|(line, reason)| format!("line {line}: {reason}")).collect();
        warn(&[format!("{}: {lines} left out ({})", path.display(), first.join("; "))]);
    }
    Ok(vectors)
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
