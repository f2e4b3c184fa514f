//! The likeliest next words of a row: chosen from the vocabulary, copied from the sentence, or both.

/// Where a row's words can be copied from.
#[derive(Clone, Copy, Debug)]
pub struct Copies<'a> {
    /// Whether to choose rather than copy, before the sigmoid.
    pub gate: f32,
    /// How much each word of the sentence is looked at.
    pub shares: &'a [f32],
    /// The extended ids of these words.
    pub words: &'a [u32],
}

/// The `count` likeliest words with ln p, `unknown` never among them, the likeliest first. The probability
/// of a word is that of `crate::model::copying`; only words that can be copied have two parts.
pub fn likeliest(
    logits: &[f32],
    copies: Option<Copies>,
    count: usize,
    unknown: u32,
) -> Vec<(u32, f32)> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    let all = most + sum.ln();
    // ln g and 1 − g.
    let (choose, copy) = match &copies {
        None => (0.0, 0.0),
        Some(copies) => (-(1.0 + (-copies.gate).exp()).ln(), 1.0 / (1.0 + copies.gate.exp())),
    };
    let mut copied: Vec<(u32, f32)> = Vec::new();
    for (&word, &share) in copies.iter().flat_map(|copies| copies.words.iter().zip(copies.shares)) {
        match copied.iter_mut().find(|(known, _)| *known == word) {
            Some((_, sum)) => *sum += share,
            None => copied.push((word, share)),
        }
    }
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + copied.len());
    for (word, share) in &copied {
        let chosen = logits.get(*word as usize).map_or(0.0, |logit| (choose + logit - all).exp());
        if *word != unknown {
            best.push((*word, (chosen + copy * share).ln()));
        }
    }
    best.sort_by(by_probability);
    best.truncate(count);
    // Of the others few are better than the worst of these: most are refused by one comparison.
    let mut least = match best.len() < count {
        true => f32::NEG_INFINITY,
        false => best[count - 1].1 - choose + all,
    };
    for (word, &logit) in (0u32..).zip(logits) {
        if logit <= least || word == unknown || copied.iter().any(|(known, _)| *known == word) {
            continue;
        }
        let entry = (word, choose + logit - all);
        let at = best.partition_point(|known| by_probability(known, &entry).is_lt());
        best.insert(at, entry);
        best.truncate(count);
        if best.len() == count {
            least = best[count - 1].1 - choose + all;
        }
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

    /// The whole distribution, word by word.
    fn naive(logits: &[f32], copies: Option<Copies>, unknown: u32) -> Vec<(u32, f32)> {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        let further =
            copies.iter().flat_map(|c| c.words).max().map_or(0, |&most| most as usize + 1);
        let mut p = vec![0f32; logits.len().max(further)];
        let gate = copies.map_or(1.0, |copies| 1.0 / (1.0 + (-copies.gate).exp()));
        for (p, logit) in p.iter_mut().zip(logits) {
            *p = gate * logit.exp() / sum;
        }
        for (&word, share) in copies.iter().flat_map(|c| c.words.iter().zip(c.shares)) {
            p[word as usize] += (1.0 - gate) * share;
        }
        let all = p.into_iter().enumerate().map(|(word, p)| (word as u32, p.ln()));
        let mut all: Vec<(u32, f32)> = all.filter(|(word, _)| *word != unknown).collect();
        all.sort_by(by_probability);
        all
    }

    proptest! {
        #[test]
        fn the_best_are_those_of_the_whole_distribution(
            logits in prop::collection::vec(-4f32..4.0, 3..40),
            words in prop::collection::vec((0u32..50, 0.01f32..1.0), 0..12),
            gate in -3f32..3.0,
            count in 1usize..12,
        ) {
            let total: f32 = words.iter().map(|word| word.1).sum();
            let shares: Vec<f32> = words.iter().map(|word| word.1 / total).collect();
            let words: Vec<u32> = words.into_iter().map(|word| word.0).collect();
            let copies = (!words.is_empty()).then_some(Copies { gate, shares: &shares, words: &words });
            let found = likeliest(&logits, copies, count, 1);
            let whole = naive(&logits, copies, 1);
            let whole = &whole[..count.min(whole.len()).min(found.len())];
            prop_assert!(found.len() >= count.min(logits.len() - 1));
            for (found, expected) in found.iter().zip(whole) {
                prop_assert!((found.1 - expected.1).abs() < 1e-3, "{found:?} {expected:?}");
            }
        }
    }
}
