//! What is needed to make some steps or a validation before a run is planned.

use burn::tensor::Device;
use burn::train::Learner;
use kernels::KernelMode;
use seqdata::{Loader, ShardedLoader};

use crate::config::TrainConfig;
use crate::error::Result;
use crate::shared_module::SharedModule;
use crate::state::TrainState;
use crate::task::TrainTask;

/// A copy of a model and the data that [`train`](crate::train()) would train it on. Nothing is written.
pub(crate) struct ShortRun<M: TrainTask> {
    /// The training data, in shards of which all are computed here.
    pub train: ShardedLoader<M::Items>,
    /// The validation data.
    pub valid: Loader<M::Items>,
    /// The copy of the model.
    pub state: TrainState<M>,
    /// What trains it.
    pub learner: Learner<SharedModule<M>>,
}

impl<M: TrainTask> ShortRun<M> {
    /// Before the first step.
    ///
    /// # Errors
    /// If a setting is out of range or needs another device, or the data cannot be split into batches as `config`
    /// requires.
    pub fn new(model: &M, data: &M::Data, config: &TrainConfig, device: &Device, kernels: KernelMode) -> Result<Self> {
        config.check()?;
        let device = device.clone().without_autodiff();
        config.precision.check(kernels, &device)?;
        let [train, valid] = M::loaders(data, config, &device)?;
        let train = ShardedLoader::new(train, config.shards, 0..config.shards);
        let (state, learner) = TrainState::new(model.clone().with_kernels(kernels), config);
        Ok(Self { train, valid, state, learner })
    }
}
