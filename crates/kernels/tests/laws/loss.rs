//! The output layer with its loss.

use burn::tensor::{Int, Tensor};
use kernels::{reference, softmax_guesses, softmax_loss};

use super::{assert_close, devices, settings, tensor};

#[test]
fn the_softmax_loss_is_its_equation_in_value_and_in_gradient() {
    for device in devices() {
        let device = device.autodiff();
        for (dtype, tolerance) in settings(&device) {
            let at = (&device, dtype);
            for [rows, units, vocabulary] in [[1, 1, 1], [3, 17, 129], [33, 3, 17], [17, 129, 3]] {
                let input = tensor(1, [rows, units], at).require_grad();
                let kernel = tensor(2, [units, vocabulary], at).require_grad();
                let tied = tensor(2, [vocabulary, units], at).require_grad();
                let bias = tensor(3, [vocabulary], at).require_grad();
                let targets: Vec<i32> =
                    (0..rows).map(|row| (row * 5 % vocabulary) as i32).collect();
                let targets = Tensor::<1, Int>::from_ints(targets.as_slice(), &device);
                for (leaf, is_tied) in [(kernel, false), (tied, true)] {
                    let kernel = || if is_tied { leaf.clone().transpose() } else { leaf.clone() };
                    let weights = tensor(4, [rows], at);
                    let found =
                        softmax_loss(input.clone(), kernel(), bias.clone(), targets.clone());
                    let logits = input.clone().matmul(kernel()) + bias.clone().unsqueeze();
                    let expected = reference::nats_per_token(logits, targets.clone());
                    let what = format!("{rows} {units} {vocabulary} {dtype:?}");
                    assert_close(&found, &expected, tolerance, &what);
                    let (nats, hits) =
                        softmax_guesses(input.clone(), kernel(), bias.clone(), targets.clone());
                    assert_close(&nats, &expected.clone().without_autodiff(), tolerance, &what);
                    assert_eq!(hits.dims(), [rows]);
                    let gradients = (found * weights.clone()).sum().backward();
                    let expected = (expected * weights).sum().backward();
                    for tensor in [&input, &leaf] {
                        let (found, expected) =
                            (tensor.grad(&gradients).unwrap(), tensor.grad(&expected).unwrap());
                        assert_close(&found, &expected, 10.0 * tolerance, &what);
                    }
                    let (found, expected) =
                        (bias.grad(&gradients).unwrap(), bias.grad(&expected).unwrap());
                    assert_close(&found, &expected, 10.0 * tolerance, &what);
                }
            }
        }
    }
}

#[test]
fn the_likeliest_target_is_a_hit() {
    for device in devices() {
        let kernel = Tensor::<2>::from_floats([[1.0, 3.0, 3.0, 2.0]], &device);
        let bias = Tensor::<1>::zeros([4], &device);
        let input = Tensor::<2>::ones([4, 1], &device);
        let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 3], &device);
        let (_, hits) = softmax_guesses(input, kernel, bias, targets);
        // Of equals the first, as argmax has it.
        assert_eq!(hits.try_into_vec_as::<i64>().unwrap(), [0, 1, 0, 0]);
    }
}
