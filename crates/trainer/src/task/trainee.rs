//! A network in training as burn-train sees it: something that steps and is judged.

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use burn::train::metric::{Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};
use kernels::{are_fused, awake};
use models::{DropoutKey, Judged, State, detach};

use super::{BatchOf, Task};
use crate::clip::Clip;
use crate::config::TrainConfig;

/// A network in training.
#[derive(Module, Debug)]
pub(crate) struct Trainee<M: Module> {
    pub model: M,
    /// The run's seed, for the dropout masks.
    #[module(skip)]
    pub seed: u64,
    /// How far gradients may go.
    #[module(skip)]
    pub clip: Option<Clip>,
}

/// The losses of one batch as Burn's metrics take them.
#[derive(Clone, Debug)]
pub(crate) struct StepOutput(pub Judged);

impl<M: Task> Trainee<M> {
    /// `model`, ready to be trained as `config` says.
    pub fn new(model: M, config: &TrainConfig) -> Self {
        Self { model: model.trainable(), seed: config.seed, clip: config.clip }
    }

    /// Whether the processor's kernels compute.
    fn on_kernels(&self) -> bool {
        are_fused(&self.model.place())
    }

    /// Reads and judges a batch, and gives the gradients and the state to go on from; gradients do
    /// not reach back beyond it.
    pub fn learn(
        &self,
        batch: BatchOf<M>,
        carried: Option<State>,
    ) -> (TrainOutput<StepOutput>, Option<State>) {
        let key = DropoutKey { seed: self.seed, step: M::number(&batch) };
        let (nats, gradients, after) = awake(self.on_kernels(), || {
            let (nats, after) = self.model.learn(batch, carried, key);
            let gradients = nats.clone().mean().backward();
            (nats, gradients, after)
        });
        let judged = Judged { nats, correct: None };
        (TrainOutput::new(self, gradients, StepOutput(judged)), after.map(detach))
    }

    /// Reads and judges a batch as the network is used, and gives the state to go on from.
    pub fn judge(&self, batch: BatchOf<M>, carried: Option<State>) -> (StepOutput, Option<State>) {
        let (judged, after) = awake(self.on_kernels(), || self.model.judge(batch, carried));
        (StepOutput(judged), after)
    }
}

impl<M: Task> TrainStep for Trainee<M> {
    type Input = BatchOf<M>;
    type Output = StepOutput;

    fn step(&self, batch: BatchOf<M>) -> TrainOutput<StepOutput> {
        self.learn(batch, None).0
    }

    fn optimize(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        gradients: GradientsParams,
    ) -> Self {
        awake(self.on_kernels(), || {
            let gradients = match self.clip {
                Some(clip) => clip.apply(&self, gradients),
                None => gradients,
            };
            optimizer.step(rate, self, gradients)
        })
    }
}

impl<M: Task> InferenceStep for Trainee<M> {
    type Input = BatchOf<M>;
    type Output = StepOutput;

    fn step(&self, batch: BatchOf<M>) -> StepOutput {
        self.judge(batch, None).0
    }
}

impl ItemLazy for StepOutput {
    fn sync(self) -> Result<Self, burn::tensor::ExecutionError> {
        let Judged { nats, correct } = self.0;
        Ok(Self(Judged { nats: nats.without_autodiff(), correct }))
    }
}

/// One loss a token, so that Burn's mean weighs every token alike.
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
