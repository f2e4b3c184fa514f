//! All numbers that change with every step: weights, their average, the optimizer's memory and what streams
//! carry on.

use burn::optim::ModuleOptimizer;
use models::State;

use crate::checkpoint::Kept;
use crate::config::TrainConfig;
use crate::task::{Task, Trainee};

/// All numbers that change with every step.
pub(crate) struct Standing<M: Task> {
    /// Taken out and put back by each update, so that it is never copied.
    pub trainee: Option<Trainee<M>>,
    /// The averaged weights, if weights are averaged.
    pub average: Option<M>,
    pub optimizer: ModuleOptimizer,
    /// What the next batch goes on from.
    pub carried: Option<State>,
}

pub(crate) const HELD: &str = "the model is away only while it is updated";

impl<M: Task> Standing<M> {
    /// Before the first step.
    pub fn fresh(model: M, config: &TrainConfig) -> Self {
        let average = (config.averaging > 0.0).then(|| model.clone());
        let trainee = Some(Trainee::new(model, config));
        Self { trainee, average, optimizer: config.optimizer.init(), carried: None }
    }

    /// Where a checkpoint was kept.
    pub fn of(kept: Kept<M>, config: &TrainConfig) -> Self {
        let (model, average) = match kept.trained {
            Some(trained) => (trained, Some(kept.artifact.model)),
            None => (kept.artifact.model, None),
        };
        let trainee = Some(Trainee::new(model, config));
        let optimizer = config.optimizer.init().load_record(kept.optimizer);
        Self { trainee, average, optimizer, carried: kept.carried }
    }

    pub fn trainee(&self) -> &Trainee<M> {
        self.trainee.as_ref().expect(HELD)
    }

    /// The model as it is judged and used: of averaged weights, if weights are averaged.
    pub fn judged(&self) -> M {
        self.average.clone().unwrap_or_else(|| self.trainee().model.valid())
    }
}
