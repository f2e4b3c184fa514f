//! Words of scripts that are written without spaces: Chinese, Japanese, Thai, Burmese, Khmer, Lao.

use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};
use serde::{Deserialize, Serialize};

use crate::chars::{is_extender, is_punctuation};

/// Where words end.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Segmentation {
    /// At white space, in every script.
    #[default]
    Spaces,
    /// Also between the words of scripts that are written without spaces, which are found with dictionaries. Words of
    /// other scripts stay as they are.
    Dictionary,
}

impl Segmentation {
    /// How many bytes of a text [`detect`](Self::detect) reads.
    pub const DETECTION_BYTES: usize = 64 * 1024;

    /// Counts the letters in the first 64 KiB of a text, which is given in parts: [`Dictionary`](Self::Dictionary) if most
    /// of them belong to a script that is written without spaces.
    pub fn detect<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut unspaced, mut spaced) = (0usize, 0usize);
        let mut left = Self::DETECTION_BYTES;
        for part in parts {
            let beginning = &part[..part.floor_char_boundary(left)];
            for c in beginning.chars() {
                if is_unspaced(c) {
                    unspaced += 1;
                } else if c.is_alphabetic() {
                    spaced += 1;
                }
            }
            left -= beginning.len();
            if beginning.len() < part.len() || left == 0 {
                break;
            }
        }
        if unspaced > spaced { Self::Dictionary } else { Self::Spaces }
    }

    /// Whether words end at white space only.
    pub fn is_spaces(&self) -> bool {
        *self == Self::Spaces
    }

    /// Whether a dictionary decides on the words of `text`, so that they may differ from those in a longer text.
    pub fn divides(&self, text: &str) -> bool {
        !self.is_spaces() && has_unspaced(text)
    }
}

/// A letter of a script that is written without spaces; its combining marks do not count.
pub(crate) fn is_unspaced(c: char) -> bool {
    match c {
        '\0'..='\u{dff}' => false,
        _ if is_east_asian(c) => true,
        // Thai, Lao, Myanmar, Khmer, and Myanmar's extensions.
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => is_letter(c),
        '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' => is_letter(c),
        _ => false,
    }
}

/// A letter of Chinese or Japanese, in which spaces between sentences and around quotes are not usual either.
pub(crate) fn is_east_asian(c: char) -> bool {
    match c {
        // Unified ideographs and their extensions, compatibility ideographs.
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{3fffd}' => true,
        '\u{f900}'..='\u{faff}' | '々' | '〆' | '〇' => true,
        // Hiragana, Katakana, their extensions and half-width forms.
        '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{1b000}'..='\u{1b16f}' => is_letter(c),
        '\u{ff66}'..='\u{ff9f}' => true,
        _ => false,
    }
}

/// Chinese and Japanese punctuation, as wide as a letter: 、。「」 and the full-width forms.
pub(crate) fn is_wide_punctuation(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{303f}' | '・' | '゠' | '\u{fe30}'..='\u{fe4f}' | '\u{ff01}'..='\u{ff65}')
        && is_punctuation(c)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !is_extender(c) && !is_punctuation(c)
}

/// Whether a word contains a letter of a script that is written without spaces.
pub(crate) fn has_unspaced(word: &str) -> bool {
    !word.is_ascii() && word.contains(is_unspaced)
}

/// Divides `text` into the longest runs of letters of scripts without spaces (with the marks after them) and what is
/// between them; calls `f` with each part and whether it is such a run.
pub(crate) fn for_each_run<'a>(text: &'a str, mut f: impl FnMut(&'a str, bool)) {
    let (mut start, mut in_run) = (0, false);
    for (at, c) in text.char_indices() {
        let unspaced = is_unspaced(c) || in_run && is_extender(c);
        if unspaced != in_run {
            if start < at {
                f(&text[start..at], in_run);
            }
            (start, in_run) = (at, unspaced);
        }
    }
    if start < text.len() {
        f(&text[start..], in_run);
    }
}

