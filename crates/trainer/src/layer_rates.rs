//! Layers that are trained with different learning rates, or not from the start, as in the fine-tuning of Howard and
//! Ruder (2018): a lower rate for lower layers, which hold what is common to all texts, and one layer after another from
//! the output layer down. Both are functions of the configuration and the step number.

use std::collections::BTreeMap;

use burn::module::{Module, ParamGroup, ParamId};
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

/// `model` with gradients for these parameters only. What is computed from the others alone has no backward pass: that of
/// a step ends at the lowest trained layer.
pub(crate) fn train_only<M: Module>(model: M, trained: Vec<ParamId>) -> M {
    let others = ParamGroup::all().exclude(ParamGroup::from_ids(trained));
    model.set_require_grad_group(others, false)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int, Tensor, TensorData};
    use models::parameters::values;
    use models::{LanguageModel, LanguageModelConfig, LayerConfig, Network};
    use seqdata::Batch;

    use super::*;
    use crate::config::TrainConfig;
    use crate::task::TrainModule;

    fn config() -> LanguageModelConfig {
        let layer = LayerConfig::lstm(4).recurrent_dropout(0.2);
        LanguageModelConfig::new(6, 4, vec![layer; 2]).dropout(0.2).layer_dropout(0.2).embedding_dropout(0.2)
    }

    fn batch(step: u64) -> Batch {
        let device = Device::flex().autodiff();
        Batch {
            inputs: Tensor::<2, Int>::from_ints([[1, 2, 3], [3, 2, 1]], &device),
            targets: Tensor::<2, Int>::from_ints([[2, 3, 4], [2, 1, 0]], &device),
            labels: None,
            continues: false,
            step,
        }
    }

    /// The losses of step `step` of a run, and the weights after it alone.
    fn step_of(model: &LanguageModel, unfreeze_steps: u64, step: u64) -> (TensorData, BTreeMap<String, TensorData>) {
        let config = TrainConfig::default().learning_rate(0.01).unfreeze_steps(unfreeze_steps);
        let module = TrainModule::new(model.clone(), &config);
        let mut optimizer = config.optimizer.init(model.kernels());
        let rates = scheduler(&module.model, &NextRate::new(config.learning_rate), 1.0).step();
        let (losses, gradients, _) = module.train_step(batch(step), None);
        let trained = module.optimize(&mut optimizer, rates, gradients).model;
        (losses.nats.into_data(), values(&trained.valid()))
    }

    #[test]
    fn layers_that_are_not_trained_yet_have_no_gradients() {
        let model = config().init(1, &Device::flex()).unwrap();
        for step in 0..3 {
            let trained = trained_parameters(&model, 1, step).unwrap();
            let model = train_only(model.clone().trainable(), trained);
            for (path, parameter) in parameters(&model) {
                assert_eq!(parameter.requires_grad, model.depth(&path) as u64 <= step, "{path} in step {step}");
            }
        }
        assert_eq!(trained_parameters(&model, 1, 3), None);
    }

    #[test]
    fn the_trained_layers_are_trained_as_if_all_were() {
        // A tied embedding is trained with the output layer, and its gradient comes through all layers.
        for config in [config(), config().tie_weights(true)] {
            let model = config.init(1, &Device::flex()).unwrap();
            let before = values(&model);
            for step in 0..4 {
                let (losses, found) = step_of(&model, 1, step);
                let (expected_losses, expected) = step_of(&model, 0, step);
                assert_eq!(losses, expected_losses);
                for (path, values) in &found {
                    let is_trained = model.depth(path) as u64 <= step;
                    let expected = if is_trained { &expected[path] } else { &before[path] };
                    assert_eq!(values, expected, "{path} in step {step}");
                }
            }
        }
    }
}
