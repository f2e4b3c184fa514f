//! From a text to ids: clean, split into tokens, count, choose a vocabulary, number, cut.
//!
//! The text is read once, in pieces: each token gets a provisional number by first appearance, and
//! when all are counted the provisional numbers are exchanged for those of the vocabulary. Neither
//! the text nor, if they are many, its ids are ever in memory as a whole.

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use text_prep::{Cleaner, Interner, Rare, Splitter, Text, TextStream, Tokenizer, Vocabulary};

use crate::choice::{Counted, CountedOn, NewTokens, adapt_vocabulary, choose_vocabulary};
use crate::error::{Error, Result};
use crate::hash::{hexadecimal, sha256};
use crate::ids::Ids;
use crate::ids_writer::IdsWriter;
use crate::split::{Fractions, Split};
use crate::streams::Streams;
use crate::windows::Windows;

/// All that decides how a text becomes ids.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// How the text is cleaned.
    pub cleaner: Cleaner,
    /// How it is split into tokens.
    pub splitter: Splitter,
    /// The token that stands between stories, if any.
    pub story_mark: Option<String>,
    /// Which tokens are counted.
    pub counted_on: CountedOn,
    /// Tokens rarer than this are not in the vocabulary.
    pub min_count: u64,
    /// What becomes of tokens outside the vocabulary.
    pub rare: Rare,
    /// What is held out.
    pub fractions: Fractions,
    /// Tokens in a window.
    pub length: usize,
    /// Tokens from the start of a window to the start of the next one.
    pub step: usize,
}

/// What the whole cleaned text holds, by the seed's recipe: every token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeText {
    /// Unicode scalars after cleaning.
    pub characters: usize,
    /// Tokens.
    pub tokens: usize,
    /// Different tokens.
    pub words: usize,
}

impl WholeText {
    /// Words and the reserved id 0.
    pub fn vocabulary(&self) -> usize {
        self.words + 1
    }
}

/// A text made ready for training.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// SHA-256 of the text as it was read, before cleaning, in hexadecimal.
    pub text_sha256: String,
    /// What the whole text holds.
    pub whole: WholeText,
    /// Cleaning, splitting and vocabulary: what a model keeps.
    pub tokenizer: Tokenizer,
    /// The ids of the whole text.
    pub ids: Arc<Ids>,
    /// Where they are cut.
    pub split: Split,
    /// Validation tokens that are not in `ids`, because tokens outside the vocabulary are dropped.
    pub valid_dropped: usize,
    length: usize,
    step: usize,
}

impl Prepared {
    /// Prepares a text that is in memory.
    ///
    /// # Errors
    /// If a split cannot hold a window, or a setting is out of range.
    pub fn new(text: &str, recipe: Recipe) -> Result<Self> {
        Self::read(&mut { text }, recipe, None)
    }

    /// Prepares a text as it is read. For a model that is `known`, its own tokenizer's cleaning,
    /// splitting and treatment of rare tokens take the place of the recipe's.
    ///
    /// Memory is taken for the vocabulary and for 128 MiB of ids; what is beyond goes to a temporary
    /// file, as [`IdsWriter`] says.
    ///
    /// # Errors
    /// As [`new`](Self::new); if the text cannot be read or the file cannot be written; and if new
    /// tokens are refused and there are some.
    pub fn read(
        text: &mut dyn Text,
        recipe: Recipe,
        known: Option<(&Tokenizer, NewTokens)>,
    ) -> Result<Self> {
        let recipe = match known {
            None => recipe,
            Some((tokenizer, _)) => {
                let Tokenizer { cleaner, splitter, story_mark, rare, .. } = tokenizer.clone();
                Recipe { cleaner, splitter, story_mark, rare, ..recipe }
            }
        };
        recipe.cleaner.validate()?;
        recipe.splitter.validate()?;
        for (key, value) in [("windows.length", recipe.length), ("windows.step", recipe.step)] {
            if value == 0 {
                return Err(Error::OutOfRange { key, found: "0".into(), expected: "1 or more" });
            }
        }
        let counted = count(text, &recipe)?;
        let tokens = counted.numbers.len();
        let split = Split::cut(tokens, recipe.length, recipe.fractions)?;

        let basis = match recipe.counted_on {
            CountedOn::Training => split.train.clone(),
            CountedOn::WholeText => 0..tokens,
        };
        let vocabulary = match known {
            None => choose_vocabulary(&counted, basis, &recipe),
            Some((known, new)) => {
                adapt_vocabulary(&known.vocabulary, new, &counted, basis, &recipe)?
            }
        };
        let is_word = |&id: &u32| {
            !vocabulary.is_reserved(id) && vocabulary.token(id) != recipe.story_mark.as_deref()
        };
        if !(0..vocabulary.len() as u32).any(|id| is_word(&id)) {
            return Err(Error::NoWords { min_count: recipe.min_count });
        }
        let new_ids = exchange(&counted.interner, &vocabulary);

        let kept = |range: &Range<usize>| {
            let mut dropped = 0;
            if new_ids.contains(&None) {
                let is_dropped = |number: u32| new_ids[number as usize].is_none();
                counted.numbers.for_each(range.clone(), |n| dropped += usize::from(is_dropped(n)));
            }
            range.len() - dropped
        };
        let valid_tokens = split.valid.len();
        let split = split.shrink(kept);
        split.check(recipe.length)?;
        let valid_dropped = valid_tokens - split.valid.len();
        let mut ids = IdsWriter::default();
        counted.numbers.for_each(0..tokens, |number| {
            new_ids[number as usize].iter().for_each(|&id| ids.push(id))
        });
        let ids = Arc::new(ids.finish()?);

        let whole =
            WholeText { characters: counted.characters, tokens, words: counted.interner.len() };
        let Recipe { cleaner, splitter, story_mark, rare, length, step, .. } = recipe;
        let tokenizer = Tokenizer { cleaner, splitter, vocabulary, story_mark, rare };
        let text_sha256 = counted.text_sha256;
        Ok(Self { text_sha256, whole, tokenizer, ids, split, valid_dropped, length, step })
    }

