//! Averages of the weights, such as the exponential moving average (EMA). An average is less noisy than the weights of a
//! single step and often gives a lower loss.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::averaging::Averaging;

/// Updates the average after update number `step`, counted from 1:
/// a ← d·a + (1 − d)·w, with d = min(`decay`, (1 + step) / (10 + step)), so that the average follows the weights
/// quickly at first (TensorFlow's `ExponentialMovingAverage` with `num_updates`).
pub fn update_ema<M: Module>(average: M, weights: &M, decay: f64, step: u64) -> M {
    update_average_of(None, average, weights, Averaging::Exponential(decay).decay(step))
}

/// a ← d·a + (1 − d)·w with d = `decay`, for the parameters with these ids only; `None` for all.
pub(crate) fn update_average_of<M: Module>(trained: Option<&[ParamId]>, average: M, weights: &M, decay: f64) -> M {
    let mut current = CollectWeights { trained, weights: GradientsParams::new() };
    weights.visit(&mut current);
    average.map(&mut Average { weights: current.weights, decay })
}

/// Collects weights by parameter id; Burn's `GradientsParams` can hold any tensor per parameter id.
struct CollectWeights<'a> {
    trained: Option<&'a [ParamId]>,
    weights: GradientsParams,
}

impl ModuleVisitor for CollectWeights<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        // Frozen weights are skipped: averaging would only add rounding errors.
        let weights = parameter.val();
        if weights.is_require_grad() && self.trained.is_none_or(|trained| trained.contains(&parameter.id)) {
            self.weights.register(parameter.id, weights.without_autodiff());
        }
    }
}

struct Average {
    weights: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Average {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.weights.remove::<D>(parameter.id) {
            None => parameter,
            Some(weights) => {
                let factors = [self.decay, 1.0 - self.decay];
                parameter.map(|average| kernels::weighted_sum(factors, average, weights))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::{LanguageModel, LanguageModelConfig, LayerConfig};

    use super::*;

    fn model(factor: f64) -> LanguageModel {
        struct Scale(f64);
        impl ModuleMapper for Scale {
            fn map_float<const D: usize>(&mut self, p: Param<Tensor<D>>) -> Param<Tensor<D>> {
                p.map(|weights| weights.ones_like().mul_scalar(self.0))
            }
        }
        let layers = vec![LayerConfig::lstm(3)];
        let model = LanguageModelConfig::new(5, 2, layers).init(1, &Device::flex()).unwrap();
        model.map(&mut Scale(factor))
    }

    fn value(model: &LanguageModel) -> f32 {
        model.output.bias.val().try_into_vec_as::<f32>().unwrap()[0]
    }

    #[test]
    fn the_average_follows_quickly_at_first_and_slowly_later() {
        let trained = model(1.0).trainable();
        let early = update_ema(model(0.0), &trained, 0.99, 1);
        assert!((value(&early) - 9.0 / 11.0).abs() < 1e-6);
        let late = update_ema(model(0.0), &trained, 0.99, 1_000_000);
        assert!((value(&late) - 0.01).abs() < 1e-6);
    }

    #[test]
    fn a_frozen_embedding_is_not_averaged() {
        let frozen = LanguageModel { frozen_embedding: true, ..model(0.3) };
        let average = update_ema(model(0.7), &frozen.trainable(), 0.99, 1);
        let row = |model: &LanguageModel| model.embedding.weight.val().try_into_vec_as::<f32>().unwrap()[0];
        assert_eq!(row(&average), 0.7);
        assert_ne!(value(&average), 0.7);
    }
}
