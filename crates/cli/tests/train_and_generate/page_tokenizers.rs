//! The tokenizers of a page give the ids, tokens and texts of the program's, on mixed texts.

use generate::Generator;
use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
use serde_json::{Value, json};
use text_prep::{
    Capitals, CharacterOptions, CharacterUnit, Cleaner, Error, OovPolicy, PreTokenizer, Punctuation, PunctuationSet,
    RuleSpec, Segmentation, SpanOptions, SubwordOptions, TokenCounter, Tokenizer, Vocabulary, WordOptions,
};

use super::node::run_node;

/// The texts that vocabularies are made of.
pub const TEXTS: [&str; 6] = [
    "The old fox said, \"I don't like these grapes -- they're sour!\" It ran (quickly) home…\n\nThe crow laughed.",
    "“Curly,” she said: ‘it’s a well-known ﬁsh’ — 100 % of $5.50, #1 & more. İstanbul, STRASSE, Straße, ΣΊΣΥΦΟΣ.",
    "옛날 옛적에 여우가 살았습니다. \"안녕!\" 하고 값을 물었다. 한국어와 English, 각 가 갃.",
    "كان يا ما كان، في قديم الزمان؛ ثعلبٌ «ماكر»؟ שָׁלוֹם עֲלֵיכֶם, שועל אמר: \"לא!\"",
    "Emoji: 🦊 👩‍🔬 ❤️ 👍🏽 🇰🇷 e\u{301} n\u{303} Å; Zażółć gęślą jaźń. Ещё раз: «да».",
    "  Indented line\n\tand tabs  \n\n\n\n\nA new story.. with dots...\u{a0}\u{3000}end ",
];

/// Parts of random texts.
const PARTS: [&str; 60] = [
    "a",
    "The",
    "fox",
    "Z",
    "É",
    "e\u{301}",
    "\u{301}",
    "\u{323}",
    "Σ",
    "σ",
    "İ",
    "ẞ",
    "ß",
    "ǅ",
    "ﬁ",
    "½",
    "1",
    "42",
    "٣",
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n\n\n\n\n",
    "\t",
    "\r\n",
    "\u{a0}",
    "\u{3000}",
    "\u{1c}",
    ".",
    "..",
    "...",
    ",",
    "-",
    "--",
    "—",
    "'",
    "'s",
    "’",
    "“",
    "”",
    "\"",
    "(",
    ")",
    "!",
    "|",
    "$",
    "%",
    "…",
    "가",
    "각",
    "ᄀ",
    "ᅡ",
    "ᆨ",
    "ש",
    "؟",
    "🦊",
    "👩‍🔬",
];

fn texts() -> Vec<String> {
    let mut state = 11u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let random = (0..300).map(|_| {
        let count = 1 + next(16);
        (0..count).map(|_| PARTS[next(PARTS.len())]).collect::<String>()
    });
    let fixed = ["", " ", "the old", " the old", "don", "don't", "The  fox ", "\n", "\u{fdd0}", "unknown-word"];
    TEXTS.into_iter().chain(fixed).map(String::from).chain(random).collect()
}

/// A tokenizer with a vocabulary of [`TEXTS`].
pub fn tokenizer(cleaner: Cleaner, pre_tokenizer: PreTokenizer, unknown: bool) -> Tokenizer {
    let mut counter = TokenCounter::new();
    for text in TEXTS {
        pre_tokenizer.for_each_token(&cleaner.clean(text), |token| {
            counter.add(token);
        });
    }
    let counts: Vec<(&str, u64)> = counter.iter().collect();
    let vocabulary = match pre_tokenizer {
        PreTokenizer::Subwords(_) => Vocabulary::train_subwords(counts, 400),
        _ => Vocabulary::from_counts(counts, 1, unknown),
    };
    let oov = if unknown { OovPolicy::Unknown } else { OovPolicy::Drop };
    Tokenizer { cleaner, pre_tokenizer, vocabulary, document_separator: None, oov }
}

fn words() -> PreTokenizer {
    WordOptions::default().into()
}

