//! Categorical cross-entropy, in nats/token.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// `−ln p(target)` of each row, `[N]`, from logits `[N, V]` and target ids `[N]`.
///
/// Equals the cross-entropy with one-hot targets, without building them.
pub fn nats_per_token(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let log_probabilities = log_softmax(logits, 1);
    log_probabilities.gather(1, targets.unsqueeze_dim(1)).squeeze_dim::<1>(1).neg()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn uniform_logits_have_a_loss_of_ln_v() {
        let device = Device::flex();
        let logits = Tensor::<2>::full([3, 50], 7.0, &device);
        let targets = Tensor::<1, Int>::from_ints([0, 20, 49], &device);
        let nats: Vec<f64> = nats_per_token(logits, targets).try_into_vec_as().unwrap();
        assert!(nats.iter().all(|nats| (nats - 50f64.ln()).abs() < 1e-5), "{nats:?}");
    }

    #[test]
    fn it_equals_the_one_hot_cross_entropy() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], &device);
        let targets = Tensor::<1, Int>::from_ints([2, 1], &device);
        let one_hot = targets.clone().one_hot::<2>(3).float();
        let expected = (one_hot * log_softmax(logits.clone(), 1)).sum_dim(1).neg();
        let expected: Vec<f64> = expected.try_into_vec_as().unwrap();
        let found: Vec<f64> = nats_per_token(logits, targets).try_into_vec_as().unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[1e4, -1e4]], &device);
        let targets = Tensor::<1, Int>::from_ints([1], &device);
        let nats: f64 = nats_per_token(logits, targets).into_scalar::<f32>().into();
        assert!((nats - 2e4).abs() < 1.0, "{nats}");
    }
}
