//! Decodes bytes to text in blocks: UTF-8 or any encoding of the WHATWG Encoding Standard. Byte order
//! marks and line ends are handled elsewhere.

use std::io::Read;

use encoding_rs::{DecoderResult, Encoding, UTF_8};

use crate::error::{Error, Result};

/// Bytes per read: small enough to stay in the CPU cache until tokenized, large enough to make the
/// cost of the calls negligible.
pub(super) const BLOCK: usize = 64 * 1024;

/// Reads text in blocks that never end inside a character.
pub(super) struct Decoder<R> {
    reader: R,
    name: String,
    /// The decoder for an encoding other than UTF-8.
    other: Option<encoding_rs::Decoder>,
    /// Bytes not decoded yet: before a read, at most the start of a character.
    bytes: Vec<u8>,
    /// Offset of `bytes` in the input.
    offset: usize,
    ended: bool,
}

impl<R: Read> Decoder<R> {
    /// # Errors
    /// [`Error::UnknownEncoding`] if no encoding has this label.
    pub fn new(reader: R, label: Option<&str>, name: &str) -> Result<Self> {
        let encoding = match label {
            None => UTF_8,
            Some(label) => Encoding::for_label(label.as_bytes())
                .ok_or_else(|| Error::UnknownEncoding { label: label.to_owned() })?,
        };
        let other = (encoding != UTF_8).then(|| encoding.new_decoder());
        let (name, bytes) = (name.to_owned(), Vec::new());
        Ok(Self { reader, name, other, bytes, offset: 0, ended: false })
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
        let read = block
            .read_to_end(&mut self.bytes)
            .map_err(|source| Error::Read { path: self.name.clone().into(), source })?;
        self.ended = read < BLOCK;
        match self.other.take() {
            None => self.decode_utf8(text)?,
            Some(decoder) => self.decode_other(decoder, text)?,
        }
        Ok(true)
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
        *text = String::from_utf8(bytes).map_err(|error| Error::InvalidUtf8 {
            name: self.name.clone(),
            offset: self.offset + error.utf8_error().valid_up_to(),
        })?;
        self.offset += whole;
        Ok(())
    }

    fn decode_other(&mut self, mut decoder: encoding_rs::Decoder, text: &mut String) -> Result<()> {
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
                    return Err(Error::InvalidEncoding {
                        name: self.name.clone(),
                        encoding: decoder.encoding().name(),
                        offset: (self.offset + read).saturating_sub(length),
                    });
                }
            }
        }
        self.offset += read;
        self.bytes.clear();
        self.other = Some(decoder);
        Ok(())
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
