//! What a training run has to tell, and to whom.
//!
//! The loop reports; bars, files and samples are observers. Every method has an empty default.

use models::LanguageModel;
use serde::{Deserialize, Serialize};

use crate::config::Method;
use crate::progress::Marks;

/// What an observer answers: an error ends the run.
pub type Heard = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What a run is about to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The epoch to come or to go on with, counted from 1.
    pub first_epoch: usize,
    /// The last one.
    pub epochs: usize,
    /// Updates that were made before this sitting.
    pub steps_done: u64,
    /// The epochs that were finished before this sitting.
    pub reports: Vec<EpochReport>,
    /// Where the observers' files ended when the run was last saved.
    pub marks: Marks,
    /// What a step learns from.
    pub method: Method,
    /// Training windows, or pieces of the training streams.
    pub train_items: usize,
    /// Validation windows, or pieces of the validation stream.
    pub valid_items: usize,
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Trainable numbers.
    pub parameters: usize,
    /// About how many bytes a step holds at once.
    pub memory_bytes: usize,
}

/// One step of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The step within the epoch, counted from 1.
    pub step: usize,
    /// Steps in the epoch.
    pub steps: usize,
    /// The step within the run, counted from 1.
    pub step_of_run: u64,
    /// The mean training loss of this step.
    pub step_loss_nats_per_token: f64,
    /// The mean training loss of this epoch so far.
    pub loss_nats_per_token: f64,
    /// The factor of this step's update.
    pub learning_rate: f64,
    /// Wall time of training in this epoch so far.
    pub seconds: f64,
    /// Tokens read a second, in this epoch so far.
    pub tokens_per_second: f64,
}

impl StepReport {
    /// Wall time that the rest of the epoch will take at the pace of the epoch so far.
    pub fn seconds_left_in_epoch(&self) -> f64 {
        self.seconds / self.step as f64 * (self.steps - self.step) as f64
    }
}

/// One epoch, trained and validated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Updates made when it ended.
    pub step: u64,
    /// The mean loss while training, with dropout, nats a token.
    pub train_loss_nats_per_token: f64,
    /// The mean validation loss, nats a token: over windows, or with the state carried, as the run
    /// itself is trained.
    pub valid_loss_nats_per_token: f64,
    /// The share of validation targets that were the likeliest token.
    pub valid_accuracy: f64,
    /// The factor of the last update.
    pub learning_rate: f64,
    /// Wall time of training, without validation.
    pub seconds: f64,
    /// Tokens read a second while training.
    pub tokens_per_second: f64,
}

impl EpochReport {
    /// e to the validation loss.
    pub fn valid_perplexity(&self) -> f64 {
        self.valid_loss_nats_per_token.exp()
    }
}

/// What the loop is about to do, where it takes long enough to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Update the weights.
    Training,
    /// Judge them on held-out text.
    Validating,
    /// Write a checkpoint.
    Saving,
}

/// The run stepped back to its last checkpoint, for its loss exploded.
#[derive(Clone, Debug, PartialEq)]
pub struct Retreat {
    /// What went wrong at which step.
    pub reason: String,
    /// Updates behind the weights that it goes on from.
    pub step: u64,
    /// The factor of updates from now on, as the schedule has it at that step.
    pub learning_rate: f64,
    /// How often the learning rate was halved in this run.
    pub halvings: u32,
    /// The epochs that remain.
    pub reports: Vec<EpochReport>,
    /// Where the observers' files ended at that step.
    pub marks: Marks,
}

/// Someone who follows a run.
pub trait Observer<M = LanguageModel>: Send {
    /// Before the first step.
    ///
    /// # Errors
    /// To end the run; so for all methods.
    fn planned(&mut self, _plan: &Plan) -> Heard {
        Ok(())
    }

    /// After two trial steps, which change nothing, and before the first step.
    ///
    /// # Errors
    /// To end the run.
    fn timed(&mut self, _seconds_per_epoch: f64) -> Heard {
        Ok(())
    }

    /// After each step.
    ///
    /// # Errors
    /// To end the run.
    fn stepped(&mut self, _step: &StepReport) -> Heard {
        Ok(())
    }

    /// Every [`look_every`](crate::TrainConfig::look_every) steps, with the weights as they are.
    ///
    /// # Errors
    /// To end the run.
    fn look(&mut self, _step: &StepReport, _model: &M) -> Heard {
        Ok(())
    }

    /// After each epoch and its validation, before its checkpoint.
    ///
    /// # Errors
    /// To end the run.
    fn epoch_ended(&mut self, _epoch: &EpochReport, _model: &M) -> Heard {
        Ok(())
    }

    /// Before something that takes a while.
    ///
    /// # Errors
    /// To end the run.
    fn phase(&mut self, _phase: Phase) -> Heard {
        Ok(())
    }

    /// Before a checkpoint: whoever appends to a file makes it durable and says in `marks` where it
    /// ends, so that a resumed run can cut it back to here.
    ///
    /// # Errors
    /// To end the run.
    fn saving(&mut self, _marks: &mut Marks) -> Heard {
        Ok(())
    }

    /// After a checkpoint of this many updates is in place.
    ///
    /// # Errors
    /// To end the run.
    fn saved(&mut self, _steps: u64) -> Heard {
        Ok(())
    }

    /// After the run stepped back; files are to be cut back to `retreat.marks`.
    ///
    /// # Errors
    /// To end the run.
    fn retreated(&mut self, _retreat: &Retreat) -> Heard {
        Ok(())
    }
}

/// Several observers in a row.
impl<M> Observer<M> for Vec<Box<dyn Observer<M>>> {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.planned(plan))
    }

    fn timed(&mut self, seconds_per_epoch: f64) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.timed(seconds_per_epoch))
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.stepped(step))
    }

    fn look(&mut self, step: &StepReport, model: &M) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.look(step, model))
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &M) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.epoch_ended(epoch, model))
    }

    fn phase(&mut self, phase: Phase) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.phase(phase))
    }

    fn saving(&mut self, marks: &mut Marks) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.saving(marks))
    }

    fn saved(&mut self, steps: u64) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.saved(steps))
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.retreated(retreat))
    }
}
