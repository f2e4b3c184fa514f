//! From a file's bytes to text: encoding, byte order mark, line ends, Project Gutenberg's frame,
//! an excerpt between two markers.
//!
//! What it does not know: cleaning, tokens, where files are found.

use std::path::Path;

use encoding_rs::{DecoderResult, Encoding, UTF_8};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gutenberg;

/// How a text is read.
///
/// The steps, in order: decode, drop a byte order mark, turn CRLF and lone CR into LF, remove
/// Project Gutenberg's header and licence when asked, cut the excerpt when one is given.
/// Each works in place: UTF-8 text is never held twice.
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

/// The part of a text from the first `from`, which is kept, up to the first `to` after it, which
/// is not. An empty `from` is the text's beginning, an empty `to` its end.
/// Line ends in the markers are LF, whatever the file has.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// Where the excerpt begins.
    #[serde(default)]
    pub from: String,
    /// Before what it ends.
    #[serde(default)]
    pub to: String,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// When there is no such file, it is a directory, or cannot be read; and as [`Self::decode`].
    pub fn read(&self, path: &Path) -> Result<String> {
        // Asked first, since reading a directory gives another error on every system.
        if path.is_dir() {
            return Err(Error::Directory { path: path.to_owned() });
        }
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::MissingFile { path: path.to_owned() },
            _ => Error::Read { path: path.to_owned(), source },
        })?;
        self.decode(bytes, &path.to_string_lossy())
    }

    /// Reads bytes; `name` is what errors call them.
    ///
    /// # Errors
    /// When the bytes do not fit the encoding (with the offset of the first that does not), the
    /// encoding is unknown, a marker is not found, or nothing but white space is left.
    pub fn decode(&self, bytes: Vec<u8>, name: &str) -> Result<String> {
        let mut text = decode(bytes, self.encoding.as_deref(), name)?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let mut text = unify_line_ends(text);
        if text.trim_ascii().is_empty() {
            return Err(Error::Empty { name: name.to_owned() });
        }
        if self.strip_gutenberg {
            gutenberg::strip(&mut text);
            if text.trim_ascii().is_empty() {
                return Err(Error::NothingLeft {
                    name: name.to_owned(),
                    cut: "removing Project Gutenberg's header and licence",
                });
            }
        }
        if let Some(excerpt) = &self.excerpt {
            excerpt.cut(&mut text, name)?;
        }
        Ok(text)
    }
}

impl Excerpt {
    fn cut(&self, text: &mut String, name: &str) -> Result<()> {
        let missing = |key, marker: &str, place: String| Error::MarkerNotFound {
            name: name.to_owned(),
            key,
            marker: marker.to_owned(),
            place,
        };
        let start = text.find(&self.from).ok_or_else(|| {
            missing("from", &self.from, format!("anywhere in its {} bytes", text.len()))
        })?;
        if !self.to.is_empty() {
            let after = start + self.from.len();
            let end = text[after..].find(&self.to).ok_or_else(|| {
                missing("to", &self.to, format!("after its `from` marker at byte {start}"))
            })?;
            text.truncate(after + end);
        }
        text.drain(..start);
        if text.trim_ascii().is_empty() {
            return Err(Error::NothingLeft { name: name.to_owned(), cut: "cutting the excerpt" });
        }
        Ok(())
    }
}

fn decode(bytes: Vec<u8>, label: Option<&str>, name: &str) -> Result<String> {
    let encoding = match label {
        None => UTF_8,
        Some(label) => Encoding::for_label(label.as_bytes())
            .ok_or_else(|| Error::UnknownEncoding { label: label.to_owned() })?,
    };
    if encoding == UTF_8 {
        return String::from_utf8(bytes).map_err(|error| Error::InvalidUtf8 {
            name: name.to_owned(),
            offset: error.utf8_error().valid_up_to(),
        });
    }
    let (text, used, broken) = encoding.decode(&bytes);
    if broken {
        return Err(Error::InvalidEncoding {
            name: name.to_owned(),
            encoding: used.name(),
            offset: first_malformed(used, &bytes),
        });
    }
    Ok(text.into_owned())
}

/// Offset of the first byte that `encoding` cannot read. Called only once an error is certain.
fn first_malformed(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    let mut decoder = encoding.new_decoder();
    let mut buffer = String::with_capacity(4096);
    let mut read = 0;
    loop {
        buffer.clear();
        let (result, more) =
            decoder.decode_to_string_without_replacement(&bytes[read..], &mut buffer, true);
        read += more;
        match result {
            DecoderResult::Malformed(length, after) => {
                return read.saturating_sub(usize::from(length) + usize::from(after));
            }
            DecoderResult::OutputFull => {}
            DecoderResult::InputEmpty => return read,
        }
    }
}

/// CRLF and lone CR become LF. Works in place; text without CR is handed back as it is.
fn unify_line_ends(text: String) -> String {
    let Some(first) = text.find('\r') else { return text };
    let mut bytes = text.into_bytes();
    let mut write = first;
    let mut read = first;
    while read < bytes.len() {
        // Here `read` stands on a CR.
        bytes[write] = b'\n';
        write += 1;
        read += if bytes.get(read + 1) == Some(&b'\n') { 2 } else { 1 };
        let next = bytes[read..].iter().position(|&b| b == b'\r').map_or(bytes.len(), |n| read + n);
        bytes.copy_within(read..next, write);
        write += next - read;
        read = next;
    }
    bytes.truncate(write);
    String::from_utf8(bytes).expect("only CRs were replaced or removed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &Source, bytes: &[u8]) -> Result<String> {
        source.decode(bytes.to_vec(), "a.txt")
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
