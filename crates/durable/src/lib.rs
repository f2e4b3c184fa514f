//! Crash-safe files and directories: complete or absent after a full disk, a killed process or a power cut.
//!
//! Contents: files that are written under a temporary name, synced and renamed; directories that are published with
//! one rename; an append-only journal that can be truncated to an earlier length; a lock that ends with its process;
//! failpoints that let tests break each of these; and reading with limits, where a path may lead to anything. The crate
//! does not interpret the data.

pub mod directory;
pub mod error;
pub mod failpoint;
pub mod file;
pub mod journal;
pub mod lock;
pub mod read;

pub use error::{Error, Result};
pub use file::{StagedFile, create_atomically, write_atomically};
pub use journal::Journal;
pub use lock::Lock;
