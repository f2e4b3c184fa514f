//! Byte order marks: U+FEFF at the start of a file, and inside a text that was joined from several files.

use std::borrow::Cow;

/// The byte order mark U+FEFF. It is not white space, and no text contains it on purpose: Unicode deprecated its other
/// meaning, a zero-width space that does not break, in 2002 in favour of U+2060.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// The bytes of the mark in UTF-8.
pub(super) const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// `text` without a byte order mark at its start. Files that programs read as text, such as JSON, tables and lists of
/// words, may begin with one.
pub fn strip_byte_order_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// `text` without any byte order marks: joined files have them inside, too.
pub fn remove_byte_order_marks(text: &str) -> Cow<'_, str> {
    if text.contains(BYTE_ORDER_MARK) { text.replace(BYTE_ORDER_MARK, "").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_removed_at_the_start_or_everywhere() {
        assert_eq!(strip_byte_order_mark("\u{feff}a\u{feff}b"), "a\u{feff}b");
        assert_eq!(remove_byte_order_marks("\u{feff}a\u{feff}b"), "ab");
        assert!(matches!(remove_byte_order_marks("a b"), Cow::Borrowed("a b")));
    }
}
