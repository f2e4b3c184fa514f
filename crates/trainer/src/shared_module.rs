//! The module that burn-train's `Learner` holds: a handle to the network that is trained.
//!
//! `Learner::optimizer_step` clones its module before each update. If the weights were in the module, every tensor would
//! then have two owners, and the optimizers, which update in place, would have to copy it. All clones of this handle
//! share the weights; the update takes them out and puts them back.
//!
//! The handle also holds what a step leaves for others besides weights, because Burn's `TrainStep` has no room for it.

use std::fmt::{Debug, Display, Formatter};
use std::sync::{Arc, Mutex, MutexGuard};

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use models::State;

use crate::step_output::StepOutput;
use crate::task::{BatchOf, ShardsOf, TrainModule, TrainTask};

/// A handle to a network during training. All clones share the network.
pub(crate) struct SharedModule<M: TrainTask>(Arc<Mutex<Shared<M>>>);

struct Shared<M: TrainTask> {
    /// Taken out and put back by each update, so that it is never copied.
    module: Option<TrainModule<M>>,
    /// RNN states after the shards of the last batch, which those of the next batch may start from; none to start with zeros.
    rnn_states: Vec<State>,
    /// The optimizer after the last update.
    optimizer: Option<ModuleOptimizer>,
}

const MODULE_PRESENT: &str = "the module is taken out only during an update";
const OPTIMIZER_PRESENT: &str = "the optimizer is dropped only during an update";
const HAS_ROWS: &str = "a loader makes no batch without rows";
/// Steps are made in one thread, and a panic ends it.
const NOT_POISONED: &str = "no step has panicked";

impl<M: TrainTask> SharedModule<M> {
    /// A handle to `module`, which the learner trains with `optimizer`.
    pub fn new(module: TrainModule<M>, optimizer: ModuleOptimizer, rnn_states: Vec<State>) -> Self {
        let shared = Shared { module: Some(module), rnn_states, optimizer: Some(optimizer) };
        Self(Arc::new(Mutex::new(shared)))
    }

    fn lock(&self) -> MutexGuard<'_, Shared<M>> {
        self.0.lock().expect(NOT_POISONED)
    }

    /// Reads the module. `read` must not use this handle.
    pub fn with<R>(&self, read: impl FnOnce(&TrainModule<M>) -> R) -> R {
        read(self.lock().module())
    }

    /// Changes the module in place.
    fn update(self, change: impl FnOnce(TrainModule<M>) -> TrainModule<M>) -> Self {
        let mut shared = self.lock();
        let module = shared.module.take().expect(MODULE_PRESENT);
        shared.module = Some(change(module));
        drop(shared);
        self
    }

    /// A handle to another network.
    fn detached(&self, module: TrainModule<M>) -> Self {
        Self::new(module, self.optimizer(), Vec::new())
    }

    /// The optimizer after the last update. Drop it before the next update, or that one has to copy all tensors.
    ///
    /// `Learner` itself gives access to it only through `LearningCheckpointer`, which also reads all weights, and
    /// saves in three threads that cannot return an error.
    pub fn optimizer(&self) -> ModuleOptimizer {
        self.lock().optimizer.clone().expect(OPTIMIZER_PRESENT)
    }

    /// RNN states after the shards of the last batch; none if the next batch starts from zeros.
    pub fn rnn_states(&self) -> Vec<State> {
        self.lock().rnn_states.clone()
    }

    /// Lets the next batch start from zeros.
    pub fn reset_rnn_states(&self) {
        self.lock().rnn_states.clear();
    }
}

impl<M: TrainTask> Shared<M> {
    fn module(&self) -> &TrainModule<M> {
        self.module.as_ref().expect(MODULE_PRESENT)
    }
}

impl<M: TrainTask> TrainStep for SharedModule<M> {
    type Input = ShardsOf<M>;
    type Output = StepOutput;

    /// The losses and gradients of a whole batch, or the sums over its shards.
    fn step(&self, mut batch: ShardsOf<M>) -> TrainOutput<StepOutput> {
        let mut shared = self.lock();
        let mut previous = std::mem::take(&mut shared.rnn_states);
        if batch.count > 1 {
            let (sums, next) = shared.module().shards_step(batch, previous);
            shared.rnn_states = next;
            let sums = sums.map_err(|error| error.to_string());
            return TrainOutput { grads: GradientsParams::new(), item: StepOutput::Sums(sums) };
        }
        let batch = batch.shards.pop().flatten().expect(HAS_ROWS);
        let (losses, grads, next) = shared.module().train_step(batch, previous.pop());
        shared.rnn_states.extend(next);
        TrainOutput { grads, item: StepOutput::Losses(Box::new(losses)) }
    }

    fn optimize(self, optimizer: &mut ModuleOptimizer, rate: ModuleLearningRate, gradients: GradientsParams) -> Self {
        // Otherwise every tensor of the optimizer's state would have two owners during the update.
        self.lock().optimizer = None;
        let updated = self.update(|module| module.optimize(optimizer, rate, gradients));
        updated.lock().optimizer = Some(optimizer.clone());
        updated
    }
}

impl<M: TrainTask> InferenceStep for SharedModule<M> {
    type Input = BatchOf<M>;
    type Output = StepOutput;

    fn step(&self, batch: BatchOf<M>) -> StepOutput {
        let mut shared = self.lock();
        let previous = shared.rnn_states.pop();
        let (losses, next) = shared.module().valid_step(batch, previous);
        shared.rnn_states.extend(next);
        StepOutput::Losses(Box::new(losses))
    }
}

impl<M: TrainTask> Module for SharedModule<M> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.with(|module| module.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        self.detached(self.with(TrainModule::clone).fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.update(|module| module.to_device(device))
    }

    fn train(self) -> Self {
        self.update(Module::train)
    }

    fn valid(&self) -> Self {
        self.detached(self.with(Module::valid))
    }

    fn materialize(self) -> Self {
        self.update(Module::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.with(|module| module.visit(visitor));
    }

    fn map<V: ModuleMapper>(self, mapper: &mut V) -> Self {
        self.update(|module| module.map(mapper))
    }
}

impl<M: TrainTask> Clone for SharedModule<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: TrainTask> Debug for SharedModule<M> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        self.with(|module| Debug::fmt(module, formatter))
    }
}

impl<M: TrainTask> Display for SharedModule<M> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        self.with(|module| Display::fmt(module, formatter))
    }
}
