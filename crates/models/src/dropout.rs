//! Dropout (Srivastava et al. 2014), inverted: what is kept is scaled up while training, so that
//! nothing changes when writing.
//!
//! The mask is a function of seed, step and layer. Burn's own dropout draws from one generator for
//! the whole process, which no run could be resumed with.

use burn::tensor::{Tensor, TensorData};
use seqdata::Random;

/// Which mask to draw: the same key gives the same mask in any process and on any backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropoutKey {
    /// The run's seed.
    pub seed: u64,
    /// The number of the training step.
    pub step: u64,
}

impl DropoutKey {
    /// Sets each number of `input` to zero with probability `rate` and scales the rest by
    /// `1 / (1 − rate)`. `layer` tells the places in a network apart.
    pub fn drop<const D: usize>(self, input: Tensor<D>, rate: f64, layer: u64) -> Tensor<D> {
        if rate == 0.0 {
            return input;
        }
        let dims = input.dims();
        let mut random = Random::keyed(self.seed, "dropout", &[self.step, layer]);
        let scale = (1.0 / (1.0 - rate)) as f32;
        let threshold = (rate * 2f64.powi(32)) as u32;
        let mut keep = || if random.bits() < threshold { 0.0 } else { scale };
        let mask: Vec<f32> = (0..dims.iter().product()).map(|_| keep()).collect();
        let options = (&input.device(), input.dtype());
        input * Tensor::from_data(TensorData::new(mask, dims), options)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn drop(key: DropoutKey, layer: u64) -> Vec<f32> {
        let ones = Tensor::<2>::ones([64, 64], &Device::flex());
        key.drop(ones, 0.2, layer).try_into_vec_as().unwrap()
    }

    #[test]
    fn a_fifth_is_dropped_and_the_mean_stays() {
        let values = drop(DropoutKey { seed: 1, step: 0 }, 0);
        assert!(values.iter().all(|&v| v == 0.0 || v == 1.25));
        let dropped = values.iter().filter(|v| **v == 0.0).count() as f64 / values.len() as f64;
        assert!((dropped - 0.2).abs() < 0.02, "{dropped}");
    }

    #[test]
    fn the_mask_is_a_function_of_its_key() {
        let key = DropoutKey { seed: 1, step: 5 };
        assert_eq!(drop(key, 0), drop(key, 0));
        assert_ne!(drop(key, 0), drop(key, 1));
        assert_ne!(drop(key, 0), drop(DropoutKey { step: 6, ..key }, 0));
        assert_ne!(drop(key, 0), drop(DropoutKey { seed: 2, ..key }, 0));
    }
}
