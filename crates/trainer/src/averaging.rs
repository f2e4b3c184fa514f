//! Weights averaged along a run: smoother than those of any single step, and often better.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The exponential moving average of all weights after `step` updates, counted from 1:
/// a ← d·a + (1 − d)·w, with d = min(`decay`, (1 + step) / (10 + step)), which lets the first steps
/// go fast (TensorFlow's `ExponentialMovingAverage` with `num_updates`).
pub fn averaged<M: Module>(average: M, weights: &M, decay: f64, step: u64) -> M {
    let step = step as f64;
    let decay = decay.min((1.0 + step) / (10.0 + step));
    let mut current = Current(GradientsParams::new());
    weights.visit(&mut current);
    average.map(&mut Mix { current: current.0, decay })
}

/// The weights by their ids; Burn's store for gradients keeps any tensor by the id of its parameter.
struct Current(GradientsParams);

impl ModuleVisitor for Current {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        // What stays as it is needs no mean, which would round it.
        let weights = parameter.val();
        if weights.is_require_grad() {
            self.0.register(parameter.id, weights.without_autodiff());
        }
    }
}

struct Mix {
    current: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Mix {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.current.remove::<D>(parameter.id) {
            None => parameter,
            Some(weights) => parameter.map(|average| {
                average.mul_scalar(self.decay) + weights.mul_scalar(1.0 - self.decay)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::{CellKind, LanguageModel, LanguageModelConfig, LayerConfig};

    use super::*;

    fn model(factor: f64) -> LanguageModel {
        struct Scale(f64);
        impl ModuleMapper for Scale {
            fn map_float<const D: usize>(&mut self, p: Param<Tensor<D>>) -> Param<Tensor<D>> {
                p.map(|weights| weights.ones_like().mul_scalar(self.0))
            }
        }
        let layers = vec![LayerConfig::new(CellKind::Lstm, 3)];
        let model = LanguageModelConfig::new(5, 2, layers).init(1, &Device::flex()).unwrap();
        model.map(&mut Scale(factor))
    }

    fn value(model: &LanguageModel) -> f32 {
        model.output.bias.val().try_into_vec_as::<f32>().unwrap()[0]
    }

    #[test]
    fn the_average_follows_fast_at_first_and_slowly_later() {
        let trained = model(1.0).trainable();
        let early = averaged(model(0.0), &trained, 0.99, 1);
        assert!((value(&early) - 9.0 / 11.0).abs() < 1e-6);
        let late = averaged(model(0.0), &trained, 0.99, 1_000_000);
        assert!((value(&late) - 0.01).abs() < 1e-6);
    }

    #[test]
    fn a_frozen_embedding_is_not_averaged() {
        let frozen = LanguageModel { frozen_embedding: true, ..model(0.3) };
        let average = averaged(model(0.7), &frozen.trainable(), 0.99, 1);
        let row = |model: &LanguageModel| {
            model.embedding.weight.val().try_into_vec_as::<f32>().unwrap()[0]
        };
        assert_eq!(row(&average), 0.7);
        assert_ne!(value(&average), 0.7);
    }
}
