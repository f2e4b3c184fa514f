//! What a training run has to tell, and to whom.
//!
//! The loop reports; bars, files and samples are observers. Every method has an empty default.

use models::LanguageModel;
use serde::{Deserialize, Serialize};

use crate::config::Method;

/// What an observer answers: an error ends the run.
pub type Heard = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What a run is about to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The first epoch to come, counted from 1.
    pub first_epoch: usize,
    /// The last one.
    pub epochs: usize,
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
    /// The mean training loss of this epoch so far.
    pub loss_nats_per_token: f64,
    /// Wall time of training in this epoch so far.
    pub seconds: f64,
    /// Tokens read a second, in this epoch so far.
    pub tokens_per_second: f64,
}

/// One epoch, trained and validated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The epoch, counted from 1.
    pub epoch: usize,
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

/// Someone who follows a run.
pub trait Observer: Send {
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
    fn look(&mut self, _step: &StepReport, _model: &LanguageModel) -> Heard {
        Ok(())
    }

    /// After each epoch and its validation, before its checkpoint.
    ///
    /// # Errors
    /// To end the run.
    fn epoch_ended(&mut self, _epoch: &EpochReport, _model: &LanguageModel) -> Heard {
        Ok(())
    }
}

/// Several observers in a row.
impl Observer for Vec<Box<dyn Observer>> {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.planned(plan))
    }

    fn timed(&mut self, seconds_per_epoch: f64) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.timed(seconds_per_epoch))
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.stepped(step))
    }

    fn look(&mut self, step: &StepReport, model: &LanguageModel) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.look(step, model))
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &LanguageModel) -> Heard {
        self.iter_mut().try_for_each(|observer| observer.epoch_ended(epoch, model))
    }
}
