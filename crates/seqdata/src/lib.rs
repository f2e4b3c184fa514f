//! From token ids to batches: what is held out, how the ids are cut, in which order they are seen.
//!
//! Lives here: compact ids, the preparation of a corpus, splits, windows and streams, the order of an epoch,
//! Burn's batcher and loader, and files of questions and answers. Does not live here: how text becomes tokens (`text-prep`), and
//! what a network makes of a batch (`models`). Tensors appear in `batch` and `batcher` only.

pub mod batch;
pub mod batcher;
pub mod choice;
pub mod corpus;
pub mod error;
pub mod hash;
pub mod ids;
pub mod ids_writer;
#[cfg(test)]
mod laws;
pub mod loader;
mod mapped;
pub mod random;
pub mod recall;
pub mod split;
pub mod streams;
pub mod windows;

pub use batch::Batch;
pub use batcher::Cut;
pub use choice::{CountedOn, NewTokens};
pub use corpus::{Prepared, Recipe, WholeText};
pub use error::{Error, Result};
pub use ids::Ids;
pub use ids_writer::IdsWriter;
pub use loader::{EpochClock, Items, Loader, Order, Placed};
pub use random::Random;
pub use recall::Recall;
pub use split::{Fractions, Split};
pub use streams::Streams;
pub use windows::Windows;
