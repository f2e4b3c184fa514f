//! Word tokens: text between white space. Cleaning may separate punctuation from words before.

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::unspaced_words::UnspacedWords;
use crate::chars::{find_white_space, is_extender, is_punctuation, push_lower};
use crate::clean::LINE_END;
use crate::error::Result;
use crate::segmentation::Segmentation;
use crate::stem::Stemmer;

/// Options of word tokens.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct WordOptions {
    /// Whether punctuation is kept.
    #[serde(default)]
    pub punctuation: Punctuation,
    /// Whether words are lower-cased (and converted to Normalization Form C).
    #[serde(default)]
    pub lower_case: bool,
    /// The language of the stemmer, such as `english`, if words are replaced by their stems. For
    /// analysis and matching: stems cannot be turned back into words. Snowball expects lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<String>,
    /// Where words end. With [`Segmentation::Dictionary`], white space next to a word of a script without spaces is the
    /// token `" "`.
    #[serde(default, skip_serializing_if = "Segmentation::is_spaces")]
    pub segmentation: Segmentation,
}

/// The token of a line end, in texts cleaned by [`RuleSpec::KeepLineEnds`](crate::RuleSpec::KeepLineEnds).
pub(crate) const NEWLINE: &str = "\n";

/// How punctuation is tokenized.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Punctuation {
    /// Kept; a separate token if cleaning put spaces around it.
    #[default]
    Keep,
    /// Removed at both ends of words; words that consist only of punctuation are left out.
    Remove,
}

impl WordOptions {
    /// Sets [`punctuation`](Self#structfield.punctuation).
    pub fn punctuation(self, punctuation: Punctuation) -> Self {
        Self { punctuation, ..self }
    }

    /// Sets [`lower_case`](Self#structfield.lower_case).
    pub fn lower_case(self, lower_case: bool) -> Self {
        Self { lower_case, ..self }
    }

    /// Sets [`stem`](Self#structfield.stem).
    pub fn stem(self, language: impl Into<String>) -> Self {
        Self { stem: Some(language.into()), ..self }
    }

    /// Sets [`segmentation`](Self#structfield.segmentation).
    pub fn segmentation(self, segmentation: Segmentation) -> Self {
        Self { segmentation, ..self }
    }

    pub(super) fn validate(&self) -> Result<()> {
        self.stem.as_deref().map_or(Ok(()), |language| Stemmer::new(language).map(drop))
    }
}

/// Calls `f` with each complete word. `pending` is the incomplete word between two chunks.
pub(super) fn split(chunk: &str, pending: &mut String, mut f: impl FnMut(&str)) {
    let mut start = 0;
    while let Some((at, length)) = find_white_space(chunk, start) {
        if !pending.is_empty() {
            pending.push_str(&chunk[start..at]);
            f(pending);
            pending.clear();
        } else if start < at {
            f(&chunk[start..at]);
        }
        start = at + length;
    }
    pending.push_str(&chunk[start..]);
}

/// `word` without punctuation (and its modifiers) at both ends. A combining mark after a letter is
/// kept.
fn trim_punctuation(word: &str) -> &str {
    let mut word = word.trim_start_matches(|c| is_punctuation(c) || is_extender(c));
    loop {
        let bare = word.trim_end_matches(is_extender);
        let trimmed = bare.trim_end_matches(is_punctuation);
        if trimmed.len() == bare.len() {
            return word;
        }
        word = trimmed;
    }
}

/// Applies [`WordOptions`] to words.
pub(super) struct WordNormalizer {
    forms: WordForms,
    unspaced: Option<UnspacedWords>,
}

impl WordNormalizer {
    pub fn new(options: &WordOptions) -> Self {
        let unspaced = match options.segmentation {
            Segmentation::Spaces => None,
            Segmentation::Dictionary => Some(UnspacedWords::new()),
        };
        Self { forms: WordForms::new(options), unspaced }
    }

    /// Calls `f` with the tokens of `word`, which is all text between two white-space characters.
    #[inline]
    pub fn normalize(&mut self, word: &str, f: &mut impl FnMut(&str)) {
        let Self { forms, unspaced } = self;
        if word == LINE_END {
            if let Some(unspaced) = unspaced {
                unspaced.end_line();
            }
            return f(NEWLINE);
        }
        match unspaced {
            None => forms.normalize(word, f),
            Some(unspaced) => unspaced.split(word, |part, token| forms.normalize(part, token), f),
        }
    }
}

/// The token of a word: without punctuation, in lower case or as its stem.
struct WordForms {
    punctuation: Punctuation,
    lower_case: bool,
    stemmer: Option<Stemmer>,
    lower: String,
}

impl WordForms {
    fn new(options: &WordOptions) -> Self {
        Self {
            punctuation: options.punctuation,
            lower_case: options.lower_case,
            stemmer: options.stem.as_deref().and_then(|language| Stemmer::new(language).ok()),
            lower: String::new(),
        }
    }

