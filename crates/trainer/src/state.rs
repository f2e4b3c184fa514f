//! The training state that changes with every step: weights, their moving average, optimizer state and RNN state.

use burn::optim::ModuleOptimizer;
use burn::train::Learner;
use kernels::KernelMode;
use models::{EvalMetrics, State};

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
    /// The exponential moving average of the weights, if enabled.
    ema: Option<M>,
}

impl<M: TrainTask> TrainState<M> {
    /// The state before the first step, and its learner.
    pub fn new(model: M, config: &TrainConfig) -> (Self, Learner<SharedModule<M>>) {
        let optimizer = config.optimizer.init(model.kernels());
        let ema = (config.ema_decay > 0.0).then(|| model.clone());
        Self::with_learner(TrainModule::new(model, config), ema, optimizer, None, config)
    }

    /// The state stored in a checkpoint, to be trained with `kernels`, and its learner.
    pub fn from_checkpoint(
        checkpoint: Checkpoint<M>,
        config: &TrainConfig,
        kernels: KernelMode,
    ) -> (Self, Learner<SharedModule<M>>) {
        let (model, ema) = match checkpoint.raw_model {
            Some(raw) => (raw, Some(checkpoint.bundle.model)),
            None => (checkpoint.bundle.model, None),
        };
        let ema = ema.map(|ema| ema.with_kernels(kernels));
        let module = TrainModule::new(model.with_kernels(kernels), config);
        let optimizer = config.optimizer.init(kernels).load_record(checkpoint.optimizer);
        Self::with_learner(module, ema, optimizer, checkpoint.rnn_state, config)
    }

    fn with_learner(
        module: TrainModule<M>,
        ema: Option<M>,
        optimizer: ModuleOptimizer,
        rnn_state: Option<State>,
        config: &TrainConfig,
    ) -> (Self, Learner<SharedModule<M>>) {
        let rate = NextRate::new(config.learning_rate);
        let scheduler = layer_rates::scheduler(&module.model, &rate, config.layer_decay);
        let module = SharedModule::new(module, optimizer.clone(), rnn_state);
        let learner = Learner::new(module.clone(), optimizer, scheduler);
        (Self { module, rate, ema }, learner)
    }

    /// A learner with copies of the weights and the optimizer, whose steps change nothing here. It makes steps as
    /// [`measure_step`](crate::measure_step) does: with all layers and a learning rate of 0.
    pub fn trial_learner(&self) -> Learner<SharedModule<M>> {
        let optimizer = self.module.optimizer();
        let module = TrainModule { unfreeze_steps: 0, ..self.module.with(TrainModule::clone) };
        Learner::new(SharedModule::new(module, optimizer.clone(), None), optimizer, 0.0)
    }

    /// One update of the weights by `learner`, and of their moving average. Returns the loss before the update.
    pub fn step(
        &mut self,
        learner: &mut Learner<SharedModule<M>>,
        batch: BatchOf<M>,
        learning_rate: f64,
        ema_decay: f64,
    ) -> Result<EvalMetrics> {
        let step = M::step_index(&batch) + 1;
        self.rate.set(learning_rate);
        learner.lr_step();
        let output = learner.train_step(batch);
        durable::failpoint::reach("step", "middle".as_ref()).map_err(|error| Error::Burn(error.to_string()))?;
        learner.optimizer_step(output.grads);
        self.update_ema(ema_decay, step);
        Ok(output.item.read()?)
    }

    /// Updates the moving average after update number `step`, counted from 1.
    fn update_ema(&mut self, decay: f64, step: u64) {
        if let Some(ema) = self.ema.take() {
            self.ema = Some(self.module.with(|module| module.averaged(ema, decay, step)));
        }
    }

    /// The model to evaluate and save: with averaged weights if averaging is on.
    pub fn eval_model(&self) -> M {
        self.ema.clone().unwrap_or_else(|| self.module.with(|module| module.model.valid()))
    }

    /// The model with the trained weights, if those of [`Self::eval_model`] are averaged.
    pub fn raw_model(&self) -> Option<M> {
        self.ema.as_ref().map(|_| self.module.with(|module| module.model.valid()))
    }

    /// A module that evaluates [`Self::eval_model`], starting from a zero RNN state.
    pub fn eval_module(&self) -> SharedModule<M> {
        let module = TrainModule { model: self.eval_model(), ..self.module.with(TrainModule::clone) };
        SharedModule::new(module, self.module.optimizer(), None)
    }
}
