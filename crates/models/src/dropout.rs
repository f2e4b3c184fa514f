//! Dropout (Srivastava et al. 2014), inverted: surviving values are scaled up while training, so that
//! inference needs no scaling.
//!
//! The masks are a function of seed, step and site. Burn's own dropout draws from one global generator,
//! so that a run could not be resumed exactly.

use burn::tensor::Tensor;
use kernels::{DropoutMask, dropout};
use seqdata::Random;

use crate::error::{Error, Result};

/// Rejects a dropout rate outside `[0, 1)`.
///
/// # Errors
/// [`Error::Config`] that names `key`.
pub fn check_rate(key: impl Into<String>, rate: f64) -> Result<()> {
    if !(0.0..1.0).contains(&rate) {
        return Err(Error::out_of_range(key, rate, "0 or more and below 1"));
    }
    Ok(())
}

/// The key of the masks: the same key gives the same masks in any process and on any backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropoutKey {
    /// The run's seed.
    pub seed: u64,
    /// The number of the training step.
    pub step: u64,
}

/// Where in a network dropout is applied; each site has its own masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropoutSite {
    /// Before the output layer.
    Output,
    /// Rows of the embedding.
    Embedding,
    /// The vectors that the first layer or an encoder reads.
    Input,
    /// Between layer `n` and the next.
    Between(usize),
    /// The recurrent weights of layer `n` in the given direction (0 forward, 1 backward).
    Recurrent(usize, usize),
}

impl DropoutSite {
    /// A number that is unique for networks of any depth.
    fn number(self) -> u64 {
        match self {
            Self::Output => 0,
            Self::Embedding => 1,
            Self::Input => u64::MAX,
            Self::Between(layer) => 2 + 3 * layer as u64,
            Self::Recurrent(layer, direction) => 3 + 3 * layer as u64 + direction as u64,
        }
    }
}

impl DropoutKey {
    /// The key of part `number` of a network whose parts have the same sites.
    pub fn part(self, number: u64) -> Self {
        let seed = Random::keyed(self.seed, "dropout part", &[number]).bits();
        Self { seed: self.seed.rotate_left(32) ^ u64::from(seed), ..self }
    }

    /// The key of shard `number` of a batch that is cut into several.
    pub fn shard(self, number: usize) -> Self {
        let mut random = Random::keyed(self.seed, "dropout shard", &[number as u64]);
        let [high, low] = [random.bits(), random.bits()].map(u64::from);
        Self { seed: high << 32 | low, ..self }
    }

    /// The masks of `site`, which set each value to zero with probability `rate` and multiply the others
    /// by `1 / (1 − rate)`.
    pub fn masks(self, site: DropoutSite, rate: f64) -> Masks {
        Masks { random: Random::keyed(self.seed, "dropout", &[self.step, site.number()]), rate }
    }
}

/// The masks of one site in one step, one after another.
#[derive(Clone, Debug)]
pub struct Masks {
    random: Random,
    rate: f64,
}

impl Masks {
    /// The next mask, for `count` values.
    fn next(&mut self, count: usize) -> DropoutMask {
        let scale = (1.0 / (1.0 - self.rate)) as f32;
        let threshold = (self.rate * 2f64.powi(32)) as u32;
        let numbers = |from: usize, to: &mut [u32]| {
            let mut random = self.random.clone();
            random.skip(from);
            random.fill(to);
        };
        let mask = DropoutMask::draw(count, threshold, scale, numbers);
        self.random.skip(count);
        mask
    }

    /// `input` times the next mask, which has the shape `dims`: 1 where it is the same along a dimension.
    fn product<const D: usize>(&mut self, input: Tensor<D>, dims: [usize; D]) -> Tensor<D> {
        if self.rate == 0.0 {
            return input;
        }
        let mask = self.next(dims.iter().product());
        dropout(input, mask, dims)
    }

    /// `input` with single values dropped.
    pub fn drop<const D: usize>(&mut self, input: Tensor<D>) -> Tensor<D> {
        let dims = input.dims();
        self.product(input, dims)
    }

    /// A sequence `[N, T, H]` with values dropped: by one mask per step, or by the same mask at all
    /// steps if `locked` (variational dropout: Gal and Ghahramani 2016).
    pub fn drop_steps(&mut self, steps: Tensor<3>, locked: bool) -> Tensor<3> {
        let [batch, time, width] = steps.dims();
        self.product(steps, [batch, if locked { 1 } else { time }, width])
    }

