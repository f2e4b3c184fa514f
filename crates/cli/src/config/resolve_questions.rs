//! From what is written about questions to what is meant: everything checked, the data read and prepared.

use qa::QuestionModelConfig;
use qa::data::{Document, PreparedQuestions, QuestionRecipe, Read, read, read_squad, split};
use trainer::TrainConfig;

use super::learning::{Learned, train_config};
use super::questions::{Data, QuestionsConfig, QuestionsModel};
use super::resolve::{absolute, vectors};
use super::train::Method;
use crate::embedded;
use crate::error::{Error, Result};

/// A configuration with its data.
pub struct ResolvedQuestions {
    /// What was written, paths made absolute.
    pub config: QuestionsConfig,
    /// The vocabulary and the examples.
    pub prepared: PreparedQuestions,
    /// The documents that are judged by, as they were read.
    pub valid: Vec<Document>,
    /// How many questions were found there, those of no use included.
    pub valid_found: usize,
    /// The network.
    pub model: QuestionModelConfig,
    /// How it learns.
    pub train: TrainConfig,
    /// What the user should know before going on.
    pub warnings: Vec<String>,
}

impl ResolvedQuestions {
    /// Checks `config` and prepares its data.
    ///
    /// # Errors
    /// If a setting is out of range, or the data cannot be read or used.
    pub fn new(mut config: QuestionsConfig) -> Result<Self> {
        let train = train_config(&Learned {
            seed: config.seed,
            train: &config.train,
            method: trainer::Method::Examples,
            look_every: config.samples.every_steps,
            checkpoints: &config.checkpoints,
        })?;
        if config.train.method != Method::Windows {
            return Err(Error::new(
                "`train.method` is given, which a configuration about questions does not have; leave it out",
            ));
        }
        train.check()?;
        if config.vocabulary.min_count == 0 {
            return Err(Error::new("`vocabulary.min_count` is 0; expected 1 or more"));
        }
        if !(1..=1_000).contains(&config.sentences.longest) {
            let found = config.sentences.longest;
            return Err(Error::new(format!(
                "`sentences.longest` is {found}; expected 1 to 1000 words"
            )));
        }
        if config.samples.sentences == 0 {
            return Err(Error::new("`samples.sentences` is 0; expected 1 or more"));
        }
        vectors(&mut config.model.vectors)?;
        let mut model = blueprint(&config.model);
        // What makes no model is refused before the data is read.
        model.check()?;
        let recipe = QuestionRecipe {
            min_count: config.vocabulary.min_count,
            written: config.vocabulary.written,
            longest_sentence: config.sentences.longest,
            longest_answer: config.model.longest_answer,
        };
        let mut warnings = Vec::new();
        let (learned, valid, valid_found) =
            documents(&mut config.data, config.seed, &mut warnings)?;
        let prepared = PreparedQuestions::new(&learned, &valid, &recipe)?;
        model.vocabulary = prepared.train.known.read;
        model.written = prepared.train.known.written;
        for (part, used) in ["training", "validation"].iter().zip(&prepared.used) {
            if used.unmapped > 0 {
                warnings.push(format!(
                    "{} of {} {part} answers are cut out of a word of their sentence and left out",
                    used.unmapped, used.questions
                ));
            }
            if used.too_long > 0 {
                warnings.push(format!(
                    "{} {part} questions are about sentences of more than {} words and are left out",
                    used.too_long, config.sentences.longest
                ));
            }
        }
        Ok(Self { config, prepared, valid, valid_found, model, train, warnings })
    }

    /// The configuration as TOML, complete.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.config).expect("a configuration is plain data")
    }
}

/// The network, for a vocabulary that is not known yet.
fn blueprint(model: &QuestionsModel) -> QuestionModelConfig {
    let QuestionsModel {
        embedding,
        features,
        ref encoder,
        ref extractor,
        ref decoder,
        answer,
        attention,
        copy,
        coverage,
        readout,
        tied,
        extraction,
        longest_answer,
        finding_teaches_words,
        ref vectors,
        dropout,
        embedding_dropout,
    } = *model;
    QuestionModelConfig {
        vocabulary: 1,
        written: 1,
        embedding,
        features,
        encoder: encoder.clone(),
        extractor: extractor.clone(),
        decoder: decoder.clone(),
        answer,
        attention: attention.score(),
        copy,
        coverage,
        readout,
        tied,
        extraction,
        longest_answer,
        finding_teaches_words,
        frozen_embedding: !vectors.train,
        dropout,
        embedding_dropout,
    }
}

/// What is learned from and what is judged by, and how many questions were found in that; paths are made absolute.
fn documents(
    data: &mut Data,
    seed: u64,
    warnings: &mut Vec<String>,
) -> Result<(Vec<Document>, Vec<Document>, usize)> {
    let all = match (&data.dataset, &data.path) {
        (Some(_), Some(_)) => {
            return Err(Error::new(
                "`data.dataset` and `data.path` are both given; expected one of them",
            ));
        }
        (None, None) => {
            return Err(Error::new(
                "no data is given; expected `data.dataset = \"fables-qa\"`, `data.path = \"my.json\"` or \
                 `--text my.json`",
            ));
        }
        (Some(name), None) if name == "fables-qa" => {
            read_squad("the built-in fables-qa", embedded::FABLES_QA)?
        }
        (Some(name), None) => {
            return Err(Error::new(format!(
                "the set `{name}` is unknown; known is fables-qa; a file is named by `data.path`"
            )));
        }
        (None, Some(path)) => {
            let read = read(path)?;
            data.path = Some(absolute(path)?);
            read
        }
    };
    warnings.extend(unused(&all));
    match &data.valid {
        Some(path) => {
            let valid = read(path)?;
            warnings.extend(unused(&valid));
            data.valid = Some(absolute(path)?);
            Ok((all.documents, valid.documents, valid.counts.found))
        }
        None => {
            let (learned, valid) = split(all.documents, data.valid_fraction, seed)?;
            let passages = valid.iter().flat_map(|document| &document.passages);
            let found = passages.map(|passage| passage.questions.len()).sum();
            Ok((learned, valid, found))
        }
    }
}

/// What of a file is of no use, in words.
fn unused(read: &Read) -> Option<String> {
    let counts = &read.counts;
    (counts.kept() < counts.found).then(|| {
        let named = match counts.unmappable_ids.is_empty() {
            true => String::new(),
            false => {
                format!(" (answers cut out of a word: {}, …)", counts.unmappable_ids.join(", "))
            }
        };
        format!("questions left out, {counts}{named}")
    })
}
