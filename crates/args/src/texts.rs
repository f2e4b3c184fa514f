//! Arguments that say how texts are read: tables and documents.

use clap::{Args, ValueEnum};

/// How texts are read.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct TextArgs {
    /// The encoding of the text by its label, such as windows-1252, utf-16le or utf-32; a byte order mark takes
    /// precedence [default: that of the configuration, or of the model's text, else UTF-8]
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
    /// The column with the texts, in tables: CSV, TSV and JSON Lines; each of its fields is a document
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// What is one document, an independent text, in a file that is not a table [default: that of the configuration, or of
    /// the model's text; else a file with `--column` or `--label`; else the whole text is one running text, unless `train`
    /// without a configuration finds documents in it]
    #[arg(long, value_enum, value_name = "UNIT")]
    pub documents: Option<DocumentUnit>,
    /// The text of the lines that stand between documents, such as `%`
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub separator: Option<String>,
}

/// What is one document.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentUnit {
    /// Nothing: all files and fields are one running text
    None,
    /// A line
    Lines,
    /// A file
    Files,
    /// The lines between blank lines
    Paragraphs,
    /// The text between three or more blank lines
    Sections,
    /// The lines between those of `--separator`
    Separator,
}

impl TextArgs {
    /// The name of the first option that is given, in the order of the help.
    pub fn given(&self) -> Option<&'static str> {
        let Self { encoding, column, documents, separator } = self;
        let options = [
            ("--encoding", encoding.is_some()),
            ("--column", column.is_some()),
            ("--documents", documents.is_some()),
            ("--separator", separator.is_some()),
        ];
        options.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }
}
