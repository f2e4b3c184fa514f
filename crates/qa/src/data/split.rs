//! Splits documents into training and validation documents. Does not look at their text.

use super::error::{Error, Result};
use super::{Document, Passage};
use seqdata::random::Random;
use text_prep::short_number;

/// Splits documents into (train, valid). Whole documents are held out, so that similar passages are not on both sides.
/// They are drawn in an order that depends only on `seed`, until the validation side has at least `valid_fraction` of
/// all questions. Each side keeps the original order.
///
/// If only one document has questions, whole passages are held out instead, and if it is only one passage, questions:
/// then a model is validated on a text that it knows.
///
/// # Errors
/// If there are fewer than two questions, or `valid_fraction` is not between 0 and 1.
pub fn split(documents: Vec<Document>, valid_fraction: f64, seed: u64) -> Result<(Vec<Document>, Vec<Document>)> {
    if !(valid_fraction > 0.0 && valid_fraction < 1.0) {
        return Err(Error::Split(format!(
            "the validation fraction is {}; expected a number above 0 and below 1",
            short_number(valid_fraction)
        )));
    }
    let num_questions: usize = documents.iter().map(num_questions).sum();
    if num_questions < 2 {
        return Err(Error::Split(format!(
            "the number of questions is {num_questions}; expected 2 or more, because one of them is held out; use \
             more questions, or give a separate validation file"
        )));
    }
    if num_documents_with_questions(&documents) > 1 {
        return Ok(split_documents(documents, valid_fraction, seed));
    }
    let (train, valid) = split_documents(documents.into_iter().flat_map(divide).collect(), valid_fraction, seed);
    Ok((merge(train), merge(valid)))
}

/// The number of documents with questions.
pub fn num_documents_with_questions(documents: &[Document]) -> usize {
    documents.iter().filter(|document| num_questions(document) > 0).count()
}

/// A document for each passage, or for each question if only one passage has questions.
fn divide(document: Document) -> Vec<Document> {
    let Document { title, passages } = document;
    let by_passage = passages.iter().filter(|passage| !passage.questions.is_empty()).count() > 1;
    let parts = passages.into_iter().flat_map(|passage| {
        if by_passage || passage.questions.is_empty() {
            return vec![passage];
        }
        let Passage { text, questions } = passage;
        questions.into_iter().map(|question| Passage { text: text.clone(), questions: vec![question] }).collect()
    });
    parts.map(|passage| Document { title: title.clone(), passages: vec![passage] }).collect()
}

/// Reverses [`divide`].
fn merge(parts: Vec<Document>) -> Vec<Document> {
    let mut merged: Vec<Document> = Vec::new();
    for part in parts {
        let Some(document) = merged.last_mut().filter(|document| document.title == part.title) else {
            merged.push(part);
            continue;
        };
        for passage in part.passages {
            match document.passages.last_mut() {
                Some(last) if last.text == passage.text => last.questions.extend(passage.questions),
                _ => document.passages.push(passage),
            }
        }
    }
    merged
}

fn split_documents(documents: Vec<Document>, valid_fraction: f64, seed: u64) -> (Vec<Document>, Vec<Document>) {
    let sizes: Vec<usize> = documents.iter().map(num_questions).collect();
    let mut num_train = num_documents_with_questions(&documents);
    // Rounding errors: 0.1 · 30 is slightly above 3.
    let target = valid_fraction * sizes.iter().sum::<usize>() as f64 - 1e-6;
    let mut held_out = vec![false; documents.len()];
    let mut num_valid = 0;
    for index in Random::keyed(seed, "questions", &[]).permutation(documents.len()) {
        let index = index as usize;
        if sizes[index] == 0 {
            continue;
        }
        // One document always stays for training.
        if num_valid as f64 >= target || num_train == 1 {
            break;
        }
        held_out[index] = true;
        num_valid += sizes[index];
        num_train -= 1;
    }
    let (valid, train): (Vec<_>, Vec<_>) = documents.into_iter().zip(held_out).partition(|(_, held_out)| *held_out);
    let documents = |side: Vec<(Document, bool)>| side.into_iter().map(|(document, _)| document).collect();
    (documents(train), documents(valid))
}

fn num_questions(document: &Document) -> usize {
    document.passages.iter().map(|passage| passage.questions.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Question;

    fn documents(sizes: &[usize]) -> Vec<Document> {
        let question = |id: usize| Question { id: id.to_string(), text: "?".into(), answers: vec![0..1] };
        let document = |(index, &size): (usize, &usize)| Document {
            title: index.to_string(),
            passages: vec![Passage { text: "a".into(), questions: (0..size).map(question).collect() }],
        };
        sizes.iter().enumerate().map(document).collect()
    }

    fn count(side: &[Document]) -> usize {
        side.iter().map(num_questions).sum()
    }

    fn titles(side: &[Document]) -> Vec<usize> {
        side.iter().map(|document| document.title.parse().unwrap()).collect()
    }

    #[test]
    fn whole_documents_are_held_out_until_the_fraction_is_reached() {
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
    fn the_split_depends_only_on_the_seed() {
        let held_out = |seed| titles(&split(documents(&[3; 100]), 0.1, seed).unwrap().1);
        assert_eq!(held_out(1), held_out(1));
        assert_ne!(held_out(1), held_out(2));
    }

    #[test]
    fn one_document_stays_for_training() {
        let (train, valid) = split(documents(&[1, 100]), 0.9, 1).unwrap();
        assert_eq!((train.len(), valid.len()), (1, 1));
    }

    #[test]
    fn of_a_single_document_passages_or_questions_are_held_out() {
        let mut one = documents(&[4, 0]);
        let (train, valid) = split(one.clone(), 0.25, 1).unwrap();
        assert_eq!((titles(&train), titles(&valid), count(&train), count(&valid)), (vec![0, 1], vec![0], 3, 1));
        assert_eq!((train[0].passages.len(), train[0].passages[0].questions.len()), (1, 3));
        let other = documents(&[4]).remove(0).passages.remove(0);
        one[0].passages.push(Passage { text: "b".into(), ..other });
        let (train, valid) = split(one, 0.25, 1).unwrap();
        assert_eq!((count(&train), count(&valid), valid[0].passages.len()), (4, 4, 1));
    }

    #[test]
    fn too_few_questions_and_invalid_fractions_are_rejected() {
        assert_eq!(
            split(documents(&[1, 0]), 0.1, 1).unwrap_err().to_string(),
            "the number of questions is 1; expected 2 or more, because one of them is held out; use more questions, \
             or give a separate validation file"
        );
        for fraction in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(split(documents(&[1, 1]), fraction, 1).is_err(), "{fraction}");
        }
    }
}
