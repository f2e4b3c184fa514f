//! The full-screen terminal view of a training run. The training loop updates a [`ViewState`]; a [`Screen`]
//! draws it on the terminal until it is dropped, and [`picture`] draws it as an SVG picture. Independent of models,
//! files and the training loop.

mod curve;
mod draw;
pub mod format;
mod keys;
mod panels;
mod picture;
mod plot;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;

pub use picture::picture;
pub use state::{Baseline, BestEpoch, Phase, Sample, SavedCheckpoint, ViewState};
pub use terminal::{Screen, is_shown, restore};
