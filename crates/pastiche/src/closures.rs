//! Closures as observers of a run.

use trainer::{EpochReport, Observer, ObserverResult, StepReport};

/// Called after each epoch.
pub(crate) struct OnEpoch<F>(pub F);

/// Called after each step.
pub(crate) struct OnStep<F>(pub F);

impl<M, F: FnMut(&EpochReport) + Send> Observer<M> for OnEpoch<F> {
    fn on_epoch_end(&mut self, epoch: &EpochReport, _model: &M) -> ObserverResult {
        (self.0)(epoch);
        Ok(())
    }
}

impl<M, F: FnMut(&StepReport) + Send> Observer<M> for OnStep<F> {
    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        (self.0)(step);
        Ok(())
    }
}
