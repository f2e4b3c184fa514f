//! How long a rank waits for the others.

use std::time::{Duration, Instant};

/// The limit of a wait: 20 times the slowest step so far, but at least a minimum.
#[derive(Clone, Debug)]
pub struct Deadline {
    least: Duration,
    slowest: Duration,
    /// When the last sum ended, if nothing but computing followed it.
    step_began: Option<Instant>,
}

/// How many times the slowest step a rank waits: other ranks may be slower, or share their processors.
const FACTOR: u32 = 20;

impl Deadline {
    /// The minimum that is right for most networks and machines.
    pub const LEAST: Duration = Duration::from_secs(60);

    /// A deadline of at least `least`.
    pub fn new(least: Duration) -> Self {
        Self { least, slowest: Duration::ZERO, step_began: None }
    }

    /// How long a rank waits now.
    pub fn limit(&self) -> Duration {
        self.least.max(self.slowest.saturating_mul(FACTOR))
    }

    /// A sum begins: what was computed since the last one was a step.
    pub fn sum_begins(&mut self, now: Instant) {
        if let Some(began) = self.step_began.take() {
            self.slowest = self.slowest.max(now.saturating_duration_since(began));
        }
    }

    /// A sum has ended: a step begins.
    pub fn sum_ended(&mut self, now: Instant) {
        self.step_began = Some(now);
    }

    /// This rank does something else than a step, which says nothing about the time of steps.
    pub fn interrupt(&mut self) {
        self.step_began = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_step_prolongs_the_wait_and_other_work_does_not() {
        let mut deadline = Deadline::new(Duration::from_secs(60));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        deadline.sum_begins(at(0));
        deadline.sum_ended(at(1));
        deadline.sum_begins(at(3));
        assert_eq!(deadline.limit(), Duration::from_secs(60));
        deadline.sum_ended(at(3));
        deadline.sum_begins(at(10));
        assert_eq!(deadline.limit(), Duration::from_secs(140));
        deadline.sum_ended(at(10));
        deadline.interrupt();
        deadline.sum_begins(at(500));
        deadline.sum_ended(at(500));
        deadline.sum_begins(at(501));
        assert_eq!(deadline.limit(), Duration::from_secs(140));
    }
}
