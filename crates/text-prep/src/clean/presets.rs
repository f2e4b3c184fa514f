//! The lists of rules that have a name.
//!
//! What it does not know: which text a preset is for; a configuration chooses.

use super::{Cleaner, PunctuationSet, RuleSpec};
use crate::error::{Error, Result};

/// The names that [`Cleaner::preset`] knows.
pub const PRESETS: [&str; 3] = ["book", "prose", "verbatim"];

impl Cleaner {
    /// The list of rules that goes by `name`.
    ///
    /// - `book`: the recipe of the seed, in Python `start_story = "| " * 20`, then
    ///   `start_story + text`, `lower()`, `replace("\n\n\n\n\n", start_story)`,
    ///   `replace("\n", " ")`, `re.sub("  +", ". ", text).strip()`, `replace("..", ".")`,
    ///   a space on both sides of each ASCII punctuation character but the apostrophe, and
    ///   `re.sub("\s{2,}", " ", text)`. The last two steps leave one space at an end where
    ///   punctuation stands. Unlike Python's, our lower case writes σ at a Greek word's end.
    /// - `prose`: NFC, lines joined, Unicode punctuation spaced, white space collapsed and
    ///   trimmed; capitals stay.
    /// - `verbatim`: NFC and nothing else.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`], naming the nearest and all.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "book" => Ok(book()),
            "prose" => Ok(prose()),
            "verbatim" => Ok(Self::new(vec![RuleSpec::Nfc])),
            _ => Err(Error::UnknownPreset {
                name: name.to_owned(),
                nearest: crate::nearest::nearest(name, PRESETS.into_iter(), 1, usize::MAX)[0],
                known: PRESETS.join(", "),
            }),
        }
    }
}

fn book() -> Cleaner {
    const MARK: &str = "| ";
    const MARKS: usize = 20;
    Cleaner::new(vec![
        RuleSpec::Prepend { text: MARK.into(), times: MARKS },
        RuleSpec::LowerCase,
        replace("\n\n\n\n\n", MARK, MARKS),
        replace("\n", " ", 1),
        RuleSpec::CollapseSpaces { to: ". ".into() },
        RuleSpec::Trim,
        replace("..", ".", 1),
        RuleSpec::SpacePunctuation { set: PunctuationSet::Keras },
        RuleSpec::CollapseWhiteSpace,
    ])
}

fn prose() -> Cleaner {
    Cleaner::new(vec![
        RuleSpec::Nfc,
        replace("\n", " ", 1),
        RuleSpec::SpacePunctuation { set: PunctuationSet::Unicode },
        RuleSpec::CollapseWhiteSpace,
        RuleSpec::Trim,
    ])
}

fn replace(from: &str, to: &str, times: usize) -> RuleSpec {
    RuleSpec::Replace { from: from.into(), to: to.into(), times }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn book_is_the_seeds_recipe() {
        let text = "\n\nTHE FOX\n\n\n\n\nHe said:  \"Don't...\"\n\n(So  it goes.)\n";
        // Worked out by running the seed's Python on this text.
        let marks = "| ".repeat(20);
        let expected = format!(
            " {marks}. the fox | {}he said : . \" don't . . \" . ( so . it goes . ) ",
            "| ".repeat(19)
        );
        assert_eq!(Cleaner::preset("book").unwrap().clean(text), expected);
    }

    #[test]
    fn prose_keeps_capitals_and_in_word_apostrophes() {
        assert_eq!(
            Cleaner::preset("prose").unwrap().clean(" “Don’t,” said\nthe cafe\u{301}—owner. "),
            "“ Don’t , ” said the café — owner ."
        );
    }

    #[test]
    fn verbatim_only_normalizes() {
        assert_eq!(Cleaner::preset("verbatim").unwrap().clean(" e\u{301}\n\nA"), " é\n\nA");
    }

    #[test]
    fn an_unknown_name_meets_the_nearest_and_all() {
        let message = Cleaner::preset("pros").unwrap_err().to_string();
        assert_eq!(
            message,
            "unknown cleaning preset `pros`: expected one of book, prose, verbatim; did you mean `prose`?"
        );
    }
}
