//! The normalized form of a word, which is its entry in a vocabulary.

use unicode_normalization::UnicodeNormalization;

use crate::chars::{is_white_space, push_lower};

/// `word` in Normalization Form KC and lower case, with ASCII quotes and hyphens instead of typographic
/// ones. Idempotent; contains no white space; empty only for an empty word.
pub fn key(word: &str) -> String {
    if word.is_ascii() {
        return word.chars().filter(|&c| !is_white_space(c)).map(|c| c.to_ascii_lowercase()).collect();
    }
    // Before NFKC, which splits ´ into a space and a combining mark; and after it, which turns ‴ into ′′′.
    let ascii: String = word.chars().map(ascii_punctuation).nfkc().map(ascii_punctuation).collect();
    let mut lower = String::new();
    push_lower(&ascii, &mut lower);
    // Again, because ǰ has a composed form but J̌ has none.
    lower.nfkc().filter(|&c| !is_white_space(c)).collect()
}

/// Maps typographic quotes and hyphens to ASCII.
fn ascii_punctuation(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | '‹' | '›' | '′' | '´' => '\'',
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '－' | '﹣' => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_look_alike_have_the_same_key() {
        for (word, expected) in [
            ("Newton", "newton"),
            ("’s", "'s"),
            ("—", "-"),
            ("“", "\""),
            ("ﬁrst", "first"),
            ("Ｋｍ", "km"),
            ("E\u{301}", "é"),
            ("J\u{30c}", "ǰ"),
            ("´", "'"),
            ("하\u{11ab}", "한"),
            ("🦊", "🦊"),
            ("", ""),
        ] {
            assert_eq!(key(word), expected, "{word}");
        }
    }

    #[test]
    fn the_key_is_idempotent_for_every_character() {
        // Higher code points have no case and no other form.
        for c in ('\0'..='\u{2ffff}').filter(|&c| !is_white_space(c)) {
            let once = key(&c.to_string());
            assert_eq!(key(&once), once, "{c:?}");
            assert!(!once.is_empty() && !once.contains(is_white_space), "{c:?}");
        }
    }
}
