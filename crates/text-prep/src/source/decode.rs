//! From bytes to text, block by block: UTF-8 or any encoding of the web.
//!
//! What it does not know: byte order marks, line ends, and which part of the text is wanted.

use std::io::Read;

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::error::{Error, Result};

/// Bytes read at once: few enough to stay in the processor's cache until they are tokens, enough
/// for calls to cost nothing.
pub(super) const BLOCK: usize = 64 * 1024;

/// Reads text in blocks that never end within a character.
pub(super) struct Decoder<R> {
    reader: R,
    name: String,
    /// The decoder of an encoding other than UTF-8.
    foreign: Option<encoding_rs::Decoder>,
    /// Bytes that are not text yet: before a block is read, the beginning of a character at most.
    bytes: Vec<u8>,
    /// How many bytes came before these.
    offset: usize,
    ended: bool,
}

impl<R: Read> Decoder<R> {
    /// # Errors
    /// [`Error::UnknownEncoding`] when no encoding has this label.
    pub fn new(reader: R, label: Option<&str>, name: &str) -> Result<Self> {
        let encoding = match label {
            None => UTF_8,
            Some(label) => Encoding::for_label(label.as_bytes())
                .ok_or_else(|| Error::UnknownEncoding { label: label.to_owned() })?,
        };
        let foreign = (encoding != UTF_8).then(|| encoding.new_decoder());
        let (name, bytes) = (name.to_owned(), Vec::new());
        Ok(Self { reader, name, foreign, bytes, offset: 0, ended: false })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts the next block, which may be empty, in the place of `text`; false when there is none.
    ///
    /// # Errors
    /// When the input cannot be read or does not fit the encoding.
    pub fn next(&mut self, text: &mut String) -> Result<bool> {
        if self.ended {
            text.clear();
            return Ok(false);
        }
        let mut block = self.reader.by_ref().take(BLOCK as u64);
        self.bytes.reserve(BLOCK);
        let read = block
            .read_to_end(&mut self.bytes)
            .map_err(|source| Error::Read { path: self.name.clone().into(), source })?;
        self.ended = read < BLOCK;
        match self.foreign.take() {
            None => self.utf8(text)?,
            Some(decoder) => self.foreign(decoder, text)?,
        }
        Ok(true)
    }

    fn utf8(&mut self, text: &mut String) -> Result<()> {
        // At the end, half a character is an error.
        let unfinished = if self.ended { 0 } else { unfinished(&self.bytes) };
        let whole = self.bytes.len() - unfinished;
        let mut next = std::mem::take(text).into_bytes();
        next.clear();
        next.extend_from_slice(&self.bytes[whole..]);
        self.bytes.truncate(whole);
        let bytes = std::mem::replace(&mut self.bytes, next);
        *text = String::from_utf8(bytes).map_err(|error| Error::InvalidUtf8 {
            name: self.name.clone(),
            offset: self.offset + error.utf8_error().valid_up_to(),
        })?;
        self.offset += whole;
        Ok(())
    }

    fn foreign(&mut self, mut decoder: encoding_rs::Decoder, text: &mut String) -> Result<()> {
        text.clear();
        let mut read = 0;
        loop {
            let bytes = &self.bytes[read..];
            text.reserve(
                decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(BLOCK),
            );
            let (result, more) =
                decoder.decode_to_string_without_replacement(bytes, text, self.ended);
            read += more;
            match result {
                DecoderResult::OutputFull => {}
                DecoderResult::InputEmpty => break,
                DecoderResult::Malformed(length, after) => {
                    let behind = usize::from(length) + usize::from(after);
                    return Err(Error::InvalidEncoding {
                        name: self.name.clone(),
                        encoding: decoder.encoding().name(),
                        offset: (self.offset + read).saturating_sub(behind),
                    });
                }
            }
        }
        self.offset += read;
        self.bytes.clear();
        self.foreign = Some(decoder);
        Ok(())
    }
}

/// How many bytes at the end are the beginning of a character whose rest has not come.
fn unfinished(bytes: &[u8]) -> usize {
    for (n, &byte) in (1..=3).zip(bytes.iter().rev()) {
        match byte {
            0x80..=0xbf => {}
            0xc0.. if byte.leading_ones() > n => return n as usize,
            _ => return 0,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_character_that_can_go_on_is_unfinished() {
        for text in ["é", "한", "🦊"] {
            for cut in 0..text.len() {
                assert_eq!(unfinished(&text.as_bytes()[..cut]), cut, "{text} {cut}");
            }
            assert_eq!(unfinished(text.as_bytes()), 0);
        }
        assert_eq!(unfinished(b""), 0);
        assert_eq!(unfinished(b"a\x80\x80\x80\x80"), 0);
    }
}
