//! A network during training, as burn-train requires it: with a training step and an inference step.

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use burn::train::metric::{Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};
use kernels::with_spinning_workers;
use models::{DropoutKey, LossOutput, State, detach};

use super::train_task::{BatchOf, TrainTask};
use crate::clip::Clip;
use crate::config::TrainConfig;

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
}

/// The losses of one batch, as input of Burn's metrics.
#[derive(Clone, Debug)]
pub(crate) struct StepOutput(pub LossOutput);

impl<M: TrainTask> TrainModule<M> {
    /// `model` with gradients enabled, to be trained with `config`.
    pub fn new(model: M, config: &TrainConfig) -> Self {
        Self { model: model.trainable(), seed: config.seed, clip: config.clip }
    }

    /// Whether our CPU kernels run on this device.
    fn uses_kernels(&self) -> bool {
        self.model.kernels().fuses_all(&self.model.device())
    }

    /// Forward and backward pass: losses, gradients, and the RNN state after the batch, detached from the graph.
    pub fn train_step(&self, batch: BatchOf<M>, rnn_state: Option<State>) -> (TrainOutput<StepOutput>, Option<State>) {
        let key = DropoutKey { seed: self.seed, step: M::step_index(&batch) };
        let (nats, gradients, rnn_state) = with_spinning_workers(self.uses_kernels(), || {
            let (nats, rnn_state) = self.model.train_step(batch, rnn_state, key);
            let gradients = nats.clone().mean().backward();
            (nats, gradients, rnn_state)
        });
        (TrainOutput::new(self, gradients, StepOutput(LossOutput { nats, correct: None })), rnn_state.map(detach))
    }

    /// Forward pass without dropout: losses, correct predictions and the RNN state after the batch.
    pub fn valid_step(&self, batch: BatchOf<M>, rnn_state: Option<State>) -> (StepOutput, Option<State>) {
        let (output, rnn_state) =
            with_spinning_workers(self.uses_kernels(), || self.model.valid_step(batch, rnn_state));
        (StepOutput(output), rnn_state)
    }
}

impl<M: TrainTask> TrainStep for TrainModule<M> {
    type Input = BatchOf<M>;
    type Output = StepOutput;

    fn step(&self, batch: BatchOf<M>) -> TrainOutput<StepOutput> {
        self.train_step(batch, None).0
    }

    fn optimize(self, optimizer: &mut ModuleOptimizer, rate: ModuleLearningRate, gradients: GradientsParams) -> Self {
        with_spinning_workers(self.uses_kernels(), || {
            let gradients = match self.clip {
                Some(clip) => clip.apply(&self, gradients),
                None => gradients,
            };
            optimizer.step(rate, self, gradients)
        })
    }
}

impl<M: TrainTask> InferenceStep for TrainModule<M> {
    type Input = BatchOf<M>;
    type Output = StepOutput;

    fn step(&self, batch: BatchOf<M>) -> StepOutput {
        self.valid_step(batch, None).0
    }
}

impl ItemLazy for StepOutput {
    fn sync(self) -> Result<Self, burn::tensor::ExecutionError> {
        let LossOutput { nats, correct } = self.0;
        Ok(Self(LossOutput { nats: nats.without_autodiff(), correct }))
    }
}

/// One loss per token, so that Burn's mean gives every token the same weight.
impl Adaptor<LossInput> for StepOutput {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.nats())
    }
}

impl StepOutput {
    fn nats(&self) -> Tensor<1> {
        self.0.nats.clone()
    }
}
