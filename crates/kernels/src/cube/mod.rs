//! Recurrent layers and optimizers for GPUs, in CubeCL.
//!
//! Matrix products are CubeCL's own. The kernels here compute what is between them: a step's gates, or an
//! optimizer update, each in one launch instead of about twenty.

mod common;
mod elman;
mod gru;
mod lstm;
pub mod optimizer;
pub mod sequence;
