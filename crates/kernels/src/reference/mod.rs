//! Reference implementations with Burn's own operations: used on backends without a kernel, and to test the
//! kernels.

mod elman;
mod extended_lstm;
mod gru;
mod layer;
mod loss;
mod lstm;
mod norm;

pub use elman::Elman;
pub use extended_lstm::{CellNormWeights, ExtendedLstm};
pub use gru::Gru;
pub use layer::{ReferenceCell, run};
pub use loss::nats_per_token;
pub use lstm::Lstm;
pub use norm::{NORM_EPSILON, normalize};
