//! All numbers that change with every step: weights, their average, the optimizer's memory and what streams
//! carry on.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use models::{LanguageModel, State};

use crate::checkpoint::Kept;
use crate::config::TrainConfig;
use crate::task::Trainee;

/// All numbers that change with every step.
pub(crate) struct Standing {
    /// Taken out and put back by each update, so that it is never copied.
    pub trainee: Option<Trainee>,
    /// The averaged weights, if weights are averaged.
    pub average: Option<LanguageModel>,
    pub optimizer: ModuleOptimizer,
    /// What the next batch goes on from.
    pub carried: Option<State>,
}

pub(crate) const HELD: &str = "the model is away only while it is updated";

impl Standing {
    /// Before the first step.
    pub fn fresh(model: LanguageModel, config: &TrainConfig) -> Self {
        let average = (config.averaging > 0.0).then(|| model.clone());
        let trainee = Some(Trainee::new(model, config));
        Self { trainee, average, optimizer: config.optimizer.init(), carried: None }
    }

    /// Where a checkpoint was kept.
    pub fn of(kept: Kept, config: &TrainConfig) -> Self {
        let (model, average) = match kept.trained {
            Some(trained) => (trained, Some(kept.artifact.model)),
            None => (kept.artifact.model, None),
        };
        let trainee = Some(Trainee::new(model, config));
        let optimizer = config.optimizer.init().load_record(kept.optimizer);
        Self { trainee, average, optimizer, carried: kept.carried }
    }

    pub fn trainee(&self) -> &Trainee {
        self.trainee.as_ref().expect(HELD)
    }

    /// The model as it is judged and written with: of averaged weights, if weights are averaged.
    pub fn judged(&self) -> LanguageModel {
        self.average.clone().unwrap_or_else(|| self.trainee().model.valid())
    }
}
