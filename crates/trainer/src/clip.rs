//! Gradient clipping, so that a single batch cannot change the weights too much.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use kernels::{scaled, sum_of_squares};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How gradients are clipped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clip {
    /// Every element is clamped to [-limit, limit] (Keras's `clipvalue`).
    Value(f64),
    /// The gradient of each tensor is scaled down to at most this norm (Keras's `clipnorm`).
    TensorNorm(f64),
    /// All gradients together are scaled down to at most this norm (Keras's `global_clipnorm`, PyTorch's
    /// `clip_grad_norm_`; Pascanu, Mikolov and Bengio 2013, algorithm 1).
    GlobalNorm(f64),
}

impl Clip {
    /// Checks that the limit is positive and finite.
    ///
    /// # Errors
    /// Names the setting if it is out of range.
    pub fn check(self) -> Result<()> {
        let (key, limit) = match self {
            Self::Value(limit) => ("train.clip.value", limit),
            Self::TensorNorm(limit) => ("train.clip.tensor_norm", limit),
            Self::GlobalNorm(limit) => ("train.clip.global_norm", limit),
        };
        if limit > 0.0 && limit.is_finite() {
            return Ok(());
        }
        Err(Error::out_of_range(key, limit, "a finite number above 0"))
    }

    /// Clips the gradients of `module`.
    pub fn apply(self, module: &impl Module, gradients: GradientsParams) -> GradientsParams {
        let global = match self {
            Self::GlobalNorm(limit) => {
                let mut squares = Squares { gradients: &gradients, sum: None };
                module.visit(&mut squares);
                squares.sum.map(|sum| scale(sum.sqrt(), limit))
            }
            Self::Value(_) | Self::TensorNorm(_) => None,
        };
        let mut clipper = Clipper { clip: self, global, gradients };
        module.visit(&mut clipper);
        clipper.gradients
    }
}

/// `limit / max(norm, limit)`: 1 below the limit. It stays on the device, so that there is no synchronization.
fn scale(norm: Tensor<1>, limit: f64) -> Tensor<1> {
    norm.clamp_min(limit).recip().mul_scalar(limit)
}

/// Sums the squares of all gradients.
struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(parameter.id) {
            let squares = sum_of_squares(gradient);
            self.sum = Some(match self.sum.take() {
                None => squares,
                Some(sum) => sum + squares,
            });
        }
    }
}

struct Clipper {
    clip: Clip,
    global: Option<Tensor<1>>,
    gradients: GradientsParams,
}

impl ModuleVisitor for Clipper {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(parameter.id) else { return };
        let clipped = match self.clip {
            Clip::Value(limit) => gradient.clamp(-limit, limit),
            Clip::TensorNorm(limit) => {
                let factor = scale(sum_of_squares(gradient.clone()).sqrt(), limit);
                scaled(gradient, factor)
            }
            Clip::GlobalNorm(_) => match &self.global {
                Some(factor) => scaled(gradient, factor.clone()),
                None => gradient,
            },
        };
        self.gradients.register(parameter.id, clipped);
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Pair {
        a: Param<Tensor<1>>,
        b: Param<Tensor<2>>,
    }

    /// Gradients (3, 4) and (12), whose norms are 5, 12 and together 13, after clipping.
    fn clipped(clip: Clip) -> [Vec<f64>; 2] {
        let device = Device::flex();
        let pair = Pair {
            a: Param::from_tensor(Tensor::zeros([2], &device)),
            b: Param::from_tensor(Tensor::zeros([1, 1], &device)),
        };
        let mut gradients = GradientsParams::new();
        gradients.register(pair.a.id, Tensor::<1>::from_floats([3.0, -4.0], &device));
        gradients.register(pair.b.id, Tensor::<2>::from_floats([[12.0]], &device));
        let gradients = clip.apply(&pair, gradients);
        let a = gradients.get::<1>(pair.a.id).unwrap().try_into_vec_as().unwrap();
        [a, gradients.get::<2>(pair.b.id).unwrap().try_into_vec_as().unwrap()]
    }

    fn assert_close(found: [Vec<f64>; 2], expected: [&[f64]; 2]) {
        for (found, expected) in found.concat().iter().zip(expected.concat()) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn values_and_norms_are_clipped_to_the_limit() {
        assert_close(clipped(Clip::Value(3.5)), [&[3.0, -3.5], &[3.5]]);
        assert_close(clipped(Clip::TensorNorm(6.0)), [&[3.0, -4.0], &[6.0]]);
        assert_close(clipped(Clip::TensorNorm(2.5)), [&[1.5, -2.0], &[2.5]]);
        assert_close(clipped(Clip::GlobalNorm(6.5)), [&[1.5, -2.0], &[6.0]]);
        assert_close(clipped(Clip::GlobalNorm(13.5)), [&[3.0, -4.0], &[12.0]]);
    }

    #[test]
    fn limits_out_of_range_are_rejected_by_name() {
        for (clip, key) in [
            (Clip::Value(0.0), "train.clip.value"),
            (Clip::TensorNorm(f64::NAN), "train.clip.tensor_norm"),
            (Clip::GlobalNorm(-1.0), "train.clip.global_norm"),
        ] {
            let error = clip.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
