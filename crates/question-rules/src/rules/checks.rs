//! What a question must not be: cut off, or understood only with the text.

use std::ops::Range;

use super::word_lists::{QUANTIFIERS, VAGUE};
use super::wording::{Piece, Wording};
use super::{Asker, Draft};
use crate::parse::noun_phrase;
use crate::question::Rule;
use crate::tag::Tag;
use crate::token::Token;

impl Asker<'_> {
    /// Whether an answer needs the text: "many widows", "his plans", "in the early years", "in the room where it was".
    pub(super) fn is_open(&self, draft: &Draft) -> bool {
        let tokens = || draft.answer.clone().map(|at| self.token(at));
        let first = self.token(draft.answer.start);
        let is_quantity = draft.rule == Rule::Subject && (first.is_any(&QUANTIFIERS) || first.tag == Tag::Num);
        let has_pronoun = tokens().any(|token| {
            let is_personal = matches!(token.tag, Tag::Poss | Tag::Pron);
            is_personal && !token.lower.contains("sel") && !token.is_any(&["who", "which", "that"])
        });
        let has_name = tokens()
            .any(|token| token.tag == Tag::Name || token.text.starts_with(|first: char| first.is_ascii_digit()));
        let needs_name = matches!(draft.rule, Rule::Time | Rule::Place);
        is_quantity || has_pronoun || needs_name && !has_name
    }

    /// Whether the question names nothing that tells what it is about. One in the present may be about a kind of things.
    pub(super) fn is_anonymous(&self, draft: &Draft, wording: &Wording, answer_words: usize) -> bool {
        if wording.names > 0 {
            return false;
        }
        let verb = self.token(self.clause().verb.auxiliary.unwrap_or(self.clause().verb.main));
        let is_short = draft.rule == Rule::Subject && wording.content < if answer_words > 1 { 4 } else { 5 };
        verb.tag == Tag::Past || is_short
    }

    /// Whether the list or the relative clause at the end of a part goes on in the sentence.
    pub(super) fn is_cut_off(&self, draft: &Draft) -> bool {
        let sentence = self.writer.sentence;
        let is_cut = |tokens: &Range<usize>| {
            let comma = tokens.end;
            let has_comma = tokens.clone().any(|at| sentence.is_mark(at, ","));
            let is_joint = |at: usize| sentence.get(at).is_some_and(|next| next.is_any(&["and", "or"]));
            let end = noun_phrase(sentence, comma + 1).map_or(comma + 1, |noun| noun.tokens.end);
            let is_list = end > comma + 1 && (is_joint(end) || sentence.is_mark(end, ",") && is_joint(end + 1));
            sentence.is_mark(comma, ",") && (has_comma && is_joint(comma + 1) || is_list)
        };
        // "in which stones"
        let is_open = |tokens: &Range<usize>| {
            let begins = |token: &Token| token.tag == Tag::Wh || token.is("that") && token.tag == Tag::Sub;
            let relative = tokens.clone().rev().find(|&at| begins(self.token(at)));
            relative.is_some_and(|at| !(at..tokens.end).any(|at| self.token(at).tag.is_finite()))
        };
        let parts = draft.pieces.iter().filter_map(|piece| match piece {
            Piece::Tokens(tokens) => Some(tokens),
            Piece::Words(_) => None,
        });
        parts.chain([&draft.answer]).any(|tokens| is_cut(tokens) || is_open(tokens))
    }

    /// Whether the question ends within a phrase: "stripping the".
    pub(super) fn is_fragment(&self, draft: &Draft) -> bool {
        let last = draft.pieces.iter().rev().find_map(|piece| match piece {
            Piece::Tokens(tokens) if !tokens.is_empty() => Some(tokens.end - 1),
            _ => None,
        });
        last.is_some_and(|at| matches!(self.token(at).tag, Tag::Det | Tag::Poss | Tag::Conj | Tag::To | Tag::Owner))
    }

    /// Whether a noun phrase is only understood with another sentence: "a familiar example".
    pub(super) fn is_vague(&self, tokens: &Range<usize>) -> bool {
        let Some(noun) = noun_phrase(self.writer.sentence, tokens.start) else { return false };
        let has_more = noun.tokens.end < tokens.end || noun.owner.is_some();
        let is_specific = noun.tokens.clone().any(|at| matches!(self.token(at).tag, Tag::Name | Tag::Num));
        !has_more && !is_specific && VAGUE.contains(&self.token(noun.head).lower)
    }
}
