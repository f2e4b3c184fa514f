//! `[data]`: whether the text of a language model consists of documents, independent texts, and where they end.

use serde::{Deserialize, Serialize};
use text_prep::DocumentUnit;
use text_prep::source::files::DEFAULT_MAX_DOCUMENT_LEN;

use super::{FOLDER, Text};
use crate::error::{Result, bail};

/// `[data]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentSettings {
    /// What one document is in a file that is not a table.
    pub documents: Option<DocumentKind>,
    /// The text of the lines between documents.
    pub separator: Option<String>,
    /// The most bytes of a document; longer ones are split.
    pub max_document_len: Option<usize>,
}

/// What one document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// There are none: the text is one running text.
    None,
    /// A line.
    Lines,
    /// A file.
    Files,
    /// The lines between blank lines.
    Paragraphs,
    /// The text between three or more blank lines.
    Sections,
    /// The lines between those that are equal to the separator.
    Separator,
}

impl From<args::DocumentUnit> for DocumentKind {
    fn from(unit: args::DocumentUnit) -> Self {
        match unit {
            args::DocumentUnit::None => Self::None,
            args::DocumentUnit::Lines => Self::Lines,
            args::DocumentUnit::Files => Self::Files,
            args::DocumentUnit::Paragraphs => Self::Paragraphs,
            args::DocumentUnit::Sections => Self::Sections,
            args::DocumentUnit::Separator => Self::Separator,
        }
    }
}

impl DocumentSettings {
    /// Whether the section has its default, as for the runs of earlier versions, and is not saved.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Replaces what the command line gives.
    pub fn replace(&mut self, args: &args::TextArgs) {
        if let Some(unit) = args.documents {
            self.documents = Some(unit.into());
            if unit != args::DocumentUnit::Separator {
                self.separator = None;
            }
            if unit == args::DocumentUnit::None {
                self.max_document_len = None;
            }
        }
        if let Some(separator) = &args.separator {
            self.separator = Some(separator.clone());
            self.documents.get_or_insert(DocumentKind::Separator);
        }
    }

    /// What one document is in the files of `text`; `None` if it is one running text. A column or a label makes documents.
    ///
    /// # Errors
    /// If keys contradict each other.
    pub fn unit(&self, text: &Text) -> Result<Option<DocumentUnit>> {
        let kind = self.documents.unwrap_or(match (&text.column, &text.label) {
            (None, None) => DocumentKind::None,
            _ => DocumentKind::Files,
        });
        match (kind, &self.separator) {
            (DocumentKind::Separator, None) => bail!(
                "`--documents` (the key `data.documents`) is `separator` without `--separator` (`data.separator`): give the text \
                 of the lines between documents, as in `--separator %`"
            ),
            (DocumentKind::Separator, Some(_)) => {}
            (_, None) => {}
            (_, Some(_)) => bail!(
                "`--separator` (the key `data.separator`) is given, which only `--documents separator` has; leave it out, or \
                 change `--documents` (`data.documents`)"
            ),
        }
        if let (Some(label), None, true) = (&text.label, &text.column, kind != DocumentKind::None)
            && label != FOLDER
        {
            bail!(
                "`--label` (the key `text.label`) is the column {label:?}, but there is no `--column` (`text.column`): give the \
                 column of the texts, or `--label folder`"
            );
        }
        if kind == DocumentKind::None {
            if text.label.is_some() {
                bail!(
                    "`--label` (the key `text.label`) is given with `--documents none` (`data.documents`), but only documents have \
                     labels: leave one of them out"
                );
            }
            if self.max_document_len.is_some() {
                bail!(
                    "`data.max_document_len` is given, but the text has no documents: leave it out or give `data.documents`"
                );
            }
        }
        Ok(match kind {
            DocumentKind::None => None,
            DocumentKind::Lines => Some(DocumentUnit::Lines),
            DocumentKind::Files => Some(DocumentUnit::Files),
            DocumentKind::Paragraphs => Some(DocumentUnit::Paragraphs),
            DocumentKind::Sections => Some(DocumentUnit::Sections),
            DocumentKind::Separator => self.separator.clone().map(DocumentUnit::Separator),
        })
    }

    /// The most bytes of a document.
    pub fn max_len(&self) -> usize {
        self.max_document_len.unwrap_or(DEFAULT_MAX_DOCUMENT_LEN)
    }
}
