//! The numbers of questions in a file and of those left out, by reason.

use std::fmt;

use text_prep::error::one_line;

use super::error::InvalidKind;

/// The maximum number of places or ids listed for each reason.
const MAX_LISTED: usize = 5;

/// Invalid items of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidItems {
    /// What is wrong with them.
    pub kind: InvalidKind,
    /// Their number.
    pub count: usize,
    /// The places of the first ones, such as "question `q7` of line 12".
    pub first_places: Vec<String>,
}

impl fmt::Display for InvalidItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, count, first_places } = self;
        let more = if *count > first_places.len() { ", …" } else { "" };
        write!(f, "{count} {kind} ({}{more})", first_places.join(", "))
    }
}

/// The number of questions in a file, and of those left out, each counted for the first reason that applies. The
/// others are [`usable`](Self::usable).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuestionCounts {
    /// All questions in the file. An item that cannot be read, such as a damaged line, counts as one.
    pub found: usize,
    /// Items that contradict the format or the passage, by kind, in the order of their first places.
    pub invalid: Vec<InvalidItems>,
    /// The file marks it as unanswerable, or gives no answer.
    pub unanswerable: usize,
    /// The passage already has the same question with the same answers.
    pub duplicate: usize,
    /// No answer consists of whole words, see [`word_range`](super::word_range()).
    pub unmappable: usize,
    /// The ids of the first unmappable questions.
    pub unmappable_ids: Vec<String>,
    /// Answers left out because they do not consist of whole words. Their questions may be usable through other
    /// answers.
    pub unmappable_answers: usize,
    /// Questions with the id of an earlier one. They are used, with a number added to the id.
    pub repeated_ids: usize,
}

impl QuestionCounts {
    /// The number of usable questions.
    pub fn usable(&self) -> usize {
        let invalid: usize = self.invalid.iter().map(|items| items.count).sum();
        self.found - invalid - self.unanswerable - self.duplicate - self.unmappable
    }

    /// Counts an invalid item.
    pub(super) fn add_invalid(&mut self, kind: InvalidKind, place: &str) {
        self.found += 1;
        let known = self.invalid.iter().position(|items| items.kind == kind);
        let at = known.unwrap_or_else(|| {
            self.invalid.push(InvalidItems { kind, count: 0, first_places: Vec::new() });
            self.invalid.len() - 1
        });
        let items = &mut self.invalid[at];
        items.count += 1;
        if items.first_places.len() < MAX_LISTED {
            items.first_places.push(one_line(place));
        }
    }

    /// Counts a question, already found, whose answers are not whole words.
    pub(super) fn add_unmappable(&mut self, id: &str) {
        self.unmappable += 1;
        if self.unmappable_ids.len() < MAX_LISTED {
            self.unmappable_ids.push(one_line(id));
        }
    }
}

impl fmt::Display for QuestionCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, invalid, unanswerable, duplicate, unmappable, unmappable_ids, repeated_ids, .. } = self;
        let unmappable_kind = format!(
            "with answers that start or end within a word ({}{})",
            unmappable_ids.join(", "),
            if *unmappable > unmappable_ids.len() { ", …" } else { "" }
        );
        let counted =
            [(unanswerable, "unanswerable"), (unmappable, unmappable_kind.as_str()), (duplicate, "duplicate")];
        let counted = counted.iter().filter(|(count, _)| **count > 0).map(|(count, kind)| format!("{count} {kind}"));
        let parts: Vec<String> = invalid.iter().map(InvalidItems::to_string).chain(counted).collect();
        write!(f, "of {found}{}{}", if parts.is_empty() { "" } else { ": " }, parts.join(", "))?;
        if *repeated_ids > 0 {
            write!(f, "; {repeated_ids} with the id of an earlier question, which got a number")?;
        }
        Ok(())
    }
}
