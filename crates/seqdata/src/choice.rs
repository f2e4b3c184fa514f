//! Which tokens of a text get an id: those that were counted, or those of a trained model.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use text_prep::{Interner, Rare, Vocabulary};

use crate::corpus::Recipe;
use crate::error::{Error, Result};
use crate::ids::Ids;

/// Which tokens the vocabulary is counted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountedOn {
    /// The training split alone, so that held-out text is judged honestly.
    #[default]
    Training,
    /// The whole text, as the seed does it: no held-out word is ever unknown.
    WholeText,
}

/// How many new tokens are named, the most frequent first.
const NAMED: usize = 50;

/// What becomes of the tokens of a text that a trained model's vocabulary does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewTokens {
    /// The text is refused, with the most frequent of them.
    #[default]
    Refuse,
    /// They are read as unknown, or left out where there is no such id.
    Keep,
    /// They get ids of their own, after those that are there.
    Extend,
}

/// A text as provisional numbers.
pub(crate) struct Counted {
    pub text_sha256: String,
    pub characters: usize,
    pub interner: Interner,
    pub numbers: Ids,
}

/// The tokens of `basis` and how often each comes, in order of first appearance in the text.
fn tokens_of(counted: &Counted, basis: Range<usize>) -> impl Iterator<Item = (&str, u64)> + Clone {
    let mut counts = vec![0u64; counted.interner.len()];
    counted.numbers.for_each(basis, |number| counts[number as usize] += 1);
    let numbers = (0u32..).zip(counts).filter(|&(_, count)| count > 0);
    numbers.map(|(number, count)| (counted.interner.token(number), count))
}

pub(crate) fn choose_vocabulary(
    counted: &Counted,
    basis: Range<usize>,
    recipe: &Recipe,
) -> Vocabulary {
    // With every token known there is nothing for an unknown token to stand for.
    let all_known = basis.len() == counted.numbers.len() && recipe.min_count <= 1;
    let unknown = recipe.rare == Rare::Unknown && !all_known;
    Vocabulary::from_counts(tokens_of(counted, basis), recipe.min_count, unknown)
}

/// The vocabulary of a trained model, as it is or with the new tokens of `basis`.
pub(crate) fn adapt_vocabulary(
    known: &Vocabulary,
    new: NewTokens,
    counted: &Counted,
    basis: Range<usize>,
    recipe: &Recipe,
) -> Result<Vocabulary> {
    match new {
        NewTokens::Keep => Ok(known.clone()),
        NewTokens::Extend => Ok(known.extended(tokens_of(counted, basis), recipe.min_count)),
        NewTokens::Refuse => {
            let unknown = tokens_of(counted, basis);
            let mut unknown: Vec<_> =
                unknown.filter(|&(token, _)| known.id(token).is_none()).collect();
            if unknown.is_empty() {
                return Ok(known.clone());
            }
            unknown.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
            let first = unknown.iter().take(NAMED).map(|(token, _)| format!("`{token}`"));
            let mut first = first.collect::<Vec<_>>().join(", ");
            if unknown.len() > NAMED {
                first.push_str(", …");
            }
            Err(Error::NewTokens { count: unknown.len(), first })
        }
    }
}
