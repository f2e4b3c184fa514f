//! Checks the quotes of CSV, which the parser accepts in any order, and the length of fields.

use std::io::{self, BufRead, Read};

use super::InputError;
use super::table::Delimited;
use crate::error::Error;

/// The most bytes of a field or of a row in JSON. A quote that is never closed would make one of the rest of the file.
pub(super) const MAX_FIELD: usize = 64 << 20;

/// Where the next byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote in a quoted field: its end, or the first of two.
    AfterQuote,
}

/// Passes a table on and checks its quotes.
pub(super) struct Quotes<R> {
    reader: R,
    name: String,
    format: Delimited,
    place: Place,
    /// The line of the next byte, and that of the start of its field, from 1.
    line: u64,
    field_line: u64,
    /// Bytes of the field so far.
    field_len: usize,
    max_field: usize,
}

impl<R> Quotes<R> {
    pub fn new(reader: R, name: &str, format: Delimited) -> Self {
        let name = name.to_owned();
        Self {
            reader,
            name,
            format,
            place: Place::FieldStart,
            line: 1,
            field_line: 1,
            field_len: 0,
            max_field: MAX_FIELD,
        }
    }

    /// The reader below.
    pub fn inner(&self) -> &R {
        &self.reader
    }

    fn check(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for &byte in bytes {
            let ends_field = byte == self.format.delimiter || byte == b'\n';
            self.place = match (self.place, byte) {
                (_, b'"') if !self.format.has_quotes => Place::Unquoted,
                (Place::FieldStart, b'"') | (Place::AfterQuote, b'"') => Place::Quoted,
                (Place::Quoted, b'"') => Place::AfterQuote,
                (Place::Quoted, _) => Place::Quoted,
                _ if ends_field => Place::FieldStart,
                (Place::FieldStart | Place::Unquoted, _) => Place::Unquoted,
                (Place::AfterQuote, _) => {
                    return Err(self.error(
                        self.line,
                        "text follows the quote that ends a field: expected a delimiter or the end of the row; write \
                         each quote inside a quoted field twice",
                    ));
                }
            };
            self.line += u64::from(byte == b'\n');
            self.field_len += 1;
            if self.place == Place::FieldStart {
                (self.field_line, self.field_len) = (self.line, 0);
            }
        }
        if self.field_len > self.max_field {
            let problem = if self.format.has_quotes {
                "a field of more than 64 MiB begins here: close its quote"
            } else {
                "a field of more than 64 MiB begins here: expected a table with shorter fields; divide it"
            };
            return Err(self.error(self.field_line, problem));
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Error> {
        if self.place == Place::Quoted {
            return Err(self.error(self.field_line, "the field that begins with a quote here does not end: close it"));
        }
        Ok(())
    }

    fn error(&self, line: u64, problem: &str) -> Error {
        InputError::BadRow { name: self.name.clone(), line, problem: problem.into() }.into()
    }
}

impl<R: BufRead> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let checked = if read == 0 && !buffer.is_empty() { self.finish() } else { self.check(&buffer[..read]) };
        checked.map(|()| read).map_err(Error::into_io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message about a table that is read in blocks of `length` bytes, of fields of at most 20 bytes.
    fn message(table: &str, has_quotes: bool, length: usize) -> Option<String> {
        let format = Delimited { delimiter: b',', has_quotes };
        let mut quotes = Quotes { max_field: 20, ..Quotes::new(table.as_bytes(), "a", format) };
        let mut buffer = vec![0; length];
        loop {
            match quotes.read(&mut buffer) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Error::reading("a", error).to_string()),
            }
        }
    }

    #[test]
    fn quotes_are_checked_whatever_the_blocks() {
        for (table, expected) in [
            ("a,b\n\"x\ny\",\"\"\n\"say \"\"so\"\"\",1\" is\n\"end\"", None),
            ("a\n\n\"x\n\ny", Some("line 3: the field that begins with a quote here does not end: close it")),
            ("a\n\"x\n\" y", Some("line 3: text follows the quote that ends a field")),
        ] {
            for length in 1..=table.len() {
                let found = message(table, true, length);
                assert_eq!(message(table, false, length), None, "{table}");
                match expected {
                    None => assert_eq!(found, None, "{table}"),
                    Some(expected) => {
                        assert!(found.as_ref().is_some_and(|found| found.contains(expected)), "{table}: {found:?}");
                    }
                }
            }
        }
        // One block may have more than the limit.
        let long = "a\n\"0123456789\n0123456789\",b";
        let expected = "`a`, line 2: a field of more than 64 MiB begins here: close its quote";
        assert_eq!(message(long, true, 4).as_deref(), Some(expected));
        let expected =
            "`a`, line 2: a field of more than 64 MiB begins here: expected a table with shorter fields; divide it";
        assert_eq!(message("a\n01234567890123456789\"0", false, 4).as_deref(), Some(expected));
    }
}
