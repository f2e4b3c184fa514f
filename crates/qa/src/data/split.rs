//! Which documents are learned from and which are held out.
//!
//! What it does not know: what the documents are about.

use super::Document;
use super::error::{Error, Result};
use seqdata::random::Random;

/// Divides documents into (train, valid). Whole documents are held out, so that no passage and
/// nothing like it stands on both sides: in an order that depends on `seed` alone, until the valid
/// side holds at least `valid_fraction` of all questions. On each side they keep their own order.
///
/// # Errors
/// If fewer than two documents hold questions, or `valid_fraction` is not between 0 and 1.
pub fn split(
    documents: Vec<Document>,
    valid_fraction: f64,
    seed: u64,
) -> Result<(Vec<Document>, Vec<Document>)> {
    if !(valid_fraction > 0.0 && valid_fraction < 1.0) {
        return Err(Error::Split(format!(
            "the valid fraction is {valid_fraction}; expected a number above 0 and below 1; \
             correct it"
        )));
    }
    let sizes: Vec<usize> = documents.iter().map(questions_in).collect();
    let mut left = sizes.iter().filter(|&&size| size > 0).count();
    if left < 2 {
        return Err(Error::Split(format!(
            "the questions are about {left} document; expected two or more, since whole documents \
             are held out; name a file of its own to be held out, or say which passages belong \
             to which document"
        )));
    }
    // A share such as 0.1 · 30 falls a hair above the number that was meant.
    let wanted = valid_fraction * sizes.iter().sum::<usize>() as f64 - 1e-6;
    let mut held_out = vec![false; documents.len()];
    let mut held = 0;
    for index in Random::keyed(seed, "questions", &[]).permutation(documents.len()) {
        let index = index as usize;
        if sizes[index] == 0 {
            continue;
        }
        // One document is left to learn from, however large the others are.
        if held as f64 >= wanted || left == 1 {
            break;
        }
        held_out[index] = true;
        held += sizes[index];
        left -= 1;
    }
    let (valid, train): (Vec<_>, Vec<_>) =
        documents.into_iter().zip(held_out).partition(|(_, held_out)| *held_out);
    let bare =
        |side: Vec<(Document, bool)>| side.into_iter().map(|(document, _)| document).collect();
    Ok((bare(train), bare(valid)))
}

fn questions_in(document: &Document) -> usize {
    document.passages.iter().map(|passage| passage.questions.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Passage, Question};

    fn documents(sizes: &[usize]) -> Vec<Document> {
        let question =
            |id: usize| Question { id: id.to_string(), text: "?".into(), answers: vec![0..1] };
        let document = |(index, &size): (usize, &usize)| Document {
            title: index.to_string(),
            passages: vec![Passage {
                text: "a".into(),
                questions: (0..size).map(question).collect(),
            }],
        };
        sizes.iter().enumerate().map(document).collect()
    }

    fn count(side: &[Document]) -> usize {
        side.iter().map(questions_in).sum()
    }

    fn titles(side: &[Document]) -> Vec<usize> {
        side.iter().map(|document| document.title.parse().unwrap()).collect()
    }

    #[test]
    fn whole_documents_are_held_out_until_they_are_enough() {
        for seed in 0..50 {
            let all = documents(&[3; 10]);
            let (train, valid) = split(all.clone(), 0.1, seed).unwrap();
            assert_eq!((count(&train), count(&valid)), (27, 3));
            let (train, valid) = split(documents(&[1, 2, 3, 4, 5, 0, 6, 7]), 0.3, seed).unwrap();
            assert!(count(&valid) >= 9 && count(&valid) < 9 + 7 && !train.is_empty());
            let mut both = [titles(&train), titles(&valid)].concat();
            assert!(titles(&train).is_sorted() && titles(&valid).is_sorted());
            both.sort_unstable();
            assert_eq!(both, (0..8).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_seed_alone_decides() {
        let held_out = |seed| titles(&split(documents(&[3; 100]), 0.1, seed).unwrap().1);
        assert_eq!(held_out(1), held_out(1));
        assert_ne!(held_out(1), held_out(2));
    }

    #[test]
    fn something_is_left_to_learn_from() {
        let (train, valid) = split(documents(&[1, 100]), 0.9, 1).unwrap();
        assert_eq!((train.len(), valid.len()), (1, 1));
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        assert_eq!(
            split(documents(&[5, 0]), 0.1, 1).unwrap_err().to_string(),
            "the questions are about 1 document; expected two or more, since whole documents are \
             held out; name a file of its own to be held out, or say which passages belong to \
             which document"
        );
        for fraction in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(split(documents(&[1, 1]), fraction, 1).is_err(), "{fraction}");
        }
    }
}
