//! The flag by which a signal handler, a key or another thread asks a run to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A request to stop the run after the current step. All clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Requests the stop. Returns true if it had already been requested.
    pub fn request(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Cuts off work of many batches some time after a request to stop.
pub(crate) struct StopTimer {
    timeout: Duration,
    /// When the request was noticed.
    since: Option<Instant>,
}

impl StopTimer {
    /// Cuts work off after `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, since: None }
    }

    /// Whether the next batch may be computed, if a stop is requested or not.
    pub fn allows(&mut self, is_requested: bool) -> bool {
        !is_requested || self.since.get_or_insert_with(Instant::now).elapsed() < self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_cut_off_only_after_a_request() {
        let mut at_once = StopTimer::new(Duration::ZERO);
        assert!(at_once.allows(false));
        assert!(!at_once.allows(true));
        let mut later = StopTimer::new(Duration::MAX);
        assert!(later.allows(true) && later.allows(true));
    }
}
