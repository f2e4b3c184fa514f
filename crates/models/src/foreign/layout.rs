//! Whose names and orders a file keeps to.

use serde::{Deserialize, Serialize};

/// Whose layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `torch.nn.RNN`, `LSTM` and `GRU` with `embedding`, `rnn` and `output` as attributes.
    Pytorch,
    /// Keras 3, tensors by their variables' paths.
    Keras,
}
