//! The input types of Keras's tokenizer, and how they are split into tokens.

use super::KerasConfig;

/// A text for Keras's tokenizer: a string, or a list of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextItem<'a> {
    /// A string: filtered and split, or split into characters.
    Text(&'a str),
    /// Tokens: lower-cased like texts, but neither filtered nor split.
    Tokens(Vec<&'a str>),
}

impl<'a> From<&'a str> for TextItem<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a &str> for TextItem<'a> {
    fn from(text: &'a &str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for TextItem<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a, S: AsRef<str>> From<&'a Vec<S>> for TextItem<'a> {
    fn from(tokens: &'a Vec<S>) -> Self {
        Self::Tokens(tokens.iter().map(AsRef::as_ref).collect())
    }
}

impl<'a, S: AsRef<str>> From<&'a &[S]> for TextItem<'a> {
    fn from(tokens: &'a &[S]) -> Self {
        Self::Tokens(tokens.iter().map(AsRef::as_ref).collect())
    }
}

impl<'a, S: AsRef<str>, const N: usize> From<&'a [S; N]> for TextItem<'a> {
    fn from(tokens: &'a [S; N]) -> Self {
        Self::Tokens(tokens.iter().map(AsRef::as_ref).collect())
    }
}

impl TextItem<'_> {
    /// Calls `f` with each token, in order.
    pub(super) fn for_each_token(&self, config: &KerasConfig, mut f: impl FnMut(&str)) {
        let lower = |text: &str| if config.lower { text.to_lowercase() } else { text.to_owned() };
        match self {
            Self::Tokens(tokens) => tokens.iter().for_each(|token| f(&lower(token))),
            Self::Text(text) if config.char_level => {
                lower(text).chars().for_each(|c| f(c.encode_utf8(&mut [0; 4])));
            }
            Self::Text(text) => {
                let mut filtered = String::with_capacity(text.len());
                for c in lower(text).chars() {
                    if config.filters.contains(c) {
                        filtered.push_str(&config.split);
                    } else {
                        filtered.push(c);
                    }
                }
                filtered.split(config.split.as_str()).filter(|word| !word.is_empty()).for_each(f);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens<'a>(item: impl Into<TextItem<'a>>, config: &KerasConfig) -> Vec<String> {
        let mut tokens = Vec::new();
        item.into().for_each_token(config, |token| tokens.push(token.to_owned()));
        tokens
    }

    /// `text_to_word_sequence`: lower, each filter becomes `split`, split, drop empty words.
    #[test]
    fn strings_are_lower_cased_filtered_and_split() {
        let config = KerasConfig::default();
        assert_eq!(tokens("The Fox--don't\tlook:\nΟΔΟΣ!", &config), ["the", "fox", "don't", "look", "οδος"]);
        // Only `split` separates words: other white space is part of a word.
        assert_eq!(tokens("a\u{a0}b\rc  d", &config), ["a\u{a0}b\rc", "d"]);
        let config = KerasConfig { filters: "x".into(), split: "--".into(), lower: false, ..config };
        assert_eq!(tokens("AxB--c----d e", &config), ["A", "B", "c", "d e"]);
    }

    /// `fit_on_texts`: lists are lower-cased and otherwise unchanged, including empty tokens.
    #[test]
    fn token_lists_are_only_lower_cased() {
        let config = KerasConfig::default();
        assert_eq!(tokens(&vec!["A b", ",", ""], &config), ["a b", ",", ""]);
    }

    /// `char_level`: `seq = text` after lower-casing; the filters are ignored.
    #[test]
    fn characters_are_not_filtered() {
        let config = KerasConfig { char_level: true, ..KerasConfig::default() };
        assert_eq!(tokens("A, 한", &config), ["a", ",", " ", "한"]);
        assert_eq!(tokens(&["Ab", "c"], &config), ["ab", "c"]);
    }
}
