//! Reads a text in chunks, so that it need not fit in memory.

use std::borrow::Cow;
use std::io::Read;

use durable::read::{WHOLE_TEXT, too_large};

use super::control_characters::Finder;
use super::decode::Decoder;
use super::excerpt::Cutter;
use super::line_ends::LineEnds;
use super::{
    BYTE_ORDER_MARK, ControlCharacters, FoundControlCharacters, SourceOptions, gutenberg, remove_byte_order_marks,
};
use crate::error::{Error, Result};

/// After a control character that is rejected, others are counted in this many bytes.
const COUNTED_BYTES: usize = 16 << 20;

/// A text that is read in chunks. Implemented by files ([`TextReader`]) and by `&str`, which is one chunk.
pub trait TextSource {
    /// The next chunk, which is never empty; `None` at the end.
    ///
    /// # Errors
    /// If the text cannot be read or is not valid.
    fn next_chunk(&mut self) -> Result<Option<&str>>;

    /// The control characters found in what was read, if any. They were removed if the options say so. A text that wraps
    /// another passes on what that one has found.
    fn control_characters(&self) -> Option<FoundControlCharacters>;

    /// Whether the last chunk is the first one of a file; false if the text is not in files. A text that wraps another
    /// passes it on.
    fn begins_file(&self) -> bool {
        false
    }
}

impl TextSource for &str {
    fn next_chunk(&mut self) -> Result<Option<&str>> {
        Ok(Some(std::mem::take(self)).filter(|text| !text.is_empty()))
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        None
    }
}

impl<T: TextSource + ?Sized> TextSource for &mut T {
    fn next_chunk(&mut self) -> Result<Option<&str>> {
        (**self).next_chunk()
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        (**self).control_characters()
    }

    fn begins_file(&self) -> bool {
        (**self).begins_file()
    }
}

impl<T: TextSource + ?Sized> TextSource for Box<T> {
    fn next_chunk(&mut self) -> Result<Option<&str>> {
        (**self).next_chunk()
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        (**self).control_characters()
    }

    fn begins_file(&self) -> bool {
        (**self).begins_file()
    }
}

/// Reads a text in chunks; created by [`SourceOptions::open`] and [`SourceOptions::open_reader`].
pub struct TextReader<R> {
    decoder: Decoder<R>,
    keep_inner_marks: bool,
    line_ends: LineEnds,
    control_characters: Finder,
    strip_gutenberg: bool,
    cutter: Option<Cutter>,
    /// The current chunk.
    chunk: String,
    /// Whether any text was read.
    started: bool,
    /// Whether the input contains more than white space.
    input_has_text: bool,
    /// Whether the excerpt contains more than white space.
    output_has_text: bool,
}

impl<R: Read> TextReader<R> {
    pub(super) fn new(source: &SourceOptions, reader: R, name: &str) -> Result<Self> {
        Ok(Self {
            decoder: Decoder::new(
                reader,
                source.encoding.as_deref(),
                name,
                source.control_characters != ControlCharacters::Keep,
            )?,
            keep_inner_marks: source.keep_inner_marks,
            line_ends: LineEnds::default(),
            control_characters: Finder::new(source.control_characters),
            strip_gutenberg: source.strip_gutenberg,
            cutter: source.excerpt.clone().map(Cutter::new),
            chunk: String::new(),
            started: false,
            input_has_text: false,
            output_has_text: false,
        })
    }

    /// Reads the whole text into memory.
    ///
    /// # Errors
    /// As [`TextSource::next_chunk`], and if it is longer than [`WHOLE_TEXT`], as one from a pipe may be, or than the
    /// memory.
    pub fn into_text(self) -> Result<String> {
        self.into_text_of_at_most(WHOLE_TEXT)
    }

