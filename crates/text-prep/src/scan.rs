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
}
