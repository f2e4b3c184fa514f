//! What the file system refused, in one line.

use std::path::{Path, PathBuf};

/// The result of a file operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried: `written`, `renamed`.
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is only appended to has lost something.
    #[error(
        "{path} holds {found} bytes, and held {expected} when the checkpoint was saved: restore it, or \
         delete it to go on without what it told"
    )]
    Shortened {
        /// The file.
        path: PathBuf,
        /// Bytes in it.
        found: u64,
        /// Bytes that it should have at the least.
        expected: u64,
    },
    /// Another process works here.
    #[error(
        "{path} is in use by process {process}, which is still alive: wait for it, stop it, or name \
         another run"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The process's number, as it wrote it down.
        process: String,
    },
}

/// An [`Error::Io`] about `path`.
pub(crate) fn io(path: &Path, verb: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, verb, source }
}
