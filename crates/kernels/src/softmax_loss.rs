//! The output layer with its loss, by a kernel where there is one.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use crate::ops::{Guesses, Loss};
use crate::sequence::numbers;
use crate::{are_fused, reference};

/// `−ln softmax(x W + b)` at the target of each row, `[N]`, from x `[N, H]`, W `[H, V]`, b `[V]` and target
/// ids `[N]`, with the gradients of x, W and b.
///
/// # Panics
/// If sizes do not fit together, any of them is zero, or a target is not below V.
pub fn softmax_loss(
    input: Tensor<2>,
    kernel: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
) -> Tensor<1> {
    if !are_fused(&kernel.device()) {
        let logits = input.matmul(kernel) + bias.unsqueeze();
        return reference::nats_per_token(logits, targets);
    }
    check(&input, &kernel, &bias, &targets);
    let targets = numbers(targets, kernel.dims()[1]);
    let (input, kernel) = (input.into_dispatch(), kernel.into_dispatch());
    let nats = Dispatch::softmax_loss(targets, input, kernel, bias.into_dispatch());
    Tensor::from_dispatch(nats)
}

/// The losses of [`softmax_loss`] without gradients, and for each row 1 if the target was the likeliest of
/// all, else 0.
///
/// # Panics
/// As [`softmax_loss`].
pub fn softmax_guesses(
    input: Tensor<2>,
    kernel: Tensor<2>,
    bias: Tensor<1>,
    targets: Tensor<1, Int>,
) -> (Tensor<1>, Tensor<1, Int>) {
    let [input, kernel] = [input, kernel].map(Tensor::without_autodiff);
    let bias = bias.without_autodiff();
    if !are_fused(&kernel.device()) {
        let logits = input.matmul(kernel) + bias.unsqueeze();
        let guesses = logits.clone().argmax(1).squeeze_dim::<1>(1);
        let hits = guesses.equal(targets.clone()).int();
        return (reference::nats_per_token(logits, targets), hits);
    }
    check(&input, &kernel, &bias, &targets);
    let targets = numbers(targets, kernel.dims()[1]);
    let (input, kernel) = (input.into_dispatch(), kernel.into_dispatch());
    let (nats, hits) = Dispatch::softmax_guesses(targets, input, kernel, bias.into_dispatch());
    (Tensor::from_dispatch(nats), Tensor::<1>::from_dispatch(hits).int())
}

fn check(input: &Tensor<2>, kernel: &Tensor<2>, bias: &Tensor<1>, targets: &Tensor<1, Int>) {
    let ([rows, units], [inputs, vocabulary]) = (input.dims(), kernel.dims());
    let sizes = [rows, units, vocabulary];
    assert!(sizes.iter().all(|&size| size > 0), "N, H and V are {sizes:?}; each must be 1 or more");
    assert_eq!(units, inputs, "W must have a row for every input");
    assert_eq!(bias.dims(), [vocabulary], "W and b must have as many columns");
    assert_eq!(targets.dims(), [rows], "there must be a target for every row");
}
