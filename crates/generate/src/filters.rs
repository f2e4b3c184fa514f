//! The filters of sampling: which tokens remain possible. Each takes and leaves probabilities up to a common factor.

use std::cmp::Ordering;

use kernels::inference::sum_of_weights;

/// How often [`keep_nucleus`] halves the range of the smallest weight that is kept, on a logarithmic scale. Few weights remain
/// in it, and only they are sorted.
const HALVINGS: usize = 10;

/// Sets all but the `count` largest weights to zero. Of equal ones the first are kept.
pub(crate) fn keep_most_likely(weights: &mut [f64], count: usize) {
    let mut ids: Vec<usize> = (0..weights.len()).collect();
    if count < ids.len() {
        ids.select_nth_unstable_by(count, |&a, &b| order(weights, a, b));
        ids[count..].iter().for_each(|&id| weights[id] = 0.0);
    }
}

/// Sets the weights below this fraction of the largest, which is 1, to zero.
pub(crate) fn keep_likely(weights: &mut [f64], fraction: f64) {
    weights.iter_mut().for_each(|weight| *weight = if *weight < fraction { 0.0 } else { *weight });
}

/// Sets all weights to zero but the largest ones that together are at least this fraction, below 1, of the sum. The largest
/// of all is 1.
pub(crate) fn keep_nucleus(weights: &mut [f64], fraction: f64) {
    let total = sum_of_weights(weights, 0.0);
    let target = fraction * total;
    // The smallest weight that is kept is above `low`, and at most `high`. Weights below the first `low` are too small to
    // be, even together, all that may be left out.
    let (mut low, mut high) = (0.5 * (1.0 - fraction) * total / weights.len() as f64, 1.0);
    let mut above_high = 0.0;
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        let sum = sum_of_weights(weights, middle);
        if sum < target {
            (high, above_high) = (middle, sum);
        } else {
            low = middle;
        }
    }
    let mut ids: Vec<usize> = (0..weights.len()).filter(|&id| low < weights[id] && weights[id] <= high).collect();
    ids.sort_unstable_by(|&a, &b| order(weights, a, b));
    keep_first(weights, ids, above_high, target);
    weights.iter_mut().for_each(|weight| *weight = if *weight > low { *weight } else { 0.0 });
}

/// Sets all weights to zero but those that are nearest to typical and together are at least this fraction, below 1, of the sum:
/// a token is the more typical, the nearer its surprise −ln p is to the entropy of the distribution.
pub(crate) fn keep_typical(weights: &mut [f64], fraction: f64) {
    let total = sum_of_weights(weights, 0.0);
    let possible = weights.iter().zip(0..).filter(|&(&weight, _)| weight > 0.0);
    let mut distances: Vec<(f64, usize)> = possible.map(|(weight, id)| (weight.ln(), id)).collect();
    // With p = w / total, −ln p − entropy is this mean − ln w.
    let mean = distances.iter().map(|&(log, id)| weights[id] * log).sum::<f64>() / total;
    distances.iter_mut().for_each(|(log, _)| *log = (mean - *log).abs());
    distances.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    keep_first(weights, distances.into_iter().map(|(_, id)| id), 0.0, fraction * total);
}

/// Sets the weights of the ids after the first ones, with which a sum of `reached` is at least `target`, to zero.
fn keep_first(weights: &mut [f64], ids: impl IntoIterator<Item = usize>, mut reached: f64, target: f64) {
    for id in ids {
        if reached < target {
            reached += weights[id];
        } else {
            weights[id] = 0.0;
        }
    }
}

