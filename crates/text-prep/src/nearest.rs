//! "Did you mean" suggestions by edit distance.

use crate::error::one_line;

/// The names of a list for a message, the most similar to `name` first, as in "`a`, `b` and 3 more": at most 12.
///
/// ```
/// assert_eq!(text_prep::list_nearest("wels", &["Verne", "Wells"]), "`Wells`, `Verne`");
/// ```
pub fn list_nearest(name: &str, names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 12;
    let shown = nearest(name, names.iter().map(AsRef::as_ref), SHOWN, usize::MAX);
    let list = shown.into_iter().map(|name| format!("`{}`", one_line(name))).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

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

/// The `count` candidates most similar to `token`, at most half its length away. Any character is one edit away from any other:
/// what resembles a single one has it, in upper or lower case.
pub(crate) fn similar<'a>(token: &str, candidates: impl Iterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let length = token.chars().count();
    let lower = token.to_lowercase();
    let resembles = |found: &&str| length > 1 || found.to_lowercase().contains(&lower);
    nearest(token, candidates.filter(resembles), count, (length / 2).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_resembles_only_itself() {
        let characters = ["e", "t", "A", "a"];
        assert_eq!(similar("E", characters.into_iter(), 3), ["e"]);
        assert_eq!(similar("a", characters.into_iter(), 3), ["a", "A"]);
        assert!(similar("ä", characters.into_iter(), 3).is_empty());
        assert!(similar(" ", characters.into_iter(), 3).is_empty());
        assert_eq!(similar("a", ["an", "the"].into_iter(), 3), ["an"]);
    }

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
    fn a_list_of_names_has_the_nearest_first_and_an_end() {
        assert_eq!(list_nearest("wels", &["Verne", "Poe\n", "Wells"]), "`Wells`, `Verne`, `Poe\\n`");
        let many: Vec<String> = (10..30).map(|number| number.to_string()).collect();
        let list = list_nearest("29", &many);
        assert!(list.starts_with("`29`, `19`, `20`, ") && list.ends_with(" and 8 more"), "{list}");
        assert_eq!(list.matches('`').count(), 2 * 12);
        assert_eq!(list_nearest("a", &many[..12]).matches("more").count(), 0);
        assert_eq!(list_nearest("a", &[] as &[&str]), "");
    }

    #[test]
    fn distance_is_in_characters_not_bytes() {
        assert_eq!(nearest("여우", ["포도", "여우가", "fox"].into_iter(), 2, 1), ["여우가"]);
    }
}
