//! `page`: one HTML file that is a model.

use std::fs;

use generate::{Generator, Sampling};
use models::int8_weights::{int8_weights_from_bytes, int8_weights_to_bytes};
use models::{LanguageModelConfig, LmBundle, LmMetadata};
use serde_json::json;
use text_prep::{Cleaner, OovPolicy, Tokenizer, Vocabulary, WordOptions};

use super::common::TestDir;
use super::node::run_node;

/// The most bytes of a page of the model of `configs/lstm.toml`, with 1.9 million weights, and of the built-in base, with 3 million.
const MOST_BYTES: u64 = 3_000_000;

/// What the program would write next after `text`, with the weights of the page.
fn next_tokens(run: &str, dir: &TestDir, text: &str) -> Vec<f64> {
    let device = kernels::default_device();
    let bundle = LmBundle::load(dir.path().join(run), &device).unwrap();
    let bytes = int8_weights_to_bytes(&bundle.model).unwrap();
    let model = int8_weights_from_bytes(bundle.metadata.config.zeros(&device).unwrap(), &bytes).unwrap();
    let generator = Generator::new(LmBundle { model, ..bundle });
    let draft = generator.draft(text, Sampling::default()).unwrap();
    // The page offers no token that writes nothing.
    let separator = generator.tokenizer().document_separator_id();
    let written = draft.likeliest(9).into_iter().filter(|token| Some(token.id) != separator);
    written.take(8).map(|token| token.probability).collect()
}

#[test]
fn a_page_writes_as_the_program_does_and_has_the_text_only_if_asked() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let made = dir.run_ok(&["page", "out.html", "--model", "run"]);
    assert_eq!(made.stdout.trim(), "out.html");
    assert!(
        made.stderr.contains("does not contain the training text, but a model holds parts of its text"),
        "{}",
        made.stderr
    );
    let with_text = dir.run_ok(&["page", "text.html", "--model", "run", "--with-text", "--weights", "f16"]);
    assert!(with_text.stderr.contains("contains the whole training text"), "{}", with_text.stderr);
    let read = |name: &str| {
        let bytes = fs::read(dir.path().join(name)).unwrap();
        let units: Vec<u16> = bytes.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        String::from_utf16(&units).unwrap()
    };
    let (page, other) = (read("out.html"), read("text.html"));
    for part in ["default-src 'none'", "'wasm-unsafe-eval'", "id=\"page-weights\"", "id=\"page-tokenizer\""] {
        assert!(page.contains(part) && other.contains(part), "{part}");
    }
    assert!(!page.contains("id=\"page-training-text\"") && other.contains("id=\"page-training-text\""));
    // Nothing is loaded from anywhere.
    for part in ["\nimport ", "<script src", "type=\"module\"", "href=\"http"] {
        assert!(!page.contains(part), "{part}");
    }
    // The same model makes the same file.
    dir.run_ok(&["page", "again.html", "--model", "run"]);
    assert!(page == read("again.html"));

    let text = "the fox said";
    let pages = ["out.html", "text.html"].map(|name| dir.path().join(name));
    let expected = json!({ "text": text, "probabilities": next_tokens("run", &dir, text), "pages": pages });
    let file = dir.file("expected.json", expected.to_string());
    run_node("page_file.mjs", &[&file]);
}

#[test]
fn a_page_of_the_usual_models_has_at_most_three_megabytes() {
    let dir = TestDir::new();
    let words: Vec<String> = (0..4_168).map(|number| format!("word{number}")).collect();
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("prose").unwrap(),
        pre_tokenizer: WordOptions::default().into(),
        vocabulary: Vocabulary::from_counts(words.iter().map(|word| (word.as_str(), 1)), 1, false),
        document_separator: None,
        oov: OovPolicy::Drop,
    };
    let config = LanguageModelConfig::default().vocab_size(tokenizer.vocabulary.len());
    let model = config.init(1, &kernels::default_device()).unwrap();
    let metadata = LmMetadata::new(config, 20, 1, String::new());
    LmBundle::new(model, tokenizer, metadata).save(dir.path().join("default")).unwrap();
    for model in ["default", "base"] {
        let file = format!("{model}.html");
        dir.run_ok(&["page", &file, "--model", model]);
        let bytes = fs::metadata(dir.path().join(file)).unwrap().len();
        assert!(bytes <= MOST_BYTES, "{model}: {bytes}");
    }
}

#[test]
fn a_page_that_cannot_be_made_is_an_error_with_the_reason() {
    let dir = TestDir::new();
    dir.file("out.html", "mine");
    dir.expect_error(&["page", "out.html", "--model", "base"], &["out.html exists", "use another file"]);
    assert_eq!(fs::read_to_string(dir.path().join("out.html")).unwrap(), "mine");
    dir.expect_error(&["page", "new.html", "--model", "nothing"], &["nothing"]);
    dir.expect_error(
        &["page", "new.html", "--model", "base", "--with-text"],
        &["text of the built-in base", "leave `--with-text` out"],
    );
    dir.expect_error(&["page", "folder/new.html", "--model", "base"], &["folder"]);

    assert_eq!(dir.train(&["--out", "stems", "--set", "tokens.stem=english"]).code, Some(0));
    dir.expect_error(&["page", "new.html", "--model", "stems"], &["words are replaced by their stems"]);
    let weights = dir.path().join("stems/weights.bpk");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    dir.expect_error(&["page", "new.html", "--model", "stems"], &["weights.bpk", "truncated"]);
    assert!(!dir.path().join("new.html").exists());
}
