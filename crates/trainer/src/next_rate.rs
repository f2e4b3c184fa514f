//! The learning rate as burn-train's `Learner` takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::optim::LearningRate;
use burn::optim::lr_scheduler::{LrScheduler, LrSchedulerRecord};

/// The learning rate of the next step. The train loop sets it before `Learner::lr_step`: it is a function of the run's
/// progress ([`Progress::learning_rate`](crate::Progress::learning_rate)), which a scheduler inside the learner cannot
/// see. So the scheduler has no state to save. All clones share one value.
#[derive(Clone, Debug)]
pub(crate) struct NextRate {
    bits: Arc<AtomicU64>,
    /// What the value is multiplied by.
    factor: f64,
}

impl NextRate {
    /// A scheduler that returns `rate` until another one is set.
    pub fn new(rate: LearningRate) -> Self {
        Self { bits: Arc::new(AtomicU64::new(rate.to_bits())), factor: 1.0 }
    }

    pub fn set(&self, rate: LearningRate) {
        self.bits.store(rate.to_bits(), Ordering::Relaxed);
    }

    /// A scheduler of the same value that returns it times `factor`.
    pub fn times(&self, factor: f64) -> Self {
        Self { bits: self.bits.clone(), factor: self.factor * factor }
    }
}

impl LrScheduler for NextRate {
    fn step(&mut self) -> LearningRate {
        f64::from_bits(self.bits.load(Ordering::Relaxed)) * self.factor
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new()
    }

    fn load_record(&mut self, _record: LrSchedulerRecord) {}
}
