//! The log-probability of a token, and the likeliest tokens in its place.

use kernels::inference::{log_softmax, log_sum_exp};

/// The log-probabilities at one place of a text, in nats.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// ln p of the token there.
    pub log_prob: f64,
    /// The likeliest tokens there and their ln p, the likeliest first.
    pub top: Vec<(u32, f64)>,
}

impl Scores {
    /// Those of the token `id` where these are the logits, with the `count` likeliest tokens that are not in `excluded`: a text
    /// cannot have them.
    ///
    /// # Panics
    /// If `id` or one of `excluded` has no logit.
    pub fn new(logits: &[f32], id: u32, count: usize, excluded: &[u32]) -> Self {
        if count == 0 {
            return Self { log_prob: f64::from(logits[id as usize]) - log_sum_exp(logits), top: Vec::new() };
        }
        let mut log_probs = log_softmax(logits);
        let log_prob = log_probs[id as usize];
        excluded.iter().for_each(|&id| log_probs[id as usize] = f64::NEG_INFINITY);
        let mut top = likeliest(&log_probs, count);
        top.retain(|(_, log_prob)| *log_prob > f64::NEG_INFINITY);
        Self { log_prob, top }
    }
}

/// The `count` likeliest ids and their log-probabilities, the likeliest first, and of equals the lower id.
pub fn likeliest(log_probs: &[f64], count: usize) -> Vec<(u32, f64)> {
    let mut ids: Vec<u32> = (0..log_probs.len() as u32).collect();
    let order = |a: &u32, b: &u32| log_probs[*b as usize].total_cmp(&log_probs[*a as usize]).then(a.cmp(b));
    let count = count.min(ids.len());
    if (1..ids.len()).contains(&count) {
        ids.select_nth_unstable_by(count - 1, order);
    }
    ids.truncate(count);
    ids.sort_by(order);
    ids.into_iter().map(|id| (id, log_probs[id as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first_and_equals_by_their_ids() {
        let log_probs = [-3.0, -1.0, -2.0, -1.0, f64::NEG_INFINITY];
        let ids = |count| likeliest(&log_probs, count).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(0), [0; 0]);
        assert_eq!(ids(3), [1, 3, 2]);
        assert_eq!(ids(9), [1, 3, 2, 0, 4]);
        let scores = Scores::new(&[0.0, 0.0], 1, 1, &[]);
        assert_eq!(scores.top, [(0, scores.log_prob)]);
        assert_eq!(Scores::new(&[0.0, 0.0], 1, 2, &[0]).top, [(1, scores.log_prob)]);
        assert_eq!(Scores::new(&[0.0, 0.0], 1, 0, &[0]), Scores { top: Vec::new(), ..scores.clone() });
        assert!((scores.log_prob - 0.5f64.ln()).abs() < 1e-12);
    }
}
