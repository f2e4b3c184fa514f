//! The allocator of the program.

use std::ffi::c_long;

use trainer::{Observer, ObserverResult, Phase};

/// A training step frees and allocates the same megabytes again and again. This allocator keeps them for a while, whereas
/// the system's allocator returns them to the operating system in between.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h: for how many milliseconds freed memory is kept.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// What happens to freed memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreedMemory {
    /// It is kept for mimalloc's default time, in milliseconds: for steps that soon allocate it again.
    Kept = 1_000,
    /// It is returned to the operating system: for tasks of another kind, so that what they allocate does not come on top of it.
    Returned = 0,
}

impl FreedMemory {
    /// From now on. What the task before has freed is returned in any case.
    #[allow(unsafe_code)]
    pub fn select(self) {
        // SAFETY: neither frees what is in use. The option is a word that other threads may read meanwhile: they wait the old
        // time or the new one.
        unsafe {
            libmimalloc_sys::mi_option_set(PURGE_DELAY, self as c_long);
            libmimalloc_sys::mi_collect(true);
        }
    }
}

/// The observer that keeps freed memory during training steps only.
pub struct MemoryByPhase;

impl<M> Observer<M> for MemoryByPhase {
    fn on_phase(&mut self, phase: Phase) -> ObserverResult {
        match phase {
            Phase::Training => FreedMemory::Kept,
            Phase::Validating | Phase::Saving => FreedMemory::Returned,
        }
        .select();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn the_option_is_that_of_the_delay() {
        // SAFETY: as above. No other test changes it.
        let delay = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay, FreedMemory::Kept as c_long);
    }
}
