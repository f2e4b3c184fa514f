//! CSV and TSV: perhaps a line that declares the delimiter, a header, then rows with the same number of fields, which
//! in CSV may be quoted and have line breaks.

use std::io::BufRead;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::InputError;
use super::quotes::Quotes;
use super::table::{Columns, DECLARATION_LEN, Delimited, Row, TextBytes, declared_delimiter, no_column};
use crate::error::{Error, Result, one_line};
use crate::source::FoundControlCharacters;

/// A table with a header that is read row by row.
pub(super) struct CsvTable<'a> {
    reader: csv::Reader<Quotes<TextBytes<'a>>>,
    name: String,
    format: Delimited,
    record: StringRecord,
    text: usize,
    label: Option<usize>,
}

impl<'a> CsvTable<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it cannot be read, or lacks a column.
    pub fn new(name: &str, text: TextBytes<'a>, format: Delimited, columns: &Columns) -> Result<Self> {
        let mut text = text;
        let start = text.fill_buf().map_err(|error| Error::reading(name, error))?;
        if declared_delimiter(start).is_some() {
            // The line end stays, and is skipped as that of a blank line, for the numbers of the lines.
            text.consume(DECLARATION_LEN);
        }
        let mut reader = builder(format).from_reader(Quotes::new(text, name, format));
        let header = names(reader.headers().map_err(|error| failed(name, format, error))?);
        let index = |column: &String| -> Result<usize> {
            let mut found = header.iter().enumerate().filter(|(_, name)| *name == column);
            match (found.next(), found.next()) {
                (Some((index, _)), None) => Ok(index),
                (None, _) => Err(no_column(name, column, header.clone())),
                (Some(_), Some(_)) => {
                    let problem = format!("there are two columns `{}`; give them different names", one_line(column));
                    Err(InputError::BadRow { name: name.into(), line: 1, problem }.into())
                }
            }
        };
        let (text, label) = (index(&columns.text)?, columns.label.as_ref().map(index).transpose()?);
        Ok(Self { reader, name: name.into(), format, record: StringRecord::new(), text, label })
    }

    /// As [`Table::next_row`](super::table::Table::next_row).
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        let more = self.reader.read_record(&mut self.record);
        let more = more.map_err(|error| failed(&self.name, self.format, error))?;
        let field = |index: usize| self.record.get(index);
        Ok(more.then(|| Row { text: field(self.text).unwrap_or_default(), label: self.label.and_then(field) }))
    }

    pub fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.reader.get_ref().inner().control_characters()
    }
}

/// The names in the header of a table that begins with `start`.
pub(super) fn delimited_columns(start: &str, format: Delimited) -> Vec<String> {
    builder(format).from_reader(start.as_bytes()).headers().map_or_else(|_| Vec::new(), names)
}

fn builder(format: Delimited) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(format.delimiter).quoting(format.has_quotes);
    builder
}

fn names(header: &StringRecord) -> Vec<String> {
    header.iter().map(|name| name.trim().to_owned()).collect()
}

/// The error of a table that cannot be read.
fn failed(name: &str, format: Delimited, error: csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    let problem = match error.into_kind() {
        ErrorKind::Io(error) => return Error::reading(name, error),
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let fields = |count| if count == 1 { "1 field".into() } else { format!("{count} fields") };
            let (found, expected) = (fields(len), fields(expected_len));
            let advice = if format.has_quotes {
                "quote fields that contain the delimiter or a line break"
            } else {
                "TSV fields have no tabs; name a file with quotes `.csv`"
            };
            format!("the row has {found}, expected {expected} as in the header; {advice}")
        }
        other => format!("the row cannot be read ({})", one_line(&format!("{other:?}"))),
    };
    InputError::BadRow { name: name.into(), line, problem }.into()
}
