//! The form of a word under which it is counted.
//!
//! What it does not know: where words begin and end.

use unicode_normalization::UnicodeNormalization;

use crate::chars::{is_white_space, push_lower};

/// `word` in Normalization Form KC and lower case, with ASCII's quotes and hyphen in the place of
/// typographic ones. A key's own key is the key; it holds no white space, and is empty for an empty
/// word alone.
pub fn key(word: &str) -> String {
    if word.is_ascii() {
        return word
            .chars()
            .filter(|&c| !is_white_space(c))
            .map(|c| c.to_ascii_lowercase())
            .collect();
    }
    // Quotes before NFKC, which takes ´ apart into a space and a mark, and after, for ‴ becomes ′′′.
    let plain: String = word.chars().map(plain).nfkc().map(plain).collect();
    let mut lower = String::new();
    push_lower(&plain, &mut lower);
    // ǰ has a composed form, J̌ has none.
    lower.nfkc().filter(|&c| !is_white_space(c)).collect()
}

fn plain(c: char) -> char {
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
    fn words_that_look_alike_have_one_key() {
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
    fn the_key_of_every_character_is_its_own_key() {
        // Beyond, no character is cased or has another form.
        for c in ('\0'..='\u{2ffff}').filter(|&c| !is_white_space(c)) {
            let once = key(&c.to_string());
            assert_eq!(key(&once), once, "{c:?}");
            assert!(!once.is_empty() && !once.contains(is_white_space), "{c:?}");
        }
    }
}
