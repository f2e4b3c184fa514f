//! Which average of the weights is evaluated and saved: none, the exponential moving average, or that of averaged SGD with
//! the non-monotonic trigger (NT-ASGD: Merity, Keskar and Socher 2018, "Regularizing and Optimizing LSTM Language Models",
//! algorithm 1), which does not depend on the optimizer.

use crate::config::TrainConfig;

/// How the average of the weights follows them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Averaging {
    /// There is no average.
    Off,
    /// The exponential moving average with this decay, from the first update on.
    Exponential(f64),
    /// The mean of the weights after this many updates and after each later one.
    MeanSince(u64),
}

impl Averaging {
    /// d in a ← d a + (1 − d) w after update number `step`, counted from 1.
    pub fn decay(self, step: u64) -> f64 {
        match self {
            Self::Off => 0.0,
            // The average follows the weights quickly at first (TensorFlow's `ExponentialMovingAverage` with `num_updates`).
            Self::Exponential(decay) => {
                let step = step as f64;
                decay.min((1.0 + step) / (10.0 + step))
            }
            Self::MeanSince(start) => {
                let held = step.saturating_sub(start) as f64;
                held / (held + 1.0)
            }
        }
    }
}

impl TrainConfig {
    /// The number of epochs after which averaged weights are evaluated and saved in a run whose epochs had these validation
    /// losses: 0 with [`ema_decay`](Self#structfield.ema_decay), and with
    /// [`averaging_patience`](Self#structfield.averaging_patience) where averaging begins. `None` if it has not begun.
    pub fn averaged_after(&self, valid_losses: &[f64]) -> Option<usize> {
        match self.averaging_patience {
            _ if self.ema_decay > 0.0 => Some(0),
            0 => None,
            patience => trigger(valid_losses, patience),
        }
    }
}

/// The number of validations after which averaging begins: the first of them whose loss is higher than the lowest of those
/// more than `patience` validations before it. `None` if there is none yet.
fn trigger(valid_losses: &[f64], patience: usize) -> Option<usize> {
    let is_higher = |&before: &usize| valid_losses[..before - patience].iter().any(|&l| valid_losses[before] > l);
    (patience + 1..valid_losses.len()).find(is_higher).map(|before| before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Algorithm 1 of the paper with its names: the number of validations at which T is set.
    fn algorithm_1(losses: &[f64], n: usize) -> Option<usize> {
        let (mut t, mut logs) = (0, Vec::new());
        for (k, &v) in losses.iter().enumerate() {
            if t > n && v > logs[..t - n].iter().copied().fold(f64::INFINITY, f64::min) {
                return Some(k + 1);
            }
            logs.push(v);
            t += 1;
        }
        None
    }

    #[test]
    fn averaging_begins_when_the_loss_is_above_that_of_earlier_validations() {
        assert_eq!(trigger(&[], 1), None);
        assert_eq!(trigger(&[3.0, 4.0], 1), None, "there is no validation before the last one");
        assert_eq!(trigger(&[3.0, 4.0, 5.0], 1), Some(3));
        assert_eq!(trigger(&[3.0, 2.0, 2.5, 2.0, 2.1], 1), Some(5), "2.5 is below 3, 2.1 above 2");
        assert_eq!(trigger(&[3.0, 2.0, 2.5, 2.0, 2.1], 3), None);
        assert_eq!(trigger(&[2.0, 2.0, 2.0, 2.0], 1), None);
    }

    #[test]
    fn a_configuration_says_from_which_epoch_on_weights_are_averaged() {
        let losses = [3.0, 4.0, 5.0, 2.0];
        let after = |config: TrainConfig| [0, 2, 3, 4].map(|epochs| config.averaged_after(&losses[..epochs]));
        assert_eq!(after(TrainConfig::default()), [None; 4]);
        assert_eq!(after(TrainConfig::default().ema_decay(0.9)), [Some(0); 4]);
        assert_eq!(after(TrainConfig::default().averaging_patience(1)), [None, None, Some(3), Some(3)]);
    }

    #[test]
    fn the_trigger_is_that_of_the_paper() {
        let losses: Vec<f64> = (0..12).map(|at| f64::from(30 - at + 7 * (at * at % 5))).collect();
        let mut found = 0;
        for length in 0..=losses.len() {
            for patience in 1..6 {
                let expected = algorithm_1(&losses[..length], patience);
                assert_eq!(trigger(&losses[..length], patience), expected, "{length} {patience}");
                found += usize::from(expected.is_some());
            }
        }
        assert!(found > 5, "{found}");
    }

    #[test]
    fn the_mean_since_a_step_weighs_all_weights_equally() {
        let weights = [2.0, 5.0, -1.0, 4.5];
        // The weights after updates 7, 8, 9 and 10.
        let mut average: f64 = weights[0];
        for (at, weight) in (1..).zip(&weights[1..]) {
            let decay = Averaging::MeanSince(7).decay(7 + at);
            average = decay * average + (1.0 - decay) * weight;
            let held = &weights[..=at as usize];
            assert!((average - held.iter().sum::<f64>() / held.len() as f64).abs() < 1e-12);
        }
    }
}
