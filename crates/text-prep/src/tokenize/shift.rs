//! Capitals as two tokens: [`SHIFT`] and the lower-case letter.

use super::only_char;

/// The token that capitalizes the letter after it; before any other token it has no effect. As it is
/// longer than one character, no text can produce it as a character token.
pub const SHIFT: &str = "<shift>";

/// The lower-case letter of a capital, if upper-casing that letter gives the capital again. `İ`, `ẞ`,
/// `ǅ` and the Kelvin sign do not round-trip: they have none and are kept unchanged.
fn lower(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_uppercase().then(|| c.to_ascii_lowercase());
    }
    let lower = only(c.to_lowercase()).filter(|&lower| lower != c)?;
    (only(lower.to_uppercase()) == Some(c)).then_some(lower)
}

/// The capital whose [`lower`] is `c`.
fn capital(c: char) -> Option<char> {
    only(c.to_uppercase()).filter(|&capital| lower(capital) == Some(c))
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

/// `unit` with its first character lower-cased, if that is a capital.
pub(super) fn lower_first(unit: &str) -> Option<String> {
    let mut chars = unit.chars();
    let first = lower(chars.next()?)?;
    Some(std::iter::once(first).chain(chars).collect())
}

/// Applies [`SHIFT`] tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Shift {
    /// Whether the last token was [`SHIFT`].
    active: bool,
}

impl Shift {
    /// Calls `f` with the text of `token`; the text of [`SHIFT`] is empty.
    pub fn push(&mut self, token: &str, mut f: impl FnMut(&str)) {
        let active = std::mem::replace(&mut self.active, token == SHIFT);
        if self.active {
            return f("");
        }
        let first = token.chars().next().filter(|_| active);
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
        tokens.iter().for_each(|token| shift.push(token, |output| text.push_str(output)));
        text
    }

    #[test]
    fn every_capital_round_trips_or_is_kept() {
        let mut shifted = 0;
        for c in '\0'..=char::MAX {
            if let Some(lower) = lower_first(&c.to_string()) {
                assert_eq!(join(&[SHIFT, &lower]), c.to_string());
                shifted += 1;
            }
        }
        assert!(shifted > 1_300, "{shifted}");
        for c in ["İ", "ẞ", "ǅ", "\u{212a}", "a", "ß", "1", "한"] {
            assert_eq!(lower_first(c), None, "{c}");
        }
    }

    #[test]
    fn shift_affects_only_the_next_letter() {
        assert_eq!(join(&[SHIFT, "a", "b", SHIFT, "é"]), "AbÉ");
        assert_eq!(join(&[SHIFT, "e\u{301}", "e"]), "E\u{301}e");
        assert_eq!(join(&[SHIFT, "1", "a", SHIFT, SHIFT, "b", SHIFT]), "1aB");
        assert_eq!(join(&[SHIFT, "ß", SHIFT, "A"]), "ßA");
    }
}
