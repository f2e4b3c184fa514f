//! The layouts of weight files.

use serde::{Deserialize, Serialize};

/// The program whose tensor names, shapes and orders a file uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `torch.nn.RNN`, `LSTM` and `GRU` with `embedding`, `rnn` and `output` as attributes.
    Pytorch,
    /// Keras 3, tensors by their variables' paths.
    Keras,
}
