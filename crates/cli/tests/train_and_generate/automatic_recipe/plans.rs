//! Every kind of plan: the finished model writes without a prompt, is evaluated and reported, and asks no questions.

use std::fs;

use serde_json::Value;

use super::texts::{prose, sentence};
use super::{SMALL, train_ok};
use crate::common::TestDir;

/// What a document is, and the options that say so.
const DOCUMENTS: [(&str, [&str; 4]); 5] = [
    ("none", ["--text", "prose.txt", "--documents", "none"]),
    ("lines", ["--text", "lines.txt", "--documents", "lines"]),
    ("sections", ["--text", "sections.txt", "--documents", "sections"]),
    ("separator", ["--text", "separator.txt", "--separator", "%"]),
    ("files", ["--text", "files", "--documents", "files"]),
];

/// Writes the texts of [`DOCUMENTS`].
fn write_texts(dir: &TestDir) {
    let items: Vec<String> = (0..120).map(sentence).collect();
    let stories: Vec<String> = items.chunks(3).map(|sentences| sentences.join("\n")).collect();
    dir.file("prose.txt", prose(300));
    dir.file("lines.txt", items.join("\n"));
    dir.file("sections.txt", stories.join("\n\n\n\n"));
    dir.file("separator.txt", stories.join("\n%\n"));
    fs::create_dir(dir.path().join("files")).unwrap();
    for (n, story) in stories.iter().enumerate() {
        dir.file(&format!("files/{n}.txt"), story);
    }
    dir.file("questions.txt", "The fox saw three geese.\n");
}

/// Trains a few steps by a plan with these tokens for each kind of document, and uses the model.
fn check_every_document(tokens: &str) {
    let dir = TestDir::new();
    write_texts(&dir);
    let kind = format!("tokens.kind={tokens}");
    for (documents, text) in DOCUMENTS {
        let (what, out) = (format!("{tokens}, {documents}"), format!("run-{documents}"));
        let length = ["--set", &kind, "--set", "train.epochs=1", "--set", "train.steps_per_epoch=4"];
        let run = train_ok(&dir, &[&text[..], &length, &SMALL, &["--out", &out]].concat());
        assert!(run.stderr.contains("The network needs "), "{what}: {}", run.stderr);
        assert!(!run.stderr.contains("NaN") && !run.stderr.contains("inf "), "{what}: {}", run.stderr);
        let read = |file: &str| fs::read_to_string(dir.path().join(&out).join(file)).unwrap();
        let plan = read("plan.toml");
        for setting in [format!("kind = \"{tokens}\"\n"), format!("documents = \"{documents}\"\n")] {
            assert!(plan.contains(&setting), "{what}: {plan}");
        }
        assert!(read("score.md").contains("counting"), "{what}");
        let score: Value = serde_json::from_str(&read("score.json")).unwrap();
        let reported = score["rows"][0]["bits_per_byte"].as_f64().unwrap();
        assert!(reported > 0.0 && score["counting"]["order"].is_u64(), "{what}: {score}");

        let evaluated = dir.json(&["evaluate", "--model", &out, "--json"]);
        let bits = evaluated["bits_per_byte"].as_f64().unwrap();
        assert!((bits / reported - 1.0).abs() < 0.01, "{what}: {bits} instead of {reported}");
        let generate = ["generate", "--model", &out, "--max-tokens", "12", "--seed", "1"];
        let written = dir.json(&[&generate[..], &["--json"]].concat());
        assert!(written["samples"][0]["text"].is_string(), "{what}: {written}");
        if documents != "none" {
            dir.run_ok(&[&generate[..], &["--documents", "2"]].concat());
        }
        let ask = ["ask", "--model", &out, "--text", "questions.txt"];
        let expected = ["holds a language model, expected a question model", "`train --config configs/qa.toml`"];
        dir.expect_error(&ask, &expected);
    }
}

#[test]
fn plans_with_characters() {
    check_every_document("characters");
}

#[test]
fn plans_with_subwords() {
    check_every_document("subwords");
}

#[test]
fn plans_with_words() {
    check_every_document("words");
}
