//! Pages compute the logits of the program, as files: of each cell and kind of tokens, with a label, and of the built-in base.
//!
//! `cargo xtask page-test` names the folder in which the files stay, and opens the pages in Chromium.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use models::int8_weights::{int8_weights_from_bytes, int8_weights_to_bytes};
use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
use serde_json::{Value, json};
use text_prep::{CharacterOptions, Cleaner, PreTokenizer, SubwordOptions, Tokenizer, WordOptions};

use super::common::TestDir;
use super::node::run_node;
use super::page_network::{TOKENS, TOLERANCE, Weights, cell_kinds, logits};
use super::page_tokenizers::{TEXTS, tokenizer};

/// The environment variable with the folder in which the files stay; it must not exist.
const FOLDER: &str = "PAGE_TEST_PAGES";

/// [`TOLERANCE`] for the base, whose logits reach 25: because of the 32-bit sums of the program, one of them is 1.1e-5 from that
/// of 64-bit sums.
const TOLERANCE_OF_BASE: f64 = 1.5e-5;

/// The characters that the base reads: somewhat more than its tokens are.
const BASE_CHARACTERS: usize = 6_000;

/// A text with as many tokens as are read, or more: words of several languages in random order.
fn text() -> String {
    let words: Vec<&str> = TEXTS.iter().flat_map(|text| text.split_inclusive(' ')).collect();
    let mut state = 5u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(words[(state >> 33) as usize % words.len()])
    };
    std::iter::from_fn(next).take(TOKENS).collect()
}

/// Tokenizers of all kinds by name.
fn tokenizers() -> [(&'static str, Tokenizer); 3] {
    let preset = |name| Cleaner::preset(name).unwrap();
    let characters = PreTokenizer::Characters(CharacterOptions::default().jamo(true));
    [
        ("words", tokenizer(preset("prose"), WordOptions::default().into(), true)),
        ("characters", tokenizer(preset("verbatim"), characters, true)),
        ("subwords", tokenizer(preset("verbatim"), PreTokenizer::Subwords(SubwordOptions::default()), false)),
    ]
}

/// Writes the page of a saved model and the logits of its rounded weights after each of the first tokens of `text`, with the
/// last label of the model if it has labels. Those of the page may differ by `within`.
fn write_case(folder: &Path, dir: &TestDir, model: &str, bundle: &LmBundle, text: &str, within: f64) -> Value {
    let [page, logits_file] = ["html", "logits"].map(|end| format!("{model}.{end}"));
    dir.run_ok(&["page", folder.join(&page).to_str().unwrap(), "--model", model]);
    let int8 = int8_weights_to_bytes(&bundle.model).unwrap();
    let zeros = bundle.metadata.config.zeros(&kernels::default_device()).unwrap();
    let rounded = int8_weights_from_bytes(zeros, &int8).unwrap();
    let tokenizer = &bundle.tokenizer;
    let mut ids = tokenizer.encode(text, tokenizer.oov).unwrap().ids;
    assert!(ids.len() >= TOKENS, "{model}: {}", ids.len());
    ids.truncate(TOKENS);
    let labels = &bundle.metadata.config.labels;
    let logits = logits(&rounded, &ids, labels.len() as u32);
    assert_eq!(logits.len(), TOKENS * bundle.metadata.config.vocab_size);
    let bytes: Vec<u8> = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
    fs::write(folder.join(&logits_file), bytes).unwrap();
    json!({
        "name": model, "page": page, "logits": logits_file, "within": within, "text": text, "ids": ids,
        "label": labels.last(),
    })
}

#[test]
fn the_pages_of_all_cells_and_kinds_of_tokens_compute_the_logits_of_the_program() {
    let dir = TestDir::new();
    let folder = std::env::var_os(FOLDER).map_or_else(|| dir.path().join("pages"), PathBuf::from);
    fs::create_dir(&folder).unwrap();
    let (device, text) = (kernels::default_device(), text());
    let tokenizers = tokenizers();
    let mut cases = Vec::new();
    for (at, (cell, kind)) in cell_kinds().into_iter().enumerate() {
        let (tokens, tokenizer) = &tokenizers[at % tokenizers.len()];
        let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 12, vec![LayerConfig::new(kind, 19)]);
        let config = config.labels(["old", "new"]);
        let model = config.init(3, &device).unwrap().map(&mut Weights(0));
        let bundle = LmBundle::new(model, tokenizer.clone(), LmMetadata::new(config, 20, 1, String::new()));
        let name = format!("{cell}-{tokens}");
        bundle.save(dir.path().join(&name)).unwrap();
        cases.push(write_case(&folder, &dir, &name, &bundle, &text, TOLERANCE));
    }
    let datasets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let base = LmBundle::load(datasets.join("base"), &device).unwrap();
    // English prose, which it is for: on the texts above it is less sure, and rounding errors are larger.
    let fables = fs::read_to_string(datasets.join("fables/fables.txt")).unwrap();
    let beginning = fables.chars().take(BASE_CHARACTERS).collect::<String>();
    cases.push(write_case(&folder, &dir, "base", &base, &beginning, TOLERANCE_OF_BASE));
    fs::write(folder.join("pages.json"), json!(cases).to_string()).unwrap();
    run_node("page_logits.mjs", &[&folder]);
}
