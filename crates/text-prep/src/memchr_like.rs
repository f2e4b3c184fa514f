//! Looking for bytes in a text, many at a time.
//!
//! What it does not know: what the bytes mean.

/// Bytes that are looked at together: the compiler compares them with vector instructions.
const BLOCK: usize = 32;

/// Where the first byte at or after `from` stands that is `wanted`, a comparison or a few.
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

/// The highest bit of each of eight bytes.
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// [`HIGH`] where one of eight bytes of ASCII is `least` or more; anything where a byte is not ASCII.
#[inline(always)]
pub(crate) fn at_least(bytes: u64, least: u8) -> u64 {
    // With its highest bit set, no byte borrows from the next.
    ((bytes | HIGH) - u64::from_le_bytes([least; 8])) & HIGH
}

/// Where the first byte at or after `from` stands that is wanted. `wanted` sees eight bytes at a time,
/// the first lowest, and sets the highest bit of those that it wants; it sees the letter `a` behind
/// the end. Better than [`find`] where much is wanted.
#[inline(always)]
pub(crate) fn find_in_eights(
    bytes: &[u8],
    from: usize,
    mut wanted: impl FnMut(u64) -> u64,
) -> Option<usize> {
    let mut at = from;
    while let Some(eight) = bytes[at..].first_chunk() {
        let found = wanted(u64::from_le_bytes(*eight));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let mut eight = [b'a'; 8];
    let rest = &bytes[at..];
    eight[..rest.len()].copy_from_slice(rest);
    let found = wanted(u64::from_le_bytes(eight));
    (found != 0).then(|| at + found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_found_wherever_it_stands() {
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
    fn every_byte_of_eight_is_compared_by_itself() {
        for least in 1..128 {
            for byte in 0..128 {
                let expected = if byte >= least { 0x80 } else { 0 };
                for others in [0, least - 1, least, 127] {
                    let mut eight = [others; 8];
                    eight[3] = byte;
                    let found = at_least(u64::from_le_bytes(eight), least).to_le_bytes();
                    assert_eq!(found[3], expected);
                    assert_eq!(found[4], if others >= least { 0x80 } else { 0 });
                }
            }
        }
    }

    #[test]
    fn the_first_of_eight_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                let mut bytes = vec![b'b'; length];
                bytes[at] = b'~';
                for from in 0..=length {
                    let found = find_in_eights(&bytes, from, |eight| at_least(eight, b'~'));
                    assert_eq!(found, Some(at).filter(|&at| at >= from));
                }
            }
        }
    }
}
