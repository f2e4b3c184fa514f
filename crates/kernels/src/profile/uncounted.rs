//! The same without the feature: nothing is counted.

use super::{Part, Profile};

/// A section of the current thread, until it is dropped.
pub struct Section;

/// Begins a section of the current thread.
#[inline(always)]
pub fn section(_: Part) -> Section {
    Section
}

impl Section {
    /// Ends it.
    #[inline(always)]
    pub fn end(self) {}
}

/// Runs `work` and returns the time of each part, if this is compiled with the feature `profile`.
pub fn measure<R>(_threads: usize, work: impl FnOnce() -> R) -> (R, Option<Profile>) {
    (work(), None)
}
