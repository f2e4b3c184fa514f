//! From a file's bytes to text: encoding, byte order mark, line ends, Project Gutenberg's frame,
//! an excerpt between two markers.
//!
//! What it does not know: cleaning, tokens, where files are found.

mod decode;
mod excerpt;
mod gutenberg;
#[cfg(test)]
mod laws;
mod line_ends;
mod pieces;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use excerpt::Excerpt;
pub use pieces::{Pieces, Text};

/// How a text is read.
///
/// The steps, in order: decode, drop a byte order mark, turn CRLF and lone CR into LF, remove
/// Project Gutenberg's header and licence when asked, cut the excerpt when one is given.
/// Each works on blocks, so that a text may be larger than the memory: all but the third, which
/// holds the whole text, since only its end tells that there is no frame.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Source {
    /// A label of the [WHATWG Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels),
    /// such as `windows-1252`. `None` means UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The part to keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// Whether Project Gutenberg's header and licence are removed, where there are any.
    pub strip_gutenberg: bool,
}

impl Source {
    /// Begins to read a file.
    ///
    /// # Errors
    /// When there is no such file, it is a directory, or cannot be opened; and as [`Self::pieces`].
    pub fn open(&self, path: &Path) -> Result<Pieces<File>> {
        // Asked first, since reading a directory gives another error on every system.
        if path.is_dir() {
            return Err(Error::Directory { path: path.to_owned() });
        }
        let file = File::open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::MissingFile { path: path.to_owned() },
            _ => Error::Read { path: path.to_owned(), source },
        })?;
        self.pieces(file, &path.to_string_lossy())
    }

    /// Begins to read bytes; `name` is what errors call them.
    ///
    /// # Errors
    /// When the encoding is unknown. Whatever else can go wrong is found on the way: that the
    /// reader fails, that the bytes do not fit the encoding (with the offset of the first that does
    /// not), that a marker is not found, or that nothing but white space is left.
    pub fn pieces<R: Read>(&self, reader: R, name: &str) -> Result<Pieces<R>> {
        Pieces::new(self, reader, name)
    }

    /// Reads a whole file into memory.
    ///
    /// # Errors
    /// As [`Self::open`], and all that can go wrong on the way.
    pub fn read(&self, path: &Path) -> Result<String> {
        self.open(path)?.into_text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &Source, bytes: &[u8]) -> Result<String> {
        source.pieces(bytes, "a.txt")?.into_text()
    }

    fn plain(bytes: &[u8]) -> Result<String> {
        read(&Source::default(), bytes)
    }

    fn excerpt(from: &str, to: &str) -> Source {
        Source { excerpt: Some(Excerpt { from: from.into(), to: to.into() }), ..Source::default() }
    }

    #[test]
    fn byte_order_mark_and_line_ends_leave_no_trace() {
        assert_eq!(plain(b"\xEF\xBB\xBFone\r\ntwo\rthree\n").unwrap(), "one\ntwo\nthree\n");
        assert_eq!(plain(b"a\r\r\n\r\nb\r").unwrap(), "a\n\n\nb\n");
        assert_eq!(plain("여우\r\n포도".as_bytes()).unwrap(), "여우\n포도");
        assert_eq!(plain(b"as it is\n").unwrap(), "as it is\n");
    }

    #[test]
    fn invalid_utf8_names_file_byte_and_remedy() {
        let message = plain(b"caf\xE9 au lait").unwrap_err().to_string();
        assert!(message.contains("`a.txt`") && message.contains("byte 3"), "{message}");
        assert!(message.contains("`encoding`"), "{message}");
    }

    #[test]
    fn named_encodings_are_read() {
        let named = |label: &str| Source { encoding: Some(label.into()), ..Source::default() };
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
    fn the_excerpt_keeps_the_first_marker_and_not_the_second() {
        let text = b"THE END THE FOX one THE END two";
        assert_eq!(read(&excerpt("THE FOX", "THE END"), text).unwrap(), "THE FOX one ");
        assert_eq!(read(&excerpt("", "THE FOX"), text).unwrap(), "THE END ");
        assert_eq!(read(&excerpt("two", ""), text).unwrap(), "two");
        // Markers are written with LF whatever the file has.
        assert_eq!(read(&excerpt("b\n", "\nd"), b"a\r\nb\r\nc\r\nd").unwrap(), "b\nc");
    }

    #[test]
    fn a_missing_marker_is_named_with_the_place() {
        let from = read(&excerpt("FOX\n\n", "x"), b"text").unwrap_err().to_string();
        assert!(from.contains("`from` marker \"FOX\\n\\n\" anywhere in its 4 bytes"), "{from}");
        let to = read(&excerpt("b", "a"), b"abc").unwrap_err().to_string();
        assert!(to.contains("`to` marker \"a\" after its `from` marker at byte 1"), "{to}");
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        assert!(matches!(plain(b""), Err(Error::Empty { .. })));
        assert!(matches!(plain(b"\xEF\xBB\xBF \r\n"), Err(Error::Empty { .. })));
        assert!(matches!(read(&excerpt("", "b"), b" b"), Err(Error::NothingLeft { .. })));
    }

    #[test]
    fn missing_files_and_directories_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let source = Source::default();
        let missing = directory.path().join("none.txt");
        assert!(matches!(source.read(&missing), Err(Error::MissingFile { .. })));
        assert!(matches!(source.read(directory.path()), Err(Error::Directory { .. })));
        let file = directory.path().join("some.txt");
        std::fs::write(&file, "a\r\nb").unwrap();
        assert_eq!(source.read(&file).unwrap(), "a\nb");
    }

    #[test]
    fn settings_refuse_unknown_keys() {
        let source: Source =
            toml::from_str("encoding = \"euc-kr\"\nexcerpt = { from = \"a\", to = \"b\" }")
                .unwrap();
        assert_eq!(source.encoding.as_deref(), Some("euc-kr"));
        assert!(toml::from_str::<Source>("encodings = \"euc-kr\"").is_err());
    }
}
