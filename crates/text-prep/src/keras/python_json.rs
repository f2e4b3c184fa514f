//! JSON as written by Python's `json.dumps`: separators `", "` and `": "`, ASCII only.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

/// The result of `json.dumps(value)`.
pub(super) fn dumps(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Python);
    // Maps with string keys, strings and numbers, written to memory: this cannot fail.
    value.serialize(&mut serializer).expect("plain data");
    String::from_utf8(bytes).expect("non-ASCII characters are escaped")
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected text is the output of Python 3.11 for the same value.
    #[test]
    fn strings_and_separators_equal_those_of_python() {
        let value = serde_json::json!({ "a\n\"\\\t": [1, 2], "é한🦊\u{7f}\u{1}/": null, "b": {} });
        assert_eq!(dumps(&value), r#"{"a\n\"\\\t": [1, 2], "\u00e9\ud55c\ud83e\udd8a\u007f\u0001/": null, "b": {}}"#);
    }
}
