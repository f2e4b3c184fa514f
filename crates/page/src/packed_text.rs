//! Bytes as a text that an HTML file in UTF-16 can have in an element: almost 16 bits in each code unit of two bytes.
//!
//! The code units are those of ordinary characters outside ASCII, so that none is markup, a control character, half a pair of
//! surrogates or a non-character. They are numbered, and the bytes are divided into numbers by a truncated binary code: the first
//! [`SHORT`] numbers stand for 15 bits, all others for 16. Bits are taken from the highest of each byte to the lowest.

/// The code units that are used, from the first to the last of each range.
const RANGES: [(u32, u32); 2] = [(0xA0, 0xD7FF), (0xE000, 0xFDCF)];
/// How many they are.
const UNITS: u32 = RANGES[0].1 - RANGES[0].0 + 1 + RANGES[1].1 - RANGES[1].0 + 1;
/// The number of code units that stand for 15 bits.
const SHORT: u32 = (1 << 16) - UNITS;

/// The text that stands for `bytes`. Zero bits follow the last byte; the reader knows the number of bytes.
pub(crate) fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() / 2 * 3);
    let mut next = bytes.iter();
    // The bits that were taken from `bytes` and are not in the text yet: the lowest `count` of `held`.
    let (mut held, mut count) = (0_u32, 0);
    loop {
        while count < 16 {
            let Some(&byte) = next.next() else { break };
            held = (held & ((1 << count) - 1)) << 8 | u32::from(byte);
            count += 8;
        }
        if count == 0 {
            return text;
        }
        // Zero bits after the end.
        let bits = if count >= 16 { held >> (count - 16) } else { held << (16 - count) } & 0xFFFF;
        let is_short = bits >> 1 < SHORT;
        text.extend(character(if is_short { bits >> 1 } else { bits - SHORT }));
        count = u32::saturating_sub(count, if is_short { 15 } else { 16 });
    }
}

/// The character with this number.
fn character(number: u32) -> Option<char> {
    let first = RANGES[0].1 - RANGES[0].0 + 1;
    char::from_u32(if number < first { RANGES[0].0 + number } else { RANGES[1].0 + number - first })
}

/// The bytes of a text of [`text_of_bytes`], of which there are `length`, as the page reads them.
#[cfg(test)]
pub(crate) fn bytes_of_text(text: &str, length: usize) -> Vec<u8> {
    let first = RANGES[0].1 - RANGES[0].0 + 1;
    let mut bits = Vec::new();
    for unit in text.chars().map(u32::from) {
        let number = if unit <= RANGES[0].1 { unit - RANGES[0].0 } else { unit - RANGES[1].0 + first };
        let (value, count) = if number < SHORT { (number, 15) } else { (number + SHORT, 16) };
        bits.extend((0..count).rev().map(|bit| value >> bit & 1));
    }
    let bytes: Vec<u8> = bits.chunks(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | *bit as u8)).collect();
    bytes[..length].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_bytes_and_no_character_that_html_changes() {
        let mut state = 1_u32;
        let mut random = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let many: Vec<u8> = (0..100_000).map(&mut random).collect();
        for bytes in [&[][..], &[0], &[255], &[0, 0], &[1, 2, 3], &[0; 50], &[255; 50], &many] {
            let text = text_of_bytes(bytes);
            assert_eq!(bytes_of_text(&text, bytes.len()), bytes);
            assert!(text.chars().all(|c| ('\u{a0}'..='\u{fdcf}').contains(&c)));
        }
        // 1 % more than one code unit for two bytes.
        let units = text_of_bytes(&many).encode_utf16().count();
        assert!((50_000..50_500).contains(&units), "{units}");
    }
}
