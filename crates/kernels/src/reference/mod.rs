//! Reference implementations with Burn's own operations: used on backends without a kernel, and to test the
//! kernels.

mod elman;
mod gru;
mod layer;
mod loss;
mod lstm;

pub use elman::Elman;
pub use gru::Gru;
pub use layer::{ReferenceCell, run};
pub use loss::nats_per_token;
pub use lstm::Lstm;
