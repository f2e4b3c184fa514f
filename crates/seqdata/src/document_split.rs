//! Splits documents into training, validation and test: equal documents stay together, and where a document goes depends
//! on its content and not on its place.

use crate::counted_text::CountedDocuments;
use crate::error::{Error, Result};
use crate::split::{Fractions, Part};

/// The part of each document. Those of a separate validation or test input belong to it. The others are taken in the
/// order of their hashes, for the test and then for validation, until the fraction of the tokens is reached, where the
/// end of a document counts as a token; the rest is for training. A document is skipped if adding it would leave the
/// total further from the fraction than before. A part that would stay empty gets the shortest document.
///
/// `starts` are those of all documents in the provisional ids, and the end.
///
/// # Errors
/// [`Error::TooFewDocuments`] if a part would have none.
pub(crate) fn split_documents(documents: &CountedDocuments, starts: &[u64], fractions: Fractions) -> Result<Vec<Part>> {
    let [train_input, valid_input, test_input] = documents.input_ends;
    let mut parts = vec![Part::Train; train_input];
    parts.resize(valid_input, Part::Valid);
    parts.resize(test_input, Part::Test);

    let mut order: Vec<(u64, u32)> = documents.hashes[..train_input].iter().copied().zip(0..).collect();
    order.sort_unstable();
    let wanted = [(Part::Test, fractions.test), (Part::Valid, fractions.valid)];
    let wanted: Vec<(Part, f64)> = wanted.into_iter().filter(|&(_, fraction)| fraction > 0.0).collect();
    let groups = || order.chunk_by(|one, other| one.0 == other.0);
    let tokens = |group: &[(u64, u32)]| {
        let length = |&(_, at): &(u64, u32)| starts[at as usize + 1] - starts[at as usize] + 1;
        group.iter().map(length).sum::<u64>()
    };
    let (distinct, needed) = (groups().count(), wanted.len() + 1);
    if distinct < needed {
        return Err(Error::TooFewDocuments { distinct, needed });
    }
    let total = tokens(&order);
    // Groups that may still be taken, so that each part that follows has one.
    let mut left = distinct;
    for (index, &(part, fraction)) in wanted.iter().enumerate() {
        let following = wanted.len() - index;
        let wanted_tokens = fraction * total as f64;
        let mut taken = 0;
        let mut shortest: Option<(u64, &[(u64, u32)])> = None;
        for group in groups() {
            if parts[group[0].1 as usize] != Part::Train {
                continue;
            }
            if taken as f64 >= wanted_tokens || left == following {
                break;
            }
            let length = tokens(group);
            let missed = wanted_tokens - taken as f64;
            if length as f64 - missed <= missed {
                group.iter().for_each(|&(_, at)| parts[at as usize] = part);
                taken += length;
                left -= 1;
            } else if shortest.is_none_or(|(shortest, _)| length < shortest) {
                shortest = Some((length, group));
            }
        }
        if let Some((_, group)) = shortest.filter(|_| taken == 0) {
            group.iter().for_each(|&(_, at)| parts[at as usize] = part);
            left -= 1;
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of documents with these hashes and lengths, of which all are in the training input.
    fn split(documents: &[(u64, u64)], valid: f64, test: f64) -> Result<Vec<Part>> {
        let mut starts = vec![0];
        documents.iter().for_each(|&(_, length)| starts.push(starts[starts.len() - 1] + length));
        let hashes = documents.iter().map(|&(hash, _)| hash).collect();
        let input_ends = [documents.len(); 3];
        let counted = CountedDocuments { hashes, input_ends, ..CountedDocuments::default() };
        split_documents(&counted, &starts, Fractions { valid, test })
    }

    #[test]
    fn documents_are_taken_by_their_hashes_for_the_test_first() {
        use Part::{Test, Train, Valid};
        // Ten documents of 9 tokens and an end: 10 percent each.
        let hashes = [5, 9, 1, 7, 3, 8, 2, 6, 4, 10];
        let parts = split(&hashes.map(|hash| (hash, 9)), 0.2, 0.1).unwrap();
        assert_eq!(parts, [Train, Train, Test, Train, Valid, Train, Valid, Train, Train, Train]);
        // Equal documents are taken together.
        let parts = split(&[(3, 9), (1, 9), (2, 9), (1, 9), (4, 9), (5, 9)], 0.3, 0.0).unwrap();
        assert_eq!(parts, [Train, Valid, Train, Valid, Train, Train]);
    }

    #[test]
    fn a_document_that_is_far_too_long_is_skipped() {
        use Part::{Train, Valid};
        assert_eq!(split(&[(1, 99), (2, 9), (3, 9)], 0.1, 0.0).unwrap(), [Train, Valid, Train]);
        // None is short enough: the shortest is taken.
        assert_eq!(split(&[(1, 99), (2, 89), (3, 95)], 0.01, 0.0).unwrap(), [Train, Valid, Train]);
    }

    #[test]
    fn each_part_has_a_document() {
        use Part::{Test, Train, Valid};
        assert_eq!(split(&[(1, 9), (2, 9), (3, 9)], 0.01, 0.98).unwrap(), [Test, Valid, Train]);
        assert_eq!(split(&[(1, 9), (2, 9)], 0.99, 0.0).unwrap(), [Valid, Train]);
        for (documents, test) in [(&[(1, 9), (1, 9)][..], 0.0), (&[(1, 9), (2, 9)], 0.1), (&[], 0.0)] {
            assert!(matches!(split(documents, 0.1, test), Err(Error::TooFewDocuments { .. })));
        }
        assert_eq!(split(&[(1, 9)], 0.0, 0.0).unwrap(), [Train]);
    }

    #[test]
    fn the_fractions_are_those_of_the_tokens() {
        let documents: Vec<(u64, u64)> =
            (0..1_000u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n % 50)).collect();
        let parts = split(&documents, 0.1, 0.05).unwrap();
        let tokens = |part| {
            let of_part = documents.iter().zip(&parts).filter(|&(_, &other)| other == part);
            of_part.map(|((_, length), _)| length + 1).sum::<u64>() as f64
        };
        let total = Part::ALL.map(tokens).iter().sum::<f64>();
        assert!((tokens(Part::Valid) / total - 0.1).abs() < 0.001, "{}", tokens(Part::Valid) / total);
        assert!((tokens(Part::Test) / total - 0.05).abs() < 0.001);
    }
}
