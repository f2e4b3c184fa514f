//! The length of a run that is chosen for a time.

use trainer::TrainConfig;

use super::Train;

/// So many epochs of so many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLength {
    /// `train.epochs`.
    pub epochs: usize,
    /// `train.steps_per_epoch`.
    pub steps_per_epoch: u64,
}

impl RunLength {
    /// Sets the length in both configurations of a run.
    pub fn set(self, section: &mut Train, config: &mut TrainConfig) {
        (section.epochs, config.epochs) = (self.epochs, self.epochs);
        (section.steps_per_epoch, config.steps_per_epoch) = (self.steps_per_epoch, self.steps_per_epoch);
    }
}
