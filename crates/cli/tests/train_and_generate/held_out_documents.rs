//! Models of documents are evaluated on other texts and on their test part, and trained on from others.

use std::fmt::Write as _;
use std::fs;

use seqdata::DocumentHashes;
use serde_json::{Value, json};

use super::documents_and_labels::{texts_of, train};
use super::text_files::folder;
use crate::common::TestDir;

const TABLE: [&str; 6] = ["--text", "texts.csv", "--column", "text", "--label", "author"];

fn evaluate(dir: &TestDir, more: &[&str]) -> Value {
    dir.evaluation(&[&["--backend", "flex"], more].concat())
}

fn score(dir: &TestDir, run: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(dir.path().join(run).join("score.json")).unwrap()).unwrap()
}

#[test]
fn a_model_with_labels_is_evaluated_on_texts_without() {
    let dir = TestDir::new();
    dir.file("texts.csv", texts_of(&[0, 1], 80));
    train(&dir, "runs/run", &TABLE, &["train.epochs=1"]);
    let with_labels = texts_of(&[0], 20);
    dir.file("one.csv", &with_labels);
    dir.file("plain.csv", with_labels.replace(",Ines\n", "\n").replace(",author\n", "\n"));
    dir.expect_error(&["evaluate", "--backend", "flex", "--text", "plain.csv"], &["no column `author`"]);
    for choice in [&["--no-label"][..], &["--label", "Olaf"]] {
        let [one, plain] = ["one.csv", "plain.csv"].map(|file| evaluate(&dir, &[&["--text", file], choice].concat()));
        assert_eq!(one, plain, "{choice:?}");
    }

    // Lines, which have no column and no label; each ends with the document token.
    dir.file("lines.txt", "sail tide\nrope wave\n");
    let lines = evaluate(&dir, &["--text", "lines.txt", "--documents", "lines"]);
    let whole = evaluate(&dir, &["--text", "lines.txt", "--documents", "none"]);
    assert_eq!((&lines["tokens"], &whole["tokens"]), (&json!(6), &json!(5)));
    let is_one = |evaluation: &Value| evaluation["protocol"].as_str().unwrap().contains("; the text is one document");
    assert!(!is_one(&lines) && is_one(&whole), "{whole}");
    // A pipe is the only text.
    let args = ["evaluate", "--backend", "flex", "--text", "lines.txt", "--text", "-", "--documents", "lines"];
    dir.expect_error(&args, &["standard input can be read only once", "or give it as the only text"]);
}

