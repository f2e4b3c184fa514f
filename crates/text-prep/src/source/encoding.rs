//! Which encoding a text has: by its label, by its byte order mark, or, to reject it with the fix, by its zero bytes.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, Result};

/// An encoding that texts are read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextEncoding {
    /// UTF-8 or another encoding of the WHATWG Encoding Standard.
    Standard(&'static Encoding),
    /// UTF-32, which the standard does not have.
    Utf32 { big_endian: bool },
}

pub(super) const UTF8: TextEncoding = TextEncoding::Standard(UTF_8);
const UTF32_LE: TextEncoding = TextEncoding::Utf32 { big_endian: false };
const UTF32_BE: TextEncoding = TextEncoding::Utf32 { big_endian: true };

/// Byte order marks. That of UTF-32 comes first, because it begins with that of UTF-16.
const MARKS: [(&[u8], TextEncoding); 5] = [
    (b"\xFF\xFE\0\0", UTF32_LE),
    (b"\0\0\xFE\xFF", UTF32_BE),
    (b"\xEF\xBB\xBF", UTF8),
    (b"\xFF\xFE", TextEncoding::Standard(UTF_16LE)),
    (b"\xFE\xFF", TextEncoding::Standard(UTF_16BE)),
];

impl TextEncoding {
    /// # Errors
    /// [`Error::UnknownEncoding`] if no encoding has this label.
    pub fn from_label(label: &str) -> Result<Self> {
        match label.trim().to_ascii_lowercase().as_str() {
            "utf-32" | "utf-32le" => return Ok(UTF32_LE),
            "utf-32be" => return Ok(UTF32_BE),
            _ => {}
        }
        // The standard decodes some unsafe encodings as a single replacement character.
        let encoding = Encoding::for_label(label.as_bytes()).filter(|&encoding| encoding != REPLACEMENT);
        encoding.map(Self::Standard).ok_or_else(|| Error::UnknownEncoding { label: label.to_owned() })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Standard(encoding) => encoding.name(),
            Self::Utf32 { big_endian: false } => "UTF-32LE",
            Self::Utf32 { big_endian: true } => "UTF-32BE",
        }
    }

    /// The encoding whose byte order mark `bytes` begin with.
    pub fn of_mark(bytes: &[u8]) -> Option<Self> {
        MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|&(_, encoding)| encoding)
    }

    /// The encoding that `bytes`, the start of a file without a byte order mark, seem to have because of their zero
    /// bytes: UTF-16 or UTF-32.
    pub fn of_zero_bytes(bytes: &[u8]) -> Option<Self> {
        let (groups, pairs) = (bytes.as_chunks::<4>().0, bytes.as_chunks::<2>().0);
        if bytes.iter().all(|&byte| byte == 0) {
            return None;
        }
        let is_utf32 = |value: fn([u8; 4]) -> u32| {
            !groups.is_empty() && groups.iter().all(|&group| char::from_u32(value(group)).is_some())
        };
        if is_utf32(u32::from_le_bytes) {
            return Some(UTF32_LE);
        }
        if is_utf32(u32::from_be_bytes) {
            return Some(UTF32_BE);
        }
        let mut counts = [[0; 256]; 2];
        for pair in pairs {
            (0..2).for_each(|at| counts[at][usize::from(pair[at])] += 1);
        }
        let (high, encoding, unit): (_, _, fn([u8; 2]) -> u16) = match (counts[0][0], counts[1][0]) {
            (0, 1..) => (&counts[1], UTF_16LE, u16::from_le_bytes),
            (1.., 0) => (&counts[0], UTF_16BE, u16::from_be_bytes),
            _ => return Self::of_line_ends(bytes),
        };
        // Most letters of a script with few letters have the same high byte, which is zero in Latin, and spaces and line
        // ends have zero. The letters of other scripts are no UTF-8. A few zeros in another text are control characters.
        let zeros = high[0];
        let is_one_script = zeros >= 2 && 2 * (zeros + high[1..].iter().max().unwrap_or(&0)) > pairs.len();
        let is_other = || zeros >= 3 && str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some());
        // The last character may be cut.
        let unpaired = || char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).filter(|unit| unit.is_err()).count();
        if (is_one_script || is_other()) && unpaired() <= 1 {
            return Some(Self::Standard(encoding));
        }
        Self::of_line_ends(bytes)
    }

    /// UTF-16 of a script with many letters, such as Chinese: the low bytes of some letters are zero, too, but line ends and
    /// spaces are in their places in only one order of the bytes.
    fn of_line_ends(bytes: &[u8]) -> Option<Self> {
        let pairs = bytes.as_chunks::<2>().0;
        let units = |value: fn([u8; 2]) -> u16| pairs.iter().map(move |&pair| value(pair));
        let count = |value| units(value).filter(|unit| matches!(unit, 0x0A | 0x0D | 0x20)).count();
        let (encoding, value): (_, fn([u8; 2]) -> u16) = match (count(u16::from_le_bytes), count(u16::from_be_bytes)) {
            (1.., 0) => (UTF_16LE, u16::from_le_bytes),
            (0, 1..) => (UTF_16BE, u16::from_be_bytes),
            _ => return None,
        };
        // The last character may be cut.
        let invalid = char::decode_utf16(units(value)).filter(|unit| matches!(unit, Err(_) | Ok('\0'))).count();
        // Some low bytes, one in nine if all are equally frequent, are those of control characters, which texts in other
        // encodings do not have.
        let controls = bytes.iter().filter(|byte| matches!(byte, 0x01..=0x08 | 0x0E..=0x1F)).count();
        let is_not_utf8 = str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some());
        (is_not_utf8 && invalid <= 1 && 50 * controls >= pairs.len()).then_some(Self::Standard(encoding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn utf32(text: &str, bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
        text.chars().flat_map(|c| bytes(c.into())).collect()
    }

    #[test]
    fn labels_name_encodings() {
        for (label, name) in [
            ("latin1", "windows-1252"),
            (" UTF-16 ", "UTF-16LE"),
            ("utf-16be", "UTF-16BE"),
            ("UTF-32", "UTF-32LE"),
            ("utf-32be", "UTF-32BE"),
            ("cp1252", "windows-1252"),
        ] {
            assert_eq!(TextEncoding::from_label(label).unwrap().name(), name);
        }
        for label in ["", "klingon", "iso-2022-kr", "utf-7"] {
            assert!(matches!(TextEncoding::from_label(label), Err(Error::UnknownEncoding { .. })), "{label}");
        }
    }

    #[test]
    fn zero_bytes_reveal_utf_16_and_utf_32() {
        for text in [
            "The fox ran.\n",
            "狐狸跑了。\n它看见葡萄。\n葡萄很高。\n",
            "лиса и виноград висит",
            "अंगूर ऊँचे लटके थे।",
            "ab🦊",
            "一只狐狸看见一串葡萄。\n它跳了又跳，够不着，就走了，说葡萄是酸的。\n",
            "乌鸦嘴里有一块肉，狐狸看见了，想要那块肉，就说乌鸦的声音很好听。\n",
        ] {
            for (bytes, name) in [
                (utf16(text, u16::to_le_bytes), "UTF-16LE"),
                (utf16(text, u16::to_be_bytes), "UTF-16BE"),
                (utf32(text, u32::to_le_bytes), "UTF-32LE"),
                (utf32(text, u32::to_be_bytes), "UTF-32BE"),
            ] {
                assert_eq!(TextEncoding::of_zero_bytes(&bytes).map(TextEncoding::name), Some(name), "{text}");
            }
        }
        for text in ["The fox\0 ran after the crow.", "a\0\0b c d e f g h", "\0\0\0\0", "여우가\0 포도를 보았다"]
        {
            assert_eq!(TextEncoding::of_zero_bytes(text.as_bytes()), None, "{text:?}");
        }
        // Other encodings with NUL.
        for bytes in [&b"caf\xE9\0\n au lait, caf\xE9 noir, the\xE9"[..], b"\xBF\xA9\xBF\xEC\0\n \xBF\xA9\xBF\xEC"] {
            assert_eq!(TextEncoding::of_zero_bytes(bytes), None, "{bytes:?}");
        }
    }
}
