//! Networks of characters: what they spell, and Korean by its letters.

mod common;

use std::fs;

use common::{Desk, dataset};

fn config(name: &str) -> String {
    format!("{}/../../configs/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// A network too small to learn much, on few windows.
const QUICK: [&str; 10] = [
    "--set",
    "train.epochs=1",
    "--set",
    "model.embedding=8",
    "--set",
    "model.layers[0].units=16",
    "--set",
    "windows.step=97",
    "--set",
    "samples.tokens=20",
];

#[test]
fn a_run_of_characters_tells_what_it_spelled() {
    let desk = Desk::new();
    let train = ["train", "--config", &config("char"), "--out", "run"];
    let shift = ["--set", "tokens.capitals=shift", "--set", "tokens.unit=graphemes"];
    // A cosine ends with its last epoch, and this run is to go on.
    let constant = ["--set", "train.schedule.kind=constant"];
    let told = desk.must(&[&train[..], &QUICK, &shift, &constant].concat()).stderr;
    let line = told.lines().find(|line| line.starts_with("spelled ")).expect("a line on spelling");
    assert!(line.contains(" words, ") && line.contains("not in the training text: "), "{told}");
    let kept = fs::read_to_string(desk.path().join("run/spelling.md")).unwrap();
    assert!(kept.contains(line) && kept.contains("\n> "), "{kept}");

    // The same model says the same again, and a run that goes on replaces what was said.
    desk.must(&["train", "--resume", "run"]);
    assert_eq!(fs::read_to_string(desk.path().join("run/spelling.md")).unwrap(), kept);
    desk.must(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    let later = fs::read_to_string(desk.path().join("run/spelling.md")).unwrap();
    assert_eq!(later.matches("# Spelling").count(), 1);

    let words = desk.train(&["--out", "words"]);
    assert!(!words.stderr.contains("spelled "), "{}", words.stderr);
    assert!(!desk.path().join("words/spelling.md").exists());
}

#[test]
fn korean_is_learned_by_its_letters_and_written_in_syllables() {
    let desk = Desk::new();
    let sentences = "그는 길을 걷다가 여우를 만났다. 여우는 포도를 보고 있었다. 값이 얼마요? ";
    desk.file("my.txt", sentences.repeat(60));
    let train = ["train", "--config", &config("korean"), "--text", "my.txt", "--out", "run"];
    let quick = [&QUICK[..], &["--set", "windows.step=3"]].concat();
    let told = desk.must(&[&train[..], &quick].concat()).stderr;
    assert!(told.contains("\nspelled "), "{told}");
    let tokens = fs::read_to_string(desk.path().join("run/tokenizer.json")).unwrap();
    assert!(tokens.contains("\u{1100}") && !tokens.contains('그'), "{tokens}");

    let write =
        ["generate", "--model", "run", "--prompt", "그는", "--tokens", "200", "--seed", "3"];
    let streamed = desk.must(&write).stdout;
    let json = desk.json(&[&write[..], &["--json"]].concat());
    let text = json["samples"][0]["text"].as_str().unwrap();
    assert_eq!(streamed, format!("그는{text}\n"));
    assert!(text.contains(|c| ('가'..='힣').contains(&c)), "{text}");
    // No vowel is left standing beside a consonant that it belongs to.
    let chars: Vec<char> = text.chars().collect();
    let parted = chars.windows(2).find(|pair| {
        ('\u{1100}'..='\u{1112}').contains(&pair[0]) && ('\u{1161}'..='\u{1175}').contains(&pair[1])
    });
    assert_eq!(parted, None, "{text}");
}

#[test]
fn a_novel_has_few_letters_and_many_syllables() {
    let Some(path) = dataset("korean-novels.txt") else { return };
    let desk = Desk::new();
    let prepare = ["prepare", "--config", &config("korean"), "--text", path.to_str().unwrap()];
    let letters = desk.json(&[&prepare[..], &["--json"]].concat());
    let whole = ["--set", "tokens.jamo=false", "--json"];
    let syllables = desk.json(&[&prepare[..], &whole].concat());
    assert_eq!(letters["characters"], syllables["characters"]);
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let (few, many) = (number(&letters["words"]), number(&syllables["words"]));
    assert!(few + 1_000 < many, "{few} letters, {many} syllables");
    assert!(number(&letters["tokens"]) > number(&syllables["tokens"]));
}
