//! Recognises formats by the first bytes of a file.

use super::InputError;
use super::unpack::Compression;
use crate::error::Result;

/// The compression format of a file that begins with `head`.
pub(super) fn gzip_or_zstd(head: &[u8]) -> Option<Compression> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Compression::Gzip),
        // A frame, or one without data.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
        _ => None,
    }
}

const ZIP: &[u8] = b"PK\x03\x04";

/// Whether a file is a book in EPUB: a zip archive whose first entry is its media type, not compressed.
pub(super) fn is_epub(head: &[u8]) -> bool {
    head.starts_with(ZIP) && head.get(30..).is_some_and(|name| name.starts_with(b"mimetypeapplication/epub+zip"))
}

/// Formats without text in them, by their first bytes: what the file is.
const OTHERS: [(&[u8], &str); 12] = [
    (b"\xFD7zXZ\0", "an xz archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a document in RTF"),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "a document of Microsoft Office"),
    (b"\x89PNG\r\n\x1a\n", "an image"),
    (b"\xFF\xD8\xFF", "an image"),
    (b"SQLite format 3\0", "a database"),
    (b"\x7FELF", "a program"),
];

/// Rejects formats that are neither text nor a book, by the first bytes of a file.
///
/// # Errors
/// Says what the file is.
pub fn reject_other_formats(name: &str, head: &[u8]) -> Result<()> {
    const UNPACK: &str = "a text, or one that is compressed by gzip or zstd; unpack it and use the text in it";
    const SAVE_AS_TEXT: &str = "a text; save it as plain text in the program that opens it";
    let contains = |text: &[u8]| head.windows(text.len()).any(|window| window == text);
    let found = if is_epub(head) {
        None
    } else if head.starts_with(ZIP) {
        Some(if contains(b"[Content_Types].xml") || contains(b"word/") {
            ("a document of Microsoft Office", SAVE_AS_TEXT)
        } else if contains(b"mimetypeapplication/vnd.oasis.opendocument") {
            ("a document of LibreOffice", SAVE_AS_TEXT)
        } else if name.to_lowercase().ends_with(".epub") {
            let expected = "an EPUB, which begins with its media type; save it again with a program for books";
            ("a zip archive, but no EPUB", expected)
        } else {
            ("a zip archive", UNPACK)
        })
    } else if head.get(257..262) == Some(b"ustar") {
        Some(("a tar archive", UNPACK))
    } else if head.get(60..68) == Some(b"BOOKMOBI") {
        Some(("a book in Mobipocket", "a text or an EPUB; convert it"))
    } else {
        let found = OTHERS.iter().find(|(first, _)| head.starts_with(first));
        found.map(|&(_, what)| (what, if what.ends_with("archive") { UNPACK } else { SAVE_AS_TEXT }))
    };
    match found {
        None => Ok(()),
        Some((what, expected)) => Err(InputError::NotText { name: name.into(), what, expected }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_their_first_bytes() {
        let message = |name: &str, head: &[u8]| reject_other_formats(name, head).unwrap_err().to_string();
        let epub = [&b"PK\x03\x04"[..], &[0; 26], b"mimetypeapplication/epub+zip"].concat();
        assert!(is_epub(&epub) && reject_other_formats("a.txt", &epub).is_ok());
        let zip = [&b"PK\x03\x04"[..], &[0; 26], b"a.txt"].concat();
        assert!(!is_epub(&zip));
        assert_eq!(
            message("a.zip", &zip),
            "`a.zip` is a zip archive: expected a text, or one that is compressed by gzip or zstd; unpack it and use \
             the text in it"
        );
        assert!(message("a.EPUB", &zip).starts_with("`a.EPUB` is a zip archive, but no EPUB: expected an EPUB, "));
        let docx = [&zip[..], b"word/document.xml"].concat();
        let expected = "is a document of Microsoft Office: expected a text; save it as plain text in the program that \
                        opens it";
        assert_eq!(message("a.docx", &docx), format!("`a.docx` {expected}"));
        assert!(message("a.pdf", b"%PDF-1.7\n").starts_with("`a.pdf` is a PDF document: "));
        assert!(
            message("a.rtf", br"{\rtf1\ansi").starts_with("`a.rtf` is a document in RTF: expected a text; save it ")
        );
        assert!(message("a.tar", &[&[b'a'; 257][..], b"ustar"].concat()).starts_with("`a.tar` is a tar archive: "));
        for text in [&b""[..], b"PK is a name", b"BZh is one, too", "여우".as_bytes(), b"\xFF\xFEa\0"] {
            reject_other_formats("a.txt", text).unwrap();
            assert_eq!(gzip_or_zstd(text), None);
        }
    }
}
