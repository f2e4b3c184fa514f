//! The part of a text between two markers, extracted from a stream of chunks.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The part of a text from the first `from` (included) up to the first `to` after it (excluded).
/// An empty `from` means the start of the text, an empty `to` its end.
/// Write line ends in the markers as LF, also for files with CRLF.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// The start marker, included in the excerpt.
    #[serde(default)]
    pub from: String,
    /// The end marker, excluded.
    #[serde(default)]
    pub to: String,
}

/// Extracts an [`Excerpt`] from a stream of chunks.
pub(super) struct Cutter {
    excerpt: Excerpt,
    position: Position,
    buffer: Buffer,
}

/// Text not decided yet: it may contain the start of a marker.
#[derive(Default)]
struct Buffer {
    text: String,
    /// Byte offset of `text` in the whole text.
    offset: usize,
}

/// Position relative to the excerpt.
#[derive(Clone, Copy)]
enum Position {
    Before,
    /// After the start marker, which is at byte `start`. The end marker is not searched in the
    /// first `skip` bytes of the buffer, which belong to the start marker.
    Inside {
        start: usize,
        skip: usize,
    },
    After,
}

impl Cutter {
    pub fn new(excerpt: Excerpt) -> Self {
        Self { excerpt, position: Position::Before, buffer: Buffer::default() }
    }

    /// Replaces the next chunk of input by the text that is now known to be in the excerpt.
    pub fn cut(&mut self, chunk: &mut String) {
        let Self { excerpt: Excerpt { from, to }, position, buffer } = self;
        buffer.text.push_str(chunk);
        chunk.clear();
        if let Position::Before = *position {
            match buffer.text.find(from.as_str()) {
                None => drop(buffer.take(buffer.before_marker(from))),
                Some(at) => {
                    *position = Position::Inside { start: buffer.offset + at, skip: from.len() };
                    buffer.take(at);
                }
            }
        }
        match *position {
            Position::Before => {}
            Position::Inside { start, skip } => {
                let found = buffer.text[skip..].find(to.as_str()).filter(|_| !to.is_empty());
                let end = found.map_or_else(|| buffer.before_marker(to), |at| skip + at);
                *position = match found {
                    Some(_) => Position::After,
                    None => Position::Inside { start, skip: skip.saturating_sub(end) },
                };
                chunk.push_str(buffer.take(end).as_str());
            }
            Position::After => drop(buffer.take(buffer.text.len())),
        }
    }

    /// Checks at the end of the text that both markers were found.
    ///
    /// # Errors
    /// [`Error::MarkerNotFound`] for a missing marker.
    pub fn finish(&self, name: &str) -> Result<()> {
        let Excerpt { from, to } = &self.excerpt;
        let missing = |key, marker: &str, place: String| {
            let (name, marker) = (name.to_owned(), marker.to_owned());
            Err(Error::MarkerNotFound { name, key, marker, place })
        };
        match self.position {
            Position::Before => {
                let bytes = self.buffer.offset + self.buffer.text.len();
                missing("from", from, format!("anywhere in its {bytes} bytes"))
            }
            Position::Inside { start, .. } if !to.is_empty() => {
                missing("to", to, format!("after its `from` marker at byte {start}"))
            }
            Position::Inside { .. } | Position::After => Ok(()),
        }
    }
}

impl Buffer {
    /// Length of the prefix that cannot contain the start of `marker`.
    fn before_marker(&self, marker: &str) -> usize {
        let text = &self.text;
        text.floor_char_boundary((text.len() + 1).saturating_sub(marker.len().max(1)))
    }

    /// Removes and returns the first `length` bytes.
    fn take(&mut self, length: usize) -> std::string::Drain<'_> {
        self.offset += length;
        self.text.drain(..length)
    }
}
