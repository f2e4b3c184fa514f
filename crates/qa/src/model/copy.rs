//! Pointer and copy: a word is either chosen from the vocabulary or copied from what was read, and both may
//! name the same word (See, Liu and Manning 2017, section 2.2).
//!
//! The extended vocabulary goes on after V with the words of a sentence that have no id of their own.

use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// Below this no probability falls: the logarithm must stay finite where a word is all but impossible.
const FLOOR: f64 = 1e-9;

/// −ln p(target) of each of R steps, `[R]`, with p = g · P(target) + (1 − g) · Σ a over the places in what
/// was read where the target stands.
///
/// `gate` is g before its sigmoid, `[R]`; `vocabulary` −ln P(target), `[R]`; `has_id` 1 where the target is in
/// the vocabulary, else 0, `[R]`; `shares` a, `[R, S]`; `copies` 1 where the target stands, `[R, S]`.
pub fn nats(
    gate: Tensor<1>,
    vocabulary: Tensor<1>,
    has_id: Tensor<1>,
    shares: Tensor<2>,
    copies: Tensor<2>,
) -> Tensor<1> {
    let chosen = vocabulary.neg().exp() * has_id * sigmoid(gate.clone());
    let copied = (shares * copies).sum_dim(1).squeeze_dim::<1>(1) * sigmoid(gate.neg());
    (chosen + copied).add_scalar(FLOOR).log().neg()
}

/// The whole distribution p, `[R, all]`, over all ids of the extended vocabulary: `logits` `[R, W]` are of the
/// first W, which can be chosen, `gate` `[R]` and `shares` `[R, S]` as above, `words` `[R, S]` the extended ids
/// of what was read. Padding must have no share.
pub fn distribution(
    logits: Tensor<2>,
    gate: Tensor<1>,
    shares: Tensor<2>,
    words: Tensor<2, Int>,
    all: usize,
) -> Tensor<2> {
    let [rows, written] = logits.dims();
    let gate: Tensor<2> = gate.unsqueeze_dim(1);
    let chosen = softmax(logits, 1) * sigmoid(gate.clone());
    let copied = shares * sigmoid(gate.neg());
    let whole = match all - written {
        0 => chosen,
        copied_only => {
            let none = Tensor::zeros([rows, copied_only], (&chosen.device(), chosen.dtype()));
            Tensor::cat(vec![chosen, none], 1)
        }
    };
    whole.scatter(1, words, copied, IndexingUpdateOp::Add)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use burn::tensor::activation::log_softmax;

    use super::*;

    #[test]
    fn the_loss_is_the_logarithm_of_the_whole_distribution() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[0.1, 2.0, -1.0], [1.0, 0.0, 0.5]], &device);
        let gate = Tensor::<1>::from_floats([0.3, -0.7], &device);
        let shares = Tensor::<2>::from_floats([[0.2, 0.5, 0.3], [0.6, 0.4, 0.0]], &device);
        // The words 2, 3 (new), 2 and 4 (new), 1, padding.
        let words = Tensor::<2, Int>::from_ints([[2, 3, 2], [4, 1, 0]], &device);
        let whole = distribution(logits.clone(), gate.clone(), shares.clone(), words.clone(), 5);
        assert_eq!(whole.dims(), [2, 5]);
        let sums: Vec<f32> = whole.clone().sum_dim(1).try_into_vec_as().unwrap();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{sums:?}");
        let whole: Vec<f32> = whole.try_into_vec_as().unwrap();
        let vocabulary: Vec<f32> = log_softmax(logits, 1).neg().try_into_vec_as().unwrap();
        for targets in [[2usize, 1], [3, 4], [0, 2]] {
            let has = targets.map(|id| if id < 3 { 1.0f32 } else { 0.0 });
            let of = [0, 1].map(|row| vocabulary[row * 3 + targets[row].min(2)]);
            let copies = words.clone().equal(
                Tensor::<2, Int>::from_ints([[targets[0] as i32], [targets[1] as i32]], &device)
                    .expand([2, 3]),
            );
            let nats = nats(
                gate.clone(),
                Tensor::from_floats(of, &device),
                Tensor::from_floats(has, &device),
                shares.clone(),
                copies.float(),
            );
            let found: Vec<f32> = nats.try_into_vec_as().unwrap();
            for row in 0..2 {
                let expected = -(whole[row * 5 + targets[row]] + 1e-9).ln();
                assert!((found[row] - expected).abs() < 1e-5, "{found:?} {expected}");
            }
        }
    }
}
