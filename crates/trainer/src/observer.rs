//! Observers of a run: progress bars, metric files and text samples. Every method does nothing by default.

use models::LanguageModel;

use crate::report::{EpochReport, FileOffsets, Phase, Plan, Rollback, StepReport};

/// An observer's result; an error ends the run.
pub type ObserverResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Follows a run.
pub trait Observer<M = LanguageModel>: Send {
    /// Called before the first step.
    ///
    /// # Errors
    /// An error ends the run; so for all methods.
    fn on_start(&mut self, _plan: &Plan) -> ObserverResult {
        Ok(())
    }

    /// Called before the first step of a new run, with the estimated time of an epoch and its validation, from trial
    /// steps, which change nothing.
    ///
    /// # Errors
    /// To end the run.
    fn on_estimate(&mut self, _seconds_per_epoch: f64) -> ObserverResult {
        Ok(())
    }

    /// Called after each step.
    ///
    /// # Errors
    /// To end the run.
    fn on_step(&mut self, _step: &StepReport) -> ObserverResult {
        Ok(())
    }

    /// Called every [`sample_every`](crate::TrainConfig::sample_every) steps, with the current model.
    ///
    /// # Errors
    /// To end the run.
    fn on_sample(&mut self, _step: &StepReport, _model: &M) -> ObserverResult {
        Ok(())
    }

    /// Called after each epoch and its validation, before [`on_epoch_end`](Self::on_epoch_end), with the number of
    /// updates made: for work that takes long, such as samples. If the run is asked to stop meanwhile, the epoch does
    /// not end, and a resumed run validates it again: write nothing yet.
    ///
    /// # Errors
    /// To end the run.
    fn before_epoch_end(&mut self, _steps: u64, _model: &M) -> ObserverResult {
        Ok(())
    }

    /// Called after each epoch and its validation, before its checkpoint.
    ///
    /// # Errors
    /// To end the run.
    fn on_epoch_end(&mut self, _epoch: &EpochReport, _model: &M) -> ObserverResult {
        Ok(())
    }

    /// Called before something that takes noticeable time.
    ///
    /// # Errors
    /// To end the run.
    fn on_phase(&mut self, _phase: Phase) -> ObserverResult {
        Ok(())
    }

    /// Called before a checkpoint: flush the file and record its length in `file_offsets`, so that a resumed run
    /// can truncate it to that length.
    ///
    /// # Errors
    /// To end the run.
    fn before_checkpoint(&mut self, _file_offsets: &mut FileOffsets) -> ObserverResult {
        Ok(())
    }

    /// Called once the checkpoint after this many updates is complete.
    ///
    /// # Errors
    /// To end the run.
    fn on_checkpoint(&mut self, _steps: u64) -> ObserverResult {
        Ok(())
    }

    /// Called after a rollback: truncate files to `rollback.file_offsets`.
    ///
    /// # Errors
    /// To end the run.
    fn on_rollback(&mut self, _rollback: &Rollback) -> ObserverResult {
        Ok(())
    }
}

/// A boxed observer is an observer.
impl<M, O: Observer<M> + ?Sized> Observer<M> for Box<O> {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        (**self).on_start(plan)
    }

    fn on_estimate(&mut self, seconds_per_epoch: f64) -> ObserverResult {
        (**self).on_estimate(seconds_per_epoch)
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        (**self).on_step(step)
    }

    fn on_sample(&mut self, step: &StepReport, model: &M) -> ObserverResult {
        (**self).on_sample(step, model)
    }

    fn before_epoch_end(&mut self, steps: u64, model: &M) -> ObserverResult {
        (**self).before_epoch_end(steps, model)
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, model: &M) -> ObserverResult {
        (**self).on_epoch_end(epoch, model)
    }

    fn on_phase(&mut self, phase: Phase) -> ObserverResult {
        (**self).on_phase(phase)
    }

    fn before_checkpoint(&mut self, file_offsets: &mut FileOffsets) -> ObserverResult {
        (**self).before_checkpoint(file_offsets)
    }

    fn on_checkpoint(&mut self, steps: u64) -> ObserverResult {
        (**self).on_checkpoint(steps)
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        (**self).on_rollback(rollback)
    }
}

/// Calls several observers in order.
impl<M, O: Observer<M>> Observer<M> for Vec<O> {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_start(plan))
    }

    fn on_estimate(&mut self, seconds_per_epoch: f64) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_estimate(seconds_per_epoch))
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_step(step))
    }

    fn on_sample(&mut self, step: &StepReport, model: &M) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_sample(step, model))
    }

    fn before_epoch_end(&mut self, steps: u64, model: &M) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.before_epoch_end(steps, model))
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, model: &M) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_epoch_end(epoch, model))
    }

    fn on_phase(&mut self, phase: Phase) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_phase(phase))
    }

    fn before_checkpoint(&mut self, file_offsets: &mut FileOffsets) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.before_checkpoint(file_offsets))
    }

    fn on_checkpoint(&mut self, steps: u64) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_checkpoint(steps))
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        self.iter_mut().try_for_each(|observer| observer.on_rollback(rollback))
    }
}
