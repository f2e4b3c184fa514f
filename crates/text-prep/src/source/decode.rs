//! Decodes bytes to text in blocks: UTF-8, UTF-32 or any encoding of the WHATWG Encoding Standard. A byte order mark
//! decides on the encoding; that of UTF-8 and UTF-32 stays in the text. Line ends are handled elsewhere.

use std::io::Read;
use std::string::FromUtf8Error;

use encoding_rs::{DecoderResult, UTF_8};

use super::encoding::{TextEncoding, UTF8};
use crate::error::{Error, Result};

/// Bytes per read: small enough to stay in the CPU cache until tokenized, large enough to make the
/// cost of the calls negligible.
pub(super) const BLOCK: usize = 64 * 1024;

/// Reads text in blocks that never end inside a character.
pub(super) struct Decoder<R> {
    reader: R,
    name: String,
    state: State,
    /// Bytes not decoded yet: before a read, at most the start of a character.
    bytes: Vec<u8>,
    /// Offset of `bytes` in the input.
    offset: usize,
    /// Whether the encoding is that of a byte order mark.
    is_marked: bool,
    /// Whether there was a character of several bytes in UTF-8.
    has_long_character: bool,
    ended: bool,
}

/// How the next bytes are decoded.
enum State {
    /// None were read yet.
    Start {
        /// The encoding that the caller named.
        named: Option<TextEncoding>,
        /// Whether UTF-16 and UTF-32 without a byte order mark are recognised, which are errors.
        reject_zero_bytes: bool,
    },
    Utf8,
    Utf32 {
        big_endian: bool,
    },
    Other(encoding_rs::Decoder),
}

