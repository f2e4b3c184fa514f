//! Cells, stacks and whole models give the same outputs, states and gradients as PyTorch and Keras. The
//! expected values are in committed files that `cargo xtask parity` writes.

mod cells;
mod checkpoints;
mod fixtures;
mod initial_weights;
mod keras_archives;
mod whole_models;
