//! The configuration of a question model: `task = "questions"` distinguishes it from that of a language model.

use std::ops::Not;
use std::path::{Path, PathBuf};

use durable::read::small_text;
use models::LayerConfig;
use qa::pretrain::PretrainConfig;
use serde::{Deserialize, Serialize};

use super::text::{input_file, reject_copies, start_input};
use super::{Checkpoints, SegmentationKind, Train, Vectors, absolute, parse_config};
use crate::error::Result;
use crate::input::KeptInput;

/// The copies of piped data in the directory of their run. Without an extension, the contents determine the format.
const KEPT_QUESTIONS: &str = "questions";
const KEPT_VALIDATION: &str = "validation-questions";

/// The task of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Questions about sentences, with their answers.
    #[default]
    Questions,
}

/// A whole configuration. `docs/config.md` lists the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionsConfig {
    /// Always `questions`.
    pub task: TaskKind,
    /// The RNG seed of initial weights, data order, dropout and samples.
    pub seed: u64,
    /// The questions and answers.
    pub data: Data,
    /// How sentences are split into words.
    pub tokens: QuestionsTokens,
    /// Which words get an id.
    pub vocabulary: QuestionsVocabulary,
    /// Which sentences are used for training.
    pub sentences: Sentences,
    /// The model.
    pub model: QuestionsModel,
    /// The language model of the passages that the model starts from.
    pub pretraining: Pretraining,
    /// How the model is trained.
    pub train: Train,
    /// The samples printed during training.
    pub samples: QuestionsSamples,
    /// When checkpoints are saved.
    pub checkpoints: Checkpoints,
}

/// `[data]`: passages with questions and answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// A built-in data set: `fables-qa`.
    pub dataset: Option<String>,
    /// A file in the format of SQuAD or Hugging Face (`.json`) or NewsQA (`.csv`), or with one question per line
    /// (`.jsonl`).
    pub path: Option<PathBuf>,
    /// Only in the configuration of a run: its data were piped, and are the copy in the run's directory.
    #[serde(skip_serializing_if = "Not::not")]
    pub copy: bool,
    /// The validation file; if none is named, a fraction of the documents is held out.
    pub valid: Option<PathBuf>,
    /// As `copy`, for the validation file.
    #[serde(skip_serializing_if = "Not::not")]
    pub valid_copy: bool,
    /// The fraction of the questions, in whole documents, that is held out if `valid` is not given.
    pub valid_fraction: f64,
    /// Whether an invalid item of a file is an error; otherwise it is left out, with a warning.
    pub strict: bool,
    /// The encoding of the files, if it is not UTF-8.
    pub encoding: Option<String>,
    /// The directory of the run that this was saved in; `None` in a configuration for a new run.
    #[serde(skip)]
    pub run: Option<PathBuf>,
    /// As [`Text::is_copied`](super::Text::is_copied), for `path` and `valid`.
    #[serde(skip)]
    pub are_copied: [bool; 2],
}

impl Data {
    /// The same data, as they were saved in the directory of this run.
    pub fn saved_in(self, run: &Path) -> Self {
        Self { run: Some(run.into()), ..self }
    }

    /// The same data for another run than the one that they were saved in, see
    /// [`Text::for_another_run`](super::Text::for_another_run).
    ///
    /// # Errors
    /// If the path of a file cannot be saved.
    pub fn for_another_run(self) -> Result<Self> {
        let [path, valid] = self.files().map(|path| path.map(|path| absolute(&path)).transpose());
        let are_copied = [self.copy, self.valid_copy];
        Ok(Self { path: path?, copy: false, valid: valid?, valid_copy: false, are_copied, ..self })
    }

    /// The data of the model in `directory`, which has the configuration of its run in the file `config`.
    pub fn of_model(directory: &Path, config: &str) -> Self {
        let text = small_text(&directory.join(config)).ok();
        let config = text.and_then(|text| parse_config::<QuestionsConfig>(&text, config).ok());
        config.map_or_else(Self::default, |config| config.data.saved_in(directory))
    }

