//! Recurrent layers over whole sequences, linear layers, dropout, softmax cross-entropy and optimizer steps: each one
//! fused operation, with a hand-written backward pass.
//!
//! CPU backends run `cpu`: plain Rust on slices. GPU backends run recurrent layers and optimizers in CubeCL (`cube`).
//! Where there is no kernel, [`mod@reference`] computes the same equations with Burn's own operations. This crate
//! holds these three and the choice between them; parameters, models, data and training steps are elsewhere.

#[allow(unsafe_code)]
pub mod cpu;
// CubeCL kernels take one argument per tensor and scalar.
#[cfg(feature = "cube")]
#[allow(clippy::too_many_arguments, missing_docs)]
mod cube;
mod device;
mod dispatch;
mod dropout;
mod elementwise;
#[allow(unsafe_code)]
pub mod inference;
mod linear;
// NdArray is deprecated in Burn, and still this project's default.
#[allow(clippy::too_many_arguments, deprecated)]
mod ops;
pub mod optimizers;
pub mod profile;
pub mod reference;
mod sequence;
mod softmax_loss;
mod spinning_workers;
mod types;

pub use cpu::bf16::has_bf16_instruction;
pub use cpu::elman::Activation;
pub use cpu::simd_level::SimdLevel;
pub use device::default_device;
pub use dispatch::KernelMode;
pub use dropout::{DropoutMask, dropout};
pub use elementwise::{scaled, sum_of_squares, weighted_sum};
pub use linear::linear;
pub use ops::f32_values;
pub use sequence::{elman_sequence, gru_sequence, lstm_sequence};
pub use softmax_loss::{softmax_loss, softmax_loss_with_accuracy};
pub use spinning_workers::with_spinning_workers;
pub use types::{CellState, ElmanWeights, GruWeights, Input, LstmWeights, SequenceOptions, Steps};
