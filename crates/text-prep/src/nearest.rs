//! "Did you mean" suggestions by edit distance.

/// The `count` candidates nearest to `name`, nearest first, ties in the order of the candidates.
/// Only those within `limit` edits (insertion, deletion, substitution, or transposition of
/// neighbours: optimal string alignment distance). Candidates whose length differs by more are skipped.
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
            // A later candidate must be strictly nearer to replace an earlier one.
            Some(&(0, _)) if best.len() == count => break,
            Some(&(distance, _)) if best.len() == count => limit.min(distance - 1),
            _ => limit,
        };
        // The byte length is a cheap upper bound of the character count.
        if candidate.len().saturating_add(bound) < length || candidate.chars().count().abs_diff(length) > bound {
            continue;
        }
        let distance = strsim::osa_distance(name, candidate);
        if distance <= bound {
            let index = best.partition_point(|&(d, _)| d <= distance);
            best.insert(index, (distance, candidate));
            best.truncate(count);
        }
    }
    best.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_come_first_and_ties_keep_their_order() {
        let words = ["the", "dragons", "dragon", "wagon", "jargon", "xyz"];
        assert_eq!(nearest("dargon", words.into_iter(), 2, 3), ["dragon", "jargon"]);
        assert_eq!(nearest("dargon", words.into_iter(), 9, 2), ["dragon", "jargon", "dragons", "wagon"]);
        assert!(nearest("dargon", words.into_iter(), 0, 9).is_empty());
        assert!(nearest("qqqqqq", words.into_iter(), 3, 2).is_empty());
        assert_eq!(nearest("xyz", words.into_iter(), 1, 2), ["xyz"]);
    }

    #[test]
    fn distance_is_in_characters_not_bytes() {
        assert_eq!(nearest("여우", ["포도", "여우가", "fox"].into_iter(), 2, 1), ["여우가"]);
    }
}
