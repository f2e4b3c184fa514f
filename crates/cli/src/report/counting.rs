//! The baseline "counting": the best Kneser–Ney model of characters of the same training text, in bits per byte, whatever
//! the tokens of the network are.

use std::f64::consts::LN_2;
use std::ops::Range;

use eval::BestOrder;
use seqdata::{Part, TextDataset};
use serde::Serialize;
use text_prep::PreTokenizer;

use crate::report::held_out::HeldOut;
use crate::view::format::{decimals, thousands};

/// The lengths of the n-grams that are compared, in characters.
const ORDERS: std::ops::RangeInclusive<usize> = 2..=8;
/// The most characters of the training text that are counted, the last ones: about 600 MB while they are counted.
const MAX_TRAINING: usize = 30_000_000;
/// Longer held-out texts are not compared.
const MAX_HELD_OUT: usize = 10_000_000;
/// The end of a document, which is no character.
const DOCUMENT: u32 = char::MAX as u32 + 1;

/// The loss of the best Kneser–Ney model of 2 to 8 characters on the held-out text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counting {
    /// The length of its n-grams in characters.
    pub order: usize,
    /// Its loss.
    pub bits_per_byte: f64,
    /// The same in nats.
    pub nats_per_byte: f64,
    /// The characters of the held-out text that it predicts, and the ends of documents.
    pub characters: usize,
    /// Their bytes in UTF-8; the end of a document has one.
    pub bytes: usize,
    /// The characters of the training text, and the ends of documents, that it counted.
    pub training_characters: usize,
    /// Whether it counted only the last part of the training text.
    pub is_partial: bool,
    /// The loss of each order in bits per byte.
    pub orders: Vec<(usize, f64)>,
}

impl Counting {
    /// Counts the characters of the training text of `dataset`, and evaluates the counts on the targets of `held_out`. A
    /// character that is unknown to the network is one like any other. `None` for models of words, whose decoded text is not
    /// the text, and for a held-out text without targets or of more than ten million characters.
    pub fn new(dataset: &TextDataset, held_out: &HeldOut) -> Option<Self> {
        match dataset.tokenizer.pre_tokenizer {
            PreTokenizer::Characters(_) | PreTokenizer::Subwords(_) => {}
            PreTokenizer::Words(_) | PreTokenizer::Spans(_) => return None,
        }
        let (train, valid) = (dataset.split.train.clone(), dataset.split.valid.clone());
        if valid.len() > MAX_HELD_OUT {
            return None;
        }
        // A token may be several characters.
        let last = train.end.saturating_sub(MAX_TRAINING).max(train.start)..train.end;
        let mut training = characters(dataset, Part::Train, last.clone());
        let excess = training.len().saturating_sub(MAX_TRAINING);
        training.drain(..excess);
        let context = characters(dataset, Part::Valid, valid.start..valid.start + held_out.context_len).len();
        let mut held_out = characters(dataset, Part::Valid, valid);
        let targets = context.min(held_out.len())..held_out.len();
        let bytes: usize = held_out[targets.clone()].iter().map(|&character| bytes(character)).sum();
        if bytes == 0 || held_out.len() > MAX_HELD_OUT {
            return None;
        }
        let (vocab_size, document) = number([&mut training, &mut held_out]);
        let best = BestOrder::find(&training, &held_out, targets.clone(), ORDERS, vocab_size, document);
        let nats_per_byte = |nats_per_character: f64| nats_per_character * targets.len() as f64 / bytes as f64;
        Some(Self {
            order: best.order,
            bits_per_byte: nats_per_byte(best.nats_per_token) / LN_2,
            nats_per_byte: nats_per_byte(best.nats_per_token),
            characters: targets.len(),
            bytes,
            training_characters: training.len(),
            is_partial: excess > 0 || last.start > train.start,
            orders: best.losses.iter().map(|&(order, nats)| (order, nats_per_byte(nats) / LN_2)).collect(),
        })
    }

    /// The model in words: `Kneser–Ney of order 6 by characters`.
    pub fn model(&self) -> String {
        let Self { order, training_characters, is_partial, .. } = self;
        let part = if *is_partial {
            format!(", of the last {} characters of the training text", thousands(*training_characters))
        } else {
            String::new()
        };
        format!("Kneser–Ney of order {order} by characters{part}")
    }

    /// Compares a network that needs `bits` bits per byte, in one sentence. `why_worse` is why it may need more.
    pub fn comparison(&self, bits: f64, why_worse: &str) -> String {
        let (network, own) = (decimals(bits, 3), decimals(self.bits_per_byte, 3));
        let percent = 100.0 * (bits / self.bits_per_byte - 1.0);
        let percent_shown = decimals(percent.abs(), 1);
        let verdict = match percent {
            _ if percent_shown == "0.0" => "as much".to_owned(),
            p if p < 0.0 => format!("the network needs {percent_shown} % less"),
            _ => format!("the network needs {percent_shown} % more, so counting is better, because {why_worse}"),
        };
        format!("The network needs {network} bits per byte; counting ({}) needs {own}: {verdict}.", self.model())
    }
}

/// The Unicode scalar values of the text of `ids`, which are some of `part`, where [`DOCUMENT`] ends documents; with documents
/// it also stands before the first. An unknown token is written as in the text.
fn characters(dataset: &TextDataset, part: Part, ids: Range<usize>) -> Vec<u32> {
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
            characters.push(DOCUMENT);
        } else {
            let unknown = if Some(id) == unknown { unknown_tokens.next() } else { None };
            let token = unknown.unwrap_or_else(|| vocabulary.written(id));
            characters.extend(detokenizer.push(token).chars().map(u32::from));
        }
    });
    characters.extend(detokenizer.finish().chars().map(u32::from));
    characters
}

/// The bytes of a character in UTF-8, and one for the end of a document, as in [`TargetBytes`](generate::TargetBytes).
fn bytes(character: u32) -> usize {
    char::from_u32(character).map_or(1, char::len_utf8)
}

/// Replaces the characters of both texts by numbers from 0 on. Returns how many different ones there are, and the number of
/// [`DOCUMENT`], if it occurs.
fn number(texts: [&mut Vec<u32>; 2]) -> (usize, Option<u32>) {
    let mut numbers = vec![None; DOCUMENT as usize + 1];
    let mut count = 0;
    for character in texts.into_iter().flatten() {
        let number = numbers[*character as usize].get_or_insert_with(|| {
            count += 1;
            count - 1
        });
        *character = *number;
    }
    (count as usize, numbers[DOCUMENT as usize])
}
