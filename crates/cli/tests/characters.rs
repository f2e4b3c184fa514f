//! Models of characters and of subwords: invented words, Korean by jamo, byte pair encoding.

mod common;
#[path = "characters/subwords.rs"]
mod subwords;

use std::fs;

use common::{TestDir, find_dataset};
use models::interop::{Array, Tensors, write_safetensors};

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
    let short = ["--set", "text.edition=1"];
    let stderr = dir.run_ok(&[&train[..], &QUICK, &shift, &constant, &short].concat()).stderr;
    let line =
        stderr.lines().find_map(|line| line.strip_prefix("In a sample, the network ")).expect("a line on spelling");
    assert!(
        line.starts_with("spelled ") && line.contains(" words, ") && line.contains("not in the training text: "),
        "{stderr}"
    );
    let spelling = fs::read_to_string(dir.path().join("run/spelling.md")).unwrap();
    assert!(spelling.contains(line) && spelling.contains("\n> "), "{spelling}");

    // The same model gives the same report, and a resumed run replaces it.
    dir.run_ok(&["train", "--resume", "run"]);
    assert_eq!(fs::read_to_string(dir.path().join("run/spelling.md")).unwrap(), spelling);
    dir.run_ok(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    let later = fs::read_to_string(dir.path().join("run/spelling.md")).unwrap();
    assert_eq!(later.matches("# Spelling").count(), 1);

    // A stop text that begins with a capital, which is two tokens, taken from what the model writes.
    let write = |seed: u64, more: &[&str]| {
        let generate =
            ["generate", "--model", "run", "--temperature", "1", "--top-p", "1", "--max-tokens", "100", "--seed"];
        dir.run_ok(&[&generate[..], &[&seed.to_string()], more].concat()).stdout
    };
    let capital = |text: &str| text.char_indices().find(|(at, c)| *at > 0 && c.is_uppercase());
    let text = |seed| Some((seed, write(seed, &[]))).filter(|(_, text)| capital(text).is_some());
    let (seed, whole) = (1..50).find_map(text).unwrap();
    let (at, capital) = capital(&whole).unwrap();
    assert_eq!(write(seed, &["--stop", &capital.to_string()]), format!("{}\n", &whole[..at]));
    let both = ["--stop", "\u{e000}", "--stop", &capital.to_string()];
    dir.expect_error(&[&["generate", "--model", "run"], &both[..]].concat(), &["`--stop \\u{e000}`", "vocabulary"]);

    let words = dir.train(&["--out", "words"]);
    assert!(!words.stderr.contains("In a sample, the network "), "{}", words.stderr);
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
    assert!(stderr.contains("\nIn a sample, the network spelled "), "{stderr}");
    let tokens = fs::read_to_string(dir.path().join("run/tokenizer.json")).unwrap();
    assert!(tokens.contains("\u{1100}") && !tokens.contains('그'), "{tokens}");

    let write = ["generate", "--model", "run", "--prompt", "그는", "--max-tokens", "200", "--seed", "3"];
    let streamed = dir.run_ok(&write).stdout;
    let json = dir.json(&[&write[..], &["--json"]].concat());
    let text = json["samples"][0]["text"].as_str().unwrap();
    assert_eq!(streamed, format!("그는{text}\n"));
    assert!(text.contains(|c| ('가'..='힣').contains(&c)), "{text}");
    // A stop text of one or two syllables, taken from what the model writes, which several tokens write.
    let is_syllable = |c: &char| ('가'..='힣').contains(c);
    let syllables: Vec<char> = text.chars().collect();
    let pair = syllables.windows(2).skip(3).find(|pair| pair.iter().all(is_syllable)).unwrap();
    for stop in [String::from(pair[0]), pair.iter().collect()] {
        let (before, _) = text.split_once(&stop).unwrap();
        let stopped = [&write[..], &["--stop", &stop]].concat();
        assert_eq!(dir.run_ok(&stopped).stdout, format!("그는{before}\n"), "{stop} in {text}");
        let batch = dir.json(&[&stopped[..], &["--json", "--num-samples", "3"]].concat());
        assert_eq!(batch["samples"][0]["text"], before, "{stop} in {text}");
    }
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

#[test]
fn ten_thousand_samples_are_those_of_the_same_numbers() {
    let dir = TestDir::new();
    dir.file("my.txt", "the cat saw the dog. ".repeat(60));
    let train = ["train", "--config", &config("char"), "--text", "my.txt", "--out", "run"];
    dir.run_ok(&[&train[..], &QUICK].concat());
    let generate = |count: &str, more: &[&str]| {
        let options =
            ["generate", "--model", "run", "--seed", "5", "--max-tokens", "3", "--temperature", "1", "--top-p", "1"];
        dir.run_ok(&[&options[..], &["--num-samples", count], more].concat()).stdout
    };
    let many = generate("10000", &[]);
    assert!(many.starts_with(&generate("70", &[])));
    for number in [1, 64, 65, 9_999, 10_000] {
        assert_eq!(many.matches(&format!("--- {number} ---\n")).count(), 1, "{number}");
    }
    let json: serde_json::Value = serde_json::from_str(&generate("10000", &["--json"])).unwrap();
    let samples = json["samples"].as_array().unwrap();
    assert_eq!((samples.len(), &json["seed"]), (10_000, &5.into()));
    let plain =
        (1..).zip(samples).map(|(number, sample)| format!("--- {number} ---\n{}\n", sample["text"].as_str().unwrap()));
    assert!(many == plain.collect::<String>());
}

#[test]
fn control_characters_in_names_of_tensors_and_columns_are_visible_in_messages() {
    let dir = TestDir::new();
    let name = "\u{1b}]0;title\u{7}";
    let array = Array { shape: vec![1], values: vec![0.0] };
    write_safetensors(&dir.path().join("my.safetensors"), &Tensors::from([(name.to_owned(), array)])).unwrap();
    dir.file("my.csv", format!("{name},question\n1,2\n"));
    for args in [
        &["import", "my.safetensors", "--layout", "pytorch"][..],
        &["train", "--config", "configs/qa.toml", "--text", "my.csv"],
    ] {
        dir.expect_error(args, &[r"\u{1b}]0;title\u{7}"]);
        let message = dir.run(args).stderr;
        assert!(!message.contains(['\u{1b}', '\u{7}']), "{message}");
    }
}

/// Characters that change a terminal: the model writes colours, the window title and a bell.
#[cfg(target_os = "linux")]
#[test]
fn control_characters_are_visible_on_a_terminal_and_unchanged_elsewhere() {
    let dir = TestDir::new();
    // Cleaning makes them, so that the text itself is an ordinary one.
    dir.file("my.txt", "~[31m~]0;a^~[0m".repeat(80));
    let rule = |from: &str, to: &str| format!("{{rule=\"replace\",from=\"{from}\",to=\"{to}\"}}");
    let rules = format!("rules=[{},{}]", rule("~", r"\u001b"), rule("^", r"\u0007"));
    let char_config = fs::read_to_string(config("char")).unwrap();
    dir.file("char.toml", char_config.replace("preset = \"verbatim\"", &rules));
    let train = ["train", "--config", "char.toml", "--text", "my.txt", "--view-svg", "view.svg", "--out"];
    let train = |run| [&train[..], &[run], &QUICK, &["--set", "samples.every_steps=1"]].concat();
    let has_raw = |text: &str| text.contains(['\u{1b}', '\u{7}']);

    let trained = dir.run_ok(&train("run"));
    assert!(trained.stderr.contains(r"\u{1b}") && !has_raw(&trained.stderr), "{}", trained.stderr);
    let view = fs::read_to_string(dir.path().join("view.svg")).unwrap();
    assert!(view.contains(r"\u{1b}") && !has_raw(&view), "{view}");
    assert!(fs::read_to_string(dir.path().join("run/samples.md")).unwrap().contains('\u{1b}'));
    let generate =
        ["generate", "--model", "run", "--seed", "1", "--max-tokens", "60", "--temperature", "1", "--top-p", "1"];
    let written = dir.run_ok(&generate).stdout;
    assert!(written.contains('\u{1b}') && !written.contains(r"\u{1b}"), "{written}");
    let message = dir.run(&["generate", "--model", "\u{1b}]0;title\u{7}"]).stderr;
    assert!(message.contains(r"\u{1b}]0;title\u{7}") && !has_raw(&message), "{message}");

    let Some(shown) = common::on_terminal(&dir, &generate) else { return };
    assert!(shown.contains(&written.trim_end().replace('\u{1b}', r"\u{1b}").replace('\u{7}', r"\u{7}")), "{shown}");
    assert!(!has_raw(&shown), "{shown}");
    for more in [&["--num-samples", "2"][..], &["--json"]] {
        let shown = common::on_terminal(&dir, &[&generate[..], more].concat()).unwrap();
        assert!(shown.contains(r"\u") && !has_raw(&shown), "{shown}");
    }
    let raw = common::on_terminal(&dir, &[&generate[..], &["--raw"]].concat()).unwrap();
    assert!(raw.contains(written.trim_end()), "{raw}");
    let lines = common::on_terminal(&dir, &[&train("lines")[..], &["--no-tui"]].concat()).unwrap();
    assert!(lines.contains(r"\u{1b}") && !has_raw(&lines), "{lines}");
    let view = common::on_terminal(&dir, &train("view")).unwrap();
    assert!(!view.contains("\u{1b}]0;"), "{view}");
}
