//! Which known names look most like one that is not known.
//!
//! What it does not know: what the names stand for.

/// The `count` candidates nearest to `name`, nearest first, ties in the candidates' own order.
/// Only those at most `limit` edits away (insertion, deletion, substitution, or a swap of
/// neighbours); a candidate whose length already differs by more is not compared.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    count: usize,
    limit: usize,
) -> Vec<&'a str> {
    let length = name.chars().count();
    let mut best: Vec<(usize, &str)> = Vec::with_capacity(count + 1);
    if count == 0 {
        return Vec::new();
    }
    for candidate in candidates {
        let bound = match best.last() {
            // A later candidate must be strictly nearer to take a place.
            Some(&(0, _)) if best.len() == count => break,
            Some(&(distance, _)) if best.len() == count => limit.min(distance - 1),
            _ => limit,
        };
        // Bytes are a cheap upper bound of characters: short words need no count.
        if candidate.len().saturating_add(bound) < length
            || candidate.chars().count().abs_diff(length) > bound
        {
            continue;
        }
        let distance = strsim::osa_distance(name, candidate);
        if distance <= bound {
            let place = best.partition_point(|&(d, _)| d <= distance);
            best.insert(place, (distance, candidate));
            best.truncate(count);
        }
    }
    best.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_first_and_ties_in_order() {
        let words = ["the", "dragons", "dragon", "wagon", "jargon", "xyz"];
        assert_eq!(nearest("dargon", words.into_iter(), 2, 3), ["dragon", "jargon"]);
        assert_eq!(
            nearest("dargon", words.into_iter(), 9, 2),
            ["dragon", "jargon", "dragons", "wagon"]
        );
        assert!(nearest("dargon", words.into_iter(), 0, 9).is_empty());
        assert!(nearest("qqqqqq", words.into_iter(), 3, 2).is_empty());
        assert_eq!(nearest("xyz", words.into_iter(), 1, 2), ["xyz"]);
    }

    #[test]
    fn distance_is_in_characters_not_bytes() {
        assert_eq!(nearest("여우", ["포도", "여우가", "fox"].into_iter(), 2, 1), ["여우가"]);
    }
}
