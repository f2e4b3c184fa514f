//! Byte search like the `memchr` crate, but for arbitrary byte predicates: many bytes at a time.

/// Bytes tested together: the compiler turns the comparisons into vector instructions.
const BLOCK: usize = 32;

/// Position of the first byte at or after `from` for which `wanted` is true. `wanted` should be a
/// few comparisons.
#[inline(always)]
pub(crate) fn find(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = from;
    while let Some(block) = bytes[at..].first_chunk::<BLOCK>() {
        if block.iter().fold(false, |any, &byte| any | wanted(byte)) {
            break;
        }
        at += BLOCK;
    }
    bytes[at..].iter().position(|&byte| wanted(byte)).map(|n| at + n)
}

/// The high bit of each of eight bytes.
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// Sets the high bit of each of eight ASCII bytes that is at least `min`. The result for bytes that
/// are not ASCII is unspecified.
#[inline(always)]
pub(crate) fn at_least(bytes: u64, min: u8) -> u64 {
    // With its high bit set, no byte borrows from the next.
    ((bytes | HIGH) - u64::from_le_bytes([min; 8])) & HIGH
}

/// Position of the first byte at or after `from` that is wanted. `wanted` gets eight bytes at a time
/// (little-endian, the end padded with the letter `a`) and sets the high bit of each wanted byte.
/// Faster than [`find`] if matches are frequent.
#[inline(always)]
pub(crate) fn find_by_word(bytes: &[u8], from: usize, mut wanted: impl FnMut(u64) -> u64) -> Option<usize> {
    let mut at = from;
    while let Some(word) = bytes[at..].first_chunk() {
        let found = wanted(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let mut word = [b'a'; 8];
    let rest = &bytes[at..];
    word[..rest.len()].copy_from_slice(rest);
    let found = wanted(u64::from_le_bytes(word));
    (found != 0).then(|| at + found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_returns_the_first_match_at_any_position() {
        for length in 0..100 {
            for at in 0..length {
                let mut bytes = vec![b'a'; length];
                bytes[at] = 200;
                bytes[length - 1] = 200;
                for from in 0..=length {
                    let expected = (from..length).find(|&n| bytes[n] == 200);
                    assert_eq!(find(&bytes, from, |byte| byte >= 128), expected);
                }
            }
        }
    }

    #[test]
    fn at_least_compares_each_byte_independently() {
        for min in 1..128 {
            for byte in 0..128 {
                let expected = if byte >= min { 0x80 } else { 0 };
                for others in [0, min - 1, min, 127] {
                    let mut bytes = [others; 8];
                    bytes[3] = byte;
                    let found = at_least(u64::from_le_bytes(bytes), min).to_le_bytes();
                    assert_eq!(found[3], expected);
                    assert_eq!(found[4], if others >= min { 0x80 } else { 0 });
                }
            }
        }
    }

    #[test]
    fn find_by_word_returns_the_first_match_at_any_position() {
        for length in 0..40 {
            for at in 0..length {
                let mut bytes = vec![b'b'; length];
                bytes[at] = b'~';
                for from in 0..=length {
                    let found = find_by_word(&bytes, from, |word| at_least(word, b'~'));
                    assert_eq!(found, Some(at).filter(|&at| at >= from));
                }
            }
        }
    }
}
