//! Splits documents into training, validation and test: equal documents stay together, and where a document goes depends
//! on its content and not on its place.

use crate::counted_text::CountedDocuments;
use crate::error::{Error, Result};
use crate::split::{Fractions, Part};

/// The part of each document. Those of a separate validation or test input belong to it. The others are taken in the
/// order of their hashes, for the test and then for validation, until the fraction of the tokens is reached, where the
/// end of a document counts as a token; the rest is for training. A document that would miss the fraction by more than
/// it is missed without it is passed over. A part that would stay empty gets the shortest document.
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
        let share = fraction * total as f64;
        let mut taken = 0;
        let mut shortest: Option<(u64, &[(u64, u32)])> = None;
        for group in groups() {
            if parts[group[0].1 as usize] != Part::Train {
                continue;
            }
            if taken as f64 >= share || left == following {
                break;
            }
            let length = tokens(group);
            let missed = share - taken as f64;
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
