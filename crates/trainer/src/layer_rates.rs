//! Layers that are trained with different learning rates, or not from the start, as in the fine-tuning of Howard and
//! Ruder (2018): a lower rate for lower layers, which hold what is common to all texts, and one layer after another from
//! the output layer down. Both are functions of the configuration and the step number.

use std::collections::BTreeMap;

use burn::module::{ParamGroup, ParamId};
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use models::parameters::parameters;

use crate::next_rate::NextRate;
use crate::task::TrainTask;

/// Each parameter of `model` with the number of layers above its own.
fn depths<M: TrainTask>(model: &M) -> impl Iterator<Item = (ParamId, usize)> {
    parameters(model).into_iter().map(move |(path, parameter)| (parameter.id, model.depth(&path)))
}

/// The learning rates of the parameters of `model`: `rate`, times `decay` for each layer above the parameter's own. With
/// a factor of 1 it is `rate` itself.
pub(crate) fn scheduler<M: TrainTask>(model: &M, rate: &NextRate, decay: f64) -> ModuleLrScheduler {
    let mut scheduler = ModuleLrScheduler::new(rate.clone());
    if decay < 1.0 {
        let mut layers: BTreeMap<usize, Vec<ParamId>> = BTreeMap::new();
        depths(model).for_each(|(id, depth)| layers.entry(depth).or_default().push(id));
        for (depth, ids) in layers {
            scheduler = scheduler.with_group(ParamGroup::from_ids(ids), rate.times(decay.powi(depth as i32)));
        }
    }
    scheduler
}

/// The parameters of `model` that step `step` of the run, counted from 0, trains; `None` for all. One more layer is
/// trained after every `unfreeze_steps` steps, unless that is 0.
pub(crate) fn trained_parameters<M: TrainTask>(model: &M, unfreeze_steps: u64, step: u64) -> Option<Vec<ParamId>> {
    let lowest = step.checked_div(unfreeze_steps)?;
    let all: Vec<(ParamId, usize)> = depths(model).collect();
    let is_trained = |&(_, depth): &(ParamId, usize)| lowest >= depth as u64;
    if all.iter().all(is_trained) {
        return None;
    }
    Some(all.into_iter().filter(is_trained).map(|(id, _)| id).collect())
}
