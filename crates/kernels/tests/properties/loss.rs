//! The output layer with its loss.

use burn::tensor::{Int, Tensor};
use kernels::{KernelMode, reference, softmax_loss, softmax_loss_with_accuracy};

use super::{assert_close, devices, settings, tensor};

#[test]
fn the_softmax_loss_equals_its_equation_in_value_and_gradient() {
    for device in devices() {
        let device = device.autodiff();
        for (dtype, tolerance) in settings(&device) {
            let at = (&device, dtype);
            for [rows, units, vocabulary] in [[1, 1, 1], [3, 17, 129], [33, 3, 17], [17, 129, 3]] {
                let input = tensor(1, [rows, units], at).require_grad();
                let kernel = tensor(2, [units, vocabulary], at).require_grad();
                let tied = tensor(2, [vocabulary, units], at).require_grad();
                let bias = tensor(3, [vocabulary], at).require_grad();
                let targets: Vec<i32> = (0..rows).map(|row| (row * 5 % vocabulary) as i32).collect();
                let targets = Tensor::<1, Int>::from_ints(targets.as_slice(), &device);
                for (leaf, is_tied) in [(kernel, false), (tied, true)] {
                    let kernel = || if is_tied { leaf.clone().transpose() } else { leaf.clone() };
                    let weights = tensor(4, [rows], at);
                    let (x, b, y) = (input.clone(), bias.clone(), targets.clone());
                    let found = softmax_loss(x, kernel(), b, y, KernelMode::Fused);
                    let logits = input.clone().matmul(kernel()) + bias.clone().unsqueeze();
                    let expected = reference::nats_per_token(logits, targets.clone());
                    let context = format!("{rows} {units} {vocabulary} {dtype:?}");
                    assert_close(&found, &expected, tolerance, &context);
                    let (x, b, y) = (input.clone(), bias.clone(), targets.clone());
                    let (nats, correct) = softmax_loss_with_accuracy(x, kernel(), b, y, KernelMode::Fused);
                    assert_close(&nats, &expected.clone().without_autodiff(), tolerance, &context);
                    assert_eq!(correct.dims(), [rows]);
                    let gradients = (found * weights.clone()).sum().backward();
                    let expected = (expected * weights).sum().backward();
                    for tensor in [&input, &leaf] {
                        let (found, expected) = (tensor.grad(&gradients).unwrap(), tensor.grad(&expected).unwrap());
                        assert_close(&found, &expected, 10.0 * tolerance, &context);
                    }
                    let (found, expected) = (bias.grad(&gradients).unwrap(), bias.grad(&expected).unwrap());
                    assert_close(&found, &expected, 10.0 * tolerance, &context);
                }
            }
        }
    }
}

#[test]
fn the_first_maximum_is_the_prediction() {
    for device in devices() {
        let kernel = Tensor::<2>::from_floats([[1.0, 3.0, 3.0, 2.0]], &device);
        let bias = Tensor::<1>::zeros([4], &device);
        let input = Tensor::<2>::ones([4, 1], &device);
        let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 3], &device);
        let (_, correct) = softmax_loss_with_accuracy(input, kernel, bias, targets, KernelMode::Fused);
        // The first of equal maxima, as argmax.
        assert_eq!(correct.try_into_vec_as::<i64>().unwrap(), [0, 1, 0, 0]);
    }
}
