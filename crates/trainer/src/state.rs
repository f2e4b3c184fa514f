//! The training state that changes with every step: weights, their average, optimizer state and RNN state.

use std::ops::Range;

use burn::optim::ModuleOptimizer;
use burn::train::Learner;
use kernels::KernelMode;
use models::{ModelBundle, State};
use ranks::Ranks;

use crate::averaging::Averaging;
use crate::carried_state::split;
use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::exchange::send_state;
use crate::job::RunIdentity;
use crate::layer_rates;
use crate::next_rate::NextRate;
use crate::progress::Progress;
use crate::shared_module::SharedModule;
use crate::step_sums::{Requests, StepSums};
use crate::task::{ShardsOf, TrainModule, TrainTask};
use crate::update::update;

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
        Self::with_learner(TrainModule::new(model, config), average, optimizer, Vec::new(), config)
    }

    /// The state stored in a checkpoint, to be trained with `kernels` on the shards `shards` of each batch, and its learner.
    pub fn from_checkpoint(
        checkpoint: Checkpoint<M>,
        config: &TrainConfig,
        kernels: KernelMode,
        shards: Range<usize>,
    ) -> (Self, Learner<SharedModule<M>>) {
        let (model, average) = match checkpoint.raw_model {
            Some(raw) => (raw, Some(checkpoint.bundle.model)),
            None => (checkpoint.bundle.model, None),
        };
        let average = average.map(|average| average.with_kernels(kernels));
        let module = TrainModule::new(model.with_kernels(kernels), config);
        let optimizer = config.optimizer.init(kernels).load_record(checkpoint.optimizer);
        let rnn_states = checkpoint.rnn_state.map(|state| split(state, config.shards)).unwrap_or_default();
        let rnn_states = rnn_states.into_iter().skip(shards.start).take(shards.len()).collect();
        Self::with_learner(module, average, optimizer, rnn_states, config)
    }

    fn with_learner(
        module: TrainModule<M>,
        average: Option<M>,
        optimizer: ModuleOptimizer,
        rnn_states: Vec<State>,
        config: &TrainConfig,
    ) -> (Self, Learner<SharedModule<M>>) {
        let rate = NextRate::new(config.learning_rate);
        let scheduler = layer_rates::scheduler(&module.model, &rate, config.layer_decay);
        let module = SharedModule::new(module, optimizer.clone(), rnn_states);
        let learner = Learner::new(module.clone(), optimizer, scheduler);
        (Self { module, rate, average }, learner)
    }

    /// A learner with copies of the weights and the optimizer, whose steps change nothing here. It makes steps as
    /// [`measure_step`](crate::measure_step) does: with all layers and a learning rate of 0.
    pub fn trial_learner(&self) -> Learner<SharedModule<M>> {
        let optimizer = self.module.optimizer();
        let module = TrainModule { unfreeze_steps: 0, ..self.module.with(TrainModule::clone) };
        Learner::new(SharedModule::new(module, optimizer.clone(), Vec::new()), optimizer, 0.0)
    }

    /// One update of the weights by `learner`, together with all `ranks`, and of their average. Returns the sums over the
    /// batch, with the loss before the update.
    pub fn step(
        &mut self,
        learner: &mut Learner<SharedModule<M>>,
        batch: ShardsOf<M>,
        learning_rate: f64,
        averaging: Averaging,
        (requests, ranks): (Requests, &dyn Ranks),
    ) -> Result<StepSums> {
        let step = batch.step + 1;
        let tokens = batch.non_empty().map(M::num_tokens).sum();
        self.rate.set(learning_rate);
        learner.lr_step();
        let output = learner.train_step(batch);
        durable::failpoint::reach("step", "middle".as_ref()).map_err(|error| Error::Burn(error.to_string()))?;
        let sums = update(learner, output, tokens, requests, ranks)?;
        self.update_average(averaging, step);
        Ok(sums)
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

    /// That model with what describes the run at this point of it.
    pub fn bundle(&self, identity: &RunIdentity<M>, progress: &Progress) -> ModelBundle<M> {
        let RunIdentity { tokenizer, extra_files, .. } = identity.clone();
        ModelBundle { model: self.eval_model(), tokenizer, metadata: identity.metadata_at(progress), extra_files }
    }

    /// Sends this state, and the RNN state of all rows, from rank 0 to the others, which
    /// [receive](crate::exchange::receive_state) it.
    pub fn send(
        &self,
        ranks: &dyn Ranks,
        identity: &RunIdentity<M>,
        rnn_state: Option<&State>,
        progress: &Progress,
    ) -> Result<()> {
        if ranks.count() == 1 {
            return Ok(());
        }
        let (bundle, optimizer) = (self.bundle(identity, progress), self.module.optimizer());
        send_state(ranks, bundle, self.raw_model().as_ref(), &optimizer, rnn_state, progress)
    }

    /// A module that evaluates [`Self::eval_model`], starting from a zero RNN state.
    pub fn eval_module(&self) -> SharedModule<M> {
        let module = TrainModule { model: self.eval_model(), ..self.module.with(TrainModule::clone) };
        SharedModule::new(module, self.module.optimizer(), Vec::new())
    }
}
