//! [`Lstm`] and [`Gru`]: replacements for `burn::nn::Lstm` and `burn::nn::Gru` that are computed by fused kernels.
//!
//! They have the configuration, the fields, the shapes and the parameter names of Burn's modules, so that in a Burn
//! program only the import changes, and records (`.bpk` files) of either load into the other:
//!
//! ```
//! use burn::module::Module;
//! use burn::tensor::{Device, Tensor};
//! use pastiche::nn::LstmConfig; // instead of burn::nn::LstmConfig
//!
//! let device = Device::flex();
//! let lstm = LstmConfig::new(8, 16, true).init(&device);
//! let input = Tensor::zeros([2, 5, 8], &device);
//! let (output, state) = lstm.forward(input, None);
//! assert_eq!(output.dims(), [2, 5, 16]);
//! assert_eq!(state.cell.dims(), [2, 16]);
//!
//! // A record of Burn's module.
//! let record = burn::nn::LstmConfig::new(8, 16, true).init(&device).into_record();
//! let lstm = lstm.load_record(record);
//! # let _ = lstm;
//! ```
//!
//! Burn computes each step of a sequence by about thirty operations, eight of them matrix products, and stores all of
//! them for the backward pass. Here the weights of the gates are concatenated, and the whole sequence is one operation
//! with its own backward pass, on the CPU backends and on GPUs, for f32 (for f64 with the feature `f64`). Other
//! backends and element types compute the same equations with Burn's operations and fewer matrix products. Results
//! differ from Burn's by rounding only, because sums have another order.
//!
//! Burn's own forward pass computes what the kernels do not have (`clip`, `input_forget`, other activations, quantized
//! weights), and sequences of a single step, for which concatenating the weights would take longer than the step.
//!
//! The example `burn_lstm` compares outputs and times: `cargo run --release -p pastiche --example burn_lstm`.

mod gates;
mod gru;
mod lstm;
#[cfg(test)]
mod tests;

pub use burn::nn::{GateController, LstmState};
pub use gru::{Gru, GruConfig};
pub use lstm::{Lstm, LstmConfig};
