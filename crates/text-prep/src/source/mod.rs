//! Reads text files: encoding, byte order marks, line ends, control characters, Project Gutenberg headers, and excerpts
//! between two markers.

mod byte_order_mark;
mod control_characters;
mod decode;
mod documents;
mod encoding;
mod excerpt;
pub mod files;
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

use self::byte_order_mark::UTF_8_MARK;
use self::decode::Decoder;
use crate::error::{Error, Result};

pub use byte_order_mark::{BYTE_ORDER_MARK, remove_byte_order_marks, strip_byte_order_mark};
pub use control_characters::{ControlCharacters, FoundControlCharacters};
pub use documents::{Document, DocumentSource};
pub use excerpt::Excerpt;
pub use files::{
    DocumentUnit, FileDocuments, FoundFile, InputError, JoinedText, LabelSource, TextFiles, absolute_input,
    reject_other_formats,
};
pub use gutenberg::has_gutenberg_header;
pub use reader::{TextReader, TextSource};

/// Options for reading a text.
///
/// The steps, in order: decode, remove byte order marks, convert CRLF and lone CR to LF, check for control characters,
/// remove Project Gutenberg's header and licence (if [`strip_gutenberg`](Self::strip_gutenberg) is set),
/// extract the excerpt (if one is given). The text is processed in blocks and may be larger than memory.
/// The exception is `strip_gutenberg`, which loads the whole text, because the end marker may be
/// anywhere.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct SourceOptions {
    /// A label of the [WHATWG Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels),
    /// such as `windows-1252`, or `utf-32`, `utf-32le` or `utf-32be`. A byte order mark of UTF-8, UTF-16 or UTF-32 takes
    /// precedence. Default: UTF-8; UTF-16 and UTF-32 without a mark are then recognised and rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The part of the text to use. Default: all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// Whether to remove Project Gutenberg's header and licence, if present.
    pub strip_gutenberg: bool,
    /// What to do with control characters.
    pub control_characters: ControlCharacters,
    /// Whether byte order marks after the start, which joined files have, are kept. Default: false. Earlier versions kept
    /// them, and all control characters.
    pub keep_inner_marks: bool,
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

    /// Sets [`control_characters`](Self#structfield.control_characters).
    pub fn control_characters(self, control_characters: ControlCharacters) -> Self {
        Self { control_characters, ..self }
    }

    /// Sets [`keep_inner_marks`](Self#structfield.keep_inner_marks).
    pub fn keep_inner_marks(self, keep_inner_marks: bool) -> Self {
        Self { keep_inner_marks, ..self }
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
    /// valid in the encoding (the error contains the offset of the first invalid byte), there are control characters that
    /// the options reject, a marker is missing, or only white space is left.
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

/// Decodes a whole file and changes nothing else, for offsets that count its characters: line ends and a byte order mark
/// of UTF-8 stay. That of UTF-16 or UTF-32 is removed.
///
/// # Errors
/// If the encoding is unknown, the bytes are not valid in it, or there is a NUL, which no text has; errors refer to the
/// file as `name`.
pub fn decode(bytes: Vec<u8>, encoding: Option<&str>, name: &str) -> Result<String> {
    let is_utf8 = bytes.starts_with(UTF_8_MARK);
    let mut decoder = Decoder::new(&*bytes, encoding, name, true)?;
    let (mut text, mut block) = (String::new(), String::new());
    while decoder.next(&mut block)? {
        text.push_str(&block);
    }
    if !is_utf8 && text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    match ControlCharacters::RejectNul.rejected_in(&text) {
        Some(found) => Err(Error::ControlCharacters { name: name.to_owned(), found }),
        None => Ok(text),
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
        assert!(message.contains("read it in its encoding, such as windows-1252"), "{message}");
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
    fn byte_order_marks_decide_on_the_encoding_and_are_in_no_text() {
        let text = "The fox\u{feff} saw 🦊 and 葡萄.\n";
        let utf16 = |bytes: fn(u16) -> [u8; 2]| format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect();
        let utf32 = |bytes: fn(u32) -> [u8; 4]| {
            format!("\u{feff}{text}").chars().flat_map(|c| bytes(c.into())).collect::<Vec<u8>>()
        };
        let marked: [Vec<u8>; 5] = [
            format!("\u{feff}{text}").into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            utf32(u32::to_le_bytes),
            utf32(u32::to_be_bytes),
        ];
        for bytes in &marked {
            for label in [None, Some("windows-1252"), Some("utf-8")] {
                let source = SourceOptions { encoding: label.map(String::from), ..SourceOptions::default() };
                assert_eq!(read(&source, bytes).unwrap(), "The fox saw 🦊 and 葡萄.\n", "{bytes:?}");
            }
        }
        // Earlier versions kept those inside.
        let earlier = SourceOptions::default().keep_inner_marks(true);
        assert_eq!(read(&earlier, &marked[0]).unwrap(), text);
    }

    #[test]
    fn utf_16_and_utf_32_without_a_mark_are_rejected_with_the_fix_and_read_by_their_label() {
        let text = "The fox ran.\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        for (bytes, encoding, offset) in [(utf16, "UTF-16BE", 0), (utf32, "UTF-32LE", 1)] {
            let error = plain(&bytes).unwrap_err();
            assert!(
                matches!(error, Error::NoByteOrderMark { encoding: e, offset: o, .. } if e == encoding && o == offset),
                "{error}"
            );
            let named = SourceOptions::default().encoding(encoding);
            assert_eq!(read(&named, &bytes).unwrap(), text);
            // A cut character is an error.
            let cut = read(&named, &bytes[..bytes.len() - 1]).unwrap_err();
            assert!(matches!(cut, Error::InvalidEncoding { encoding: e, .. } if e == encoding), "{cut}");
        }
        let invalid = read(&SourceOptions::default().encoding("utf-32le"), b"a\0\0\0\0\0\x11\0").unwrap_err();
        assert!(matches!(invalid, Error::InvalidEncoding { encoding: "UTF-32LE", offset: 4, .. }), "{invalid}");
    }

    #[test]
    fn a_marked_file_that_is_invalid_is_damaged_whatever_encoding_is_named() {
        for (bytes, encoding, offset) in [
            (&b"\xFF\xFEa\0b"[..], "UTF-16LE", 4),
            (b"\xFF\xFEa\0\0\xD8b\0", "UTF-16LE", 4),
            (b"\xFE\xFF\0a\0", "UTF-16BE", 4),
            (b"\xFF\xFE\0\0a\0\0\0b\0", "UTF-32LE", 8),
            (b"\0\0\xFE\xFF\0\x11\0\0", "UTF-32BE", 4),
            (b"\xEF\xBB\xBFa\xE9", "UTF-8", 4),
        ] {
            for label in [None, Some("windows-1252")] {
                let source = SourceOptions { encoding: label.map(String::from), ..SourceOptions::default() };
                let error = read(&source, bytes).unwrap_err().to_string();
                let expected = format!(
                    "`a.txt` is damaged or cut off at byte {offset}, which begins an invalid sequence in {encoding}, \
                     the encoding of its byte order mark: repair it or save it again"
                );
                assert_eq!(error, expected);
            }
        }
    }

    #[test]
    fn control_characters_are_rejected_kept_or_removed() {
        let bytes = b"one\r\n\x1b[31mtwo\n\0";
        let with = |policy| SourceOptions::default().control_characters(policy);
        let found = |policy| {
            let mut reader = with(policy).open_reader(&bytes[..], "a.txt").unwrap();
            let text = reader.next_chunk().unwrap().map(str::to_owned);
            (text.unwrap(), reader.control_characters().unwrap().to_string())
        };
        let report = "2 control characters, the first U+001B (ESC) in line 2, column 1".to_owned();
        assert_eq!(found(ControlCharacters::Keep), ("one\n\x1b[31mtwo\n\0".into(), report.clone()));
        assert_eq!(found(ControlCharacters::Remove), ("one\n[31mtwo\n".into(), report));
        let error = plain(bytes).unwrap_err().to_string();
        assert!(error.starts_with("`a.txt` has 1 control character, U+0000 (NUL) in line 3, column 1: "), "{error}");
        assert_eq!(plain(b"\x1b[31mred").unwrap(), "\x1b[31mred");
        let error = read(&with(ControlCharacters::Reject), bytes).unwrap_err();
        assert!(matches!(error, Error::ControlCharacters { found, .. } if found.count == 2), "{error}");
    }

    #[test]
    fn the_control_characters_of_an_endless_text_are_not_counted_to_the_end() {
        let mut reader = SourceOptions::default().open_reader(std::io::repeat(0), "a.txt").unwrap();
        let error = reader.next_chunk().unwrap_err().to_string();
        assert!(error.starts_with("`a.txt` has at least ") && error.contains("the first U+0000 (NUL)"), "{error}");
    }

    #[test]
    fn an_endless_text_is_read_up_to_a_limit() {
        let reader = SourceOptions::default().open_reader(std::io::repeat(b'a'), "a.txt").unwrap();
        let error = reader.into_text_of_at_most(1 << 20).unwrap_err().to_string();
        assert!(error.starts_with("cannot read `a.txt`: it has more than 1 MiB, the limit for such a file"), "{error}");
        let reader = SourceOptions::default().open_reader(&b"abc"[..], "a.txt").unwrap();
        assert_eq!(reader.into_text_of_at_most(3).unwrap(), "abc");
    }

    #[test]
    fn a_decoded_file_keeps_its_line_ends_and_its_mark_in_utf_8() {
        let decoded = |bytes: &[u8], encoding| decode(bytes.to_vec(), encoding, "a.txt").unwrap();
        assert_eq!(decoded("\u{feff}a\r\nb\u{feff}".as_bytes(), None), "\u{feff}a\r\nb\u{feff}");
        assert_eq!(decoded(b"\xFF\xFEa\0\r\0\n\0", None), "a\r\n");
        assert_eq!(decoded(b"\xFF\xFE\0\0a\0\0\0", None), "a");
        assert_eq!(decoded(b"caf\xE9", Some("latin1")), "café");
        let nul = decode(b"\x1b\ra\0".to_vec(), None, "a.txt").unwrap_err().to_string();
        assert!(nul.starts_with("`a.txt` has 1 control character, U+0000 (NUL) in line 2, column 2: "), "{nul}");
        assert!(matches!(decode(b"a\xff".to_vec(), None, "a.txt"), Err(Error::InvalidUtf8 { offset: 1, .. })));
    }

    #[test]
    fn a_text_that_ends_inside_a_character_is_cut_off() {
        for (text, cut, expected) in [
            ("여우", 1, "it has 2 of the 3 bytes of the one that begins at byte 3; "),
            ("여우", 2, "it has 1 of the 3 bytes of the one that begins at byte 3; "),
            ("the fox’", 1, "it has 2 of the 3 bytes of the one that begins at byte 7; "),
            ("é🦊", 3, "it has 1 of the 4 bytes of the one that begins at byte 2; "),
        ] {
            let error = plain(&text.as_bytes()[..text.len() - cut]).unwrap_err().to_string();
            let expected = format!("`a.txt` ends inside a character: {expected}get the whole file");
            assert!(error.starts_with(&expected), "{error}");
        }
        // In a later block.
        let long = format!("여우{}é", "a".repeat(200_000));
        let error = plain(&long.as_bytes()[..long.len() - 1]).unwrap_err();
        assert!(matches!(error, Error::IncompleteUtf8 { offset: 200_006, found: 1, length: 2, .. }), "{error}");
        // It may be the only letter that is not ASCII, in another encoding.
        assert!(matches!(plain(b"caf\xE9"), Err(Error::InvalidUtf8 { offset: 3, .. })));
        assert!(matches!(plain(&"여우".as_bytes()[1..]), Err(Error::InvalidUtf8 { offset: 0, .. })));
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
