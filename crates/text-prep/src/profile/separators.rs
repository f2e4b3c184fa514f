//! Counts lines that separate documents.

use super::line::Line;

/// The lines that may separate documents: those of `fortune` files, and the marks of documents in texts for language
/// models. Ornaments such as `* * *` separate parts of a novel; `---`, `===`, `~~~` and brackets are markup or code.
pub const SEPARATORS: [&str; 10] =
    ["%", "%%", "<|endoftext|>", "<|end|>", "<|eos|>", "<|document|>", "<eos>", "</s>", "<END>", "<end>"];

/// A line of [`SEPARATORS`] in a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeparatorProfile {
    /// The line, without white space at its end.
    pub line: String,
    /// How often it occurs.
    pub count: u64,
    /// Other lines that begin with it, as comments of TeX begin with `%`.
    pub longer: u64,
    /// Texts before, between and after them that are not blank.
    pub documents: u64,
}

/// The counts so far.
#[derive(Default)]
pub(super) struct SeparatorCounter {
    of: [Count; SEPARATORS.len()],
}

/// The counts of one separator.
#[derive(Clone, Copy, Default)]
struct Count {
    lines: u64,
    longer: u64,
    documents: u64,
    /// Whether there is text after the last one.
    is_in_document: bool,
}

impl SeparatorCounter {
    pub fn add(&mut self, line: &Line) {
        if line.is_blank() {
            return;
        }
        for (&separator, count) in SEPARATORS.iter().zip(&mut self.of) {
            if line.text() == Some(separator) {
                count.lines += 1;
                count.is_in_document = false;
                continue;
            }
            count.longer += u64::from(line.head().starts_with(separator));
            if !std::mem::replace(&mut count.is_in_document, true) {
                count.documents += 1;
            }
        }
    }

    /// The most frequent separator, if there is one.
    pub fn profile(&self) -> Option<SeparatorProfile> {
        let found = SEPARATORS.iter().zip(&self.of).filter(|(_, count)| count.lines > 0);
        let (line, count) = found.max_by_key(|(_, count)| count.lines)?;
        let Count { lines, longer, documents, .. } = *count;
        Some(SeparatorProfile { line: (*line).to_owned(), count: lines, longer, documents })
    }
}
