//! The training strategy that runs our train loop inside burn-train's `SupervisedTraining`. Burn's own strategies
//! do not give access to the model, the optimizer and the position in the data, which checkpoints need.

use std::sync::Mutex;

use burn::train::{Learner, SupervisedLearningStrategy, TrainLoader, TrainingComponents, ValidLoader};

use crate::burn_events::{BurnEvents, Events};
use crate::error::{Error, Result};
use crate::job::StopReason;
use crate::progress::Progress;
use crate::task::{TrainModule, TrainTask};
use crate::train_loop::{Loaders, TrainLoop};

/// Holds the train loop until it is run, then its result.
pub(crate) struct TrainLoopStrategy<M: TrainTask> {
    train_loop: Mutex<Option<TrainLoop<M>>>,
    result: Mutex<Option<Result<(Progress, StopReason)>>>,
}

/// The loop runs in the calling thread, so that no lock can be poisoned.
const SAME_THREAD: &str = "the loop ran in this thread";

impl<M: TrainTask> TrainLoopStrategy<M> {
    pub fn new(train_loop: TrainLoop<M>) -> Self {
        Self { train_loop: Mutex::new(Some(train_loop)), result: Mutex::new(None) }
    }

    /// The result of the train loop.
    pub fn take_result(&self) -> Result<(Progress, StopReason)> {
        let result = self.result.lock().expect(SAME_THREAD).take();
        result.unwrap_or_else(|| Err(Error::Burn("the loop did not run".into())))
    }
}

impl<M: TrainTask> SupervisedLearningStrategy<TrainModule<M>> for TrainLoopStrategy<M> {
    fn fit(
        &self,
        components: TrainingComponents<TrainModule<M>>,
        learner: Learner<TrainModule<M>>,
        train: TrainLoader<TrainModule<M>>,
        valid: ValidLoader<TrainModule<M>>,
        _starting_epoch: usize,
    ) -> (TrainModule<M>, Events<M>) {
        // Drops the second reference to the weights, so that they are updated in place.
        drop(learner);
        let mut events = components.event_processor;
        let train_loop = self.train_loop.lock().expect(SAME_THREAD).take();
        let mut train_loop = train_loop.expect("a strategy fits once");
        let mut burn = BurnEvents { events: &mut events, interrupter: &components.interrupter };
        let stop_reason = train_loop.run(&mut burn, &Loaders { train: &*train, valid: &*valid });
        let module = train_loop.state.module().clone();
        let result = stop_reason.map(|reason| (train_loop.progress, reason));
        *self.result.lock().expect(SAME_THREAD) = Some(result);
        (module, events)
    }
}