    /// Tokens in a window: so many of the validation split are read before the first is judged.
    pub fn window(&self) -> usize {
        self.length
    }

    /// The windows learned from.
    pub fn train_windows(&self) -> Windows {
        Windows::new(self.ids.clone(), self.split.train.clone(), self.length, self.step)
    }

    /// The windows held out for validation: one for every token that has a whole window before it,
    /// whatever the training step, so that losses can be compared.
    pub fn valid_windows(&self) -> Windows {
        Windows::new(self.ids.clone(), self.split.valid.clone(), self.length, 1)
    }

    /// `count` streams to learn from, in pieces of `length`.
    ///
    /// # Errors
    /// If the training split does not give every stream an id and its target.
    pub fn train_streams(&self, count: usize, length: usize) -> Result<Streams> {
        let streams = Streams::new(self.ids.clone(), self.split.train.clone(), count, length);
        match streams.pieces() {
            0 => Err(Error::TooManyStreams {
                streams: count,
                tokens: self.split.train.len(),
                needed: count + 1,
            }),
            _ => Ok(streams),
        }
    }

    /// The stream held out for validation: it judges what the validation windows judge.
    pub fn valid_stream(&self) -> Streams {
        Streams::whole(self.ids.clone(), self.split.valid.clone(), self.length)
    }

    /// The hash of what is learned from: the training ids and how they are cut.
    pub fn train_sha256(&self) -> String {
        let ids = self.ids.sha256(self.split.train.clone());
        sha256(format!("{ids} {} {}", self.length, self.step).as_bytes())
    }

    /// The hash of the validation ids.
    pub fn valid_sha256(&self) -> String {
        self.ids.sha256(self.split.valid.clone())
    }

    /// The mean loss, in nats a token, of guessing each validation target by how often its token
    /// stands in the training split, knowing nothing of the words before it. A token that training
    /// never held gets the share of one occurrence.
    pub fn unigram_nats_per_token(&self) -> f64 {
        let mut counts = vec![0u64; self.tokenizer.vocabulary.len()];
        self.ids.for_each(self.split.train.clone(), |id| counts[id as usize] += 1);
        let total = self.split.train.len() as f64;
        let scored = self.split.valid.start + self.length..self.split.valid.end;
        let nats = |at: usize| -(counts[self.ids.get(at) as usize].max(1) as f64 / total).ln();
        scored.clone().map(nats).sum::<f64>() / scored.len() as f64
    }
}

/// Reads, cleans, splits and counts.
fn count(text: &mut dyn Text, recipe: &Recipe) -> Result<Counted> {
    let (mut hasher, mut interner) = (Sha256::new(), Interner::new());
    let (mut characters, mut numbers) = (0, IdsWriter::default());
    let mut count = |clean: &str| characters += clean.chars().count();
    let mut stream = TextStream::new(&recipe.cleaner, &recipe.splitter);
    while let Some(piece) = text.next_piece()? {
        hasher.update(piece);
        stream.push(piece, &mut count, |token| numbers.push(interner.intern(token)));
        numbers.check()?;
    }
    stream.finish(&mut count, |token| numbers.push(interner.intern(token)));
    let (text_sha256, numbers) = (hexadecimal(hasher), numbers.finish()?);
    Ok(Counted { text_sha256, characters, interner, numbers })
}

