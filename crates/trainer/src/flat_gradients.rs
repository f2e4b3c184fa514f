//! The gradients of a model as one vector of floats, which is added to those of other shards in a fixed order.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData, TensorReadError};

/// The gradients of all trainable parameters of `module` in the order in which it visits them. After the values of a
/// parameter comes 1, or 0 with zeros as values if it has no gradient, as the weights of a cluster without targets. So all
/// vectors of a module have the same length.
///
/// # Errors
/// If the device fails to return a gradient.
pub(crate) fn flatten(module: &impl Module, gradients: GradientsParams) -> Result<Vec<f32>, TensorReadError> {
    let mut flatten = Flatten { gradients, values: Ok(Vec::with_capacity(module.num_params())) };
    module.visit(&mut flatten);
    flatten.values
}

struct Flatten {
    gradients: GradientsParams,
    values: Result<Vec<f32>, TensorReadError>,
}

impl ModuleVisitor for Flatten {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let weights = parameter.val();
        let Ok(values) = self.values.as_mut() else { return };
        if !weights.is_require_grad() {
            return;
        }
        let count = weights.shape().num_elements();
        match self.gradients.remove::<D>(parameter.id).map(Tensor::try_into_vec_as::<f32>) {
            None => values.resize(values.len() + count + 1, 0.0),
            Some(Ok(gradient)) => {
                values.extend_from_slice(&gradient);
                values.push(1.0);
            }
            Some(Err(error)) => self.values = Err(error),
        }
    }
}

/// The gradients of the parameters of `module`: `sums`, a sum of vectors of [`flatten`], divided by `divisor`. A parameter
/// that has a gradient in none of them has none.
pub(crate) fn unflatten(module: &impl Module, sums: &[f32], divisor: f32) -> GradientsParams {
    let mut unflatten = Unflatten { rest: sums, divisor, gradients: GradientsParams::new() };
    module.visit(&mut unflatten);
    unflatten.gradients
}

struct Unflatten<'a> {
    rest: &'a [f32],
    divisor: f32,
    gradients: GradientsParams,
}

impl ModuleVisitor for Unflatten<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let weights = parameter.val();
        if !weights.is_require_grad() {
            return;
        }
        let shape = weights.shape();
        let (sums, rest) = self.rest.split_at(shape.num_elements());
        let (present, rest) = rest.split_at(1);
        self.rest = rest;
        if present[0] > 0.0 {
            let mean: Vec<f32> = sums.iter().map(|sum| sum / self.divisor).collect();
            let device = weights.device().without_autodiff();
            let gradient = Tensor::<D>::from_data(TensorData::new(mean, shape), (&device, weights.dtype()));
            self.gradients.register(parameter.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Three {
        a: Param<Tensor<1>>,
        b: Param<Tensor<2>>,
        frozen: Param<Tensor<1>>,
    }

    #[test]
    fn gradients_are_added_and_divided_and_those_that_are_missing_everywhere_stay_so() {
        let device = Device::flex();
        let trained = Device::flex().autodiff();
        let three = Three {
            a: Param::from_tensor(Tensor::zeros([2], &trained)),
            b: Param::from_tensor(Tensor::zeros([2, 2], &trained)),
            frozen: Param::from_tensor(Tensor::zeros([3], &trained)).set_require_grad(false),
        };
        let vector = |a: Option<[f32; 2]>, b: Option<[[f32; 2]; 2]>| {
            let mut gradients = GradientsParams::new();
            if let Some(a) = a {
                gradients.register(three.a.id, Tensor::<1>::from_floats(a, &device));
            }
            if let Some(b) = b {
                gradients.register(three.b.id, Tensor::<2>::from_floats(b, &device));
            }
            flatten(&three, gradients).unwrap()
        };
        let one = vector(Some([1.0, -4.0]), None);
        assert_eq!(one, [1.0, -4.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(vector(None, None), [0.0; 8]);
        let other = vector(None, Some([[1.0, 2.0], [3.0, 6.0]]));
        let sum: Vec<f32> = one.iter().zip(&other).map(|(one, other)| one + other).collect();
        let gradients = unflatten(&three, &sum, 2.0);
        let values = |gradient: Tensor<1>| gradient.try_into_vec_as::<f32>().unwrap();
        assert_eq!(values(gradients.get::<1>(three.a.id).unwrap()), [0.5, -2.0]);
        assert_eq!(values(gradients.get::<2>(three.b.id).unwrap().flatten(0, 1)), [0.5, 1.0, 1.5, 3.0]);
        assert!(gradients.get::<1>(three.frozen.id).is_none());
        assert!(unflatten(&three, &one, 1.0).get::<2>(three.b.id).is_none());
    }

    #[test]
    fn the_gradients_of_a_large_model_are_restored() {
        const SIZE: [usize; 2] = [1024, 1024];
        let (device, trained) = (Device::flex(), Device::flex().autodiff());
        let three = Three {
            a: Param::from_tensor(Tensor::zeros([800_000], &trained)),
            b: Param::from_tensor(Tensor::zeros(SIZE, &trained)),
            frozen: Param::from_tensor(Tensor::zeros([3], &trained)).set_require_grad(false),
        };
        let values: Vec<f32> = (0..SIZE[0] * SIZE[1]).map(|i| (i % 977) as f32 - 400.0).collect();
        let mut gradients = GradientsParams::new();
        gradients.register(three.a.id, Tensor::<1>::ones([800_000], &device));
        let of_b = TensorData::new(values.clone(), SIZE);
        gradients.register(three.b.id, Tensor::<2>::from_data(of_b, &device));
        let flat = flatten(&three, gradients).unwrap();
        let restored = unflatten(&three, &flat, 1.0);
        assert_eq!(flat.len(), 800_000 + values.len() + 2);
        assert!(restored.get::<1>(three.a.id).unwrap().try_into_vec_as::<f32>().unwrap() == vec![1.0; 800_000]);
        assert!(restored.get::<2>(three.b.id).unwrap().try_into_vec_as::<f32>().unwrap() == values);
    }
}