    /// Calls `f` with the token for `word`, if any.
    #[inline]
    fn normalize<F: FnMut(&str) + ?Sized>(&mut self, word: &str, f: &mut F) {
        let word = match self.punctuation {
            Punctuation::Keep => word,
            Punctuation::Remove => trim_punctuation(word),
        };
        let word = if self.lower_case {
            self.lower.clear();
            push_lower(word, &mut self.lower);
            // J̌ has no composed form but ǰ has: without NFC, cleaning the word again would change it.
            if !self.lower.is_ascii() && is_nfc_quick(self.lower.chars()) != IsNormalized::Yes {
                self.lower = self.lower.nfc().collect();
            }
            &self.lower
        } else {
            word
        };
        match &self.stemmer {
            _ if word.is_empty() => {}
            None => f(word),
            // A word with an empty stem is kept unstemmed.
            Some(stemmer) => match stemmer.stem(word) {
                stem if stem.is_empty() => f(word),
                stem => f(&stem),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PreTokenizer;
    use super::super::tests::tokens;
    use super::*;
    use crate::clean::Cleaner;

    fn words(options: WordOptions, text: &str) -> Vec<String> {
        tokens(&PreTokenizer::Words(options), text)
    }

    #[test]
    fn words_are_separated_by_white_space() {
        assert_eq!(words(WordOptions::default(), " the  Fox\n,\u{3000}여우\u{a0}. "), ["the", "Fox", ",", "여우", "."]);
        assert!(words(WordOptions::default(), " \n ").is_empty());
    }

    #[test]
    fn punctuation_can_be_removed_and_words_lower_cased() {
        let options = WordOptions::default().punctuation(Punctuation::Remove).lower_case(true);
        assert_eq!(words(options, "“Don't” , he -- (SAID) 3.5 …"), ["don't", "he", "said", "3.5"]);
        let options = WordOptions::default().punctuation(Punctuation::Remove);
        assert_eq!(words(options, "👩\u{200d}🔬 ❤\u{fe0f}क्❤\u{fe0f}"), ["क्"]);
    }

    #[test]
    fn words_can_be_replaced_by_stems() {
        let stem = Some("english".into());
        let options = WordOptions { lower_case: true, stem, ..WordOptions::default() };
        assert_eq!(words(options, "Foxes running , knots"), ["fox", "run", ",", "knot"]);
        assert!(WordOptions::default().stem("klingon").validate().is_err());
    }

    #[test]
    fn line_ends_that_cleaning_keeps_are_tokens() {
        let tokens = |preset: &str, text: &str| {
            let clean = Cleaner::preset(preset).unwrap().keep_line_ends().clean(text);
            let mut words = words(WordOptions::default().punctuation(Punctuation::Remove), &clean);
            words.retain(|word| word != "|");
            words
        };
        for preset in ["keras-lowercase", "lowercase", "prose", "verbatim"] {
            assert_eq!(tokens(preset, "a gull\nflew\n\non,\n"), ["a", "gull", "\n", "flew", "\n", "\n", "on", "\n"]);
        }
        // Indented lines are not sentences.
        let clean = Cleaner::preset("keras-lowercase").unwrap().keep_line_ends().clean("a\n    b");
        assert_eq!(words(WordOptions::default(), &clean)[20..], ["a", "\n", "b"]);
    }

    #[test]
    fn words_of_scripts_without_spaces_are_found_in_a_dictionary() {
        let words = |text| words(WordOptions::default().segmentation(Segmentation::Dictionary), text);
        assert_eq!(
            words("河水慢慢流过北门，猫睡觉。"),
            ["河水", "慢慢", "流", "过", "北", "门", "，", "猫", "睡觉", "。"]
        );
        assert_eq!(words("在2024年用iPhone，don't"), ["在", "2024", "年", "用", "iPhone", "，", "don't"]);
        assert_eq!(words("在’b a’在"), ["在", "’", "b", "a", "’", "在"]);
        // White space is a token only next to such a word and not to punctuation.
        assert_eq!(words("แม่ ขาย , a b ขาย"), ["แม่", " ", "ขาย", ",", "a", "b", " ", "ขาย"]);
        assert_eq!(words(" 北 \n\u{3000} 门 \u{fdd0} 北 "), ["北", " ", "门", "\n", "北"]);
        // Other scripts stay as they are.
        let text = "“don’t” lamp—the 여우와 e\u{301} fox,";
        assert_eq!(words(text), text.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn a_removed_word_leaves_a_space_between_two_words_without_spaces() {
        let options = WordOptions::default().segmentation(Segmentation::Dictionary);
        assert_eq!(words(options.punctuation(Punctuation::Remove), "北，门 。a"), ["北", " ", "门", " ", "a"]);
    }
}