#[test]
fn folders_stay_labels_where_an_option_says_what_a_document_is() {
    let dir = TestDir::new();
    for n in 0..24 {
        let text = format!("The {} cat\nsaw number {n}.\n", ["old", "young"][n % 2]);
        folder(&dir, &[(&format!("poems/{}/{n}.txt", ["Ann", "Bob"][n % 2]), text.as_bytes())]);
    }
    let poems = ["--text", "poems", "--label", "folder"];
    train(&dir, "runs/run", &poems, &["train.epochs=1", "data.max_document_len=1000"]);
    let names = |evaluation: &Value| {
        let rows = evaluation["labels"].as_array().map_or(&[][..], Vec::as_slice);
        rows.iter().map(|row| row["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let own = evaluate(&dir, &["--text", "poems"]);
    assert_eq!(names(&own), ["Ann", "Bob"]);
    assert_eq!(evaluate(&dir, &["--text", "poems", "--documents", "files"]), own);
    let lines = evaluate(&dir, &["--text", "poems", "--documents", "lines"]);
    assert_eq!(names(&lines), ["Ann", "Bob"]);
    let tokens = |evaluation: &Value| evaluation["tokens"].as_u64().unwrap();
    assert_eq!(tokens(&lines), tokens(&own) + 24);
    // Files are documents also if no label is asked for.
    assert_eq!(tokens(&evaluate(&dir, &["--text", "poems", "--no-label"])), tokens(&own));
    let none = evaluate(&dir, &["--text", "poems", "--documents", "none"]);
    assert_eq!(tokens(&none), tokens(&own) - 23);
}

#[test]
fn the_test_part_is_scored_and_what_is_in_several_parts_is_reported() {
    let dir = TestDir::new();
    let whole = texts_of(&[0, 1], 60);
    dir.file("texts.csv", &whole);
    // Two rows of the text, one with a label that it does not have, and an empty one.
    let row = "0,\"sail tide,\ngull \"\"rope\"\"\",";
    let known = whole.lines().skip(1).take(4).collect::<Vec<_>>().join("\n");
    let mut valid = format!("id,text,author\n{known}\n{row}Knut\n");
    writeln!(valid, "9,,Ines").unwrap();
    dir.file("valid.csv", valid);
    dir.file("test.csv", format!("id,text,author\n{row}Ines\n{row}Ines\n"));
    let args = [&TABLE[..], &["--set", "text.valid=valid.csv", "--set", "text.test=test.csv"]].concat();
    let prepared = dir.run_ok(&[&["prepare", "--json"], &args[..]].concat());
    let documents = prepared.stdout.parse::<Value>().unwrap()["documents"].clone();
    for (key, expected) in
        [("count", 65), ("valid", 3), ("test", 2), ("empty", 1), ("also_held_out", 2), ("unknown_labels", 1)]
    {
        assert_eq!(documents[key], expected, "{key}: {documents}");
    }
    let warnings = [
        "warning: 2 training documents are also in the files for validation or a test",
        "warning: 1 document has a label that the model does not have; it is used without a label",
    ];
    let table = dir.run_ok(&[&["prepare"], &args[..]].concat()).stdout;
    for row in ["also held out                 2", "with an unknown label         1", "without text, left out        1"]
    {
        assert!(table.contains(row), "{table}");
    }
    let trained = train(&dir, "runs/run", &args, &["train.epochs=1"]);
    for warning in warnings {
        assert!(trained.stderr.contains(warning) && prepared.stderr.contains(warning), "{}", trained.stderr);
    }

    let test = evaluate(&dir, &["--part", "test"]);
    assert_eq!(score(&dir, "runs/run")["test"], test);
    assert_eq!(evaluate(&dir, &["--text", "test.csv"])["loss_nats_per_token"], test["loss_nats_per_token"]);
    let loss =
        format!("The test loss of the model is {:.3} nats/token (", test["loss_nats_per_token"].as_f64().unwrap());
    let text = fs::read_to_string(dir.path().join("runs/run/score.md")).unwrap();
    assert!(text.contains(&loss), "{loss}: {text}");
    assert_eq!(evaluate(&dir, &["--part", "valid"]), evaluate(&dir, &[]));
    let own = |part: &str| dir.run_ok(&["evaluate", "--backend", "flex", "--part", part]).stderr;
    let warning = "warning: 1 document has a label that the model does not have; it is evaluated without a label";
    assert!(own("valid").contains(warning) && !own("test").contains("warning"), "{}", own("valid"));

    // A part of the text itself, and none.
    train(&dir, "runs/fraction", &TABLE, &["train.epochs=1", "split.test_fraction=0.2"]);
    assert_eq!(score(&dir, "runs/fraction")["test"], evaluate(&dir, &["--model", "fraction", "--part", "test"]));
    train(&dir, "runs/none", &TABLE, &["train.epochs=1"]);
    assert!(score(&dir, "runs/none")["test"].is_null());
    let none = ["evaluate", "--backend", "flex", "--model", "none", "--part", "test"];
    dir.expect_error(&none, &["none has no test part", "`text.test` or `split.test_fraction`"]);
}

#[test]
fn documents_of_the_initial_model_stay_known() {
    let dir = TestDir::new();
    let lines = |from: usize| (from..from + 40).map(|n| format!("the cat saw {n}\n")).collect::<String>();
    dir.file("first.txt", lines(0));
    dir.file("second.txt", lines(100));
    let read = |run: &str| {
        let bytes = fs::read(dir.path().join(run).join("document-hashes.bin")).unwrap();
        DocumentHashes::from_bytes(&bytes).unwrap()
    };
    train(&dir, "runs/first", &["--text", "first.txt", "--documents", "lines"], &["train.epochs=1"]);
    let second =
        ["--text", "second.txt", "--documents", "lines", "--init-from", "runs/first", "--new-tokens", "extend"];
    let args =
        [&["train", "--backend", "flex", "--out", "runs/second"], &second[..], &["--set", "train.epochs=1"]].concat();
    dir.run_ok(&args);
    let (before, both) = (read("runs/first"), read("runs/second"));
    assert_eq!(before.union(&both), both);
    assert!(before.len() > 30 && both.len() > before.len() + 30, "{} {}", before.len(), both.len());
    // Also without the initial model.
    fs::remove_dir_all(dir.path().join("runs/first")).unwrap();
    dir.run_ok(&["train", "--resume", "runs/second", "--set", "train.epochs=2"]);
    assert_eq!(read("runs/second"), both);
}

#[test]
fn documents_of_subwords_with_line_breaks_are_printed_with_blank_lines_between_them() {
    let dir = TestDir::new();
    dir.file("texts.csv", texts_of(&[0, 1], 60));
    let single: String = (0..60).map(|n| format!("\"the cat saw {n}\",Ann\n")).collect();
    dir.file("lines.csv", format!("text,author\n{single}"));
    let sections: String = (0..60).map(|n| format!("THE CAT\n\nThe cat saw {n}.\n\n\n\n")).collect();
    dir.file("sections.txt", sections);
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/subwords.toml");
    let settings = ["train.epochs=1", "vocabulary.size=300", "model.projection=12"];
    for (file, unit, separator) in [
        ("texts.csv", ["--column", "text"], "\n\n"),
        ("lines.csv", ["--column", "text"], "\n"),
        ("sections.txt", ["--documents", "sections"], "\n\n\n\n"),
    ] {
        let run = format!("runs/{}", &file[..file.len() - 4]);
        train(&dir, &run, &[&["--config", config, "--text", file], &unit[..]].concat(), &settings);
        let args = ["generate", "--backend", "flex", "--documents", "3", "--seed", "1", "--max-tokens", "30"];
        let model = ["--model", &run];
        let json = dir.json(&[&args[..], &model, &["--json"]].concat());
        let texts = json["samples"].as_array().unwrap().iter().map(|sample| sample["text"].as_str().unwrap());
        let expected = texts.map(|text| text.trim_end_matches('\n')).collect::<Vec<_>>().join(separator) + "\n";
        assert_eq!(dir.run_ok(&[&args[..], &model].concat()).stdout, expected, "{file}");
    }
}
