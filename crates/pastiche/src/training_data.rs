//! Data that a model can be trained on, and how its model is configured, initialized and extended.

use burn::tensor::Device;
use models::bundle::DOCUMENT_HASHES;
use models::{LanguageModel, LanguageModelConfig, Network};
use qa::{QaDataset, QuestionModel, QuestionModelConfig};
use seqdata::TextDataset;
use text_prep::Tokenizer;
use trainer::TrainTask;

/// The configuration of the model that is trained on data of type D.
pub type ConfigOf<D> = <<D as TrainingData>::Network as Network>::Config;

/// Data for a [`Trainer`](crate::Trainer). A text trains a language model, questions train a question model.
pub trait TrainingData: Sync {
    /// The model. The default of its configuration is used if the caller gives none.
    type Network: TrainTask<Data = Self, Config: Default>;

    /// Whether a trained model can take over a larger vocabulary.
    const EXTENDABLE: bool;

    /// The same configuration with the sizes that the data determines, such as that of the vocabulary.
    fn sized(&self, config: ConfigOf<Self>) -> ConfigOf<Self>;

    /// Whether the labels of the data are those of a trained model with this configuration, or an extension of them.
    fn has_labels_of(&self, _config: &ConfigOf<Self>) -> bool {
        true
    }

    /// A model with initial weights, which depend on `seed` alone.
    ///
    /// # Errors
    /// If the configuration is invalid.
    fn init(config: &ConfigOf<Self>, seed: u64, device: &Device) -> models::Result<Self::Network>;

    /// `trained` with the larger vocabulary of `fresh`; `None` if such models cannot be extended. The weights of a token
    /// are the mean of those of its `origins`, or those of `fresh` if it has none.
    fn extend(trained: Self::Network, fresh: Self::Network, origins: &[Vec<u32>]) -> Option<Self::Network>;

    /// The tokenizer, which is saved with the model.
    fn tokenizer(&self) -> &Tokenizer;

    /// Additional files of every checkpoint and of the model, as names and contents: for documents their hashes, by which
    /// [`Generator::unique_documents`](crate::Generator::unique_documents) recognises them.
    fn extra_files(&self) -> Vec<(&'static str, Vec<u8>)> {
        Vec::new()
    }

    /// Tokens in a training window, or in the longest sentence.
    fn context_len(&self) -> usize;

    /// The hash of the validation data.
    fn valid_sha256(&self) -> String;
}

impl TrainingData for TextDataset {
    type Network = LanguageModel;

    const EXTENDABLE: bool = true;

    fn sized(&self, config: LanguageModelConfig) -> LanguageModelConfig {
        let vocabulary = &self.tokenizer.vocabulary;
        let adaptive_softmax = config.adaptive_softmax.clone().map(|options| options.fitted(vocabulary));
        let config = config.vocab_size(vocabulary.len()).document_id(vocabulary.document_id());
        config.labels(self.label_names()).adaptive_softmax(adaptive_softmax)
    }

    fn has_labels_of(&self, config: &LanguageModelConfig) -> bool {
        self.label_names().starts_with(&config.labels)
    }

    fn init(config: &LanguageModelConfig, seed: u64, device: &Device) -> models::Result<LanguageModel> {
        config.init(seed, device)
    }

    fn extend(trained: LanguageModel, fresh: LanguageModel, origins: &[Vec<u32>]) -> Option<LanguageModel> {
        Some(trained.adapt(fresh, origins))
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn extra_files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let hashes = |_| (DOCUMENT_HASHES, self.training_documents().to_bytes());
        self.documents.as_ref().map(hashes).into_iter().collect()
    }

    fn context_len(&self) -> usize {
        self.context_len()
    }

    fn valid_sha256(&self) -> String {
        self.valid_sha256()
    }
}

impl TrainingData for QaDataset {
    type Network = QuestionModel;

    const EXTENDABLE: bool = false;

    fn sized(&self, config: QuestionModelConfig) -> QuestionModelConfig {
        let sizes = self.train.vocab_sizes;
        config.vocab_size(sizes.input).decoder_vocab(sizes.output).max_answer_len(self.train.max_answer_len)
    }

    fn init(config: &QuestionModelConfig, seed: u64, device: &Device) -> models::Result<QuestionModel> {
        config.init(seed, device)
    }

    fn extend(_trained: QuestionModel, _fresh: QuestionModel, _origins: &[Vec<u32>]) -> Option<QuestionModel> {
        None
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn context_len(&self) -> usize {
        self.max_sentence_len
    }

    fn valid_sha256(&self) -> String {
        self.valid_sha256.clone()
    }
}
