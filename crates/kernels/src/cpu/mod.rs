//! The kernels for processors: plain numbers in, plain numbers out. Nothing here knows Burn.

pub mod elman;
pub mod equations;
pub mod gru;
pub mod lstm;
pub mod number;
pub mod optimizer;
pub mod processor;
pub mod product;
pub mod quantized;
pub mod scratch;
pub mod sequence;
pub mod shape;
pub mod softmax_loss;
#[cfg(test)]
mod tests;
pub mod view;
