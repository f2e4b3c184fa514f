//! Rows of tables: CSV, TSV and JSON Lines.

use std::io::{self, BufRead, Read};

use super::csv_table::{CsvTable, delimited_columns};
use super::json_lines::{JsonLines, json_columns};
use super::{InputError, LabelSource, Settings};
use crate::error::{Error, Result};
use crate::nearest::nearest;
use crate::source::{FoundControlCharacters, SourceOptions, TextReader, TextSource};

/// The delimiters that a table without a name that says so may have.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// The text and the label of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub text: &'a str,
    pub label: Option<&'a str>,
}

/// The format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableFormat {
    Delimited(Delimited),
    JsonLines,
}

/// How the fields of a row are delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delimited {
    pub delimiter: u8,
    /// Whether quotes around a field are not part of it.
    pub has_quotes: bool,
}

impl Delimited {
    const TSV: Self = Self { delimiter: b'\t', has_quotes: false };

    const fn csv(delimiter: u8) -> Self {
        Self { delimiter, has_quotes: true }
    }
}

impl TableFormat {
    /// The format of a table of this name that begins with the text `start`, if it is a table; `column` is one that it
    /// should have. A table without that column is recognised by its name, or if it `must_be_table`.
    pub fn find(name: &str, start: &str, column: &str, must_be_table: bool) -> Option<Self> {
        let has_column = |columns: Vec<String>| columns.iter().any(|name| name == column);
        let with_column = |tsv: Delimited| {
            let delimited = |delimiter| if delimiter == b'\t' { tsv } else { Delimited::csv(delimiter) };
            DELIMITERS.into_iter().map(delimited).find(|&format| has_column(delimited_columns(start, format)))
        };
        let comma = Delimited::csv(b',');
        let name = name.to_lowercase();
        let name = [".gz", ".zst", ".zstd"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
        let is_object = start.trim_start().starts_with('{');
        match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "tsv" | "tab" => Some(Self::Delimited(Delimited::TSV)),
            "csv" => Some(Self::Delimited(with_column(Delimited::csv(b'\t')).unwrap_or(comma))),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ if is_object && (must_be_table || has_column(json_columns(start))) => Some(Self::JsonLines),
            _ => with_column(Delimited::TSV).or(must_be_table.then_some(comma)).map(Self::Delimited),
        }
    }
}

/// A table that is read row by row.
pub(super) struct Table<'a> {
    rows: Rows<'a>,
}

enum Rows<'a> {
    Csv(Box<CsvTable<'a>>),
    Json(Box<JsonLines<'a>>),
}

impl<'a> Table<'a> {
    /// Starts a table of `format`, which errors call `name`.
    ///
    /// # Errors
    /// If it cannot be read, or lacks a column.
    pub fn new(format: TableFormat, name: &str, bytes: Box<dyn Read + 'a>, settings: &Settings) -> Result<Self> {
        let text = TextBytes::new(table_options(&settings.options).open_reader(bytes, name)?);
        let columns = Columns {
            text: settings.column.clone().unwrap_or_default(),
            label: match &settings.label {
                Some(LabelSource::Column(column)) => Some(column.clone()),
                _ => None,
            },
        };
        let rows = match format {
            TableFormat::Delimited(format) => Rows::Csv(Box::new(CsvTable::new(name, text, format, &columns)?)),
            TableFormat::JsonLines => Rows::Json(Box::new(JsonLines::new(name, text, columns))),
        };
        Ok(Self { rows })
    }

    /// The next row, with an empty text if it has none; `None` at the end.
    ///
    /// # Errors
    /// If it cannot be read, or is invalid.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        match &mut self.rows {
            Rows::Csv(table) => table.next_row(),
            Rows::Json(table) => table.next_row(),
        }
    }

    pub fn control_characters(&self) -> Option<FoundControlCharacters> {
        match &self.rows {
            Rows::Csv(table) => table.control_characters(),
            Rows::Json(table) => table.control_characters(),
        }
    }
}

/// How a table is read: no excerpt, as its header and rows must stay together.
pub(super) fn table_options(options: &SourceOptions) -> SourceOptions {
    SourceOptions { excerpt: None, strip_gutenberg: false, ..options.clone() }
}

/// The names of the columns that are read.
pub(super) struct Columns {
    pub text: String,
    pub label: Option<String>,
}

/// The error of a table that lacks a column.
pub(super) fn no_column(name: &str, column: &str, columns: Vec<String>) -> Error {
    let limit = (column.chars().count() / 2).max(2);
    let similar = nearest(&column.to_lowercase(), columns.iter().map(String::as_str), 3, limit);
    let nearest = similar.into_iter().map(String::from).collect();
    InputError::NoColumn { name: name.into(), column: column.into(), nearest, columns }.into()
}

/// A decoded text as bytes, for parsers.
pub(super) struct TextBytes<'a> {
    text: TextReader<Box<dyn Read + 'a>>,
    chunk: String,
    /// How many bytes of `chunk` were read.
    read: usize,
}

impl<'a> TextBytes<'a> {
    fn new(text: TextReader<Box<dyn Read + 'a>>) -> Self {
        Self { text, chunk: String::new(), read: 0 }
    }

    pub fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.text.control_characters()
    }
}

impl BufRead for TextBytes<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.chunk.len() {
            self.read = 0;
            self.chunk.clear();
            self.chunk.push_str(self.text.next_chunk().map_err(Error::into_io)?.unwrap_or_default());
        }
        Ok(&self.chunk.as_bytes()[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount;
    }
}

impl Read for TextBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let length = from.len().min(buffer.len());
        buffer[..length].copy_from_slice(&from[..length]);
        self.consume(length);
        Ok(length)
    }
}
