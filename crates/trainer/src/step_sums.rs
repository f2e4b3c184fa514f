//! What the shards of a step add besides gradients.

use models::EvalMetrics;

/// What a process asks all others to do after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// To end the run early.
    pub stop: bool,
    /// To save a checkpoint.
    pub save: bool,
}

/// Sums over a step, or over a shard of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct StepSums {
    /// Losses of the targets, before the update; correct predictions are not counted.
    pub metrics: EvalMetrics,
    /// Number of input tokens.
    pub tokens: usize,
    /// What any process has asked for.
    pub requests: Requests,
}

/// A count is added as two digits in this base: f32 has all integers up to 2²⁴, which is as much as 2¹⁶ shards make of the
/// low digits.
const BASE: usize = 256;

impl StepSums {
    /// The number of values that a vector has at its end.
    const LEN: usize = 7;

    /// Appends the sums to a vector of gradients.
    pub fn append_to(&self, values: &mut Vec<f32>) {
        let Self { metrics: EvalMetrics { nats, tokens: targets, .. }, tokens, requests: Requests { stop, save } } =
            *self;
        let [targets, tokens] = [targets, tokens].map(|count| [count % BASE, count / BASE].map(|digit| digit as f32));
        let requests = [stop, save].map(|is_requested| f32::from(u8::from(is_requested)));
        values.push(nats as f32);
        values.extend([targets, tokens, requests].as_flattened());
    }

    /// Adds requests to those at the end of a vector.
    pub fn request(values: &mut [f32], requests: Requests) {
        if let [.., stop, save] = values {
            *stop += f32::from(u8::from(requests.stop));
            *save += f32::from(u8::from(requests.save));
        }
    }

    /// Removes the sums from the end of a vector.
    pub fn take_from(values: &mut Vec<f32>) -> Self {
        let sums = values.split_off(values.len().saturating_sub(Self::LEN));
        let &[nats, targets, targets_high, tokens, tokens_high, stop, save] = sums.as_slice() else {
            return Self::default();
        };
        let count = |low: f32, high: f32| low as usize + BASE * high as usize;
        Self {
            metrics: EvalMetrics { nats: f64::from(nats), tokens: count(targets, targets_high), correct: 0 },
            tokens: count(tokens, tokens_high),
            requests: Requests { stop: stop > 0.0, save: save > 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(nats: f64, targets: usize, tokens: usize) -> StepSums {
        StepSums { metrics: EvalMetrics { nats, tokens: targets, correct: 0 }, tokens, requests: Requests::default() }
    }

    #[test]
    fn counts_are_added_exactly_and_one_request_is_enough() {
        let mut values = vec![0.5];
        sums(1.5, 16_777_217, 255).append_to(&mut values);
        let mut other = vec![0.25];
        sums(2.0, 16_777_219, 257).append_to(&mut other);
        StepSums::request(&mut other, Requests { stop: true, save: false });
        values.iter_mut().zip(&other).for_each(|(value, other)| *value += other);
        let found = StepSums::take_from(&mut values);
        let expected = sums(3.5, 33_554_436, 512);
        assert_eq!(found, StepSums { requests: Requests { stop: true, save: false }, ..expected });
        assert_eq!(values, [0.75]);
    }

    #[test]
    fn the_loss_of_a_shard_that_diverged_is_that_of_the_step() {
        let mut values = Vec::new();
        sums(f64::NAN, 3, 4).append_to(&mut values);
        assert!(StepSums::take_from(&mut values).metrics.nats.is_nan());
    }
}
