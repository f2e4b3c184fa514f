//! A text that is handed over piece by piece.
//!
//! What it does not know: what becomes of the pieces.

use std::io::Read;

use super::decode::Decoder;
use super::excerpt::Cutter;
use super::line_ends::LineEnds;
use super::{Source, gutenberg};
use crate::error::{Error, Result};

/// A text that is handed over piece by piece, so that it need not be in memory as a whole.
///
/// A `&str` is such a text in one piece.
pub trait Text {
    /// The next piece, none of them empty; `None` at the end.
    ///
    /// # Errors
    /// When the text cannot be read, or turns out not to be what it should be.
    fn next_piece(&mut self) -> Result<Option<&str>>;
}

impl Text for &str {
    fn next_piece(&mut self) -> Result<Option<&str>> {
        Ok(Some(std::mem::take(self)).filter(|text| !text.is_empty()))
    }
}

/// Reading under way; made by [`Source::open`] and [`Source::pieces`].
pub struct Pieces<R> {
    decoder: Decoder<R>,
    line_ends: LineEnds,
    strip_gutenberg: bool,
    cutter: Option<Cutter>,
    /// The piece that was handed over last.
    piece: String,
    /// Whether anything was read: a byte order mark can come no more.
    begun: bool,
    /// Whether more than white space was read, and whether some of it was wanted.
    holds_text: bool,
    gives_text: bool,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(source: &Source, reader: R, name: &str) -> Result<Self> {
        Ok(Self {
            decoder: Decoder::new(reader, source.encoding.as_deref(), name)?,
            line_ends: LineEnds::default(),
            strip_gutenberg: source.strip_gutenberg,
            cutter: source.excerpt.clone().map(Cutter::new),
            piece: String::new(),
            begun: false,
            holds_text: false,
            gives_text: false,
        })
    }

    /// The whole text.
    ///
    /// # Errors
    /// As [`Text::next_piece`].
    pub fn into_text(mut self) -> Result<String> {
        let mut text = String::new();
        while let Some(piece) = self.next_piece()? {
            text.push_str(piece);
        }
        Ok(text)
    }

    /// Reads the next block into `piece`; false at the end.
    fn read(&mut self) -> Result<bool> {
        let more = self.decoder.next(&mut self.piece)?;
        if !self.begun && !self.piece.is_empty() {
            self.begun = true;
            if self.piece.starts_with('\u{feff}') {
                self.piece.drain(..'\u{feff}'.len_utf8());
            }
        }
        self.piece = self.line_ends.unify(std::mem::take(&mut self.piece));
        self.holds_text = self.holds_text || is_text(&self.piece);
        match more || self.holds_text {
            true => Ok(more),
            false => Err(Error::Empty { name: self.decoder.name().to_owned() }),
        }
    }

    /// Reads all that is left into `piece` and takes it out of its frame; false if there is nothing.
    fn read_framed(&mut self) -> Result<bool> {
        let mut text = String::new();
        while self.read()? {
            text.push_str(&self.piece);
        }
        let any = !text.is_empty();
        if any {
            gutenberg::strip(&mut text);
            if !is_text(&text) {
                return Err(self.nothing_left("removing Project Gutenberg's header and licence"));
            }
        }
        self.piece = text;
        Ok(any)
    }

    fn nothing_left(&self, cut: &'static str) -> Error {
        Error::NothingLeft { name: self.decoder.name().to_owned(), cut }
    }

    /// Checks that all was found that was looked for.
    fn finish(&self) -> Result<()> {
        let Some(cutter) = &self.cutter else { return Ok(()) };
        cutter.finish(self.decoder.name())?;
        match self.gives_text {
            true => Ok(()),
            false => Err(self.nothing_left("cutting the excerpt")),
        }
    }
}

impl<R: Read> Text for Pieces<R> {
    fn next_piece(&mut self) -> Result<Option<&str>> {
        loop {
            let more = match self.strip_gutenberg {
                true => self.read_framed()?,
                false => self.read()?,
            };
            if !more {
                self.finish()?;
                return Ok(None);
            }
            if let Some(cutter) = &mut self.cutter {
                cutter.cut(&mut self.piece);
                self.gives_text = self.gives_text || is_text(&self.piece);
            }
            if !self.piece.is_empty() {
                break;
            }
        }
        Ok(Some(&self.piece))
    }
}

/// Whether there is more than white space.
fn is_text(piece: &str) -> bool {
    !piece.trim_ascii().is_empty()
}
