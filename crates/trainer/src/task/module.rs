//! A network during training: forward and backward pass, update, and inference.

use burn::module::{Module, ParamId};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use kernels::with_spinning_workers;
use models::{DropoutKey, LossOutput, State, TrainLoss, detach};

use super::train_task::{BatchOf, TrainTask};
use crate::averaging::Averaging;
use crate::clip::Clip;
use crate::config::TrainConfig;
use crate::ema::update_average_of;
use crate::layer_rates;
use crate::precision::TrainPrecision;

/// A network during training.
#[derive(Module, Debug)]
pub(crate) struct TrainModule<M: Module> {
    pub model: M,
    /// RNG seed of the dropout masks.
    #[module(skip)]
    pub seed: u64,
    /// Gradient clipping.
    #[module(skip)]
    pub clip: Option<Clip>,
    /// Steps after which one more layer is trained; 0 to train all layers.
    #[module(skip)]
    pub unfreeze_steps: u64,
    /// The precision of the products of training steps.
    #[module(skip)]
    pub precision: TrainPrecision,
}

impl<M: TrainTask> TrainModule<M> {
    /// `model` with gradients enabled, to be trained with `config`.
    pub fn new(model: M, config: &TrainConfig) -> Self {
        let TrainConfig { seed, clip, unfreeze_steps, precision, .. } = *config;
        Self { model: model.trainable(), seed, clip, unfreeze_steps, precision }
    }

    /// The parameters that step `step` of the run, counted from 0, trains; `None` for all.
    pub fn trained_parameters(&self, step: u64) -> Option<Vec<ParamId>> {
        layer_rates::trained_parameters(&self.model, self.unfreeze_steps, step)
    }

    /// Whether our CPU kernels run on this device.
    fn uses_kernels(&self) -> bool {
        self.model.kernels().fuses_all(&self.model.device())
    }

    /// The model as step `step` of the run trains it, if that is not the model as it is: only some parameters are trained,
    /// or the precision of products is another one.
    fn model_of_step(&self, step: u64) -> Option<M> {
        let trained = self.trained_parameters(step);
        let partly_trained = trained.map(|trained| layer_rates::train_only(self.model.clone(), trained));
        let kernels = self.precision.kernels_of_steps(self.model.kernels());
        if kernels == self.model.kernels() {
            return partly_trained;
        }
        Some(partly_trained.unwrap_or_else(|| self.model.clone()).with_kernels(kernels))
    }

    /// Forward and backward pass of a whole batch: losses, gradients of their mean, and the RNN state after the batch,
    /// detached from the graph.
    pub fn train_step(
        &self,
        batch: BatchOf<M>,
        rnn_state: Option<State>,
    ) -> (LossOutput, GradientsParams, Option<State>) {
        let key = self.dropout_key(&batch);
        self.backward(batch, rnn_state, key, TrainLoss::minimized)
    }

    /// The same of shard `number` of a batch, with gradients of the sum of its losses.
    pub fn shard_step(
        &self,
        number: usize,
        shard: BatchOf<M>,
        rnn_state: Option<State>,
    ) -> (LossOutput, GradientsParams, Option<State>) {
        let key = self.dropout_key(&shard).shard(number);
        self.backward(shard, rnn_state, key, TrainLoss::summed)
    }

    fn dropout_key(&self, batch: &BatchOf<M>) -> DropoutKey {
        DropoutKey { seed: self.seed, step: M::step_index(batch) }
    }

    fn backward(
        &self,
        batch: BatchOf<M>,
        rnn_state: Option<State>,
        key: DropoutKey,
        minimized: fn(&TrainLoss) -> Tensor<1>,
    ) -> (LossOutput, GradientsParams, Option<State>) {
        let model_of_step = self.model_of_step(key.step);
        let model = model_of_step.as_ref().unwrap_or(&self.model);
        let (nats, gradients, rnn_state) = with_spinning_workers(self.uses_kernels(), || {
            let (loss, rnn_state) = model.train_step(batch, rnn_state, key);
            let gradients = minimized(&loss).backward();
            (loss.nats, gradients, rnn_state)
        });
        // A parameter without a gradient is not updated, and its optimizer has no state yet.
        let gradients = GradientsParams::from_grads(gradients, model);
        (LossOutput { nats, correct: None }, gradients, rnn_state.map(detach))
    }

    /// Clips the gradients and updates the weights with them.
    pub fn optimize(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        gradients: GradientsParams,
    ) -> Self {
        with_spinning_workers(self.uses_kernels(), || {
            let gradients = match self.clip {
                Some(clip) => clip.apply(&self, gradients),
                None => gradients,
            };
            optimizer.step(rate, self, gradients)
        })
    }

    /// `average`, an average of the weights, after update number `step`, counted from 1.
    pub fn averaged(&self, average: M, averaging: Averaging, step: u64) -> M {
        let trained = self.trained_parameters(step - 1);
        with_spinning_workers(self.uses_kernels(), || {
            update_average_of(trained.as_deref(), average, &self.model, averaging.decay(step))
        })
    }

    /// Forward pass without dropout: losses, correct predictions and the RNN state after the batch.
    pub fn valid_step(&self, batch: BatchOf<M>, rnn_state: Option<State>) -> (LossOutput, Option<State>) {
        with_spinning_workers(self.uses_kernels(), || self.model.valid_step(batch, rnn_state))
    }
}
