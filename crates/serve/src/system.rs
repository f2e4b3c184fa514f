//! What answers take from the system: random bits and the time.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::SystemTime;

/// Random bits, other ones in each call.
pub(crate) fn random_bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The time in seconds since 1970.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
