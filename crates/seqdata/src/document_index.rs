//! Makes the index of the documents of a dataset from those that were read, and numbers their labels.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use text_prep::error::one_line;
use text_prep::list_nearest;

use crate::counted_text::CountedDocuments;
use crate::documents::{Documents, MAX_LABELS};
use crate::error::{Error, Result};
use crate::final_ids::EncodedText;
use crate::sections::Sections;
use crate::split::Part;
use crate::vocab_builder::NewTokens;

/// Checks that training, validation, and a separate test input have documents.
pub(crate) fn check_documents(counts: &[usize; 3], has_test_input: bool) -> Result<()> {
    let parts = [("training", true), ("validation", true), ("test", has_test_input)];
    match parts.into_iter().zip(counts).find(|&((_, needed), &count)| needed && count == 0) {
        Some(((part, _), _)) => Err(Error::NoDocuments { part }),
        None => Ok(()),
    }
}

/// The index of encoded documents. The labels are numbered by name, after those that are known: the labels of a trained
/// model, with what to do with others.
pub(crate) fn index_documents(
    counted: CountedDocuments,
    sections: &Sections,
    encoded: &mut EncodedText,
    known: Option<(Vec<String>, NewTokens)>,
) -> Result<Documents> {
    let (duplicates, also_held_out) = repeated(&counted, sections);
    let left_out = counted.hashes.len() - encoded.starts.len();
    let raw = |document: usize| counted.labels[encoded.sections[document] as usize];
    let name = |raw: u32| counted.label_names.token(raw - 1);
    let (mut label_names, new_labels) = known.unwrap_or((Vec::new(), NewTokens::Extend));
    if new_labels == NewTokens::Extend {
        let in_training: BTreeSet<u32> = (0..encoded.counts[0]).map(raw).filter(|&raw| raw > 0).collect();
        let known: HashSet<&str> = label_names.iter().map(String::as_str).collect();
        let new = in_training.into_iter().map(name).filter(|name| !known.contains(name));
        let mut new: Vec<String> = new.map(str::to_owned).collect();
        new.sort_unstable();
        label_names.append(&mut new);
    }
    if label_names.len() > MAX_LABELS {
        return Err(Error::TooManyLabels { most: MAX_LABELS });
    }
    let known: HashMap<&str, u32> = label_names.iter().map(String::as_str).zip(1..).collect();
    let numbers: Vec<Option<u32>> = counted.label_names.iter().map(|(name, _)| known.get(name).copied()).collect();
    let mut unknown_labels = 0;
    let number = |document| match raw(document) {
        0 => Ok(0),
        raw => match numbers[raw as usize - 1] {
            Some(number) => Ok(number),
            None if new_labels == NewTokens::Error => Err(unknown_label(name(raw), &label_names)),
            None => {
                unknown_labels += 1;
                Ok(0)
            }
        },
    };
    let mut labels = (0..encoded.starts.len()).map(number).collect::<Result<Vec<u32>>>()?;
    if label_names.is_empty() {
        labels = Vec::new();
    }
    Ok(Documents {
        starts: std::mem::take(&mut encoded.starts),
        end: encoded.ids.len() as u64,
        counts: encoded.counts,
        labels,
        label_names,
        duplicates,
        also_held_out,
        empty: counted.empty + left_out,
        unknown_labels,
    })
}

/// The number of documents that are equal to one before them in the same input, and of training documents that are equal
/// to one in a held-out input.
fn repeated(counted: &CountedDocuments, sections: &Sections) -> (usize, usize) {
    let sorted = |range: Range<usize>| {
        let mut hashes = counted.hashes[range].to_vec();
        hashes.sort_unstable();
        hashes
    };
    let [train, valid, test] = counted.input_ends;
    let equal = |range| sorted(range).windows(2).filter(|pair| pair[0] == pair[1]).count();
    let duplicates = [0..train, train..valid, valid..test].map(equal).iter().sum();
    let held_out = sorted(train..test);
    let in_training = counted.hashes[..train].iter().zip(sections.parts()).filter(|&(_, &part)| part == Part::Train);
    let also_held_out = in_training.filter(|(hash, _)| held_out.binary_search(hash).is_ok()).count();
    (duplicates, also_held_out)
}

/// The error of a label that is not among `known`.
fn unknown_label(label: &str, known: &[String]) -> Error {
    let known = if known.is_empty() { "no labels".into() } else { list_nearest(label, known) };
    Error::UnknownLabel { label: one_line(label), known }
}
