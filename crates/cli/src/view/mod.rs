//! The full-screen view of a training run. The loop writes a [`Scene`]; a [`Screen`] shows it on
//! the terminal until it is dropped. Knows nothing of models, files or the loop itself.

mod curve;
mod draw;
mod keys;
mod paint;
mod panels;
mod plot;
mod scene;
mod terminal;
#[cfg(test)]
mod tests;
pub mod words;

pub use scene::{Baseline, Best, Phase, Sample, Saved, Scene};
pub use terminal::{Screen, is_shown, restore};