/// The larger weight first; of equal ones the smaller id, so that a seed gives one text.
fn order(weights: &[f64], a: usize, b: usize) -> Ordering {
    weights[b].total_cmp(&weights[a]).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use crate::Sampling;

    /// The ids that `sampling` leaves.
    fn kept_of(logits: &[f64], sampling: &Sampling) -> Vec<usize> {
        let found = sampling.probabilities(logits).unwrap();
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        (0..found.len()).filter(|&at| found[at] > 0.0).collect()
    }

    /// 500 logits, rounded, so that some are equal; and one is impossible.
    fn many_logits(spread: f64) -> Vec<f64> {
        let mut random = seqdata::Random::keyed(1, "logits", &[]);
        let mut logits: Vec<f64> = (0..500).map(|_| (random.normal() * spread * 16.0).round() / 16.0).collect();
        logits[7] = f64::NEG_INFINITY;
        logits
    }

    #[test]
    fn filters_keep_the_most_likely_tokens() {
        let kept = |sampling: Sampling| kept_of(&[1.0, 3.0, 2.0, f64::NEG_INFINITY], &sampling);
        let all = Sampling::default;
        assert_eq!(kept(all().top_k(2)), [1, 2]);
        assert_eq!(kept(all().top_k(99)), [0, 1, 2]);
        // The probabilities are 0.090, 0.665, 0.245.
        assert_eq!(kept(all().top_p(0.6)), [1]);
        assert_eq!(kept(all().top_p(0.7)), [1, 2]);
        assert_eq!(kept(all().top_p(1.0)), [0, 1, 2]);
        assert_eq!(kept(all().min_p(0.3)), [1, 2]);
        assert_eq!(kept(all().min_p(1.0)), [1]);
        assert_eq!(kept(all().top_k(2).top_p(0.7)), [1]);
    }

    #[test]
    fn filters_keep_what_a_complete_sort_keeps() {
        for spread in [0.2, 4.0] {
            let logits = many_logits(spread);
            let all = Sampling::default().probabilities(&logits).unwrap();
            let mut sorted: Vec<usize> = (0..all.len()).collect();
            sorted.sort_by(|&a, &b| all[b].total_cmp(&all[a]));
            let check = |sampling: Sampling, count: usize| {
                let found = sampling.probabilities(&logits).unwrap();
                let total: f64 = sorted[..count].iter().map(|&id| all[id]).sum();
                for (rank, &id) in sorted.iter().enumerate() {
                    let expected = if rank < count { all[id] / total } else { 0.0 };
                    assert!((found[id] - expected).abs() < 1e-12, "{sampling:?}: {} for {expected}", found[id]);
                    assert_eq!(found[id] > 0.0, expected > 0.0, "{sampling:?}: rank {rank} of {count}");
                }
            };
            for count in [1, 2, 50, 499, 500] {
                check(Sampling::default().top_k(count), count);
            }
            for fraction in [1e-300, 0.1, 0.5, 0.9, 0.999, 1.0] {
                let mut cumulative = 0.0;
                let enough = sorted.iter().position(|&id| {
                    cumulative += all[id];
                    cumulative >= fraction
                });
                check(Sampling::default().top_p(fraction), enough.map_or(500, |at| at + 1));
                let likely = sorted.iter().filter(|&&id| all[id] >= fraction * all[sorted[0]]).count();
                check(Sampling::default().min_p(fraction), likely);
            }
        }
        let equal = Sampling::default().top_p(0.5).probabilities(&[1.0; 10]).unwrap();
        assert_eq!(equal, [[0.2; 5], [0.0; 5]].concat());
    }

    #[test]
    fn typical_tokens_are_nearest_to_the_entropy() {
        // Surprises of 1, 2, 3 and 3 bits, and an entropy of 1.75 bits.
        let logits = [0.5f64, 0.25, 0.125, 0.125].map(f64::ln);
        let kept = |sampling: Sampling| kept_of(&logits, &sampling);
        let all = Sampling::default;
        // Unlike with top-p, the likeliest token can be left out.
        assert_eq!(kept(all().typical(0.2)), [1]);
        assert_eq!(kept(all().typical(0.7)), [0, 1]);
        assert_eq!(kept(all().typical(0.8)), [0, 1, 2]);
        assert_eq!(kept(all().typical(1.0)), [0, 1, 2, 3]);
        // After the other filters, of what they leave: probabilities of 2/3 and 1/3, an entropy of 0.918 bits and surprises
        // of 0.585 and 1.585.
        assert_eq!(kept(all().top_k(2).typical(0.2)), [0]);
        // At a temperature of 0.5 the probabilities are in proportion to 16, 4, 1 and 1: an entropy of 1.187 bits and
        // surprises of 0.459, 2.459, 4.459 and 4.459.
        assert_eq!(kept(all().temperature(0.5).typical(0.2)), [0]);
        assert_eq!(kept(all().temperature(0.0).typical(0.2)), [0]);
        assert_eq!(kept_of(&[0.0; 10], &all().typical(0.5)), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn typical_sampling_keeps_what_its_equation_says() {
        for spread in [0.2, 4.0] {
            let logits = many_logits(spread);
            let all = Sampling::default().probabilities(&logits).unwrap();
            let entropy: f64 = all.iter().filter(|&&p| p > 0.0).map(|p| -p * p.ln()).sum();
            let mut sorted: Vec<usize> = (0..all.len()).filter(|&id| all[id] > 0.0).collect();
            // Equal probabilities are rounded equally; the order of others does not depend on the last digits.
            let distance = |id: usize| ((all[id].ln() + entropy).abs() * 1e9).round();
            sorted.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            for fraction in [1e-300, 0.1, 0.5, 0.9, 0.999] {
                let mut cumulative = 0.0;
                let enough = sorted.iter().position(|&id| {
                    cumulative += all[id];
                    cumulative >= fraction
                });
                let mut expected = sorted[..=enough.unwrap()].to_vec();
                expected.sort_unstable();
                assert_eq!(kept_of(&logits, &Sampling::default().typical(fraction)), expected, "{spread} {fraction}");
            }
        }
    }
}
