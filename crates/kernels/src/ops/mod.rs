//! The kernels as operations of Burn's backends, with hand-written backward passes in the autodiff graph.
//!
//! Besides `cube/`, the only place in the workspace that names a concrete backend type.

mod backends;
mod cpu;
mod dropout;
mod elementwise;
#[cfg(feature = "cube")]
mod gpu;
mod layer_kernels;
mod linear;
mod optimizers;
mod saved;
mod sequence;
mod softmax_loss;
mod traits;
mod values;

pub use traits::{
    DropoutOps, ElementwiseOps, LinearOps, LossWithAccuracyOps, OptimizerOps, SequenceOps, SequenceSpec, SoftmaxLossOps,
};
pub use values::f32_values;