    /// The paths of the files for training and validation, as far as they are given.
    pub fn files(&self) -> [Option<PathBuf>; 2] {
        let file = |copy: Option<&str>, path: &Option<PathBuf>| input_file(self.run.as_deref(), copy, path.as_deref());
        let copy = self.copy.then_some(KEPT_QUESTIONS);
        let valid_copy = self.valid_copy.then_some(KEPT_VALIDATION);
        [file(copy, &self.path), file(valid_copy, &self.valid)]
    }

    /// As [`Text::reject_copy`](super::Text::reject_copy).
    ///
    /// # Errors
    /// Says how to name the copy.
    pub fn reject_copy(&self) -> Result<()> {
        let valid = "`--set data.valid=RUN/validation-questions --set data.valid_copy=false`";
        let inputs = [("data.copy", self.copy, "`--text RUN/questions`"), ("data.valid_copy", self.valid_copy, valid)];
        reject_copies(self.run.as_deref(), &inputs)
    }

    /// Prepares the files of a new run, see [`Text::start`](super::Text::start).
    ///
    /// # Errors
    /// If a file cannot be read, or its path cannot be saved.
    pub fn start(&mut self) -> Result<[Option<KeptInput>; 2]> {
        let [is_copied, is_valid_copied] = self.are_copied;
        let mut kept = [None, None];
        if self.run.is_none() || is_copied {
            kept[0] = start_input(&mut self.path, &mut self.copy, KEPT_QUESTIONS, is_copied)?;
        }
        if self.run.is_none() || is_valid_copied {
            kept[1] = start_input(&mut self.valid, &mut self.valid_copy, KEPT_VALIDATION, is_valid_copied)?;
        }
        Ok(kept)
    }
}

/// `[tokens]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionsTokens {
    /// Where words end; automatic if it is not given. A run saves what was found.
    pub segmentation: Option<SegmentationKind>,
}

/// `[vocabulary]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionsVocabulary {
    /// Words with a lower count get no id; they can still be copied.
    pub min_count: u64,
    /// Size of the decoder's vocabulary: the most frequent words of the questions. Others can only be copied.
    /// 0 for all words with an id.
    pub decoder_vocab: usize,
}

/// `[sentences]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sentences {
    /// Longer sentences, in words, are not used for training.
    pub max_sentence_len: usize,
}

/// `[model]`: see [`qa::QuestionModelConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionsModel {
    /// The embedding dimension.
    pub embedding_dim: usize,
    /// The embedding dimension of each word feature; 0 for no features.
    pub features: usize,
    /// The encoder layers of the sentence.
    pub encoder: Vec<LayerConfig>,
    /// The layers of the answer extractor; none to share the encoder.
    pub extractor: Vec<LayerConfig>,
    /// The decoder layers.
    pub decoder: Vec<LayerConfig>,
    /// How the decoder gets the answer.
    pub answer_encoding: AnswerEncodingKind,
    /// The attention of the decoder over the sentence.
    pub attention: AttentionKind,
    /// Whether the decoder can copy words of the sentence.
    pub copy: bool,
    /// The weight of the coverage loss; 0 for none.
    pub coverage: f64,
    /// The width of the layer before the output layer.
    pub readout: usize,
    /// Whether the output layer shares the embedding's weights.
    pub tie_weights: bool,
    /// How answers are extracted.
    pub extractor_head: ExtractorHeadKind,
    /// The maximum length of an extracted answer, in words.
    pub max_answer_len: usize,
    /// Whether the loss of answer extraction updates the word embeddings, too.
    pub extractor_updates_embeddings: bool,
    /// Pretrained word vectors.
    pub vectors: Vectors,
    /// The dropout rate of embeddings, layer outputs and the readout.
    pub dropout: f64,
    /// The fraction of the vocabulary whose embeddings are dropped in a training step.
    pub embedding_dropout: f64,
}

