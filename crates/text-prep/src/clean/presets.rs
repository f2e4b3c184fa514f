//! Named lists of cleaning rules.

use super::{Cleaner, PunctuationSet, RuleSpec};
use crate::error::{Error, Result};

/// The names that [`Cleaner::preset`] accepts, without aliases.
pub const PRESETS: [&str; 4] = ["keras-lowercase", "lowercase", "prose", "verbatim"];

impl Cleaner {
    /// The preset called `name`:
    ///
    /// - `keras-lowercase` (alias `book`): the cleaning of the Keras baseline (Foster 2019), in Python
    ///   `start_story = "| " * 20`, then `start_story + text`, `lower()`,
    ///   `replace("\n\n\n\n\n", start_story)`, `replace("\n", " ")`,
    ///   `re.sub("  +", ". ", text).strip()`, `replace("..", ".")`, a space on both sides of each
    ///   ASCII punctuation character except the apostrophe, and `re.sub("\s{2,}", " ", text)`.
    ///   The last two steps leave one space at an end of the text that has punctuation. Unlike
    ///   Python's `lower`, a capital sigma at the end of a Greek word becomes σ.
    /// - `lowercase`: the same, but white space at both ends of lines is removed first, so that indented lines do not
    ///   become sentences, and typographic punctuation (“ ” ‘ ’ — …) is separated too, except ’ inside words. The result
    ///   for an ASCII text without indented lines is that of `keras-lowercase`.
    /// - `prose`: NFC, lines joined, spaces around Unicode punctuation, white space collapsed and
    ///   trimmed; capitals are kept.
    /// - `verbatim`: NFC only.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`], with the nearest name and all names.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "keras-lowercase" | "book" => Ok(keras_lowercase()),
            "lowercase" => Ok(lowercase()),
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

fn keras_lowercase() -> Cleaner {
    const SEPARATOR: &str = "| ";
    const TIMES: usize = 20;
    Cleaner::new(vec![
        RuleSpec::Prepend { text: SEPARATOR.into(), times: TIMES },
        RuleSpec::LowerCase,
        replace("\n\n\n\n\n", SEPARATOR, TIMES),
        replace("\n", " ", 1),
        RuleSpec::CollapseSpaces { to: ". ".into() },
        RuleSpec::Trim,
        replace("..", ".", 1),
        RuleSpec::SpacePunctuation { set: PunctuationSet::Keras },
        RuleSpec::CollapseWhiteSpace,
    ])
}

fn lowercase() -> Cleaner {
    let mut rules = keras_lowercase().rules;
    for rule in &mut rules {
        if let RuleSpec::SpacePunctuation { set } = rule {
            *set = PunctuationSet::Typographic;
        }
    }
    rules.insert(0, RuleSpec::TrimLines);
    Cleaner::new(rules)
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
    fn keras_lowercase_cleans_like_the_keras_baseline() {
        let text = "\n\nTHE FOX\n\n\n\n\nHe said:  \"Don't...\"\n\n(So  it goes.)\n";
        // Output of the baseline's Python code for this text.
        let separators = "| ".repeat(20);
        let expected =
            format!(" {separators}. the fox | {}he said : . \" don't . . \" . ( so . it goes . ) ", "| ".repeat(19));
        for name in ["keras-lowercase", "book"] {
            assert_eq!(Cleaner::preset(name).unwrap().clean(text), expected);
        }
    }

    #[test]
    fn lowercase_separates_typographic_punctuation_and_joins_indented_lines() {
        let clean = |preset: &str, text: &str| {
            let text = Cleaner::preset(preset).unwrap().clean(text);
            text.rsplit("| ").next().unwrap().trim().to_owned()
        };
        let text = "“The gull’s lamp—the old lamp—fell,”\n    he didn't say. \nNo";
        let expected = "“ the gull’s lamp — the old lamp — fell , ” he didn't say . no";
        assert_eq!(clean("lowercase", text), expected);
        assert_eq!(clean("keras-lowercase", text), "“the gull’s lamp—the old lamp—fell , ” . he didn't say . no");
        // Blank lines are paragraphs and stories, as in the baseline.
        let ascii = "THE FOX\n\nHe said:  \"Don't...\"\n\n\n\n\nDogs' 'n' (So  it goes.)\n";
        let whole = |preset: &str| Cleaner::preset(preset).unwrap().clean(ascii);
        assert_eq!(whole("lowercase"), whole("keras-lowercase"));
        // The results of the default configuration are those of the baseline's cleaning.
        let fables = include_str!("../../../../datasets/fables/fables.txt");
        assert!(
            Cleaner::preset("lowercase").unwrap().clean(fables)
                == Cleaner::preset("keras-lowercase").unwrap().clean(fables)
        );
    }

    #[test]
    fn prose_keeps_capitals_and_in_word_apostrophes() {
        assert_eq!(
            Cleaner::preset("prose").unwrap().clean(" “Don’t,” said\nthe cafe\u{301}—owner. "),
            "“ Don’t , ” said the café — owner ."
        );
    }

    #[test]
    fn verbatim_only_applies_nfc() {
        assert_eq!(Cleaner::preset("verbatim").unwrap().clean(" e\u{301}\n\nA"), " é\n\nA");
    }

    #[test]
    fn a_part_of_a_text_keeps_the_white_space_at_its_ends() {
        let clean = |preset: &str, text: &str| Cleaner::preset(preset).unwrap().for_part().clean(text);
        assert_eq!(clean("keras-lowercase", " The\nFOX. "), " the fox . ");
        assert_eq!(clean("prose", "\nThe  FOX. "), " The FOX . ");
        assert_eq!(clean("verbatim", "\ne\u{301} "), "\né ");
    }

    #[test]
    fn the_error_for_an_unknown_preset_lists_all_and_suggests_the_nearest() {
        let message = Cleaner::preset("pros").unwrap_err().to_string();
        assert_eq!(
            message,
            "unknown cleaning preset `pros`: expected one of keras-lowercase, lowercase, prose, verbatim; did you mean `prose`?"
        );
    }
}
