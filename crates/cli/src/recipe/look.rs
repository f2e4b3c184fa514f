//! Reads the text once to describe it.

use std::io::Read;
use std::path::Path;

use durable::read::Accept;
use text_prep::{
    DocumentSource, InputError, SourceOptions, TextFiles, TextProfile, TextProfiler, TextSource, has_gutenberg_header,
    list_nearest,
};

use super::given::Given;
use crate::config::{Config, OpenInput, OpenInputs, Text};
use crate::error::Result;
use crate::input;
use crate::long_task::LongTask;

/// A text of so many files or more is one document per file.
const MANY_FILES: usize = 20;

/// Bytes of a table in which its columns are looked for.
const BEGINNING: u64 = 1 << 16;

/// What was found in a text.
pub struct Found {
    /// Its characters, words and lines.
    pub profile: TextProfile,
    /// The number of its files.
    pub files: usize,
    /// Whether the recipe leaves out the header and licence of Project Gutenberg.
    pub strips_gutenberg: bool,
}

/// Reads the training files of the given configuration, and gives every piece of them to `read_also`. What can be read only
/// once is kept there. If the first file has the header of Project Gutenberg, the text is read without it.
///
/// # Errors
/// If the text cannot be read.
pub fn look(given: &mut Given, mut read_also: impl FnMut(&str)) -> Result<Found> {
    let task = LongTask::start("looking at the text");
    given.config.text.keep_pipe()?;
    let strips_gutenberg = !given.is_set("text.strip_gutenberg") && begins_with_gutenberg_header(&given.config)?;
    given.config.text.strip_gutenberg |= strips_gutenberg;
    let config = &given.config;
    let text = &config.text;
    let size = text.kept.as_ref().map(|kept| kept.bytes.len() as u64).or_else(|| text.size());
    let files = TextFiles::new(text.paths()).files().map_or(1, |files| files.len());
    let inputs = open(config)?;
    let mut profiler = TextProfiler::default();
    let done = task.fraction();
    let mut read = 0;
    let mut push = |piece: &str| {
        profiler.push(piece);
        read_also(piece);
        read += piece.len() as u64;
        done.set(size.map_or(0.0, |size| read as f64 / size.max(1) as f64));
    };
    let read_all = || -> text_prep::Result<()> {
        match inputs.train {
            OpenInput::Text(mut text) => {
                while let Some(chunk) = text.next_chunk()? {
                    push(chunk);
                }
            }
            OpenInput::Documents(mut documents) => {
                while let Some(document) = documents.next_document()? {
                    push(document.text);
                    push("\n");
                }
            }
        }
        Ok(())
    };
    read_all().map_err(|error| crate::error::Error::from(error).about_text(Some("text")))?;
    Ok(Found { profile: profiler.finish(), files, strips_gutenberg })
}

fn open(config: &Config) -> Result<OpenInputs<'_>> {
    let text = &config.text;
    text.open(&config.data, text.kept.as_deref()).map_err(|error| error.about_text(Some("text")))
}

/// Whether the first file of a running text does. The texts of known corpora have their own excerpts.
fn begins_with_gutenberg_header(config: &Config) -> Result<bool> {
    if config.text.dataset.is_some() {
        return Ok(false);
    }
    let OpenInput::Text(mut text) = open(config)?.train else { return Ok(false) };
    let beginning = text.next_chunk();
    let beginning = beginning.map_err(|error| crate::error::Error::from(error).about_text(Some("text")))?;
    Ok(beginning.is_some_and(has_gutenberg_header))
}

/// A warning if a file is a table by its name, but no column is named, so that all of it is a text.
pub fn table_warning(text: &Text) -> Option<String> {
    let paths = text.column.is_none().then(|| text.paths())?;
    let table = paths.iter().find(|path| {
        let name = path.to_string_lossy().to_lowercase();
        let name = [".gz", ".zst", ".zstd"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
        [".csv", ".tsv", ".tab", ".jsonl", ".ndjson"].iter().any(|ending| name.ends_with(ending))
    })?;
    let columns = match columns(table, text.source_options()) {
        columns if columns.is_empty() => String::new(),
        columns => format!("; it has {}", list_nearest("", &columns)),
    };
    let name = input::name(table);
    Some(format!("{name} is read as text, not as a table: `--column NAME` trains on one column of it{columns}"))
}

/// The columns of the table at `path`; none if its beginning cannot be read as one.
fn columns(path: &Path, options: SourceOptions) -> Vec<String> {
    let Ok(file) = Accept::File.open(path) else { return Vec::new() };
    let beginning = TextFiles::default().reader(input::name(path), file.take(BEGINNING));
    // No column has this name, and the error lists those that there are.
    let read =
        || -> text_prep::Result<()> { beginning.options(options).column("").open_text()?.next_chunk().map(drop) };
    match read() {
        Err(text_prep::Error::Input(InputError::NoColumn { columns, .. })) => columns,
        _ => Vec::new(),
    }
}

impl Found {
    /// Whether every file is a document of its own.
    pub fn has_many_files(&self) -> bool {
        self.files >= MANY_FILES
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_table_without_a_column_is_reported() {
        let text = |path: &str, column: Option<&str>| Text {
            path: Some(vec![PathBuf::from("my.txt"), path.into()].into()),
            column: column.map(String::from),
            ..Text::default()
        };
        for path in ["a.csv", "b/A.TSV", "a.jsonl", "a.csv.gz", "a.ndjson.zst", "*.csv"] {
            let warning = table_warning(&text(path, None)).unwrap_or_default();
            assert!(warning.starts_with(&format!("{path} is read as text")), "{path}: {warning}");
            assert_eq!(table_warning(&text(path, Some("text"))), None);
        }
        for path in ["a.txt", "csv", "a.csv.txt", "a.gz", "-"] {
            assert_eq!(table_warning(&text(path, None)), None, "{path}");
        }
        assert_eq!(table_warning(&Text::default()), None);
        let folder = tempfile::tempdir().unwrap();
        for (name, table) in
            [("a.csv", "Id,text\n1,a\n"), ("a.tsv", "Id\ttext\n"), ("a.jsonl", "{\"Id\":1,\"text\":\"a\"}\n")]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, table).unwrap();
            let warning = table_warning(&text(path.to_str().unwrap(), None)).unwrap();
            assert!(warning.ends_with("trains on one column of it; it has `Id`, `text`"), "{warning}");
        }
    }
}