/// `[pretraining]`: see [`qa::pretrain::PretrainConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pretraining {
    /// Passes over the sentences of the passages; 0 for no pretraining.
    pub epochs: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Sentences per step.
    pub batch_size: usize,
    /// The dropout rate of the encoder's inputs and outputs.
    pub dropout: f64,
}

impl Pretraining {
    /// The same settings for the library.
    pub fn config(&self) -> PretrainConfig {
        let Self { epochs, learning_rate, batch_size, dropout } = *self;
        PretrainConfig { epochs, learning_rate, batch_size, dropout }
    }
}

/// How the decoder gets the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerEncodingKind {
    /// The answer's words have a feature while the sentence is encoded.
    Feature,
    /// A second encoder reads the encoder's states of the answer again.
    Reencode,
}

/// How answers are extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExtractorHeadKind {
    /// By predicting start and end.
    Span,
    /// By classifying each word.
    Tagger,
}

/// The attention of the decoder over the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionKind {
    /// No attention.
    None,
    /// Dot product.
    Dot,
    /// Dot product with a weight matrix (Luong's "general").
    General,
    /// A small feed-forward layer (Bahdanau's "additive").
    Additive,
}

/// `[samples]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionsSamples {
    /// Steps between two samples within an epoch; 0 for none.
    pub every_steps: u64,
    /// Held-out sentences per sample.
    pub sentences: usize,
}

impl QuestionsConfig {
    /// As [`Config::saved_in`](super::Config::saved_in).
    pub fn saved_in(mut self, run: &Path) -> Self {
        self.data = self.data.saved_in(run);
        self.tokens.segmentation.get_or_insert(SegmentationKind::Spaces);
        self
    }
}

impl Default for QuestionsConfig {
    fn default() -> Self {
        Self {
            task: TaskKind::Questions,
            seed: 1,
            data: Data::default(),
            tokens: QuestionsTokens::default(),
            vocabulary: QuestionsVocabulary::default(),
            sentences: Sentences::default(),
            model: QuestionsModel::default(),
            pretraining: Pretraining::default(),
            train: Train::default(),
            samples: QuestionsSamples::default(),
            checkpoints: Checkpoints::default(),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dataset: None,
            path: None,
            copy: false,
            valid: None,
            valid_copy: false,
            valid_fraction: 0.1,
            strict: false,
            encoding: None,
            run: None,
            are_copied: [false; 2],
        }
    }
}

impl Default for QuestionsVocabulary {
    fn default() -> Self {
        Self { min_count: 2, decoder_vocab: 3_000 }
    }
}

impl Default for Sentences {
    fn default() -> Self {
        Self { max_sentence_len: 80 }
    }
}

impl Default for QuestionsModel {
    fn default() -> Self {
        let both = LayerConfig::gru(128).bidirectional(true);
        Self {
            embedding_dim: 128,
            features: 16,
            encoder: vec![both.clone()],
            extractor: vec![both],
            decoder: vec![LayerConfig::gru(256)],
            answer_encoding: AnswerEncodingKind::Feature,
            attention: AttentionKind::General,
            copy: true,
            coverage: 0.0,
            readout: 128,
            tie_weights: true,
            extractor_head: ExtractorHeadKind::Span,
            max_answer_len: 12,
            extractor_updates_embeddings: false,
            vectors: Vectors::default(),
            dropout: 0.5,
            embedding_dropout: 0.2,
        }
    }
}

impl Default for Pretraining {
    fn default() -> Self {
        Self { epochs: 0, learning_rate: 0.002, batch_size: 32, dropout: 0.2 }
    }
}

impl Default for QuestionsSamples {
    fn default() -> Self {
        Self { every_steps: 0, sentences: 3 }
    }
}
