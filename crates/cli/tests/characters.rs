//! Character models: invented words, and Korean by jamo.

mod common;

use std::fs;

use common::{TestDir, find_dataset};

fn config(name: &str) -> String {
    format!("{}/../../configs/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// Settings of a tiny model, trained on few windows.
const QUICK: [&str; 10] = [
    "--set",
    "train.epochs=1",
    "--set",
    "model.embedding_dim=8",
    "--set",
    "model.layers[0].units=16",
    "--set",
    "windows.stride=97",
    "--set",
    "samples.max_tokens=20",
];

#[test]
fn a_character_model_reports_its_invented_words() {
    let dir = TestDir::new();
    let train = ["train", "--config", &config("char"), "--out", "run"];
    let shift = ["--set", "tokens.capitals=shift", "--set", "tokens.unit=graphemes"];
    // A cosine schedule cannot be extended by more epochs.
    let constant = ["--set", "train.schedule.kind=constant"];
    let stderr = dir.run_ok(&[&train[..], &QUICK, &shift, &constant].concat()).stderr;
    let line = stderr.lines().find(|line| line.starts_with("spelled ")).expect("a line on spelling");
    assert!(line.contains(" words, ") && line.contains("not in the training text: "), "{stderr}");
    let spelling = fs::read_to_string(dir.path().join("run/spelling.md")).unwrap();
    assert!(spelling.contains(line) && spelling.contains("\n> "), "{spelling}");

    // The same model gives the same report, and a resumed run replaces it.
    dir.run_ok(&["train", "--resume", "run"]);
    assert_eq!(fs::read_to_string(dir.path().join("run/spelling.md")).unwrap(), spelling);
    dir.run_ok(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    let later = fs::read_to_string(dir.path().join("run/spelling.md")).unwrap();
    assert_eq!(later.matches("# Spelling").count(), 1);

    let words = dir.train(&["--out", "words"]);
    assert!(!words.stderr.contains("spelled "), "{}", words.stderr);
    assert!(!dir.path().join("words/spelling.md").exists());
}

#[test]
fn korean_is_learned_by_jamo_and_written_in_syllables() {
    let dir = TestDir::new();
    let sentences = "그는 길을 걷다가 여우를 만났다. 여우는 포도를 보고 있었다. 값이 얼마요? ";
    dir.file("my.txt", sentences.repeat(60));
    let train = ["train", "--config", &config("korean"), "--text", "my.txt", "--out", "run"];
    let quick = [&QUICK[..], &["--set", "windows.stride=3"]].concat();
    let stderr = dir.run_ok(&[&train[..], &quick].concat()).stderr;
    assert!(stderr.contains("\nspelled "), "{stderr}");
    let tokens = fs::read_to_string(dir.path().join("run/tokenizer.json")).unwrap();
    assert!(tokens.contains("\u{1100}") && !tokens.contains('그'), "{tokens}");

    let write = ["generate", "--model", "run", "--prompt", "그는", "--max-tokens", "200", "--seed", "3"];
    let streamed = dir.run_ok(&write).stdout;
    let json = dir.json(&[&write[..], &["--json"]].concat());
    let text = json["samples"][0]["text"].as_str().unwrap();
    assert_eq!(streamed, format!("그는{text}\n"));
    assert!(text.contains(|c| ('가'..='힣').contains(&c)), "{text}");
    // No vowel is separate from the consonant before it.
    let chars: Vec<char> = text.chars().collect();
    let parted = chars
        .windows(2)
        .find(|pair| ('\u{1100}'..='\u{1112}').contains(&pair[0]) && ('\u{1161}'..='\u{1175}').contains(&pair[1]));
    assert_eq!(parted, None, "{text}");
}

#[test]
fn a_novel_has_few_jamo_and_many_syllables() {
    let Some(path) = find_dataset("korean-novels.txt") else { return };
    let dir = TestDir::new();
    let prepare = ["prepare", "--config", &config("korean"), "--text", path.to_str().unwrap()];
    let letters = dir.json(&[&prepare[..], &["--json"]].concat());
    let whole = ["--set", "tokens.jamo=false", "--json"];
    let syllables = dir.json(&[&prepare[..], &whole].concat());
    assert_eq!(letters["characters"], syllables["characters"]);
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let (few, many) = (number(&letters["words"]), number(&syllables["words"]));
    assert!(few + 1_000 < many, "{few} jamo, {many} syllables");
    assert!(number(&letters["tokens"]) > number(&syllables["tokens"]));
}
