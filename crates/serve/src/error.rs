//! Errors of a server that cannot start. Each message is one line: what was found, what was expected, what to do.

use std::net::SocketAddr;

use text_prep::error::one_line;

/// The result of starting a server.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program listens there.
    #[error("port {} of {} is in use by another program: choose another port, or 0 for any free one", .address.port(), .address.ip())]
    PortInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error(
        "{address} cannot be listened on: {source}; expected an address of this machine and a port that this user may take"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Everybody could use the server.
    #[error("{} can be reached from other machines, and there is no token: give one, or use 127.0.0.1", .address.ip())]
    NoToken {
        /// The address.
        address: SocketAddr,
    },
    /// A token that protects nothing.
    #[error("the token is empty: give one that others cannot guess, or none")]
    EmptyToken,
    /// A token that clients cannot send.
    #[error("the token has white space or other characters than those of ASCII: expected letters, digits and signs")]
    InvalidToken,
    /// A name that no request has as its host.
    #[error(
        "`{}` is no host name: expected a name alone, in ASCII, without `http://`, port and path, as in `studio.local`",
        one_line(.name)
    )]
    InvalidHost {
        /// The name as given.
        name: String,
    },
    /// The system does not give what a server needs.
    #[error("the server cannot run: {0}")]
    Runtime(std::io::Error),
}
