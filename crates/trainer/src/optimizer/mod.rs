//! The optimizers that Burn lacks or does otherwise. A new one is a file beside `rmsprop.rs`.

mod rmsprop;

pub use rmsprop::{Rmsprop, RmspropConfig};
