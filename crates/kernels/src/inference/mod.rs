//! Packed weights for generation: one step at a time, for a batch of one or more sequences, without gradients.
//!
//! Weights are packed once and read sequentially at every step. In int8 they take a quarter of the memory; the
//! model has to measure how much that increases the loss.

mod batch_rows;
mod extended_lstm;
mod norm;
mod packed_weights;
mod recurrent_layer;
mod softmax;

pub use crate::cpu::kernel_cell::KernelCell;
pub use crate::cpu::quantized::{quantize, scale as quantization_scale};
pub use crate::cpu::view::MatrixView;
pub use batch_rows::BatchRows;
pub use extended_lstm::{CellNormValues, ExtendedLstmLayer};
pub use norm::normalize_row;
pub use packed_weights::{PackedLinear, PackedWeights, Precision, quantize_roundtrip};
pub use recurrent_layer::{LayerState, RecurrentLayer};
pub use softmax::{draw, log_softmax, log_sum_exp, softmax_weights, sum_of_weights};
