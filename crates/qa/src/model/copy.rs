//! Pointer-generator: a word is generated from the decoder's vocabulary or copied from the sentence, and both
//! probabilities add up (See, Liu and Manning 2017, section 2.2).
//!
//! In the extended vocabulary, ids from V on are the out-of-vocabulary words of a sentence.

use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{IndexingUpdateOp, Int, Tensor};

/// Added to a probability, so that its logarithm is finite.
const EPSILON: f64 = 1e-9;

/// `−ln p(target)` of each of R steps, `[R]`, with p = g · P(target) + (1 − g) · Σ a over the positions of the
/// target in the sentence.
///
/// `gate` is g before its sigmoid, `[R]`; `vocabulary` is −ln P(target), `[R]`; `in_vocab` is 1 if the target is in
/// the decoder's vocabulary, else 0, `[R]`; `weights` are the attention weights a, `[R, S]`; `copy_mask` is 1 at the
/// positions of the target, `[R, S]`.
pub fn loss(
    gate: Tensor<1>,
    vocabulary: Tensor<1>,
    in_vocab: Tensor<1>,
    weights: Tensor<2>,
    copy_mask: Tensor<2>,
) -> Tensor<1> {
    let generated = vocabulary.neg().exp() * in_vocab * sigmoid(gate.clone());
    let copied = (weights * copy_mask).sum_dim(1).squeeze_dim::<1>(1) * sigmoid(gate.neg());
    (generated + copied).add_scalar(EPSILON).log().neg()
}

/// The distribution p over the `num_ids` ids of the extended vocabulary, `[R, num_ids]`. `logits` `[R, W]` are of
/// the decoder's vocabulary, `gate` `[R]` and `weights` `[R, S]` are as above, and `words` `[R, S]` are the
/// extended ids of the sentence. Padding must have weight 0.
pub fn distribution(
    logits: Tensor<2>,
    gate: Tensor<1>,
    weights: Tensor<2>,
    words: Tensor<2, Int>,
    num_ids: usize,
) -> Tensor<2> {
    let [rows, decoder_vocab] = logits.dims();
    let gate: Tensor<2> = gate.unsqueeze_dim(1);
    let generated = softmax(logits, 1) * sigmoid(gate.clone());
    let copied = weights * sigmoid(gate.neg());
    let p = match num_ids - decoder_vocab {
        0 => generated,
        copied_only => {
            let zeros = Tensor::zeros([rows, copied_only], (&generated.device(), generated.dtype()));
            Tensor::cat(vec![generated, zeros], 1)
        }
    };
    p.scatter(1, words, copied, IndexingUpdateOp::Add)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use burn::tensor::activation::log_softmax;

    use super::*;

    #[test]
    fn the_loss_is_the_negative_logarithm_of_the_distribution() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[0.1, 2.0, -1.0], [1.0, 0.0, 0.5]], &device);
        let gate = Tensor::<1>::from_floats([0.3, -0.7], &device);
        let weights = Tensor::<2>::from_floats([[0.2, 0.5, 0.3], [0.6, 0.4, 0.0]], &device);
        // Row 0: 2, 3 (out of vocabulary), 2. Row 1: 4 (out of vocabulary), 1, padding.
        let words = Tensor::<2, Int>::from_ints([[2, 3, 2], [4, 1, 0]], &device);
        let p = distribution(logits.clone(), gate.clone(), weights.clone(), words.clone(), 5);
        assert_eq!(p.dims(), [2, 5]);
        let sums: Vec<f32> = p.clone().sum_dim(1).try_into_vec_as().unwrap();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{sums:?}");
        let p: Vec<f32> = p.try_into_vec_as().unwrap();
        let vocabulary: Vec<f32> = log_softmax(logits, 1).neg().try_into_vec_as().unwrap();
        for targets in [[2usize, 1], [3, 4], [0, 2]] {
            let in_vocab = targets.map(|id| if id < 3 { 1.0f32 } else { 0.0 });
            let nll = [0, 1].map(|row| vocabulary[row * 3 + targets[row].min(2)]);
            let copy_mask = words
                .clone()
                .equal(Tensor::<2, Int>::from_ints([[targets[0] as i32], [targets[1] as i32]], &device).expand([2, 3]));
            let loss = loss(
                gate.clone(),
                Tensor::from_floats(nll, &device),
                Tensor::from_floats(in_vocab, &device),
                weights.clone(),
                copy_mask.float(),
            );
            let found: Vec<f32> = loss.try_into_vec_as().unwrap();
            for row in 0..2 {
                let expected = -(p[row * 5 + targets[row]] + 1e-9).ln();
                assert!((found[row] - expected).abs() < 1e-5, "{found:?} {expected}");
            }
        }
    }
}
