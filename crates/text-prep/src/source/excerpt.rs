//! The part of a text between two markers, cut from a text that comes in pieces.
//!
//! What it does not know: files, encodings.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The part of a text from the first `from`, which is kept, up to the first `to` after it, which
/// is not. An empty `from` is the text's beginning, an empty `to` its end.
/// Line ends in the markers are LF, whatever the file has.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// Where the excerpt begins.
    #[serde(default)]
    pub from: String,
    /// Before what it ends.
    #[serde(default)]
    pub to: String,
}

/// Cutting under way.
pub(super) struct Cutter {
    excerpt: Excerpt,
    place: Place,
    held: Held,
}

/// What may be the beginning of a marker.
#[derive(Default)]
struct Held {
    text: String,
    /// Where it begins in the whole text, in bytes.
    offset: usize,
}

#[derive(Clone, Copy)]
enum Place {
    Before,
    /// Behind `from`, which begins at byte `start`; `to` is not looked for in the first `skip`
    /// bytes of what is held, which belong to `from`.
    Inside {
        start: usize,
        skip: usize,
    },
    After,
}

impl Cutter {
    pub fn new(excerpt: Excerpt) -> Self {
        Self { excerpt, place: Place::Before, held: Held::default() }
    }

    /// Puts what is certain to be in the excerpt by now in the place of the next piece.
    pub fn cut(&mut self, piece: &mut String) {
        let Self { excerpt: Excerpt { from, to }, place, held } = self;
        held.text.push_str(piece);
        piece.clear();
        if let Place::Before = *place {
            match held.text.find(from.as_str()) {
                None => drop(held.give_up(held.before_marker(from))),
                Some(at) => {
                    *place = Place::Inside { start: held.offset + at, skip: from.len() };
                    held.give_up(at);
                }
            }
        }
        match *place {
            Place::Before => {}
            Place::Inside { start, skip } => {
                let found = held.text[skip..].find(to.as_str()).filter(|_| !to.is_empty());
                let end = found.map_or_else(|| held.before_marker(to), |at| skip + at);
                *place = match found {
                    Some(_) => Place::After,
                    None => Place::Inside { start, skip: skip.saturating_sub(end) },
                };
                piece.push_str(held.give_up(end).as_str());
            }
            Place::After => drop(held.give_up(held.text.len())),
        }
    }

    /// Checks that both markers were found. The text has ended.
    ///
    /// # Errors
    /// [`Error::MarkerNotFound`] for the one that was not.
    pub fn finish(&self, name: &str) -> Result<()> {
        let Excerpt { from, to } = &self.excerpt;
        let missing = |key, marker: &str, place: String| {
            let (name, marker) = (name.to_owned(), marker.to_owned());
            Err(Error::MarkerNotFound { name, key, marker, place })
        };
        match self.place {
            Place::Before => {
                let bytes = self.held.offset + self.held.text.len();
                missing("from", from, format!("anywhere in its {bytes} bytes"))
            }
            Place::Inside { start, .. } if !to.is_empty() => {
                missing("to", to, format!("after its `from` marker at byte {start}"))
            }
            Place::Inside { .. } | Place::After => Ok(()),
        }
    }
}

impl Held {
    /// How much comes before anything that may be the beginning of `marker`.
    fn before_marker(&self, marker: &str) -> usize {
        let text = &self.text;
        text.floor_char_boundary((text.len() + 1).saturating_sub(marker.len().max(1)))
    }

    /// Lets go of the first `length` bytes.
    fn give_up(&mut self, length: usize) -> std::string::Drain<'_> {
        self.offset += length;
        self.text.drain(..length)
    }
}
