//! Files and directories that are whole or not there, whatever happens: a full disk, a killed
//! process, a power cut.
//!
//! Lives here: the file written beside its place, synced and renamed; the directory put in place
//! with one rename; the journal that is only appended to and can be cut back; the lock of a living
//! process; and the failpoints by which tests break all of them. Knows nothing of what is written.

pub mod directory;
pub mod error;
pub mod failpoint;
pub mod file;
pub mod journal;
pub mod lock;

pub use error::{Error, Result};
pub use file::{Staged, write_atomically};
pub use journal::Journal;
pub use lock::Lock;
