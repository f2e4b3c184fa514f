//! The text of a dataset as characters, whatever its tokens are, for Kneser–Ney models of characters.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use eval::BestOrder;
use seqdata::{Part, TextDataset};

/// The lengths of the n-grams that are compared, in characters.
pub const ORDERS: RangeInclusive<usize> = 2..=8;
/// The end of a document or a word, which is no character.
const END: u32 = char::MAX as u32 + 1;

/// The Unicode scalar values of the text of `ids`, which are some of `part`, as numbers. Documents have an end, and there is
/// one before the first. An unknown token is written as in the text.
pub fn characters(dataset: &TextDataset, part: Part, ids: Range<usize>) -> Vec<u32> {
    let vocabulary = &dataset.tokenizer.vocabulary;
    let (unknown, document) = (vocabulary.unknown_id(), vocabulary.document_id());
    let mut unknown_tokens = dataset.unknown_tokens.of(part);
    dataset.ids.for_each(dataset.split.range(part).start..ids.start, |id| {
        if Some(id) == unknown {
            unknown_tokens.next();
        }
    });
    let mut detokenizer = dataset.tokenizer.detokenizer();
    let mut characters = Vec::with_capacity(ids.len());
    dataset.ids.for_each(ids, |id| {
        if Some(id) == document {
            characters.extend(detokenizer.end_document().chars().map(u32::from));
            characters.push(END);
        } else {
            let unknown = if Some(id) == unknown { unknown_tokens.next() } else { None };
            let token = unknown.unwrap_or_else(|| vocabulary.written(id));
            characters.extend(detokenizer.push(token).chars().map(u32::from));
        }
    });
    characters.extend(detokenizer.finish().chars().map(u32::from));
    characters
}

/// The characters of the validation text of `dataset`, and which of them are targets: those after the first `context_len`
/// ids. If that is within a character, it is none.
pub fn targets(dataset: &TextDataset, context_len: usize) -> (Vec<u32>, Range<usize>) {
    let valid = dataset.split.valid.clone();
    let context = valid.start..(valid.start + context_len).min(valid.end);
    let context = characters(dataset, Part::Valid, context).len();
    let all = characters(dataset, Part::Valid, valid);
    let targets = context.min(all.len())..all.len();
    (all, targets)
}

/// The bytes of characters in UTF-8. The end of a document has one, as in [`TargetBytes`](generate::TargetBytes).
pub fn bytes(characters: &[u32]) -> usize {
    characters.iter().map(|&character| char::from_u32(character).map_or(1, char::len_utf8)).sum()
}

/// The best Kneser–Ney model of the characters of `train` for `held_out[targets]`.
pub fn best_order(mut train: Vec<u32>, mut held_out: Vec<u32>, targets: Range<usize>) -> BestOrder {
    // The model needs ids from 0 on.
    let mut numbers = vec![None; END as usize + 1];
    let mut count = 0;
    for character in [&mut train, &mut held_out].into_iter().flatten() {
        *character = *numbers[*character as usize].get_or_insert_with(|| {
            count += 1;
            count - 1
        });
    }
    BestOrder::find(&train, &held_out, targets, ORDERS, count as usize, numbers[END as usize])
}

/// What the spelling of the unknown words among the targets costs, in nats: those of the validation text of `dataset` after
/// the first `known` ones. The best Kneser–Ney model of the characters of the different training words spells them, each with
/// its end.
pub fn spelling_nats(dataset: &TextDataset, known: usize) -> f64 {
    let vocabulary = &dataset.tokenizer.vocabulary;
    let with_id = (0..vocabulary.len() as u32).filter(|&id| !vocabulary.is_reserved(id));
    let words: BTreeSet<&str> =
        with_id.map(|id| vocabulary.written(id)).chain(dataset.unknown_tokens.of(Part::Train)).collect();
    let unknown = spelled(dataset.unknown_tokens.of(Part::Valid).skip(known));
    // The first end is before the first word.
    let targets = 1..unknown.len();
    best_order(spelled(words), unknown, targets.clone()).nats_per_token * targets.len() as f64
}

/// The characters of words, with an end before and after each.
fn spelled<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<u32> {
    let words = words.into_iter().flat_map(|word| word.chars().map(u32::from).chain([END]));
    [END].into_iter().chain(words).collect()
}
