//! Texts in several files, folders, archives, tables and books, as one running text or as documents.

mod csv_table;
mod documents;
mod epub;
mod error;
mod joined;
mod json_lines;
mod kind;
mod paths;
mod quotes;
mod reading;
mod split;
mod table;
#[cfg(test)]
mod tests;
mod unpack;
mod xhtml;
mod zip_size;

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use self::reading::{Files, Opening};
use super::SourceOptions;
use crate::error::Result;

pub use documents::{DocumentCounts, FileDocuments};
pub use error::InputError;
pub use joined::JoinedText;
pub use kind::reject_other_formats;
pub use paths::{FoundFile, absolute_input};
pub(crate) use split::BLANK_LINES_BETWEEN_SECTIONS;
pub use split::DEFAULT_MAX_DOCUMENT_LEN;
pub use unpack::{MAX_UNPACKING_RATIO, UNPACKED_WITHOUT_LIMIT};
pub use zip_size::MAX_BOOK_LEN;

/// What one document is. A field of a table is always a document, and a chapter of a book is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentUnit {
    /// A line.
    Lines,
    /// A file.
    Files,
    /// Lines between blank lines.
    Paragraphs,
    /// The text between three or more blank lines, such as the stories of a collection, with the blank lines within it.
    Sections,
    /// The lines between those that are equal to this text, apart from white space at their end.
    Separator(String),
}

/// Where the labels of documents come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSource {
    /// The column of this name. Files that are not tables have no label.
    Column(String),
    /// The folder that the file is in, see [`FoundFile::folder`].
    Folder,
}

/// Texts in files, to be read as one running text or as documents.
///
/// An input is a file or a pipe, a folder with all its files and folders that are not hidden, or a pattern such as
/// `poems/*.txt`. What a file is, its contents decide: text, CSV, TSV or JSON Lines if a [`column`](Self::column) is
/// given, a book in EPUB, or one of these compressed by gzip or zstd. Texts larger than memory are read in blocks, books
/// are not. The [`SourceOptions`] hold for each file; the excerpt and Project Gutenberg's header not for tables.
///
/// ```
/// use text_prep::{DocumentSource, DocumentUnit, LabelSource, TextFiles};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir(folder.path().join("animals"))?;
/// std::fs::write(folder.path().join("animals/fox.txt"), "A fox ran.\n\nIt was red.\n")?;
/// let files = TextFiles::new([folder.path()]).documents(DocumentUnit::Paragraphs).label(LabelSource::Folder);
/// let mut documents = files.open_documents()?;
/// let mut found = Vec::new();
/// while let Some(document) = documents.next_document()? {
///     found.push((document.text.to_owned(), document.label.map(str::to_owned)));
/// }
/// let label = Some("animals".to_owned());
/// assert_eq!(found, [("A fox ran.".into(), label.clone()), ("It was red.".into(), label)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct TextFiles<'a> {
    inputs: Vec<Input<'a>>,
    settings: Settings,
}

/// How files are read.
#[derive(Clone, Debug)]
struct Settings {
    options: SourceOptions,
    column: Option<String>,
    label: Option<LabelSource>,
    unit: DocumentUnit,
    max_document_len: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            options: SourceOptions::default(),
            column: None,
            label: None,
            unit: DocumentUnit::Files,
            max_document_len: DEFAULT_MAX_DOCUMENT_LEN,
        }
    }
}

/// An input.
enum Input<'a> {
    Path(PathBuf),
    /// What is read only once, and its name.
    Reader(String, Box<dyn Read + 'a>),
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Reader(name, _) => name.fmt(f),
        }
    }
}

impl<'a> TextFiles<'a> {
    /// The texts in these files, folders and patterns.
    pub fn new<P: Into<PathBuf>>(inputs: impl IntoIterator<Item = P>) -> Self {
        let inputs = inputs.into_iter().map(|path| Input::Path(path.into())).collect();
        Self { inputs, settings: Settings::default() }
    }

    /// Adds a file that is open already, such as a pipe or bytes in memory; errors refer to it as `name`.
    pub fn reader(mut self, name: impl Into<String>, reader: impl Read + 'a) -> Self {
        self.inputs.push(Input::Reader(name.into(), Box::new(reader)));
        self
    }

    /// How each file is decoded, and which part of it is used. Default: all of it, as UTF-8.
    pub fn options(mut self, options: SourceOptions) -> Self {
        self.settings.options = options;
        self
    }

    /// The column with the texts. A file is then a table if its name ends in `.csv`, `.tsv`, `.tab`, `.jsonl` or `.ndjson`
    /// (perhaps before `.gz` or `.zst`), if its first line has the column, or if it is the only file. Default: no file is
    /// a table.
    pub fn column(mut self, name: impl Into<String>) -> Self {
        self.settings.column = Some(name.into());
        self
    }

    /// The labels of documents. Default: none.
    pub fn label(mut self, label: LabelSource) -> Self {
        self.settings.label = Some(label);
        self
    }

    /// What a document is in a file that is not a table. Default: a file.
    pub fn documents(mut self, unit: DocumentUnit) -> Self {
        self.settings.unit = unit;
        self
    }

    /// The most bytes of a document; longer ones are split at the last blank line in the second half of this length, or
    /// else at its last line end, end of a sentence, white space or character. Default: [`DEFAULT_MAX_DOCUMENT_LEN`].
    pub fn max_document_len(mut self, bytes: usize) -> Self {
        self.settings.max_document_len = bytes;
        self
    }

    /// The files, in the order in which they are read: that of the inputs, and sorted by path in a folder or pattern.
    ///
    /// # Errors
    /// If an input does not exist, has no files, or names a file that another one names, too.
    pub fn files(&self) -> Result<Vec<FoundFile>> {
        Ok(self.found()?.into_iter().flatten().collect())
    }

    /// The files of each input that is a path.
    fn found(&self) -> Result<Vec<Vec<FoundFile>>> {
        let paths = self.inputs.iter().filter_map(|input| match input {
            Input::Path(path) => Some(path.as_path()),
            Input::Reader(..) => None,
        });
        paths::find(&paths.collect::<Vec<&Path>>())
    }

    /// Opens the files as one text: a line end follows each file, and each field of a table, that does not end with one.
    ///
    /// # Errors
    /// As [`files`](Self::files), and if the settings contradict each other.
    pub fn open_text(self) -> Result<JoinedText<'a>> {
        Ok(JoinedText::new(self.open()?))
    }

    /// Opens the files as documents.
    ///
    /// # Errors
    /// As [`open_text`](Self::open_text).
    pub fn open_documents(self) -> Result<FileDocuments<'a>> {
        let (unit, max_len) = (self.settings.unit.clone(), self.settings.max_document_len);
        FileDocuments::new(self.open()?, unit, max_len)
    }

    fn open(self) -> Result<Files<'a>> {
        if self.inputs.is_empty() {
            return Err(InputError::NoInput.into());
        }
        let mut found = self.found()?.into_iter();
        let mut files = VecDeque::new();
        for input in self.inputs {
            match input {
                Input::Reader(name, reader) => files.push_back(Opening::Reader(name, reader)),
                Input::Path(_) => files.extend(found.next().into_iter().flatten().map(Opening::File)),
            }
        }
        Ok(Files::new(files, self.settings))
    }
}
