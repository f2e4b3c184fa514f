//! What burn-train gives to a training strategy, and the end of a run by Burn's interrupter.

use burn::data::dataloader::{DataLoader, Progress};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::train::{
    EventProcessorTraining, Interrupter, Learner, LearnerEvent, SupervisedTrainingEventProcessor, TrainingError,
    TrainingItem,
};

use crate::error::Result;
use crate::metrics::StepNumbers;
use crate::shared_module::SharedModule;
use crate::step_output::StepOutput;
use crate::task::{BatchOf, ShardsOf, TrainTask};

/// Burn's event processor for a task.
pub(crate) type Events<M> = SupervisedTrainingEventProcessor<SharedModule<M>>;

/// An event of the training or the validation split.
type Event = LearnerEvent<StepOutput>;

/// The learner, the data, the metric pipeline and the interrupter of one run.
pub(crate) struct BurnSession<'a, M: TrainTask> {
    pub learner: &'a mut Learner<SharedModule<M>>,
    pub train: &'a dyn DataLoader<ShardsOf<M>>,
    pub valid: &'a dyn DataLoader<BatchOf<M>>,
    pub events: &'a mut Events<M>,
    pub interrupter: &'a Interrupter,
    /// Whether anyone receives metrics. If not, no event is sent, so that no thread is woken at every step.
    pub has_listeners: bool,
}

impl<M: TrainTask> BurnSession<'_, M> {
    /// Whether the interrupter was used.
    pub fn is_interrupted(&self) -> bool {
        self.interrupter.should_stop()
    }

    /// Sends an event of the training split.
    pub fn train_event(&mut self, event: Event) -> Result<()> {
        if self.has_listeners {
            self.events.process_train(event).map_err(TrainingError::from)?;
        }
        self.check_interrupter()
    }

    /// Sends an event of the validation split.
    pub fn valid_event(&mut self, event: Event) -> Result<()> {
        if self.has_listeners {
            self.events.process_valid(event).map_err(TrainingError::from)?;
        }
        self.check_interrupter()
    }

    /// Ends the run with the error that was given to the interrupter. A request to stop without an error is left to
    /// the train loop.
    fn check_interrupter(&self) -> Result<()> {
        match self.interrupter.should_stop().then(|| self.interrupter.error()).flatten() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Sends the numbers of a training step that was made with the learner's current learning rate.
    pub fn trained(&mut self, numbers: StepNumbers, progress: Progress, step: usize) -> Result<()> {
        let rate = Some(self.learner.lr_current());
        self.train_event(LearnerEvent::ProcessedItem(item(numbers, progress, step, rate)))
    }

    /// Sends the numbers of a validation step.
    pub fn validated(&mut self, numbers: StepNumbers, progress: Progress, step: usize) -> Result<()> {
        self.valid_event(LearnerEvent::ProcessedItem(item(numbers, progress, step, None)))
    }
}

fn item(
    numbers: StepNumbers,
    progress: Progress,
    step: usize,
    rate: Option<ModuleLearningRate>,
) -> TrainingItem<StepOutput> {
    TrainingItem::new(StepOutput::Numbers(numbers), progress, Some(step), rate)
}
