//! Long texts of requests in messages.

use std::borrow::Cow;

/// The characters of a value that a message shows.
const SHOWN: usize = 60;

/// A text of a request as messages show it: of a long one its beginning.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(text[..end].to_owned() + "…"),
        None => Cow::Borrowed(text),
    }
}
