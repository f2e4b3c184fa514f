//! Sends events to burn-train and stops the run when Burn's interrupter asks for it.

use burn::train::{EventProcessorTraining, Interrupter, LearnerEvent, SupervisedTrainingEventProcessor};

use crate::error::{Error, Result};
use crate::task::{StepOutput, TrainModule, TrainTask};

/// Burn's event processor for a task.
pub(crate) type Events<M> = SupervisedTrainingEventProcessor<TrainModule<M>>;

/// Burn's event processor and interrupter.
pub(crate) struct BurnEvents<'a, M: TrainTask> {
    pub events: &'a mut Events<M>,
    pub interrupter: &'a Interrupter,
}

impl<M: TrainTask> BurnEvents<'_, M> {
    pub fn train(&mut self, event: LearnerEvent<StepOutput>) -> Result<()> {
        let sent = self.events.process_train(event).map_err(|error| error.to_string());
        self.check(sent)
    }

    pub fn valid(&mut self, event: LearnerEvent<StepOutput>) -> Result<()> {
        let sent = self.events.process_valid(event).map_err(|error| error.to_string());
        self.check(sent)
    }

    /// Ends the run if Burn could not process the event, or if the run was interrupted.
    fn check(&self, sent: std::result::Result<(), String>) -> Result<()> {
        sent.map_err(Error::Burn)?;
        if !self.interrupter.should_stop() {
            return Ok(());
        }
        Err(Error::Burn(match self.interrupter.error() {
            Some(error) => error.to_string(),
            None => self.interrupter.get_message().unwrap_or_else(|| "interrupted".into()),
        }))
    }
}