    /// A table `[V, D]` with whole rows dropped (embedding dropout: Gal and Ghahramani 2016, section
    /// 4.2).
    pub fn drop_rows(&mut self, table: Tensor<2>) -> Tensor<2> {
        let [rows, _] = table.dims();
        self.product(table, [rows, 1])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn drop(key: DropoutKey, site: DropoutSite) -> Vec<f32> {
        let ones = Tensor::<2>::ones([64, 64], &Device::flex());
        key.masks(site, 0.2).drop(ones).try_into_vec_as().unwrap()
    }

    #[test]
    fn a_fifth_is_dropped_and_the_rest_is_scaled() {
        let values = drop(DropoutKey { seed: 1, step: 0 }, DropoutSite::Output);
        assert!(values.iter().all(|&v| v == 0.0 || v == 1.25));
        let dropped = values.iter().filter(|v| **v == 0.0).count() as f64 / values.len() as f64;
        assert!((dropped - 0.2).abs() < 0.02, "{dropped}");
    }

    #[test]
    fn masks_are_the_numbers_of_one_stream_for_any_number_of_threads() {
        let key = DropoutKey { seed: 1, step: 3 };
        // Two masks, and more values than a thread draws at a time.
        let dims = [[3, 7], [157, 211]];
        let mut random = Random::keyed(1, "dropout", &[3, DropoutSite::Recurrent(0, 0).number()]);
        let expected = dims.map(|[rows, columns]| -> Vec<f32> {
            let next = |_| if random.bits() < (0.2 * 2f64.powi(32)) as u32 { 0.0 } else { 1.25 };
            (0..rows * columns).map(next).collect()
        });
        for threads in 1..=3 {
            let mut masks = key.masks(DropoutSite::Recurrent(0, 0), 0.2);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = dims.map(|dims| -> Vec<f32> {
                let ones = Tensor::<2>::ones(dims, &Device::flex());
                pool.install(|| masks.drop(ones)).try_into_vec_as().unwrap()
            });
            assert_eq!(found, expected, "{threads} threads");
        }
    }

    #[test]
    fn the_mask_is_a_function_of_its_key() {
        let key = DropoutKey { seed: 1, step: 5 };
        let site = DropoutSite::Between(1);
        assert_eq!(drop(key, site), drop(key, site));
        for other in [DropoutSite::Between(0), DropoutSite::Recurrent(1, 0), DropoutSite::Recurrent(1, 1)] {
            assert_ne!(drop(key, site), drop(key, other));
        }
        assert_ne!(drop(key, site), drop(DropoutKey { step: 6, ..key }, site));
        assert_ne!(drop(key, site), drop(DropoutKey { seed: 2, ..key }, site));
        assert_eq!(drop(key.shard(1), site), drop(key.shard(1), site));
        for other in [key, key.shard(0), key.part(1), DropoutKey { step: 6, ..key }.shard(1)] {
            assert_ne!(drop(key.shard(1), site), drop(other, site));
        }
    }

    #[test]
    fn every_site_has_its_own_number() {
        let mut numbers =
            [DropoutSite::Output, DropoutSite::Embedding, DropoutSite::Input].map(DropoutSite::number).to_vec();
        for layer in 0..4 {
            let sites =
                [DropoutSite::Between(layer), DropoutSite::Recurrent(layer, 0), DropoutSite::Recurrent(layer, 1)];
            numbers.extend(sites.map(DropoutSite::number));
        }
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count);
    }

    #[test]
    fn a_locked_mask_is_the_same_at_every_step() {
        let run = |locked| -> Vec<Vec<f32>> {
            let mut masks = DropoutKey { seed: 1, step: 2 }.masks(DropoutSite::Output, 0.5);
            let steps = masks.drop_steps(Tensor::ones([8, 3, 16], &Device::flex()), locked);
            let step = |t| steps.clone().narrow(1, t, 1).try_into_vec_as().unwrap();
            (0..3).map(step).collect()
        };
        let (locked, free) = (run(true), run(false));
        assert!(locked[0] == locked[1] && locked[1] == locked[2]);
        assert!(free[0] != free[1] && free[1] != free[2]);
        assert!(locked[0].contains(&0.0) && locked[0].contains(&2.0));
    }

    #[test]
    fn rows_are_dropped_as_a_whole() {
        let mut masks = DropoutKey { seed: 1, step: 2 }.masks(DropoutSite::Embedding, 0.5);
        let rows = masks.drop_rows(Tensor::ones([50, 3], &Device::flex()));
        let rows: Vec<f32> = rows.try_into_vec_as().unwrap();
        assert!(rows.chunks(3).all(|row| row == [0.0; 3] || row == [2.0; 3]));
        assert!(rows.contains(&0.0) && rows.contains(&2.0));
    }
}
