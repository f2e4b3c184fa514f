//! The language model as a network that can be saved and trained.

use burn::tensor::Device;
use kernels::KernelMode;
use text_prep::Vocabulary;

use super::config::LanguageModelConfig;
use super::model::LanguageModel;
use crate::error::Result;
use crate::network::Network;

impl Network for LanguageModel {
    type Config = LanguageModelConfig;

    const KIND: &'static str = "writing";

    fn vocab_size(config: &LanguageModelConfig) -> usize {
        config.vocab_size
    }

    /// The document token must be the same, or documents would have no end.
    fn check_vocabulary(config: &LanguageModelConfig, vocabulary: &Vocabulary) -> std::result::Result<(), String> {
        let name = |id: Option<u32>| id.map_or("no document token".into(), |id| format!("the document token {id}"));
        let (found, expected) = (vocabulary.document_id(), config.document_id);
        if found == expected {
            return Ok(());
        }
        Err(format!("the tokenizer has {}, the model expects {}", name(found), name(expected)))
    }

    fn zeros(config: &LanguageModelConfig, device: &Device) -> Result<Self> {
        config.zeros(device)
    }

    fn with_kernels(mut self, kernels: KernelMode) -> Self {
        (self.stack.kernels, self.output.kernels) = (kernels, kernels);
        self
    }

    fn kernels(&self) -> KernelMode {
        self.stack.kernels
    }
}
