//! A recurrent layer over whole sequences, forward and backward, for any cell.
//!
//! Threads split the batch: each processes all steps of its rows, and never waits for another. Inside, matrices are
//! time-major: row `t · N + n`. The equations of a single step are in one file per cell.

mod backward;
mod block_order;
mod cell;
mod forward;
mod layer;
mod resets;
mod unique_ids;
mod weight_gradients;

pub use backward::{Gradients, backward};
pub use block_order::reorder_blocks;
pub use cell::{BackwardStep, Cell, ForwardStep, blocks, blocks_mut};
pub use forward::forward;
pub use layer::{ForwardCache, Input, Layer, SequenceShape};
