//! Joins the bytes of subwords to text. A character may be several tokens, so its first bytes are held back until it is
//! complete.

use super::alphabet;

/// Joins the tokens of one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct SubwordDetokenizer {
    /// The beginning of a character.
    pending: Vec<u8>,
}

impl SubwordDetokenizer {
    /// Appends to `text` what is certain after `token`. Bytes that are not UTF-8 become U+FFFD, as by
    /// [`String::from_utf8_lossy`].
    pub fn push(&mut self, token: &str, text: &mut String) {
        for c in token.chars() {
            match alphabet::byte_of(c) {
                Some(byte) => self.pending.push(byte),
                // A reserved token is shown as it is.
                None => self.pending.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        let mut rest = self.pending.as_slice();
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => error,
            };
            let (valid, other) = rest.split_at(error.valid_up_to());
            text.push_str(&String::from_utf8_lossy(valid));
            rest = other;
            let Some(invalid) = error.error_len() else { break };
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &rest[invalid..];
        }
        let done = self.pending.len() - rest.len();
        self.pending.drain(..done);
    }

    /// Appends what is pending: an incomplete character is U+FFFD.
    pub fn finish(&mut self, text: &mut String) {
        if !self.pending.is_empty() {
            self.pending.clear();
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;

    fn joined(parts: &[&[u8]]) -> Vec<String> {
        let (mut detokenizer, mut text) = (SubwordDetokenizer::default(), String::new());
        let mut outputs = Vec::new();
        for part in parts {
            detokenizer.push(&alphabet::to_string(part), &mut text);
            outputs.push(std::mem::take(&mut text));
        }
        detokenizer.finish(&mut text);
        outputs.push(text);
        outputs
    }

    #[test]
    fn an_incomplete_character_is_held_back_and_replaced_only_at_the_end() {
        let fox = "🦊".as_bytes();
        assert_eq!(joined(&[b"a ", &fox[..1], &fox[1..3], &fox[3..], b"!"]), ["a ", "", "", "🦊", "!", ""]);
        assert_eq!(joined(&[&fox[..3]]), ["", "\u{fffd}"]);
        assert_eq!(joined(&[&fox[..3], b"a"]), ["", "\u{fffd}a", ""]);
        assert_eq!(joined(&[b"\xff\xffa\xe3", b"\x81"]), ["\u{fffd}\u{fffd}a", "", "\u{fffd}"]);
    }

    #[test]
    fn a_reserved_token_is_shown_as_it_is() {
        let (mut detokenizer, mut text) = (SubwordDetokenizer::default(), String::new());
        detokenizer.push("<id 9>", &mut text);
        assert_eq!(text, "<id 9>");
    }

    proptest! {
        #![proptest_config(test_strategies::cases(512))]

        #[test]
        fn the_outputs_join_to_the_lossy_text(parts in prop::collection::vec(prop::collection::vec(prop_oneof![
            prop::sample::select(&b"a \xc3\xa9\xed\x95\x9c\xf0\x9f\xa6\x8a\xff\xc0\x80"[..]), any::<u8>()], 0..4), 0..12)) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let whole = parts.concat();
            prop_assert_eq!(joined(&parts).concat(), String::from_utf8_lossy(&whole));
        }
    }
}
