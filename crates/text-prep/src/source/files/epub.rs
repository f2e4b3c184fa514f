//! The text of a book in EPUB: its chapters in reading order, with a blank line between them.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use durable::read::read_to_end;
use rbook::Epub;
use rbook::epub::manifest::EpubManifestEntry;

use super::zip_size::{self, MAX_BOOK_LEN};
use super::{InputError, xhtml};
use crate::error::{Error, Result};

/// Where a book lists what is encrypted.
const ENCRYPTION: &str = "/META-INF/encryption.xml";

/// Reads the book `name`. A chapter that is listed several times is read once.
///
/// # Errors
/// If it is damaged, encrypted or too large, or its chapters are no XHTML.
pub(super) fn text(name: &str, book: impl Read) -> Result<String> {
    text_within(name, book, MAX_BOOK_LEN)
}

/// As [`text`], with another limit on the bytes of the text.
pub(super) fn text_within(name: &str, book: impl Read, limit: u64) -> Result<String> {
    let bad = |problem: String| Error::from(InputError::BadEpub { name: name.into(), problem });
    let bytes = read_to_end(book, MAX_BOOK_LEN).map_err(|error| Error::reading(name, error))?;
    zip_size::check(&bytes, MAX_BOOK_LEN).map_err(bad)?;
    // Its other parts may be damaged.
    let book = Epub::options().skip_toc(true).skip_metadata(true).read(Cursor::new(bytes));
    let book = book.map_err(|error| bad(format!("is damaged ({error})")))?;
    let (mut text, mut seen) = (String::new(), HashSet::new());
    for entry in book.spine().iter() {
        let chapter = entry.manifest_entry().ok_or_else(|| bad(format!("has no chapter `{}`", entry.idref())))?;
        let href = chapter.href();
        if !is_text(&chapter) || !seen.insert(href.path().as_str().to_owned()) {
            continue;
        }
        let damaged = |error: String| {
            let is_encrypted = book.contains_resource(ENCRYPTION);
            let encrypted = if is_encrypted { " and seems to be encrypted" } else { "" };
            bad(format!("has a damaged chapter, {}{encrypted} ({error})", href.as_str()))
        };
        let source = chapter.read_str().map_err(|error| damaged(error.to_string()))?;
        if !text.is_empty() {
            text.push('\n');
        }
        xhtml::append_text(&source, &mut text).map_err(damaged)?;
        if text.len() as u64 > limit {
            return Err(bad(format!("has more than {} MiB of text, the limit", limit >> 20)));
        }
    }
    Ok(text)
}

/// Whether an entry is a chapter, and not a picture or the table of contents.
fn is_text(entry: &EpubManifestEntry) -> bool {
    let is_contents = entry.properties().has_property("nav");
    matches!(entry.media_type(), "application/xhtml+xml" | "text/html" | "application/x-dtbook+xml") && !is_contents
}
