//! The characters that stand for bytes in a vocabulary of subwords, as in GPT-2's: a printable byte of Latin-1 is its own
//! character, the others are the characters from U+0100 on. So every sequence of bytes can be written as a string: ` the`
//! is `Ġthe`.

/// The 256 bytes in the order of their characters.
pub(crate) const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let (mut at, mut pass) = (0, 0);
    while pass < 2 {
        let mut byte = 0usize;
        while byte < 256 {
            if is_printable(byte as u8) == (pass == 0) {
                bytes[at] = byte as u8;
                at += 1;
            }
            byte += 1;
        }
        pass += 1;
    }
    bytes
};

/// The number of printable bytes, which come first in [`BYTES`].
const PRINTABLE: usize = 188;

/// By byte, its place in [`BYTES`].
const PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let mut at = 0;
    while at < 256 {
        places[BYTES[at] as usize] = at as u8;
        at += 1;
    }
    places
};

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

/// The character of `byte`.
pub(crate) fn char_of(byte: u8) -> char {
    match usize::from(PLACES[usize::from(byte)]) {
        place if place < PRINTABLE => char::from(byte),
        place => char::from_u32((0x100 + place - PRINTABLE) as u32).unwrap_or_default(),
    }
}

/// The byte of `c`, if it stands for one.
pub(crate) fn byte_of(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0..=0xff => Some(code as u8).filter(|&byte| is_printable(byte)),
        code => BYTES.get(PRINTABLE..)?.get((code - 0x100) as usize).copied(),
    }
}

/// The place of `byte` in [`BYTES`].
pub(crate) fn place_of(byte: u8) -> u32 {
    PLACES[usize::from(byte)].into()
}

/// `bytes` as a string of such characters.
pub(crate) fn to_string(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char_of).collect()
}

/// The bytes of such a string; `None` if it contains another character.
pub(crate) fn to_bytes(string: &str) -> Option<Vec<u8>> {
    string.chars().map(byte_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_characters_are_those_of_gpt_2() {
        for (byte, c) in [(b' ', 'Ġ'), (b'\n', 'Ċ'), (b'a', 'a'), (b'\t', 'ĉ'), (0xe3, 'ã'), (0x7f, 'ġ'), (0xad, 'Ń')]
        {
            assert_eq!((char_of(byte), byte_of(c)), (c, Some(byte)));
        }
        assert!(BYTES.is_sorted_by_key(|&byte| char_of(byte)));
        let chars: std::collections::HashSet<char> = (0..=255).map(char_of).collect();
        #[cfg(feature = "reference")]
        assert_eq!(chars, tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect());
        for c in '\0'..=char::MAX {
            assert_eq!(byte_of(c).is_some(), chars.contains(&c), "{c:?}");
        }
        assert_eq!(to_bytes(&to_string(" né".as_bytes())).unwrap(), " né".as_bytes());
        assert_eq!(to_bytes("a b"), None);
    }
}
