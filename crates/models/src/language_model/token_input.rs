//! What a language model reads: ids, and the labels of their documents.

use burn::tensor::{Int, Tensor};

/// The ids that a language model reads, with the labels of their documents. Made from ids alone, they have none.
#[derive(Clone, Debug)]
pub struct TokenInput {
    /// `[N, T]`.
    pub ids: Tensor<2, Int>,
    /// The number of the label of each id's document, `[N, T]`: 0 for no label, i + 1 for the label at index i of
    /// [`LanguageModelConfig::labels`](crate::LanguageModelConfig#structfield.labels). A model without labels ignores
    /// them.
    pub labels: Option<Tensor<2, Int>>,
}

impl From<Tensor<2, Int>> for TokenInput {
    fn from(ids: Tensor<2, Int>) -> Self {
        Self { ids, labels: None }
    }
}
