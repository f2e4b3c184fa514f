//! The learning rate as burn-train's `Learner` takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::optim::LearningRate;
use burn::optim::lr_scheduler::{LrScheduler, LrSchedulerRecord};

/// The learning rate of the next step. The train loop sets it before `Learner::lr_step`: it is a function of the run's
/// progress ([`Progress::learning_rate`](crate::Progress::learning_rate)), which a scheduler inside the learner cannot
/// see. So the scheduler has no state to save. All clones share one value.
#[derive(Clone, Debug, Default)]
pub(crate) struct NextRate(Arc<AtomicU64>);

impl NextRate {
    pub fn set(&self, rate: LearningRate) {
        self.0.store(rate.to_bits(), Ordering::Relaxed);
    }
}

impl LrScheduler for NextRate {
    fn step(&mut self) -> LearningRate {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new()
    }

    fn load_record(&mut self, _record: LrSchedulerRecord) {}
}
