//! A recurrent layer over whole sequences, forward and backward, for any cell.
//!
//! Threads divide the sequences or the units (`regions.rs`). Inside, matrices are time-major: row `t · N + n`. The
//! equations of a single step are in one file per cell.

mod backward;
mod block_order;
mod cell;
mod forward;
mod layer;
mod regions;
mod resets;
mod unique_ids;
mod weight_gradients;

pub use backward::{Gradients, backward};
pub use block_order::reorder_blocks;
pub use cell::{BackwardStep, Cell, ForwardStep, blocks, blocks_mut, split_blocks, split_blocks_mut};
pub use forward::{forward, forward_divided};
pub use layer::{ForwardCache, Input, Layer, SequenceShape};
pub use regions::Division;
