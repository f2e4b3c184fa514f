//! Reads text files: encoding, byte order mark, line ends, Project Gutenberg headers, and excerpts
//! between two markers.

mod byte_order_mark;
mod decode;
mod excerpt;
mod gutenberg;
mod line_ends;
#[cfg(test)]
mod property_tests;
mod reader;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use durable::read::Accept;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use byte_order_mark::{BYTE_ORDER_MARK, remove_byte_order_marks, skip_byte_order_mark, strip_byte_order_mark};
pub use excerpt::Excerpt;
pub use reader::{TextReader, TextSource};

/// Options for reading a text.
///
/// The steps, in order: decode, remove a byte order mark, convert CRLF and lone CR to LF, remove
/// Project Gutenberg's header and licence (if [`strip_gutenberg`](Self::strip_gutenberg) is set),
/// extract the excerpt (if one is given). The text is processed in blocks and may be larger than memory.
/// The exception is `strip_gutenberg`, which loads the whole text, because the end marker may be
/// anywhere.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct SourceOptions {
    /// A label of the [WHATWG Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels),
    /// such as `windows-1252`. Default: UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The part of the text to use. Default: all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// Whether to remove Project Gutenberg's header and licence, if present.
    pub strip_gutenberg: bool,
}

impl SourceOptions {
    /// Sets [`encoding`](Self#structfield.encoding).
    pub fn encoding(self, label: impl Into<String>) -> Self {
        Self { encoding: Some(label.into()), ..self }
    }

    /// Sets [`excerpt`](Self#structfield.excerpt), with these markers.
    pub fn excerpt(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { excerpt: Some(Excerpt { from: from.into(), to: to.into() }), ..self }
    }

    /// Sets [`strip_gutenberg`](Self#structfield.strip_gutenberg).
    pub fn strip_gutenberg(self, strip_gutenberg: bool) -> Self {
        Self { strip_gutenberg, ..self }
    }

