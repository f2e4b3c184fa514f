//! The training state that changes with every step: weights, their moving average, optimizer state and RNN state.

use burn::optim::ModuleOptimizer;
use kernels::KernelMode;
use models::State;

use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::task::{TrainModule, TrainTask};

/// Everything that changes with every step.
pub(crate) struct TrainState<M: TrainTask> {
    /// Taken out and put back by each update, so that it is never copied.
    pub module: Option<TrainModule<M>>,
    /// The exponential moving average of the weights, if enabled.
    pub ema: Option<M>,
    pub optimizer: ModuleOptimizer,
    /// RNN state after the last batch, which the next batch may start from.
    pub rnn_state: Option<State>,
}

pub(crate) const MODULE_PRESENT: &str = "the module is taken out only during an update";

impl<M: TrainTask> TrainState<M> {
    /// The state before the first step.
    pub fn new(model: M, config: &TrainConfig) -> Self {
        let optimizer = config.optimizer.init(model.kernels());
        let ema = (config.ema_decay > 0.0).then(|| model.clone());
        Self { module: Some(TrainModule::new(model, config)), ema, optimizer, rnn_state: None }
    }

    /// The state stored in a checkpoint, to be trained with `kernels`.
    pub fn from_checkpoint(checkpoint: Checkpoint<M>, config: &TrainConfig, kernels: KernelMode) -> Self {
        let (model, ema) = match checkpoint.raw_model {
            Some(raw) => (raw, Some(checkpoint.bundle.model)),
            None => (checkpoint.bundle.model, None),
        };
        let ema = ema.map(|ema| ema.with_kernels(kernels));
        let module = Some(TrainModule::new(model.with_kernels(kernels), config));
        let optimizer = config.optimizer.init(kernels).load_record(checkpoint.optimizer);
        Self { module, ema, optimizer, rnn_state: checkpoint.rnn_state }
    }

    pub fn module(&self) -> &TrainModule<M> {
        self.module.as_ref().expect(MODULE_PRESENT)
    }

    /// The model to evaluate and save: with averaged weights if averaging is on.
    pub fn eval_model(&self) -> M {
        self.ema.clone().unwrap_or_else(|| self.module().model.valid())
    }
}
