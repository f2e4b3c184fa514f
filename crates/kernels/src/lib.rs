//! Recurrent layers over whole sequences, the output layer with its loss, and optimizers: each one
//! differentiable operation, forwards and backwards by hand.
//!
//! On the CPU backends they run on plain numbers (`cpu`), on graphics processors layers and optimizers in
//! CubeCL (`cube`); wherever a kernel does not reach, the same equations run on Burn's own operations
//! ([`mod@reference`]). Lives here: these three, and what chooses between them. Does not live here: weights,
//! models, texts, steps of training.

mod awake;
mod choice;
#[allow(unsafe_code)]
pub mod cpu;
// CubeCL's kernels are launched with as many arguments as they have.
#[cfg(feature = "cube")]
#[allow(clippy::too_many_arguments, missing_docs)]
mod cube;
#[allow(unsafe_code)]
pub mod inference;
// NdArray is deprecated upstream, and still this project's default.
#[allow(clippy::too_many_arguments, deprecated)]
mod ops;
pub mod optimizers;
pub mod reference;
mod sequence;
mod softmax_loss;

pub use awake::awake;
pub use choice::{are_fused, fuse, updates_are_fused};
pub use cpu::elman::Activation;
pub use sequence::{
    CellState, ElmanWeights, GruWeights, Input, LstmWeights, Pass, Steps, elman_sequence,
    gru_sequence, lstm_sequence,
};
pub use softmax_loss::{softmax_guesses, softmax_loss};
