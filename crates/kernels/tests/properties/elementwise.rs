//! Dropout and passes over whole tensors: bit by bit what Burn's operations compute.

use burn::tensor::{DType, Device, Tensor, TensorData};
use kernels::{DropoutMask, dropout, scaled, sum_of_squares, weighted_sum};

use super::{devices, settings, tensor, values};

fn mask(count: usize) -> DropoutMask {
    DropoutMask::draw(count, 1 << 30, 1.0 / 0.7, |from, to| {
        for (at, to) in to.iter_mut().enumerate() {
            *to = ((from + at) as u32).wrapping_mul(0x9e37_79b9);
        }
    })
}

fn tensor_of(mask: &DropoutMask, dims: [usize; 2], (device, dtype): (&Device, DType)) -> Tensor<2> {
    Tensor::from_data(TensorData::new(mask.factors(), dims), (device, dtype))
}

#[test]
fn dropout_equals_a_product_in_value_and_gradient() {
    for device in devices() {
        let device = device.autodiff();
        for (dtype, _) in settings(&device) {
            let at = (&device, dtype);
            for dims @ [rows, columns] in [[1, 1], [17, 129], [200, 100]] {
                for mask_dims in [dims, [1, columns], [rows, 1]] {
                    let mask = mask(mask_dims.iter().product());
                    let run = |product: &dyn Fn(Tensor<2>) -> Tensor<2>| {
                        let leaf = tensor(1, [columns, rows], at).require_grad();
                        // A transposed leaf that is used twice.
                        let dropped = product(leaf.clone().transpose());
                        let loss = dropped.clone() * tensor(2, dims, at) + leaf.clone().transpose();
                        let gradients = loss.sum().backward();
                        [values(&dropped), values(&leaf.grad(&gradients).unwrap())]
                    };
                    let found = run(&|values| dropout(values, mask.clone(), mask_dims));
                    let expected = run(&|values| values * tensor_of(&mask, mask_dims, at));
                    assert_eq!(found, expected, "{dims:?} {mask_dims:?} {dtype:?}");
                }
            }
        }
    }
}

#[test]
fn a_weight_keeps_its_values_when_some_are_dropped() {
    for device in devices() {
        let weight = tensor::<2>(1, [9, 9], (&device, DType::F32));
        let before = values(&weight);
        dropout(weight.clone(), mask(81), [9, 9]);
        assert_eq!(values(&weight), before);
    }
}

#[test]
fn passes_over_tensors_equal_burns_operations() {
    for device in devices() {
        for (dtype, _) in settings(&device) {
            let at = (&device, dtype);
            for dims in [[1, 1], [129, 17], [300, 200]] {
                let x = tensor::<2>(1, dims, at);
                let y = tensor::<2>(2, [dims[1], dims[0]], at).transpose();
                for factor in [1.0, 0.37] {
                    let factor = Tensor::<1>::from_data([factor], at);
                    let expected = x.clone() * factor.clone().unsqueeze();
                    assert_eq!(values(&scaled(x.clone(), factor.clone())), values(&expected), "{dims:?} {dtype:?}");
                    let expected = y.clone() * factor.clone().unsqueeze();
                    assert_eq!(values(&scaled(y.clone(), factor)), values(&expected), "{dims:?} {dtype:?}");
                }
                let wide = tensor::<2>(3, [1, dims[1]], at).expand(dims);
                // As many values as its memory, but not the same.
                let repeated = x.clone().narrow(0, 0, 1).expand(dims);
                for tensor in [x.clone(), y.clone(), wide, repeated] {
                    let expected = (tensor.clone() * tensor.clone()).sum();
                    assert_eq!(values(&sum_of_squares(tensor)), values(&expected), "{dims:?} {dtype:?}");
                }
                let expected = x.clone().mul_scalar(0.999) + y.clone().mul_scalar(1.0 - 0.999);
                let found = weighted_sum([0.999, 1.0 - 0.999], x, y);
                assert_eq!(values(&found), values(&expected), "{dims:?} {dtype:?}");
            }
        }
    }
}
