//! A configuration about questions exactly as it is written: `task = "questions"` tells it from one about
//! writing.

use std::path::PathBuf;

use models::{CellKind, LayerConfig};
use qa::model::{Attending, Extraction, ReadAnswer};
use serde::{Deserialize, Serialize};

use super::{Checkpoints, Train, Vectors};

/// What a configuration is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Questions about sentences, and their answers.
    #[default]
    Questions,
}

/// A whole configuration. What is left out has the value in `docs/config.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionsConfig {
    /// That it is about questions.
    pub task: Task,
    /// The seed of all that is drawn.
    pub seed: u64,
    /// What is learned from.
    pub data: Data,
    /// Which words have an id.
    pub vocabulary: QuestionWords,
    /// Which sentences are learned from.
    pub sentences: Sentences,
    /// The network.
    pub model: QuestionsModel,
    /// How it learns.
    pub train: Train,
    /// What it asks while it learns.
    pub samples: AskedSamples,
    /// When it is kept.
    pub checkpoints: Checkpoints,
}

/// `[data]`: passages with questions and answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// A known set: `fables-qa`.
    pub dataset: Option<String>,
    /// A file in the form of SQuAD (`.json`), NewsQA (`.csv`) or of one question a line (`.jsonl`).
    pub path: Option<PathBuf>,
    /// Another file to be judged by; a share of the documents, if none is named.
    pub valid: Option<PathBuf>,
    /// The share of the questions, in whole documents, held out where no file is named.
    pub valid_fraction: f64,
}

/// `[vocabulary]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionWords {
    /// Rarer words have no id; they can still be copied.
    pub min_count: u64,
    /// How many of the words of questions can be chosen; the others can only be copied. 0 for all.
    pub written: usize,
}

/// `[sentences]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sentences {
    /// Words in the longest sentence that is learned from.
    pub longest: usize,
}

/// `[model]`: see [`qa::QuestionModelConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionsModel {
    /// Numbers in a word's vector.
    pub embedding: usize,
    /// Numbers for each of a word's features; 0 for none.
    pub features: usize,
    /// The layers that read.
    pub encoder: Vec<LayerConfig>,
    /// The layers that read to find answers; none to share the encoder.
    pub extractor: Vec<LayerConfig>,
    /// The layers that write.
    pub decoder: Vec<LayerConfig>,
    /// How the answer reaches what writes.
    pub answer: ReadAnswer,
    /// How the writing layers look at the sentence.
    pub attention: Attention,
    /// Whether words can be copied.
    pub copy: bool,
    /// What looking twice costs while training.
    pub coverage: f64,
    /// Numbers between the writing layers and the output layer.
    pub readout: usize,
    /// Whether the output layer's weights are the embedding's.
    pub tied: bool,
    /// How answers are found.
    pub extraction: Extraction,
    /// Words in the longest answer that is found.
    pub longest_answer: usize,
    /// Whether finding answers teaches the words' vectors, too.
    pub finding_teaches_words: bool,
    /// Where the words' vectors come from, if not from the seed.
    pub vectors: Vectors,
    /// The share of what is read and handed on that is dropped while training.
    pub dropout: f64,
    /// The share of the words whose vectors are dropped while training.
    pub embedding_dropout: f64,
}

/// How the writing layers look at the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attention {
    /// Not at all.
    None,
    /// By the product of the two states.
    Dot,
    /// By that product with a matrix between them.
    General,
    /// By a small layer over both.
    Additive,
}

impl Attention {
    /// The score that it stands for.
    pub fn score(self) -> Option<Attending> {
        match self {
            Self::None => None,
            Self::Dot => Some(Attending::Dot),
            Self::General => Some(Attending::General),
            Self::Additive => Some(Attending::Additive),
        }
    }
}

/// `[samples]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AskedSamples {
    /// Steps between two samples within an epoch; 0 for none.
    pub every_steps: u64,
    /// Held-out sentences that are asked about in a sample.
    pub sentences: usize,
}

impl Default for QuestionsConfig {
    fn default() -> Self {
        Self {
            task: Task::Questions,
            seed: 1,
            data: Data::default(),
            vocabulary: QuestionWords::default(),
            sentences: Sentences::default(),
            model: QuestionsModel::default(),
            train: Train::default(),
            samples: AskedSamples::default(),
            checkpoints: Checkpoints::default(),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self { dataset: None, path: None, valid: None, valid_fraction: 0.1 }
    }
}

impl Default for QuestionWords {
    fn default() -> Self {
        Self { min_count: 2, written: 3_000 }
    }
}

impl Default for Sentences {
    fn default() -> Self {
        Self { longest: 80 }
    }
}

impl Default for QuestionsModel {
    fn default() -> Self {
        let gru = CellKind::Gru { reset_after: true };
        let both = LayerConfig { bidirectional: true, ..LayerConfig::new(gru, 128) };
        Self {
            embedding: 128,
            features: 16,
            encoder: vec![both.clone()],
            extractor: vec![both],
            decoder: vec![LayerConfig::new(gru, 256)],
            answer: ReadAnswer::Marked,
            attention: Attention::General,
            copy: true,
            coverage: 0.0,
            readout: 128,
            tied: true,
            extraction: Extraction::Pointers,
            longest_answer: 12,
            finding_teaches_words: false,
            vectors: Vectors::default(),
            dropout: 0.5,
            embedding_dropout: 0.2,
        }
    }
}

impl Default for AskedSamples {
    fn default() -> Self {
        Self { every_steps: 0, sentences: 3 }
    }
}
