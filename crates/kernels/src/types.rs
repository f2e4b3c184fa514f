//! Inputs, options, states and weights of recurrent layers.

use burn::tensor::{Int, Tensor};

use crate::cpu::elman::Activation;
use crate::dispatch::KernelMode;

/// The input of a layer at each step.
// There are few of these: boxing would hide more than it saves.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Input {
    /// `[N, T, D]`.
    Vectors(Tensor<3>),
    /// Rows of an embedding table.
    Ids {
        /// The embeddings, `[V, D]`.
        table: Tensor<2>,
        /// The row for each step, `[N, T]`.
        ids: Tensor<2, Int>,
    },
}

impl Input {
    /// `[N, T]`.
    pub fn batch_and_time(&self) -> [usize; 2] {
        match self {
            Self::Vectors(vectors) => [vectors.dims()[0], vectors.dims()[1]],
            Self::Ids { ids, .. } => ids.dims(),
        }
    }

    /// The same steps in reverse order.
    pub fn reversed(self) -> Self {
        match self {
            Self::Vectors(vectors) => Self::Vectors(vectors.flip([1])),
            Self::Ids { table, ids } => Self::Ids { table, ids: ids.flip([1]) },
        }
    }

    /// The steps in another order: `order` `[N · T]` gives, for each step, its row in `[N · T, …]`.
    pub fn reordered(self, order: Tensor<1, Int>) -> Self {
        match self {
            Self::Vectors(vectors) => {
                let [batch, time, width] = vectors.dims();
                let rows = vectors.reshape([batch * time, width]).select(0, order);
                Self::Vectors(rows.reshape([batch, time, width]))
            }
            Self::Ids { table, ids } => {
                let dims = ids.dims();
                let ids = ids.flatten::<1>(0, 1).select(0, order).reshape(dims);
                Self::Ids { table, ids }
            }
        }
    }

    /// The vectors `[N, T, D]`; ids are looked up in the table.
    pub fn into_vectors(self) -> Tensor<3> {
        match self {
            Self::Vectors(vectors) => vectors,
            Self::Ids { table, ids } => {
                let [batch, time] = ids.dims();
                let size = table.dims()[1];
                table.select(0, ids.flatten::<1>(0, 1)).reshape([batch, time, size])
            }
        }
    }
}

/// Which hidden states a layer returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steps {
    /// Those of all steps.
    #[default]
    Every,
    /// That of the last step only.
    Last,
}

/// How a layer processes its sequences.
#[derive(Clone, Debug, Default)]
pub struct SequenceOptions {
    /// `[N, T]`: 1 for a real step, 0 for padding, which leaves the row's state unchanged. Without a mask all
    /// steps are real.
    pub mask: Option<Tensor<2>>,
    /// `[N, T]`: 0 where the row's state is reset to zeros before the step, 1 elsewhere. No gradient flows through a
    /// reset. Without it no state is reset.
    pub keep_state: Option<Tensor<2>>,
    /// Which hidden states are returned.
    pub steps: Steps,
    /// Fused kernels or Burn's own operations.
    pub kernels: KernelMode,
}

/// The state of a recurrent cell between two steps.
#[derive(Clone, Debug)]
pub struct CellState {
    /// h, the hidden state and output, `[N, H]`.
    pub hidden: Tensor<2>,
    /// c, the cell state of an LSTM, `[N, H]`.
    pub cell: Option<Tensor<2>>,
}

impl CellState {
    /// The same values, detached from the autodiff graph.
    pub fn detach(self) -> Self {
        Self { hidden: self.hidden.detach(), cell: self.cell.map(Tensor::detach) }
    }

    /// A state of one row, copied for `rows` rows; a state of several rows stays as it is.
    pub fn expand(self, rows: usize) -> Self {
        let expand = |tensor: Tensor<2>| if tensor.dims()[0] == 1 { tensor.repeat_dim(0, rows) } else { tensor };
        Self { hidden: expand(self.hidden), cell: self.cell.map(expand) }
    }
}

/// The weights of an LSTM layer, in blocks i, f, g, o.
#[derive(Clone, Debug)]
pub struct LstmWeights {
    /// W, `[D, 4H]`.
    pub kernel: Tensor<2>,
    /// U, `[H, 4H]`.
    pub recurrent: Tensor<2>,
    /// b, `[4H]`.
    pub bias: Tensor<1>,
}

/// The weights of a GRU layer, in blocks z, r, n.
#[derive(Clone, Debug)]
pub struct GruWeights {
    /// W, `[D, 3H]`.
    pub kernel: Tensor<2>,
    /// U, `[H, 3H]`.
    pub recurrent: Tensor<2>,
    /// b, `[3H]`.
    pub bias: Tensor<1>,
    /// b′, `[3H]`, if the reset gate acts after the product; `None` if it acts before.
    pub recurrent_bias: Option<Tensor<1>>,
}

/// The weights of a vanilla (Elman) RNN layer.
#[derive(Clone, Debug)]
pub struct ElmanWeights {
    /// W, `[D, H]`.
    pub kernel: Tensor<2>,
    /// U, `[H, H]`.
    pub recurrent: Tensor<2>,
    /// b, `[H]`.
    pub bias: Tensor<1>,
    /// φ.
    pub activation: Activation,
}
