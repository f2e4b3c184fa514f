//! A synthetic memory task: a cue, then noise, then a query; the target is the cue.
//!
//! After the long-lag tasks of Hochreiter and Schmidhuber (1997, section 5), with ids instead of real
//! numbers.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::batch::Batch;
use crate::random::Random;

/// One of `cues` cues, `gap` ids of noise and a query; the target is the cue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecallTask {
    /// The number of cues.
    pub cues: u32,
    /// Ids of noise between the cue and the query.
    pub gap: usize,
}

impl RecallTask {
    /// The number of ids: cues, as many noise ids, and the query.
    pub fn vocab_size(self) -> usize {
        2 * self.cues as usize + 1
    }

    /// `rows` sequences, inputs `[rows, gap + 2]` and targets `[rows, 1]`; a function of `seed` and `step`.
    pub fn batch(self, rows: usize, seed: u64, step: u64, device: &Device) -> Batch {
        let Self { cues, gap } = self;
        let mut random = Random::keyed(seed, "recall", &[u64::from(cues), gap as u64, step]);
        let mut below = |count: u32| random.below(u64::from(count)) as i32;
        let length = gap + 2;
        let (mut inputs, mut targets) = (Vec::with_capacity(rows * length), Vec::new());
        for _ in 0..rows {
            let cue = below(cues);
            inputs.push(cue);
            inputs.extend((0..gap).map(|_| cues as i32 + below(cues)));
            inputs.push(2 * cues as i32);
            targets.push(cue);
        }
        let tensor =
            |ids: Vec<i32>, columns: usize| Tensor::<2, Int>::from_data(TensorData::new(ids, [rows, columns]), device);
        Batch { inputs: tensor(inputs, length), targets: tensor(targets, 1), labels: None, continues: false, step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cue_comes_first_and_the_query_last() {
        let recall = RecallTask { cues: 4, gap: 3 };
        let read = |step| {
            let batch = recall.batch(50, 1, step, &Device::flex());
            let inputs: Vec<i64> = batch.inputs.try_into_vec_as().unwrap();
            let targets: Vec<i64> = batch.targets.try_into_vec_as().unwrap();
            (inputs, targets)
        };
        let (inputs, targets) = read(0);
        for (row, cue) in inputs.chunks(5).zip(&targets) {
            assert!(row[0] == *cue && *cue < 4 && row[4] == 8);
            assert!(row[1..4].iter().all(|noise| (4..8).contains(noise)));
        }
        assert!((0..4).all(|cue| targets.contains(&cue)));
        assert_eq!(recall.vocab_size(), 9);
        assert_eq!(read(0), (inputs, targets));
        assert_ne!(read(0), read(1));
    }
}