    /// Opens a file for reading in chunks.
    ///
    /// # Errors
    /// If the file does not exist, is a directory, device or socket, or cannot be opened; and as [`Self::open_reader`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<TextReader<File>> {
        let path = path.as_ref();
        let file = Accept::FileOrPipe.open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::MissingFile { path: path.to_owned() },
            std::io::ErrorKind::IsADirectory => Error::Directory { path: path.to_owned() },
            _ => Error::Read { path: path.to_owned(), source },
        })?;
        self.open_reader(file, &path.to_string_lossy())
    }

    /// Reads chunks of text from `reader`; errors refer to it as `name`.
    ///
    /// # Errors
    /// If the encoding is unknown. Reading the chunks fails if the reader fails, the bytes are not
    /// valid in the encoding (the error contains the offset of the first invalid byte), a marker is
    /// missing, or only white space is left.
    pub fn open_reader<R: Read>(&self, reader: R, name: &str) -> Result<TextReader<R>> {
        TextReader::new(self, reader, name)
    }

    /// Reads a whole file into memory.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::open_reader`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<String> {
        self.open(path)?.into_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &SourceOptions, bytes: &[u8]) -> Result<String> {
        source.open_reader(bytes, "a.txt")?.into_text()
    }

    fn plain(bytes: &[u8]) -> Result<String> {
        read(&SourceOptions::default(), bytes)
    }

    fn excerpt(from: &str, to: &str) -> SourceOptions {
        SourceOptions::default().excerpt(from, to)
    }

    #[test]
    fn byte_order_mark_is_removed_and_line_ends_become_lf() {
        assert_eq!(plain(b"\xEF\xBB\xBFone\r\ntwo\rthree\n").unwrap(), "one\ntwo\nthree\n");
        assert_eq!(plain(b"a\r\r\n\r\nb\r").unwrap(), "a\n\n\nb\n");
        assert_eq!(plain("여우\r\n포도".as_bytes()).unwrap(), "여우\n포도");
        assert_eq!(plain(b"as it is\n").unwrap(), "as it is\n");
    }

    #[test]
    fn the_error_for_invalid_utf8_contains_file_offset_and_fix() {
        let message = plain(b"caf\xE9 au lait").unwrap_err().to_string();
        assert!(message.contains("`a.txt`") && message.contains("byte 3"), "{message}");
        assert!(message.contains("`encoding`"), "{message}");
    }

    #[test]
    fn named_encodings_are_read() {
        let named = |label: &str| SourceOptions::default().encoding(label);
        assert_eq!(read(&named("latin1"), b"caf\xE9").unwrap(), "café");
        assert_eq!(read(&named("euc-kr"), b"\xBF\xA9\xBF\xEC").unwrap(), "여우");
        assert_eq!(read(&named("utf-16le"), b"\xFF\xFEa\0\r\0\n\0").unwrap(), "a\n");
        assert_eq!(read(&named("UTF-8"), "é".as_bytes()).unwrap(), "é");
        assert!(matches!(
            read(&named("euc-kr"), b"ab \xBF\xA9 \xFF\xFF"),
            Err(Error::InvalidEncoding { encoding: "EUC-KR", offset: 6, .. })
        ));
        let message = read(&named("klingon"), b"a").unwrap_err().to_string();
        assert!(message.contains("`klingon`") && message.contains("windows-1252"), "{message}");
    }

    #[test]
    fn the_excerpt_includes_the_first_marker_and_excludes_the_second() {
        let text = b"THE END THE FOX one THE END two";
        assert_eq!(read(&excerpt("THE FOX", "THE END"), text).unwrap(), "THE FOX one ");
        assert_eq!(read(&excerpt("", "THE FOX"), text).unwrap(), "THE END ");
        assert_eq!(read(&excerpt("two", ""), text).unwrap(), "two");
        // Markers use LF even if the file has CRLF.
        assert_eq!(read(&excerpt("b\n", "\nd"), b"a\r\nb\r\nc\r\nd").unwrap(), "b\nc");
    }

    #[test]
    fn the_error_for_a_missing_marker_says_where_it_was_searched() {
        let from = read(&excerpt("FOX\n\n", "x"), b"text").unwrap_err().to_string();
        assert!(from.contains("`from` marker \"FOX\\n\\n\" anywhere in its 4 bytes"), "{from}");
        let to = read(&excerpt("b", "a"), b"abc").unwrap_err().to_string();
        assert!(to.contains("`to` marker \"a\" after its `from` marker at byte 1"), "{to}");
    }

    #[test]
    fn text_without_content_is_an_error() {
        assert!(matches!(plain(b""), Err(Error::Empty { .. })));
        assert!(matches!(plain(b"\xEF\xBB\xBF \r\n"), Err(Error::Empty { .. })));
        assert!(matches!(read(&excerpt("", "b"), b" b"), Err(Error::NothingLeft { .. })));
    }

    #[test]
    fn missing_files_and_directories_give_different_errors() {
        let directory = tempfile::tempdir().unwrap();
        let source = SourceOptions::default();
        let missing = directory.path().join("none.txt");
        assert!(matches!(source.read(&missing), Err(Error::MissingFile { .. })));
        assert!(matches!(source.read(&directory), Err(Error::Directory { .. })));
        let file = directory.path().join("some.txt");
        std::fs::write(&file, "a\r\nb").unwrap();
        assert_eq!(source.read(&file).unwrap(), "a\nb");
    }

    #[test]
    fn unknown_keys_are_rejected() {
        let source: SourceOptions =
            toml::from_str("encoding = \"euc-kr\"\nexcerpt = { from = \"a\", to = \"b\" }").unwrap();
        assert_eq!(source.encoding.as_deref(), Some("euc-kr"));
        assert!(toml::from_str::<SourceOptions>("encodings = \"euc-kr\"").is_err());
    }
}
