//! The full-screen view of a training run. The loop writes a [`Scene`]; a [`Screen`] shows it on
//! the terminal until it is dropped. Knows nothing of models, files or the loop itself.

mod curve;
mod draw;
pub mod format;
mod keys;
mod panels;
mod plot;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;

pub use state::{Baseline, Best, Phase, Sample, Saved, Scene};
pub use terminal::{Screen, is_shown, restore};
