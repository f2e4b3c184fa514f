//! The language model as burn-train sees it: something that steps and is judged.

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use burn::train::metric::{Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};
use kernels::{are_fused, awake};
use models::{DropoutKey, Judged, LanguageModel, State, detach};
use seqdata::Batch;

use crate::clip::Clip;
use crate::config::TrainConfig;

/// A language model in training.
#[derive(Module, Debug)]
pub(crate) struct Trainee {
    pub model: LanguageModel,
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

impl Trainee {
    /// `model`, ready to be trained as `config` says.
    pub fn new(model: LanguageModel, config: &TrainConfig) -> Self {
        Self { model: model.trainable(), seed: config.seed, clip: config.clip }
    }

    /// The state that `batch` is read from: that of the batch before, if it goes on from there.
    pub fn before(&self, batch: &Batch, carried: Option<State>) -> State {
        carried.filter(|_| batch.goes_on).unwrap_or_else(|| self.model.start(batch.rows()))
    }

    /// Whether the processor's kernels compute.
    fn on_kernels(&self) -> bool {
        are_fused(&self.model.output.bias.val().device())
    }

    /// Reads and judges a batch, and gives the gradients and the state to go on from; gradients do
    /// not reach back beyond it.
    pub fn learn(&self, batch: Batch, before: State) -> (TrainOutput<StepOutput>, State) {
        let key = DropoutKey { seed: self.seed, step: batch.step };
        let (nats, gradients, after) = awake(self.on_kernels(), || {
            let (nats, after) = self.model.learn(batch.inputs, batch.targets, before, Some(key));
            let gradients = nats.clone().mean().backward();
            (nats, gradients, after)
        });
        let judged = Judged { nats, correct: None };
        (TrainOutput::new(self, gradients, StepOutput(judged)), detach(after))
    }

    /// Reads and judges a batch as it is written with, and gives the state to go on from.
    pub fn judge(&self, batch: Batch, before: State) -> (StepOutput, State) {
        let (judged, after) =
            awake(self.on_kernels(), || self.model.judge(batch.inputs, batch.targets, before));
        (StepOutput(judged), after)
    }
}

impl TrainStep for Trainee {
    type Input = Batch;
    type Output = StepOutput;

    fn step(&self, batch: Batch) -> TrainOutput<StepOutput> {
        let before = self.before(&batch, None);
        self.learn(batch, before).0
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

impl InferenceStep for Trainee {
    type Input = Batch;
    type Output = StepOutput;

    fn step(&self, batch: Batch) -> StepOutput {
        let before = self.before(&batch, None);
        self.judge(batch, before).0
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
