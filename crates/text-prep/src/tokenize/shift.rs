//! Capitals as a shift key writes them: a token for the key, and the small letter.
//!
//! What it does not know: what a token is used for.

use super::only_char;

/// The token that makes a capital of the letter after it; before anything else it becomes nothing.
/// It is no single character, so no text can hold it as a token.
pub const SHIFT: &str = "<shift>";

/// The small letter of a capital, where that capital is the small letter's own. `İ`, `ẞ`, `ǅ` and
/// the Kelvin sign, which no way back leads to, have none: they stay as they are.
pub(super) fn small(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_uppercase().then(|| c.to_ascii_lowercase());
    }
    let small = only(c.to_lowercase()).filter(|&small| small != c)?;
    (only(small.to_uppercase()) == Some(c)).then_some(small)
}

/// The capital that [`small`] takes to `c`.
fn capital(c: char) -> Option<char> {
    only(c.to_uppercase()).filter(|&capital| small(capital) == Some(c))
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

/// `unit` with a small letter in the place of the capital that it begins with, if it does.
pub(super) fn lowered(unit: &str) -> Option<String> {
    let mut chars = unit.chars();
    let first = small(chars.next()?)?;
    Some(std::iter::once(first).chain(chars).collect())
}

/// Holds the key until the next token.
#[derive(Clone, Debug, Default)]
pub(super) struct Shift {
    pressed: bool,
}

impl Shift {
    /// Calls `f` with what `token` stands for now, if anything. The key calls it with nothing.
    pub fn push(&mut self, token: &str, mut f: impl FnMut(&str)) {
        let pressed = std::mem::replace(&mut self.pressed, token == SHIFT);
        if self.pressed {
            return f("");
        }
        let first = token.chars().next().filter(|_| pressed);
        match first.and_then(|c| Some((c, capital(c)?))) {
            None => f(token),
            Some((c, capital)) if only_char(token).is_some() => {
                debug_assert_eq!(token.len(), c.len_utf8());
                f(capital.encode_utf8(&mut [0; 4]));
            }
            Some((c, capital)) => f(&format!("{capital}{}", &token[c.len_utf8()..])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(tokens: &[&str]) -> String {
        let (mut shift, mut text) = (Shift::default(), String::new());
        tokens.iter().for_each(|token| shift.push(token, |piece| text.push_str(piece)));
        text
    }

    #[test]
    fn every_capital_comes_back_or_stays() {
        let mut shifted = 0;
        for c in '\0'..=char::MAX {
            if let Some(small) = lowered(&c.to_string()) {
                assert_eq!(join(&[SHIFT, &small]), c.to_string());
                shifted += 1;
            }
        }
        assert!(shifted > 1_300, "{shifted}");
        for c in ["İ", "ẞ", "ǅ", "\u{212a}", "a", "ß", "1", "한"] {
            assert_eq!(lowered(c), None, "{c}");
        }
    }

    #[test]
    fn the_key_reaches_one_letter_and_nothing_else() {
        assert_eq!(join(&[SHIFT, "a", "b", SHIFT, "é"]), "AbÉ");
        assert_eq!(join(&[SHIFT, "e\u{301}", "e"]), "E\u{301}e");
        assert_eq!(join(&[SHIFT, "1", "a", SHIFT, SHIFT, "b", SHIFT]), "1aB");
        assert_eq!(join(&[SHIFT, "ß", SHIFT, "A"]), "ßA");
    }
}
