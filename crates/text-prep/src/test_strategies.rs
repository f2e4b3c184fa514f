//! `proptest` strategies for text: characters that are difficult to clean, split and join.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Configuration of every property test: few cases, a fixed RNG seed, no files written.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_260_101),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

const FRAGMENTS: &[&str] = &[
    "a",
    "b",
    "Z",
    "É",
    "e\u{301}",
    "\u{301}",
    "\u{323}",
    "ẛ",
    "Σ",
    "İ",
    "ẞ",
    "ǅ",
    "\u{212a}",
    "ﬁ",
    "½",
    "1",
    "42",
    "٣",
    " ",
    " ",
    " ",
    "  ",
    "   ",
    "\n",
    "\n\n",
    "\n\n\n\n\n",
    "\t",
    "\r",
    "\r\n",
    "\u{a0}",
    "\u{3000}",
    "\u{2003}",
    "\u{feff}",
    "\u{1b}",
    "\u{1c}",
    "\u{85}",
    ".",
    "..",
    "...",
    ",",
    "-",
    "--",
    "—",
    "'",
    "'",
    "’",
    "‘",
    "“",
    "”",
    "\"",
    "\"",
    "(",
    ")",
    "!",
    "?",
    "|",
    "$",
    "%",
    "<",
    "\u{338}",
    "_",
    "`",
    "…",
    "가",
    "한글",
    "ᄒ",
    "ᅡ",
    "ᆫ",
    "각",
    "ᄀ",
    "ᆨ",
    "ᆞ",
    "ㄱ",
    "漢",
    "🦊",
    "❤\u{fe0f}",
    "👩\u{200d}🔬",
    "👍🏽",
    "🇰🇷",
    "🇰",
    "क्\u{200d}",
    "ष",
    "\u{200d}",
    "\u{fe0f}",
    "Å",
    "\u{2126}",
    "the",
    "fox",
    "don't",
    "dogs'",
    "'tis",
];

const UNSPACED_FRAGMENTS: &[&str] = &[
    "灰猫",
    "在桥下",
    "北",
    "门",
    "々",
    "〇",
    "吾輩は猫である",
    "カラオケー",
    "か\u{3099}",
    "ｶﾞ",
    "แม่ขายขนมปัง",
    "น้ำ",
    "\u{e48}",
    "ๆ",
    "๑๒",
    "฿",
    "ພາສາ",
    "မြန်မာစာ",
    "ភាសាខ្មែរ",
    "\u{200b}",
    "，",
    "。",
    "、",
    "「",
    "」",
    "：",
    "・",
    "　",
    "……",
    "——",
];

/// Text of letters of scripts without spaces among other difficult fragments.
pub(crate) fn unspaced_text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![prop::sample::select(UNSPACED_FRAGMENTS), prop::sample::select(FRAGMENTS)].prop_map(str::to_owned),
        0..40,
    )
    .prop_map(|fragments| fragments.concat())
}

/// Text made of up to 40 difficult fragments.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            8 => prop::sample::select(FRAGMENTS).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
        ],
        0..40,
    )
    .prop_map(|fragments| fragments.concat())
}

/// Text and split offsets, which [`cut`] moves to character boundaries.
pub(crate) fn text_and_cuts() -> impl Strategy<Value = (String, Vec<usize>)> {
    (text(), prop::collection::vec(0usize..200, 0..12))
}

/// `text` split into chunks, some of which may be empty.
pub(crate) fn cut<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a str> {
    let mut cuts: Vec<usize> = cuts.iter().map(|&c| text.floor_char_boundary(c)).collect();
    cuts.sort_unstable();
    let mut chunks = Vec::new();
    let mut start = 0;
    for cut in cuts {
        chunks.push(&text[start..cut]);
        start = cut;
    }
    chunks.push(&text[start..]);
    chunks
}
