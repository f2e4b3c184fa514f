//! Our strategy inside burn-train's `SupervisedTraining`: Burn's own strategies keep model, optimizer and
//! position in the data to themselves; this one hands Burn's events to the loop in `run.rs`, which owns
//! them.

use std::sync::Mutex;

use burn::train::{
    EventProcessorTraining, Interrupter, Learner, LearnerEvent, SupervisedLearningStrategy,
    SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents, ValidLoader,
};

use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::run::{Ended, Run};
use crate::task::{StepOutput, Task, Trainee};

type Events<M> = SupervisedTrainingEventProcessor<Trainee<M>>;

/// The strategy: a run that waits to begin, then what became of it.
pub(crate) struct StepStrategy<M: Task> {
    run: Mutex<Option<Run<M>>>,
    outcome: Mutex<Option<Result<(Progress, Ended)>>>,
}

impl<M: Task> StepStrategy<M> {
    pub fn new(run: Run<M>) -> Self {
        Self { run: Mutex::new(Some(run)), outcome: Mutex::new(None) }
    }

    /// What became of the run.
    pub fn outcome(&self) -> Result<(Progress, Ended)> {
        let outcome = self.outcome.lock().expect("the loop ran in this thread").take();
        outcome.unwrap_or_else(|| Err(Error::Burn("the loop did not run".into())))
    }
}

impl<M: Task> SupervisedLearningStrategy<Trainee<M>> for StepStrategy<M> {
    fn fit(
        &self,
        components: TrainingComponents<Trainee<M>>,
        learner: Learner<Trainee<M>>,
        train: TrainLoader<Trainee<M>>,
        valid: ValidLoader<Trainee<M>>,
        _starting_epoch: usize,
    ) -> (Trainee<M>, Events<M>) {
        // Weights that nobody else holds are updated in place.
        drop(learner);
        let mut events = components.event_processor;
        let run = self.run.lock().expect("the loop ran in this thread").take();
        let mut run = run.expect("a strategy fits once");
        let mut burn = Burn { events: &mut events, interrupter: &components.interrupter };
        let ended = run.all(&mut burn, &*train, &*valid);
        let trainee = run.standing.trainee().clone();
        let outcome = ended.map(|ended| (run.progress, ended));
        *self.outcome.lock().expect("the loop ran in this thread") = Some(outcome);
        (trainee, events)
    }
}

/// What burn-train is told, and how it says that the run is to end.
pub(crate) struct Burn<'a, M: Task> {
    events: &'a mut Events<M>,
    interrupter: &'a Interrupter,
}

impl<M: Task> Burn<'_, M> {
    pub fn train(&mut self, event: LearnerEvent<StepOutput>) -> Result<()> {
        let sent = self.events.process_train(event).map_err(|error| error.to_string());
        self.heard(sent)
    }

    pub fn valid(&mut self, event: LearnerEvent<StepOutput>) -> Result<()> {
        let sent = self.events.process_valid(event).map_err(|error| error.to_string());
        self.heard(sent)
    }

    /// Ends the run if Burn could not take an event, or if it was interrupted.
    fn heard(&self, sent: std::result::Result<(), String>) -> Result<()> {
        sent.map_err(Error::Burn)?;
        match self.interrupter.should_stop() {
            true => Err(Error::Burn(match self.interrupter.error() {
                Some(error) => error.to_string(),
                None => self.interrupter.get_message().unwrap_or_else(|| "interrupted".into()),
            })),
            false => Ok(()),
        }
    }
}
