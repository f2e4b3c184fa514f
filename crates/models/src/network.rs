//! The interface of a network for training, checkpoints and model directories, whatever its task.

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Device;
use kernels::KernelMode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use text_prep::Vocabulary;

use crate::error::Result;

/// A network that can be saved and trained.
pub trait Network: Module + ModuleDisplay + Debug + Sync + 'static {
    /// Its configuration: sizes and options, no weights.
    type Config: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send;

    /// Its task, as it is written into manifests. Must differ from every other network's.
    const KIND: &'static str;

    /// V, the vocabulary size of a network with this configuration.
    fn vocab_size(config: &Self::Config) -> usize;

    /// Checks that a vocabulary of this size is that of a network with this configuration.
    ///
    /// # Errors
    /// What differs.
    fn check_vocabulary(_config: &Self::Config, _vocabulary: &Vocabulary) -> std::result::Result<(), String> {
        Ok(())
    }

    /// The network with all weights zero, to be replaced by those of a file. They take memory only when they are read.
    ///
    /// # Errors
    /// If the configuration is invalid.
    fn zeros(config: &Self::Config, device: &Device) -> Result<Self>;

    /// The network computed by fused kernels (the default) or by Burn's own operations.
    #[must_use]
    fn with_kernels(self, kernels: KernelMode) -> Self;

    /// What [`Self::with_kernels`] has set.
    fn kernels(&self) -> KernelMode;
}
