//! What training, checkpoints and model directories must know of a network, whatever it is for.

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::LanguageModelConfig;
use crate::error::Result;
use crate::language_model::LanguageModel;

/// What a network is for. It stands in every manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To write on.
    #[default]
    Writing,
    /// To ask questions about sentences, and to answer them.
    Asking,
}

impl Purpose {
    /// In words, as in "a network that …".
    pub fn does(self) -> &'static str {
        match self {
            Self::Writing => "writes on",
            Self::Asking => "asks questions",
        }
    }

    /// Which command trains one, and which uses it.
    pub fn commands(self) -> &'static str {
        match self {
            Self::Writing => "`train` makes one that writes, and `generate` writes with it",
            Self::Asking => {
                "`train --config configs/qa.toml` makes one that asks, and `ask` asks with it"
            }
        }
    }

    /// For manifests, which need not say it.
    pub(crate) fn is_writing(&self) -> bool {
        *self == Self::Writing
    }
}

/// A network that can be kept and trained.
pub trait Network: Module + ModuleDisplay + Debug + Sync + 'static {
    /// Its blueprint: sizes, no weights.
    type Config: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send;

    /// What it is for.
    const PURPOSE: Purpose;

    /// V, how many ids a network of this blueprint knows.
    fn vocabulary_of(config: &Self::Config) -> usize;

    /// The network with all weights zero, to be replaced by those of a file.
    ///
    /// # Errors
    /// If the blueprint makes no network.
    fn blank(config: &Self::Config, device: &Device) -> Result<Self>;
}

impl Network for LanguageModel {
    type Config = LanguageModelConfig;

    const PURPOSE: Purpose = Purpose::Writing;

    fn vocabulary_of(config: &LanguageModelConfig) -> usize {
        config.vocabulary
    }

    fn blank(config: &LanguageModelConfig, device: &Device) -> Result<Self> {
        config.blank(device)
    }
}
