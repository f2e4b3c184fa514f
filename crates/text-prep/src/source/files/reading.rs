//! Reads files one after another: chunks of texts and rows of tables.

use std::collections::VecDeque;
use std::io::{Cursor, Read};

use durable::read::Accept;

use super::kind::is_epub;
use super::paths::unreadable;
use super::table::{Table, TableFormat, table_options};
use super::unpack::Unpacked;
use super::{FoundFile, InputError, LabelSource, Settings, epub};
use crate::error::{Error, Result};
use crate::source::{FoundControlCharacters, SourceOptions, TextReader, TextSource};

/// A file that is not opened yet.
pub(super) enum Opening<'a> {
    File(FoundFile),
    /// The name of what is open already.
    Reader(String, Box<dyn Read + 'a>),
}

/// What [`Files::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The next chunk of a text.
    Chunk,
    /// The text of a row, which may be empty.
    Row,
    FileEnd,
}

/// Files that are read one after another.
pub(super) struct Files<'a> {
    waiting: VecDeque<Opening<'a>>,
    current: Option<OpenFile<'a>>,
    settings: Settings,
    /// The number of all files.
    count: usize,
    has_table: bool,
    has_text: bool,
    /// The last chunk or row, and its label.
    pub text: String,
    pub label: Option<String>,
    /// The name of the last file that was opened.
    pub name: String,
    /// The control characters of the files that were closed, and the name of the first one that has some.
    control_characters: Option<(String, FoundControlCharacters)>,
}

/// A file that is being read.
struct OpenFile<'a> {
    folder: Option<String>,
    contents: Contents<'a>,
}

enum Contents<'a> {
    Text(Box<TextReader<Box<dyn Read + 'a>>>),
    Table(Table<'a>),
}

impl<'a> Files<'a> {
    pub fn new(waiting: VecDeque<Opening<'a>>, settings: Settings) -> Self {
        Self {
            count: waiting.len(),
            waiting,
            current: None,
            settings,
            has_table: false,
            has_text: false,
            text: String::new(),
            label: None,
            name: String::new(),
            control_characters: None,
        }
    }

    /// Replaces `text` and `label` by the next chunk or row; `None` after the last file.
    ///
    /// # Errors
    /// If a file cannot be read or is not valid; at the end, if there was no text, or no table with the column.
    pub fn next(&mut self) -> Result<Option<Found>> {
        if self.current.is_none() {
            let Some(next) = self.waiting.pop_front() else { return self.finish().map(|()| None) };
            self.current = Some(self.open(next)?);
        }
        let Some(file) = &mut self.current else { return Ok(None) };
        self.text.clear();
        let of_folder = || match self.settings.label {
            Some(LabelSource::Folder) => file.folder.as_deref(),
            _ => None,
        };
        let (label, found) = match &mut file.contents {
            Contents::Text(text) => match text.next_chunk() {
                Ok(Some(chunk)) => {
                    self.text.push_str(chunk);
                    (of_folder(), Found::Chunk)
                }
                Ok(None) => (None, Found::FileEnd),
                // One of several files may be empty.
                Err(Error::Empty { .. }) if self.count > 1 => (None, Found::FileEnd),
                Err(error) => return Err(error),
            },
            Contents::Table(table) => match table.next_row() {
                Ok(Some(row)) => {
                    self.text.push_str(row.text);
                    (row.label.or_else(of_folder), Found::Row)
                }
                Ok(None) => (None, Found::FileEnd),
                Err(Error::Empty { .. }) if self.count > 1 => (None, Found::FileEnd),
                Err(error) => return Err(error),
            },
        };
        self.label = label.map(str::trim).filter(|label| !label.is_empty()).map(String::from);
        self.has_text = self.has_text || !self.text.trim().is_empty();
        if found == Found::FileEnd {
            self.control_characters = self.control_characters_in();
            self.current = None;
        }
        Ok(Some(found))
    }

    fn open(&mut self, next: Opening<'a>) -> Result<OpenFile<'a>> {
        let (folder, bytes): (_, Box<dyn Read + 'a>) = match next {
            Opening::Reader(name, reader) => {
                self.name = name;
                (None, reader)
            }
            Opening::File(FoundFile { path, folder }) => {
                self.name = path.to_string_lossy().into_owned();
                (folder, Box::new(Accept::FileOrPipe.open(&path).map_err(unreadable(&path))?))
            }
        };
        let (name, settings) = (&self.name, &self.settings);
        let Unpacked { head, bytes } = Unpacked::open(name, bytes)?;
        let contents = if is_epub(&head) {
            let book = Box::new(Cursor::new(epub::text(name, bytes)?)) as Box<dyn Read>;
            let options = SourceOptions { encoding: None, ..settings.options.clone() };
            Contents::Text(Box::new(options.open_reader(book, name)?))
        } else if let Some(format) = self.table_format(&head)? {
            self.has_table = true;
            Contents::Table(Table::new(format, name, bytes, settings)?)
        } else {
            Contents::Text(Box::new(settings.options.open_reader(bytes, name)?))
        };
        Ok(OpenFile { folder, contents })
    }

    /// The format of a file that begins with the bytes `head`, if it is a table.
    fn table_format(&self, head: &[u8]) -> Result<Option<TableFormat>> {
        let Some(column) = &self.settings.column else { return Ok(None) };
        let mut start = table_options(&self.settings.options).open_reader(head, &self.name)?;
        // What is wrong with the file is reported when it is read.
        let start = start.next_chunk().ok().flatten().unwrap_or_default();
        Ok(TableFormat::find(&self.name, start, column, self.count == 1))
    }

    fn finish(&self) -> Result<()> {
        match &self.settings.column {
            Some(column) if !self.has_table => Err(InputError::NoTable { column: column.clone() }.into()),
            _ if self.has_text => Ok(()),
            column => {
                let files = if self.count == 1 {
                    format!("`{}`", self.name)
                } else {
                    format!("any of the {} files", self.count)
                };
                let column = column.as_ref().map_or(String::new(), |column| format!("the column `{column}` of "));
                Err(InputError::NoText { name: column + &files }.into())
            }
        }
    }

    /// The control characters found so far, and the name of the first file that has some.
    pub fn control_characters_in(&self) -> Option<(String, FoundControlCharacters)> {
        let current = self.current.as_ref().and_then(|file| match &file.contents {
            Contents::Text(text) => text.control_characters(),
            Contents::Table(table) => table.control_characters(),
        });
        match (&self.control_characters, current) {
            (None, current) => current.map(|found| (self.name.clone(), found)),
            (Some(before), None) => Some(before.clone()),
            (Some((name, before)), Some(current)) => {
                let count = before.count + current.count;
                Some((name.clone(), FoundControlCharacters { count, ..*before }))
            }
        }
    }
}