/// Finds words with the compiled dictionaries of `icu_segmenter`.
#[derive(Clone, Debug)]
pub(crate) struct Dictionary(WordSegmenterBorrowed<'static>);

impl Dictionary {
    pub fn new() -> Self {
        Self(WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()))
    }

    /// Calls `f` with the words of `run`, which together are the run. They depend on nothing but the run.
    pub fn for_each_word<'a>(&self, run: &'a str, mut f: impl FnMut(&'a str)) {
        let mut start = 0;
        for end in self.0.segment_str(run).filter(|&end| end > 0) {
            f(&run[start..end]);
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(run: &str) -> Vec<&str> {
        let mut words = Vec::new();
        Dictionary::new().for_each_word(run, |word| words.push(word));
        words
    }

    #[test]
    fn words_of_each_script_are_found() {
        assert_eq!(words("河水慢慢流过北门"), ["河水", "慢慢", "流", "过", "北", "门"]);
        assert_eq!(words("吾輩は猫である"), ["吾輩", "は", "猫", "で", "ある"]);
        assert_eq!(words("แม่ขายขนมปัง"), ["แม่", "ขาย", "ขนมปัง"]);
        assert_eq!(words("ພາສາລາວ"), ["ພາສາ", "ລາວ"]);
        assert_eq!(words("မြန်မာစာ"), ["မြန်မာ", "စာ"]);
        assert_eq!(words("ខ្ញុំទៅផ្ទះ"), ["ខ្ញុំ", "ទៅផ្ទះ"]);
        assert!(words("").is_empty());
    }

    #[test]
    fn runs_end_at_letters_of_other_scripts_digits_and_punctuation() {
        let runs = |text: &'static str| {
            let mut runs = Vec::new();
            for_each_run(text, |part, is_run| runs.push((part, is_run)));
            runs
        };
        assert_eq!(runs("2024年、ab北门"), [("2024", false), ("年", true), ("、ab", false), ("北门", true)]);
        assert_eq!(runs("カラオケー々が\u{3099}x"), [("カラオケー々が\u{3099}", true), ("x", false)]);
        assert_eq!(runs("๑๒บาท฿"), [("๑๒", false), ("บาท", true), ("฿", false)]);
        assert_eq!(runs("여우 fox é\u{301}"), [("여우 fox é\u{301}", false)]);
    }

    #[test]
    fn the_first_64_kib_decide_however_a_text_is_divided() {
        let spaced = "a".repeat(20_000);
        let unspaced = "灰".repeat(15_000);
        let rest = "灰".repeat(90_000);
        // 20,000 letters and the 15,178 that fit into 45,536 bytes, or fewer letters before them.
        assert_eq!(Segmentation::detect([spaced.as_str(), &unspaced, &rest]), Segmentation::Spaces);
        assert_eq!(Segmentation::detect([format!("{spaced}{unspaced}{rest}").as_str()]), Segmentation::Spaces);
        assert_eq!(Segmentation::detect([&spaced[..10_000], &unspaced, &rest]), Segmentation::Dictionary);
        // A letter across the limit ends what is read.
        let almost = "a".repeat(Segmentation::DETECTION_BYTES - 2);
        assert_eq!(Segmentation::detect([almost.as_str(), "灰", &rest]), Segmentation::Spaces);
    }

    #[test]
    fn the_prevailing_script_decides() {
        for text in ["灰猫在桥下睡觉，the cat。", "น้ำในแม่น้ำ", "これはペンです。", "မြန်မာစာ", "ភាសាខ្មែរ", "ພາສາລາວ"]
        {
            assert_eq!(Segmentation::detect([text]), Segmentation::Dictionary, "{text}");
        }
        for text in
            ["", "123 ...", "The word 茶 means tea.", "여우와 포도", "大韓民國은 民主共和國이다 그리고 여우와 포도"]
        {
            assert_eq!(Segmentation::detect([text]), Segmentation::Spaces, "{text}");
        }
    }
}
