//! How a run is asked to stop: from a signal, a key or another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wish that the run stops after the step under way; its copies share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for it. True if it had been asked for before.
    pub fn ask(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
