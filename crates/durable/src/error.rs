//! Errors of file operations. Each error is one line.

use std::path::{Path, PathBuf};

/// The result of a file operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system reported an error.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operation that failed, such as `written` or `renamed`.
        verb: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file that was to be created exists.
    #[error("{path} exists: use another file, or delete it")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// An append-only file is shorter than it was.
    #[error(
        "{path} holds {found} bytes, and held {expected} when the checkpoint was saved: restore it, or \
         delete it to continue without its contents"
    )]
    Shortened {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// Its minimum length in bytes.
        expected: u64,
    },
    /// Another process holds the lock.
    #[error(
        "{path} is in use by process {process}, which is still alive: wait for it, stop it, or use \
         another run"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The process id that the lock file names.
        process: String,
    },
    /// The path no longer leads to the directory that this process locked.
    #[error(
        "{path} was deleted, moved or replaced while this process used it, so nothing more is written there: move it \
         back, or use it under its new name"
    )]
    LockLost {
        /// The path at which the directory was locked.
        path: PathBuf,
    },
}

/// Makes an [`Error::Io`] for `path`.
pub(crate) fn io(path: &Path, verb: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, verb, source }
}
