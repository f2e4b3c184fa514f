//! The training state that changes with every step: weights, their average, optimizer state and RNN state.

use burn::optim::ModuleOptimizer;
use burn::train::Learner;
use kernels::KernelMode;
use models::{EvalMetrics, State};

use crate::averaging::Averaging;
use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::layer_rates;
use crate::next_rate::NextRate;
use crate::shared_module::SharedModule;
use crate::task::{BatchOf, TrainModule, TrainTask};

/// Everything that changes with every step, besides the optimizer, which the learner owns.
pub(crate) struct TrainState<M: TrainTask> {
    /// The module that the learner trains.
    pub module: SharedModule<M>,
    /// The learning rate that the learner's scheduler returns.
    rate: NextRate,
    /// The average of the weights, once there is one.
    average: Option<M>,
}

impl<M: TrainTask> TrainState<M> {
    /// The state before the first step, and its learner.
    pub fn new(model: M, config: &TrainConfig) -> (Self, Learner<SharedModule<M>>) {
        let optimizer = config.optimizer.init(model.kernels());
        let average = (config.ema_decay > 0.0).then(|| model.clone());
        Self::with_learner(TrainModule::new(model, config), average, optimizer, None, config)
    }

    /// The state stored in a checkpoint, to be trained with `kernels`, and its learner.
    pub fn from_checkpoint(
        checkpoint: Checkpoint<M>,
        config: &TrainConfig,
        kernels: KernelMode,
    ) -> (Self, Learner<SharedModule<M>>) {
        let (model, average) = match checkpoint.raw_model {
            Some(raw) => (raw, Some(checkpoint.bundle.model)),
            None => (checkpoint.bundle.model, None),
        };
        let average = average.map(|average| average.with_kernels(kernels));
        let module = TrainModule::new(model.with_kernels(kernels), config);
        let optimizer = config.optimizer.init(kernels).load_record(checkpoint.optimizer);
        Self::with_learner(module, average, optimizer, checkpoint.rnn_state, config)
    }

    fn with_learner(
        module: TrainModule<M>,
        average: Option<M>,
        optimizer: ModuleOptimizer,
        rnn_state: Option<State>,
        config: &TrainConfig,
    ) -> (Self, Learner<SharedModule<M>>) {
        let rate = NextRate::new(config.learning_rate);
        let scheduler = layer_rates::scheduler(&module.model, &rate, config.layer_decay);
        let module = SharedModule::new(module, optimizer.clone(), rnn_state);
        let learner = Learner::new(module.clone(), optimizer, scheduler);
        (Self { module, rate, average }, learner)
    }

    /// A learner with copies of the weights and the optimizer, whose steps change nothing here. It makes steps as
    /// [`measure_step`](crate::measure_step) does: with all layers and a learning rate of 0.
    pub fn trial_learner(&self) -> Learner<SharedModule<M>> {
        let optimizer = self.module.optimizer();
        let module = TrainModule { unfreeze_steps: 0, ..self.module.with(TrainModule::clone) };
        Learner::new(SharedModule::new(module, optimizer.clone(), None), optimizer, 0.0)
    }

    /// One update of the weights by `learner`, and of their average. Returns the loss before the update.
    pub fn step(
        &mut self,
        learner: &mut Learner<SharedModule<M>>,
        batch: BatchOf<M>,
        learning_rate: f64,
        averaging: Averaging,
    ) -> Result<EvalMetrics> {
        let step = M::step_index(&batch) + 1;
        self.rate.set(learning_rate);
        learner.lr_step();
        let output = learner.train_step(batch);
        durable::failpoint::reach("step", "middle".as_ref()).map_err(|error| Error::Burn(error.to_string()))?;
        learner.optimizer_step(output.grads);
        self.update_average(averaging, step);
        Ok(output.item.read()?)
    }

    /// Begins an average with the present weights, unless there is one.
    pub fn begin_average(&mut self) {
        if self.average.is_none() {
            self.average = Some(self.module.with(|module| module.model.valid()));
        }
    }

    /// Updates the average after update number `step`, counted from 1.
    fn update_average(&mut self, averaging: Averaging, step: u64) {
        if let Some(average) = self.average.take() {
            self.average = Some(self.module.with(|module| module.averaged(average, averaging, step)));
        }
    }

    /// The model to evaluate and save: with averaged weights once there is an average.
    pub fn eval_model(&self) -> M {
        self.average.clone().unwrap_or_else(|| self.module.with(|module| module.model.valid()))
    }

    /// The model with the trained weights, if those of [`Self::eval_model`] are averaged.
    pub fn raw_model(&self) -> Option<M> {
        self.average.as_ref().map(|_| self.module.with(|module| module.model.valid()))
    }

    /// A module that evaluates [`Self::eval_model`], starting from a zero RNN state.
    pub fn eval_module(&self) -> SharedModule<M> {
        let module = TrainModule { model: self.eval_model(), ..self.module.with(TrainModule::clone) };
        SharedModule::new(module, self.module.optimizer(), None)
    }
}
