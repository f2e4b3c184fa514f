//! Prints the samples of `generate`, each as soon as it is complete.

use generate::{Generator, Sample};
use serde::Serialize;

use crate::config::DocumentKind;
use crate::error::Result;
use crate::output::{to_json, warn};
use crate::surprise::Painter;
use crate::view::format::{counted, thousands};

/// Prints samples one after another.
pub struct SamplePrinter<'a> {
    format: Format,
    /// The text of the prompt.
    beginning: &'a str,
    label: Option<&'a str>,
    print: fn(&str) -> Result<()>,
    painter: Painter,
    /// How many were printed.
    count: usize,
    /// How many of them are documents without their end.
    cut_off: usize,
}

/// How samples are printed.
#[derive(Clone, Copy)]
enum Format {
    /// With the number of each above it.
    Numbered,
    /// Documents, one a line.
    Lines,
    /// Documents with this number of blank lines between two of them.
    Apart(usize),
    /// Samples of running text as elements of a JSON array.
    Json,
    /// Documents as elements of a JSON array.
    JsonDocuments,
}

/// A document in JSON.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    sample: &'a Sample,
    label: Option<&'a str>,
    /// Whether it has its end, and was not cut off at the maximum number of tokens.
    complete: bool,
}

impl<'a> SamplePrinter<'a> {
    /// Prints samples of the model with `print`, painted by `painter`; as the beginning of a JSON object if `json` is true. They
    /// begin with the text `beginning` and have this label. `unit` is what a document of the training text is.
    pub fn new(
        generator: &Generator,
        unit: Option<DocumentKind>,
        beginning: &'a str,
        label: Option<&'a str>,
        json: bool,
        print: fn(&str) -> Result<()>,
        painter: Painter,
    ) -> Self {
        let vocabulary = &generator.tokenizer().vocabulary;
        // A vocabulary of subwords has every byte, also those that do not occur.
        let ids = (0..vocabulary.len() as u32).filter(|&id| vocabulary.count(id) > 0);
        let mut tokens = ids.filter_map(|id| vocabulary.readable(id));
        let format = match generator.document_id() {
            None if json => Format::Json,
            None => Format::Numbered,
            Some(_) if json => Format::JsonDocuments,
            Some(_) if unit == Some(DocumentKind::Lines) || !tokens.any(|token| token.contains('\n')) => Format::Lines,
            // As in the training text, because there are blank lines within them.
            Some(_) if unit == Some(DocumentKind::Sections) => Format::Apart(3),
            Some(_) => Format::Apart(1),
        };
        Self { format, beginning, label, print, painter, count: 0, cut_off: 0 }
    }

    /// Prints the next sample.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub fn print(&mut self, sample: &Sample) -> Result<()> {
        let Self { format, beginning, label, print, painter, count, .. } = *self;
        self.count += 1;
        self.cut_off += usize::from(!sample.is_complete);
        let text = painter.paint(beginning, None) + &painter.paint_spans(&sample.text, 0, &sample.spans);
        let document = text.trim_end_matches('\n');
        print(&match format {
            Format::Numbered => format!("--- {} ---\n{text}\n", self.count),
            Format::Lines => format!("{document}\n"),
            Format::Apart(blank_lines) => {
                format!("{}{document}\n", "\n".repeat(if count == 0 { 0 } else { blank_lines }))
            }
            Format::Json => format!("{}{}", json_before(count), to_json(sample)?),
            Format::JsonDocuments => {
                let document = Document { sample, label, complete: sample.is_complete };
                format!("{}{}", json_before(count), to_json(&document)?)
            }
        })
    }

    /// Ends the array of samples, if they are printed in JSON; the rest of the object follows. Warns of printed documents
    /// without their end after `max_tokens` tokens.
    ///
    /// # Errors
    /// As [`print`](Self::print).
    pub fn finish(self, max_tokens: usize) -> Result<()> {
        match self.format {
            Format::Json | Format::JsonDocuments if self.count == 0 => (self.print)(r#"{"samples":[],"#),
            Format::Json | Format::JsonDocuments => (self.print)("],"),
            Format::Numbered => Ok(()),
            Format::Lines | Format::Apart(_) => {
                warn(cut_off_warning(self.cut_off, self.count, max_tokens).as_slice());
                Ok(())
            }
        }
    }
}

/// A warning that so many of `count` documents have no end after `max_tokens` tokens.
pub fn cut_off_warning(cut_off: usize, count: usize, max_tokens: usize) -> Option<String> {
    let documents = match (cut_off, count) {
        (0, _) => return None,
        (_, 1) => "the document has".to_owned(),
        (1, _) => format!("1 of {} documents has", thousands(count)),
        _ => format!("{} of {} documents have", thousands(cut_off), thousands(count)),
    };
    let tokens = counted(max_tokens, "token");
    Some(format!(
        "{documents} no end after {tokens}: raise `--max-tokens`, or train longer if the model has not learned where documents end"
    ))
}

/// What stands before a sample in JSON, if `count` come before it.
fn json_before(count: usize) -> &'static str {
    if count == 0 { r#"{"samples":["# } else { "," }
}
