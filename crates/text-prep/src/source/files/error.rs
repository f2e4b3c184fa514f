//! Errors of finding files and reading archives, tables and books.

use crate::error::one_line;
use crate::nearest::list_nearest;

/// An input that cannot be read as texts. Its message is always one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// No input was given.
    #[error("no text is given; expected at least one file, folder or pattern")]
    NoInput,
    /// A folder or pattern has no files.
    #[error("{} has no texts: expected at least one file that is not hidden; check the name", one_line(.name))]
    NoFiles {
        /// The folder or pattern, as in "the folder `poems`".
        name: String,
    },
    /// A pattern cannot be parsed.
    #[error("`{}` is not a pattern of files: {}; correct it", one_line(.pattern), one_line(.problem))]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        problem: String,
    },
    /// A file is named by two inputs.
    #[error("`{}` is named twice, by `{}` and by `{}`: expected each text once; leave one of them out", one_line(.file), one_line(.first), one_line(.second))]
    NamedTwice {
        /// The file.
        file: String,
        /// The first input that names it.
        first: String,
        /// The second one.
        second: String,
    },
    /// A compressed file is damaged or incomplete.
    #[error("the {format} archive `{}` {}: copy or download it again", one_line(.name), one_line(.problem))]
    DamagedArchive {
        /// The file's name.
        name: String,
        /// gzip or zstd.
        format: &'static str,
        /// What was found.
        problem: String,
    },
    /// A compressed file unpacks to suspiciously much.
    #[error("the {format} archive `{}` unpacks to more than {ratio} times its size, the limit after {} MiB: expected a text; if it is one, unpack it and use the unpacked file", one_line(.name), .from >> 20)]
    UnpacksToTooMuch {
        /// The file's name.
        name: String,
        /// gzip or zstd.
        format: &'static str,
        /// The limit.
        ratio: u64,
        /// Unpacked bytes from which on the limit holds.
        from: u64,
    },
    /// The file has another format than text.
    #[error("`{}` is {what}: expected {expected}", one_line(.name))]
    NotText {
        /// The file's name.
        name: String,
        /// What it is.
        what: &'static str,
        /// What was expected, and what to do.
        expected: &'static str,
    },
    /// A book in EPUB cannot be read.
    #[error("the EPUB `{}` {}; expected a complete book without copy protection: download it again, or convert it to text", one_line(.name), one_line(.problem))]
    BadEpub {
        /// The file's name.
        name: String,
        /// What was found.
        problem: String,
    },
    /// A table does not have the column.
    #[error("`{}` has no column `{}`{}: it has {}; correct the name", one_line(.name), one_line(.column), did_you_mean(.nearest), columns_like(.column, .columns))]
    NoColumn {
        /// The file's name.
        name: String,
        /// The column as given.
        column: String,
        /// The most similar names, nearest first.
        nearest: Vec<String>,
        /// All columns.
        columns: Vec<String>,
    },
    /// None of several files is a table with the column.
    #[error("none of the files has the column `{}`: expected CSV or TSV with a header, or JSON Lines; leave the column out if they are texts", one_line(.column))]
    NoTable {
        /// The column as given.
        column: String,
    },
    /// A row of a table is invalid.
    #[error("`{}`, line {line}: {}", one_line(.name), one_line(.problem))]
    BadRow {
        /// The file's name.
        name: String,
        /// The line of the file, from 1.
        line: u64,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// The settings contradict each other.
    #[error("{problem}")]
    BadSetting {
        /// What was found, what was expected and what to do.
        problem: &'static str,
    },
    /// There is nothing but white space.
    #[error("there is no text in {}: expected at least one character that is not white space", one_line(.name))]
    NoText {
        /// What was read, as in "`a.csv`" or "any of the 3 files".
        name: String,
    },
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest.first() {
        Some(name) => format!(" (did you mean `{}`?)", one_line(name)),
        None => String::new(),
    }
}

fn columns_like(column: &str, columns: &[String]) -> String {
    if columns.is_empty() { "no columns".into() } else { list_nearest(column, columns) }
}
