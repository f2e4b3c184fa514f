//! What the real PyTorch and Keras computed, in committed files that `cargo xtask parity` makes: the
//! cells, stacks and whole models give the same outputs, states and gradients.

mod cells;
mod fixtures;
mod initial;
mod whole;
