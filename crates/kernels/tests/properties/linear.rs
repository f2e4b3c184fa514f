//! A linear layer.

use burn::tensor::Tensor;
use kernels::{KernelMode, linear};

use super::{assert_close, devices, settings, tensor};

#[test]
fn a_linear_layer_equals_its_equation_in_value_and_gradient() {
    for device in devices() {
        let device = device.autodiff();
        for (dtype, tolerance) in settings(&device) {
            let at = (&device, dtype);
            for [rows, inputs, outputs] in [[1, 1, 1], [3, 17, 129], [33, 3, 17], [17, 129, 3]] {
                let leaves = || {
                    let input = tensor(1, [rows, inputs], at).require_grad();
                    // The kernel takes a transposed W without a copy.
                    let kernel = tensor(2, [outputs, inputs], at).require_grad();
                    (input, kernel, tensor(3, [outputs], at).require_grad())
                };
                let run = |mode| -> (Tensor<2>, [Tensor<2>; 2], Tensor<1>) {
                    let (input, kernel, bias) = leaves();
                    let output = linear(input.clone(), kernel.clone().transpose(), bias.clone(), mode);
                    let gradients = (output.clone() * tensor(4, [rows, outputs], at)).sum().backward();
                    let of_matrices = [input, kernel].map(|leaf| leaf.grad(&gradients).unwrap());
                    (output, of_matrices, bias.grad(&gradients).unwrap())
                };
                let (found, expected) = (run(KernelMode::Fused), run(KernelMode::Composed));
                let context = format!("{rows} {inputs} {outputs} {dtype:?}");
                assert_close(&found.0, &expected.0, tolerance, &context);
                for (found, expected) in found.1.iter().zip(&expected.1) {
                    assert_close(found, expected, 10.0 * tolerance, &context);
                }
                assert_close(&found.2, &expected.2, 10.0 * tolerance, &context);
            }
        }
    }
}