/// The vocabulary's id of each provisional number; none for a token that is dropped.
fn exchange(interner: &Interner, vocabulary: &Vocabulary) -> Vec<Option<u32>> {
    let id = |number| vocabulary.id(interner.token(number)).or(vocabulary.unknown_id());
    (0..interner.len() as u32).map(id).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use text_prep::tokenize::{Characters, Words};

    use super::*;

    fn recipe(rare: Rare, min_count: u64, counted_on: CountedOn) -> Recipe {
        Recipe {
            cleaner: Cleaner::preset("prose").unwrap(),
            splitter: Splitter::Words(Words::default()),
            story_mark: None,
            counted_on,
            min_count,
            rare,
            fractions: Fractions { valid: 0.25, test: 0.0 },
            length: 2,
            step: 1,
        }
    }

    const TEXT: &str = "a b a c a b d a b a e a f a b a";

    fn tokens(prepared: &Prepared, range: Range<usize>) -> Vec<&str> {
        let word = |at| prepared.tokenizer.vocabulary.token(prepared.ids.get(at)).unwrap();
        range.map(word).collect()
    }

    #[test]
    fn held_out_words_are_unknown() {
        let recipe = recipe(Rare::Unknown, 1, CountedOn::Training);
        let prepared = Prepared::new(TEXT, recipe).unwrap();
        assert_eq!(prepared.whole, WholeText { characters: 31, tokens: 16, words: 6 });
        assert_eq!(prepared.split.train, 0..12);
        assert_eq!(tokens(&prepared, 10..16), ["e", "a", "<unknown>", "a", "b", "a"]);
        assert_eq!(prepared.tokenizer.vocabulary.len(), 7);
    }

    #[test]
    fn the_seeds_recipe_knows_every_word() {
        let recipe = recipe(Rare::Unknown, 1, CountedOn::WholeText);
        let prepared = Prepared::new(TEXT, recipe).unwrap();
        assert_eq!(prepared.tokenizer.vocabulary.len(), prepared.whole.vocabulary());
        assert_eq!(prepared.tokenizer.vocabulary.unknown_id(), None);
    }

    #[test]
    fn a_known_vocabulary_is_kept_extended_or_refuses() {
        let recipe = || recipe(Rare::Unknown, 1, CountedOn::Training);
        let old = Prepared::new(TEXT, recipe()).unwrap().tokenizer;
        let text = "a b x a x y a b a b z b a a b z";
        let known = |new| Prepared::read(&mut { text }, recipe(), Some((&old, new)));
        let error = known(NewTokens::Refuse).unwrap_err().to_string();
        assert!(error.contains("3 tokens") && error.contains("`x`, `y`, `z`"), "{error}");
        let kept = known(NewTokens::Keep).unwrap();
        assert_eq!(kept.tokenizer, old);
        assert_eq!(tokens(&kept, 0..4), ["a", "b", "<unknown>", "a"]);
        let extended = known(NewTokens::Extend).unwrap();
        assert_eq!(tokens(&extended, 0..6), ["a", "b", "x", "a", "x", "y"]);
        let vocabulary = extended.tokenizer.vocabulary;
        assert_eq!(vocabulary.len(), old.vocabulary.len() + 3);
        assert_eq!(vocabulary.id("b"), old.vocabulary.id("b"));
        let again = Some((&old, NewTokens::Refuse));
        assert_eq!(Prepared::read(&mut { TEXT }, recipe(), again).unwrap().tokenizer, old);
    }

    #[test]
    fn dropped_words_move_the_borders() {
        let recipe = recipe(Rare::Drop, 2, CountedOn::WholeText);
        let prepared = Prepared::new(TEXT, recipe).unwrap();
        assert_eq!(prepared.ids.len(), 12);
        assert_eq!(prepared.split.train, 0..9);
        assert_eq!(tokens(&prepared, 9..12), ["a", "b", "a"]);
        assert_eq!(prepared.valid_dropped, 1);
    }

    #[test]
    fn a_vocabulary_of_the_mark_alone_is_refused() {
        let recipe = Recipe {
            story_mark: Some("a".into()),
            ..recipe(Rare::Unknown, 5, CountedOn::WholeText)
        };
        let error = Prepared::new(TEXT, recipe).unwrap_err().to_string();
        assert!(error.contains("`vocabulary.min_count`"), "{error}");
    }

    #[test]
    fn the_unigram_costs_its_entropy_on_its_own_text() {
        let text = "a b ".repeat(200);
        let recipe = recipe(Rare::Unknown, 1, CountedOn::Training);
        let nats = Prepared::new(&text, recipe).unwrap().unigram_nats_per_token();
        assert!((nats - 2f64.ln()).abs() < 0.01, "{nats}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn characters_survive_the_way_to_ids_and_back(text in "[a-zA-Z가-힣 .\n]{60,200}") {
            let recipe = Recipe {
                cleaner: Cleaner::preset("verbatim").unwrap(),
                splitter: Splitter::Characters(Characters::default()),
                ..recipe(Rare::Unknown, 1, CountedOn::WholeText)
            };
            let prepared = Prepared::new(&text, recipe).unwrap();
            let ids: Vec<u32> = prepared.ids.iter().collect();
            prop_assert_eq!(prepared.tokenizer.decode(&ids), text);
        }
    }
}
