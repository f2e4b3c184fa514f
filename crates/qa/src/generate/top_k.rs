//! The most probable next words of a row: generated from the vocabulary, copied from the sentence, or both.

/// What a row needs for copying.
#[derive(Clone, Copy, Debug)]
pub struct CopySource<'a> {
    /// The gate before its sigmoid; high for generating.
    pub gate: f32,
    /// The attention weight of each word of the sentence.
    pub weights: &'a [f32],
    /// The extended ids of these words.
    pub words: &'a [u32],
}

/// The `count` most probable next words with `ln p`, the best first, without `unknown`. The probabilities are those
/// of [`copy::distribution`](crate::model::copy::distribution), but computed only where needed: the two parts are
/// added only for words of the sentence.
pub fn top_k(logits: &[f32], source: Option<CopySource>, count: usize, unknown: u32) -> Vec<(u32, f32)> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - max).exp()).sum();
    let log_sum_exp = max + sum.ln();
    // ln g and 1 − g.
    let (log_gate, copy) = match &source {
        None => (0.0, 0.0),
        Some(source) => (-(1.0 + (-source.gate).exp()).ln(), 1.0 / (1.0 + source.gate.exp())),
    };
    let mut copied: Vec<(u32, f32)> = Vec::new();
    for (&word, &weight) in source.iter().flat_map(|source| source.words.iter().zip(source.weights)) {
        match copied.iter_mut().find(|(known, _)| *known == word) {
            Some((_, sum)) => *sum += weight,
            None => copied.push((word, weight)),
        }
    }
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + copied.len());
    for (word, weight) in &copied {
        let generated = logits.get(*word as usize).map_or(0.0, |logit| (log_gate + logit - log_sum_exp).exp());
        if *word != unknown {
            best.push((*word, (generated + copy * weight).ln()));
        }
    }
    best.sort_by(by_probability);
    best.truncate(count);
    // Most of the other words are rejected by one comparison with this logit.
    let threshold = |best: &[(u32, f32)]| {
        if best.len() < count { f32::NEG_INFINITY } else { best[count - 1].1 - log_gate + log_sum_exp }
    };
    let mut min_logit = threshold(&best);
    for (word, &logit) in (0u32..).zip(logits) {
        if logit <= min_logit || word == unknown || copied.iter().any(|(known, _)| *known == word) {
            continue;
        }
        let entry = (word, log_gate + logit - log_sum_exp);
        let at = best.partition_point(|known| by_probability(known, &entry).is_lt());
        best.insert(at, entry);
        best.truncate(count);
        min_logit = threshold(&best);
    }
    best
}

fn by_probability(one: &(u32, f32), other: &(u32, f32)) -> std::cmp::Ordering {
    other.1.total_cmp(&one.1).then(one.0.cmp(&other.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reference implementation: the whole distribution, sorted.
    fn naive(logits: &[f32], source: Option<CopySource>, unknown: u32) -> Vec<(u32, f32)> {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        let extended = source.iter().flat_map(|source| source.words).max();
        let extended = extended.map_or(0, |&largest| largest as usize + 1);
        let mut p = vec![0f32; logits.len().max(extended)];
        let gate = source.map_or(1.0, |source| 1.0 / (1.0 + (-source.gate).exp()));
        for (p, logit) in p.iter_mut().zip(logits) {
            *p = gate * logit.exp() / sum;
        }
        for (&word, weight) in source.iter().flat_map(|s| s.words.iter().zip(s.weights)) {
            p[word as usize] += (1.0 - gate) * weight;
        }
        let all = p.into_iter().enumerate().map(|(word, p)| (word as u32, p.ln()));
        let mut all: Vec<(u32, f32)> = all.filter(|(word, _)| *word != unknown).collect();
        all.sort_by(by_probability);
        all
    }

    proptest! {
        #[test]
        fn the_result_is_the_beginning_of_the_sorted_distribution(
            logits in prop::collection::vec(-4f32..4.0, 3..40),
            words in prop::collection::vec((0u32..50, 0.01f32..1.0), 0..12),
            gate in -3f32..3.0,
            count in 1usize..12,
        ) {
            let total: f32 = words.iter().map(|word| word.1).sum();
            let weights: Vec<f32> = words.iter().map(|word| word.1 / total).collect();
            let words: Vec<u32> = words.into_iter().map(|word| word.0).collect();
            let source = (!words.is_empty()).then_some(CopySource { gate, weights: &weights, words: &words });
            let found = top_k(&logits, source, count, 1);
            let sorted = naive(&logits, source, 1);
            let sorted = &sorted[..count.min(sorted.len()).min(found.len())];
            prop_assert!(found.len() >= count.min(logits.len() - 1));
            for (found, expected) in found.iter().zip(sorted) {
                prop_assert!((found.1 - expected.1).abs() < 1e-3, "{found:?} {expected:?}");
            }
        }
    }
}
