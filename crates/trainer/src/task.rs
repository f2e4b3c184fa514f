//! The language model as burn-train sees it: something that steps and is judged.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::train::metric::{Adaptor, LossInput};
use burn::train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};
use models::{DropoutKey, Judged, LanguageModel};
use seqdata::WindowBatch;

/// A language model in training.
#[derive(Module, Debug)]
pub(crate) struct Trainee {
    pub model: LanguageModel,
    /// The run's seed, for the dropout masks.
    #[module(skip)]
    pub seed: u64,
}

/// The losses of one batch as Burn's metrics take them.
#[derive(Clone, Debug)]
pub(crate) struct StepOutput(pub Judged);

impl TrainStep for Trainee {
    type Input = WindowBatch;
    type Output = StepOutput;

    fn step(&self, batch: WindowBatch) -> TrainOutput<StepOutput> {
        let key = DropoutKey { seed: self.seed, step: batch.step };
        let state = self.model.start(batch.len());
        let (logits, _) = self.model.next(batch.inputs, state, Some(key));
        let judged = Judged::new(logits, batch.targets);
        let gradients = judged.nats.clone().mean().backward();
        TrainOutput::new(self, gradients, StepOutput(judged))
    }
}

impl InferenceStep for Trainee {
    type Input = WindowBatch;
    type Output = StepOutput;

    fn step(&self, batch: WindowBatch) -> StepOutput {
        let state = self.model.start(batch.len());
        let (logits, _) = self.model.next(batch.inputs, state, None);
        StepOutput(Judged::with_guesses(logits, batch.targets))
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