fn tokenizers() -> Vec<(&'static str, Tokenizer)> {
    let preset = |name| Cleaner::preset(name).unwrap();
    let characters = |options: CharacterOptions| PreTokenizer::Characters(options);
    let subwords = || PreTokenizer::Subwords(SubwordOptions::default());
    let separated = |tokenizer: Tokenizer| Tokenizer { document_separator: Some("|".into()), ..tokenizer };
    let documents = |tokenizer: Tokenizer| {
        let vocabulary = tokenizer.vocabulary.clone().with_documents(3);
        Tokenizer { vocabulary, cleaner: tokenizer.cleaner.for_documents(), ..tokenizer }
    };
    let rules = Cleaner::new(vec![
        RuleSpec::Nfkc,
        RuleSpec::DigitsToOne { token: "0".into() },
        RuleSpec::SpacePunctuation { set: PunctuationSet::Typographic },
        RuleSpec::Replace { from: "--".into(), to: "—".into(), times: 1 },
        RuleSpec::CollapseSpaces { to: " ".into() },
    ]);
    let jamo = CharacterOptions::default().jamo(true);
    vec![
        ("keras-lowercase", separated(tokenizer(preset("keras-lowercase"), words(), true))),
        ("lowercase", separated(tokenizer(preset("lowercase"), words(), false))),
        ("prose", tokenizer(preset("prose"), words(), true)),
        ("prose with line ends", tokenizer(preset("prose").keep_line_ends(), words(), true)),
        ("documents of words", documents(tokenizer(preset("prose"), words(), false))),
        (
            "bare words",
            tokenizer(
                preset("verbatim"),
                WordOptions::default().punctuation(Punctuation::Remove).lower_case(true).into(),
                true,
            ),
        ),
        (
            "stripped words",
            tokenizer(Cleaner::new(vec![RuleSpec::StripPunctuation, RuleSpec::TrimLines]), words(), true),
        ),
        ("other rules", tokenizer(rules, words(), true)),
        ("characters", tokenizer(preset("verbatim"), characters(CharacterOptions::default()), true)),
        ("lower-case characters", tokenizer(preset("verbatim"), characters(jamo.capitals(Capitals::Lower)), false)),
        ("jamo and shift", tokenizer(preset("verbatim"), characters(jamo.capitals(Capitals::Shift)), true)),
        ("documents of jamo", documents(tokenizer(preset("verbatim"), characters(jamo), false))),
        ("subwords", tokenizer(preset("verbatim"), subwords(), false)),
        ("documents of subwords", documents(tokenizer(preset("verbatim"), subwords(), false))),
        ("subwords of prose", tokenizer(preset("prose"), subwords(), false)),
    ]
}

/// A generator with this tokenizer, which encodes prompts.
fn generator(tokenizer: &Tokenizer) -> Generator {
    let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 2, vec![LayerConfig::lstm(2)]);
    let config = config.document_id(tokenizer.vocabulary.document_id());
    let model = config.init(1, &kernels::default_device()).unwrap();
    Generator::new(LmBundle::new(model, tokenizer.clone(), LmMetadata::new(config, 30, 1, String::new())))
}

/// What the program makes of a text.
fn expected(generator: &Generator, oov: OovPolicy, text: &str) -> Value {
    let tokenizer = generator.tokenizer();
    let encoded = tokenizer.encode(text, oov).unwrap();
    let of_part = Tokenizer { cleaner: tokenizer.cleaner.for_part(), ..tokenizer.clone() };
    let vocabulary = &tokenizer.vocabulary;
    let mut detokenizer = tokenizer.detokenizer();
    // Documents follow each other.
    let document = vocabulary.document_id();
    let ids: Vec<u32> = encoded.ids.iter().copied().chain(document).chain(encoded.ids.iter().copied()).collect();
    let mut pieces: Vec<String> = Vec::new();
    for &id in &ids {
        let piece =
            if document == Some(id) { detokenizer.end_document() } else { detokenizer.push(vocabulary.written(id)) };
        pieces.push(piece.into());
    }
    pieces.push(detokenizer.finish().into());
    json!({
        "text": text,
        "ids": encoded.ids,
        "unknown": encoded.oov_tokens,
        "part": of_part.encode(text, oov).unwrap().ids,
        "beginning": generator.encode(text, oov).ok().map(|prompt| prompt.ids),
        "joined": ids,
        "pieces": pieces,
    })
}

#[test]
fn a_page_divides_and_joins_mixed_texts_as_the_program_does() {
    let folder = tempfile::tempdir().unwrap();
    let texts = texts();
    let mut cases = Vec::new();
    for (name, tokenizer) in tokenizers() {
        let generator = generator(&tokenizer);
        let oov = if tokenizer.vocabulary.unknown_id().is_some() { OovPolicy::Unknown } else { OovPolicy::Drop };
        let start = generator.encode("", OovPolicy::Drop).unwrap().ids;
        let stored: Value =
            serde_json::from_str(&tokenizer.to_page_json(&start, generator.context_len()).unwrap()).unwrap();
        let found: Vec<Value> = texts.iter().map(|text| expected(&generator, oov, text)).collect();
        cases.push(json!({ "name": name, "tokenizer": stored, "texts": found }));
    }
    let path = folder.path().join("cases.json");
    std::fs::write(&path, serde_json::to_string(&cases).unwrap()).unwrap();
    run_node("tokenizer_cases.mjs", &[&path]);
}

#[test]
fn a_tokenizer_that_a_browser_does_not_have_is_rejected_with_the_reason() {
    let characters = PreTokenizer::Characters(CharacterOptions::default().unit(CharacterUnit::Graphemes));
    for (pre_tokenizer, reason) in [
        (PreTokenizer::from(WordOptions::default().stem("english")), "stems"),
        (WordOptions::default().segmentation(Segmentation::Dictionary).into(), "dictionary"),
        (characters, "grapheme clusters"),
        (PreTokenizer::Spans(SpanOptions::default()), "question generation"),
    ] {
        let tokenizer = tokenizer(Cleaner::preset("prose").unwrap(), pre_tokenizer, true);
        let error = tokenizer.to_page_json(&[], 20).unwrap_err();
        assert!(matches!(error, Error::NoPage { .. }) && error.to_string().contains(reason), "{error}");
    }
}