    /// As [`into_text`](Self::into_text), with another limit in bytes.
    ///
    /// # Errors
    /// As [`into_text`](Self::into_text).
    pub fn into_text_of_at_most(mut self, limit: u64) -> Result<String> {
        let mut text = String::new();
        while let Some(chunk) = self.next_chunk()? {
            let source = if (text.len() + chunk.len()) as u64 > limit {
                too_large(limit)
            } else if text.try_reserve(chunk.len()).is_err() {
                std::io::ErrorKind::OutOfMemory.into()
            } else {
                text.push_str(chunk);
                continue;
            };
            return Err(Error::Read { path: self.decoder.name().into(), source });
        }
        Ok(text)
    }

    /// Reads the next block into `chunk`; false at the end.
    fn read(&mut self) -> Result<bool> {
        let more = self.decode()?;
        let mut length = self.chunk.len();
        if self.control_characters.rejected.is_some() {
            // The error says how many there are. A pipe may be endless.
            while length < COUNTED_BYTES && matches!(self.decode(), Ok(true)) {
                length += self.chunk.len();
            }
        }
        if let Some(mut found) = self.control_characters.rejected {
            found.at_least = length >= COUNTED_BYTES;
            return Err(Error::ControlCharacters { name: self.decoder.name().to_owned(), found });
        }
        self.input_has_text = self.input_has_text || has_text(&self.chunk);
        if more || self.input_has_text { Ok(more) } else { Err(Error::Empty { name: self.decoder.name().to_owned() }) }
    }

    /// Decodes the next block into `chunk`, with LF line ends and without byte order marks; false at the end.
    fn decode(&mut self) -> Result<bool> {
        let more = self.decoder.next(&mut self.chunk)?;
        if !self.keep_inner_marks {
            if let Cow::Owned(without) = remove_byte_order_marks(&self.chunk) {
                self.chunk = without;
            }
        } else if !self.started && self.chunk.starts_with(BYTE_ORDER_MARK) {
            self.chunk.drain(..BYTE_ORDER_MARK.len_utf8());
        }
        self.started = self.started || !self.chunk.is_empty();
        self.chunk = self.line_ends.unify(std::mem::take(&mut self.chunk));
        self.control_characters.check(&mut self.chunk);
        Ok(more)
    }

    /// Reads the rest into `chunk` and removes Project Gutenberg's header and licence; false at the end.
    fn read_without_gutenberg(&mut self) -> Result<bool> {
        let mut text = String::new();
        while self.read()? {
            text.push_str(&self.chunk);
        }
        let any = !text.is_empty();
        if any {
            gutenberg::strip(&mut text);
            if !has_text(&text) {
                return Err(self.nothing_left("removing Project Gutenberg's header and licence"));
            }
        }
        self.chunk = text;
        Ok(any)
    }

    fn nothing_left(&self, cut: &'static str) -> Error {
        Error::NothingLeft { name: self.decoder.name().to_owned(), cut }
    }

    /// Checks at the end that the excerpt was found and contains text.
    fn finish(&self) -> Result<()> {
        let Some(cutter) = &self.cutter else { return Ok(()) };
        cutter.finish(self.decoder.name())?;
        if self.output_has_text { Ok(()) } else { Err(self.nothing_left("cutting the excerpt")) }
    }
}

impl<R: Read> TextSource for TextReader<R> {
    fn next_chunk(&mut self) -> Result<Option<&str>> {
        loop {
            let more = if self.strip_gutenberg { self.read_without_gutenberg()? } else { self.read()? };
            if !more {
                self.finish()?;
                return Ok(None);
            }
            if let Some(cutter) = &mut self.cutter {
                cutter.cut(&mut self.chunk);
                self.output_has_text = self.output_has_text || has_text(&self.chunk);
            }
            if !self.chunk.is_empty() {
                break;
            }
        }
        Ok(Some(&self.chunk))
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.control_characters.accepted
    }
}

/// Whether `text` contains more than ASCII white space.
fn has_text(text: &str) -> bool {
    !text.trim_ascii().is_empty()
}
