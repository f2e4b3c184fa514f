//! The training strategy that runs our train loop inside burn-train's `SupervisedTraining`. Burn's own strategies
//! can neither save nor resume within an epoch, and their checkpoints contain only the learner.

use std::sync::Mutex;

use burn::train::{Learner, SupervisedLearningStrategy, TrainLoader, TrainingComponents, ValidLoader};

use crate::burn_session::{BurnSession, Events};
use crate::error::{Error, Result};
use crate::job::StopReason;
use crate::progress::Progress;
use crate::shared_module::SharedModule;
use crate::task::TrainTask;
use crate::train_loop::TrainLoop;

/// Holds the train loop until it is run, then its result.
pub(crate) struct TrainLoopStrategy<M: TrainTask> {
    train_loop: Mutex<Option<TrainLoop<M>>>,
    /// Whether anyone receives metrics.
    has_listeners: bool,
    result: Mutex<Option<Result<(Progress, StopReason)>>>,
}

/// The loop runs in the calling thread, so that no lock can be poisoned.
const SAME_THREAD: &str = "the loop ran in this thread";

impl<M: TrainTask> TrainLoopStrategy<M> {
    pub fn new(train_loop: TrainLoop<M>, has_listeners: bool) -> Self {
        Self { train_loop: Mutex::new(Some(train_loop)), has_listeners, result: Mutex::new(None) }
    }

    /// The result of the train loop.
    pub fn take_result(&self) -> Result<(Progress, StopReason)> {
        let result = self.result.lock().expect(SAME_THREAD).take();
        result.unwrap_or_else(|| Err(Error::Burn("the loop did not run".into())))
    }
}

impl<M: TrainTask> SupervisedLearningStrategy<SharedModule<M>> for TrainLoopStrategy<M> {
    fn fit(
        &self,
        components: TrainingComponents<SharedModule<M>>,
        mut learner: Learner<SharedModule<M>>,
        train: TrainLoader<SharedModule<M>>,
        valid: ValidLoader<SharedModule<M>>,
        _starting_epoch: usize,
    ) -> (SharedModule<M>, Events<M>) {
        let mut events = components.event_processor;
        let train_loop = self.train_loop.lock().expect(SAME_THREAD).take();
        let mut train_loop = train_loop.expect("a strategy fits once");
        let mut session = BurnSession {
            learner: &mut learner,
            train: &*train,
            valid: &*valid,
            events: &mut events,
            interrupter: &components.interrupter,
            has_listeners: self.has_listeners,
        };
        let stop_reason = train_loop.run(&mut session);
        let result = stop_reason.map(|reason| (train_loop.progress, reason));
        *self.result.lock().expect(SAME_THREAD) = Some(result);
        (learner.model(), events)
    }
}
