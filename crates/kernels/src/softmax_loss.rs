//! The output layer with softmax cross-entropy: the fused kernel where there is one, else Burn's operations.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use crate::dispatch::{KernelMode, is_kernel_type};
use crate::ops::{LossWithAccuracyOps, SoftmaxLossOps};
use crate::reference;
use crate::sequence::checked_ids;

/// `−ln softmax(x W + b)` at the target of each row, `[N]`, from x `[N, H]`, W `[H, V]`, b `[V]` and target
/// ids `[N]`; differentiable in x, W and b.
///
/// # Panics
/// If sizes do not match, any of them is zero, or a target is not below V.
pub fn softmax_loss(
    input: Tensor<2>,
    kernel: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
    mode: KernelMode,
) -> Tensor<1> {
    if !has_kernel(&kernel, mode) {
        let logits = input.matmul(kernel) + bias.unsqueeze();
        return reference::nats_per_token(logits, targets);
    }
    check(&input, &kernel, &bias, &targets);
    let targets = checked_ids(targets, kernel.dims()[1]);
    let (input, kernel) = (input.into_dispatch(), kernel.into_dispatch());
    let nats = Dispatch::softmax_loss(mode.operands(), targets, input, kernel, bias.into_dispatch());
    Tensor::from_dispatch(nats)
}

/// The losses of [`softmax_loss`] without gradients, and for each row 1 if the target has the highest
/// probability (the first of several equal ones), else 0.
///
/// # Panics
/// As [`softmax_loss`].
pub fn softmax_loss_with_accuracy(
    input: Tensor<2>,
    kernel: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
    mode: KernelMode,
) -> (Tensor<1>, Tensor<1, Int>) {
    let [input, kernel] = [input, kernel].map(Tensor::without_autodiff);
    let bias = bias.without_autodiff();
    if !has_kernel(&kernel, mode) {
        let logits = input.matmul(kernel) + bias.unsqueeze();
        let predicted = logits.clone().argmax(1).squeeze_dim::<1>(1);
        let correct = predicted.equal(targets.clone()).int();
        return (reference::nats_per_token(logits, targets), correct);
    }
    check(&input, &kernel, &bias, &targets);
    let targets = checked_ids(targets, kernel.dims()[1]);
    let (input, kernel) = (input.into_dispatch(), kernel.into_dispatch());
    let (nats, correct) = Dispatch::softmax_loss_with_accuracy(targets, input, kernel, bias.into_dispatch());
    (Tensor::from_dispatch(nats), Tensor::<1>::from_dispatch(correct).int())
}

fn has_kernel(kernel: &Tensor<2>, mode: KernelMode) -> bool {
    mode.fuses_all(&kernel.device()) && is_kernel_type(kernel.dtype())
}

fn check(input: &Tensor<2>, kernel: &Tensor<2>, bias: &Tensor<1>, targets: &Tensor<1, Int>) {
    let ([rows, units], [inputs, vocabulary]) = (input.dims(), kernel.dims());
    let sizes = [rows, units, vocabulary];
    assert!(sizes.iter().all(|&size| size > 0), "N, H and V are {sizes:?}; each must be 1 or more");
    assert_eq!(units, inputs, "W must have one row per input");
    assert_eq!(bias.dims(), [vocabulary], "W and b must have the same number of columns");
    assert_eq!(targets.dims(), [rows], "there must be one target per row");
}
