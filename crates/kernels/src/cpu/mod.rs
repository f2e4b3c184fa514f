//! The CPU kernels, on slices. This module does not depend on Burn.

pub mod bf16;
mod bf16_product;
#[cfg(target_arch = "x86_64")]
mod bf16_tile;
pub mod dropout;
pub mod elementwise;
pub mod elman;
pub mod fma_peak;
pub mod gru;
pub mod kernel_cell;
pub mod linear;
pub mod lstm;
pub mod matmul;
pub mod optimizer;
mod pack_panel;
pub mod quantized;
pub mod row_blocks;
pub mod rows;
pub mod scratch;
pub mod sequence;
pub mod simd_float;
pub mod simd_level;
pub mod softmax;
pub mod softmax_loss;
#[cfg(test)]
mod tests;
mod tile;
pub mod transpose;
pub mod view;
mod weight_columns;