impl<R: Read> Decoder<R> {
    /// # Errors
    /// [`Error::UnknownEncoding`] if no encoding has this label.
    pub fn new(reader: R, label: Option<&str>, name: &str, reject_zero_bytes: bool) -> Result<Self> {
        let named = label.map(TextEncoding::from_label).transpose()?;
        let state = State::Start { named, reject_zero_bytes };
        let (name, bytes) = (name.to_owned(), Vec::new());
        Ok(Self { reader, name, state, bytes, offset: 0, is_marked: false, has_long_character: false, ended: false })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Replaces `text` by the next block, which may be empty. Returns false at the end.
    ///
    /// # Errors
    /// If the input cannot be read or is not valid in the encoding.
    pub fn next(&mut self, text: &mut String) -> Result<bool> {
        if self.ended {
            text.clear();
            return Ok(false);
        }
        let mut block = self.reader.by_ref().take(BLOCK as u64);
        self.bytes.reserve(BLOCK);
        let read = block.read_to_end(&mut self.bytes).map_err(|error| Error::reading(&self.name, error))?;
        self.ended = read < BLOCK;
        if let State::Start { named, reject_zero_bytes } = self.state {
            self.is_marked = TextEncoding::of_mark(&self.bytes).is_some();
            self.state = self.start(named, reject_zero_bytes)?;
        }
        match &mut self.state {
            State::Start { .. } | State::Utf8 => self.decode_utf8(text)?,
            State::Utf32 { big_endian } => {
                let value = if *big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
                self.decode_utf32(value, text)?;
            }
            State::Other(_) => self.decode_other(text)?,
        }
        Ok(true)
    }

    /// Decides on the encoding once the first block is read: that of the byte order mark, or else the named one, or else
    /// UTF-8.
    fn start(&self, named: Option<TextEncoding>, reject_zero_bytes: bool) -> Result<State> {
        let encoding = TextEncoding::of_mark(&self.bytes).or(named).unwrap_or(UTF8);
        if named.is_none()
            && reject_zero_bytes
            && encoding == UTF8
            && let Some(first) = self.bytes.iter().position(|&byte| byte == 0)
            && let Some(found) = TextEncoding::of_zero_bytes(&self.bytes)
        {
            return Err(Error::NoByteOrderMark { name: self.name.clone(), encoding: found.name(), offset: first });
        }
        Ok(match encoding {
            TextEncoding::Utf32 { big_endian } => State::Utf32 { big_endian },
            TextEncoding::Standard(encoding) if encoding == UTF_8 => State::Utf8,
            TextEncoding::Standard(encoding) => State::Other(encoding.new_decoder()),
        })
    }

    fn decode_utf8(&mut self, text: &mut String) -> Result<()> {
        // At the end of the input, an incomplete character is an error.
        let incomplete = if self.ended { 0 } else { incomplete_suffix(&self.bytes) };
        let whole = self.bytes.len() - incomplete;
        let mut next = std::mem::take(text).into_bytes();
        next.clear();
        next.extend_from_slice(&self.bytes[whole..]);
        self.bytes.truncate(whole);
        let bytes = std::mem::replace(&mut self.bytes, next);
        *text = String::from_utf8(bytes).map_err(|error| self.invalid_utf8(&error))?;
        self.has_long_character = self.has_long_character || !text.is_ascii();
        self.offset += whole;
        Ok(())
    }

    /// The error of bytes that are not UTF-8. A text that ends inside a character was cut off; but if that is the only byte
    /// above 127, it may be a letter in another encoding.
    fn invalid_utf8(&self, error: &FromUtf8Error) -> Error {
        let (valid, name) = (error.utf8_error().valid_up_to(), self.name.clone());
        let (offset, (before, last)) = (self.offset + valid, error.as_bytes().split_at(valid));
        let is_utf8 = self.has_long_character || !before.is_ascii() || last.len() > 1;
        match error.utf8_error().error_len() {
            _ if self.is_marked => self.invalid(UTF_8.name(), offset),
            None if is_utf8 => {
                Error::IncompleteUtf8 { name, offset, found: last.len(), length: last[0].leading_ones() as usize }
            }
            _ => Error::InvalidUtf8 { name, offset },
        }
    }

    fn decode_utf32(&mut self, value: fn([u8; 4]) -> u32, text: &mut String) -> Result<()> {
        text.clear();
        let (groups, rest) = self.bytes.as_chunks::<4>();
        let invalid = |at: usize| {
            let encoding = if value([0, 0, 0, 1]) == 1 { "UTF-32BE" } else { "UTF-32LE" };
            self.invalid(encoding, self.offset + at)
        };
        for (at, &group) in groups.iter().enumerate() {
            text.push(char::from_u32(value(group)).ok_or_else(|| invalid(4 * at))?);
        }
        let decoded = self.bytes.len() - rest.len();
        if self.ended && !rest.is_empty() {
            return Err(invalid(decoded));
        }
        self.offset += decoded;
        self.bytes.drain(..decoded);
        Ok(())
    }

    fn decode_other(&mut self, text: &mut String) -> Result<()> {
        let State::Other(decoder) = &mut self.state else { return Ok(()) };
        text.clear();
        let mut read = 0;
        loop {
            let bytes = &self.bytes[read..];
            text.reserve(decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(BLOCK));
            let (result, more) = decoder.decode_to_string_without_replacement(bytes, text, self.ended);
            read += more;
            match result {
                DecoderResult::OutputFull => {}
                DecoderResult::InputEmpty => break,
                DecoderResult::Malformed(length, after) => {
                    let length = usize::from(length) + usize::from(after);
                    let (encoding, offset) = (decoder.encoding().name(), (self.offset + read).saturating_sub(length));
                    return Err(self.invalid(encoding, offset));
                }
            }
        }
        self.offset += read;
        self.bytes.clear();
        Ok(())
    }

    /// The error of bytes that are not valid in their encoding. No other encoding could be named for a marked file.
    fn invalid(&self, encoding: &'static str, offset: usize) -> Error {
        let name = self.name.clone();
        if self.is_marked {
            Error::Damaged { name, encoding, offset }
        } else {
            Error::InvalidEncoding { name, encoding, offset }
        }
    }
}

/// Length of the incomplete UTF-8 character at the end of `bytes`.
fn incomplete_suffix(bytes: &[u8]) -> usize {
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
    fn only_the_start_of_a_valid_character_is_incomplete() {
        for text in ["é", "한", "🦊"] {
            for cut in 0..text.len() {
                assert_eq!(incomplete_suffix(&text.as_bytes()[..cut]), cut, "{text} {cut}");
            }
            assert_eq!(incomplete_suffix(text.as_bytes()), 0);
        }
        assert_eq!(incomplete_suffix(b""), 0);
        assert_eq!(incomplete_suffix(b"a\x80\x80\x80\x80"), 0);
    }
}
