//! Columns of tables, documents and their labels.

use std::fs;

use serde_json::{Value, json};

use super::text_files::{folder, gzip, tbptt};
use super::text_inputs::{prepared, with_input};
use crate::common::TestDir;

const ANIMALS: [&str; 4] = ["cat", "crow", "fox", "goat"];

/// A table of 40 texts with the columns `id`, `text` and `author`.
fn csv() -> String {
    let row = |n: usize| {
        let (animal, author) = (ANIMALS[n % 4], ["Ann", "Bob"][n % 2]);
        format!("{n},\"A {animal} saw number {n},\nand ran.\",{author}\n")
    };
    "id,text,author\n".to_owned() + &(0..40).map(row).collect::<String>()
}

/// The same texts as lines.
fn lines() -> String {
    (0..40).map(|n| format!("A {} saw number {n}, and ran.\n", ANIMALS[n % 4])).collect()
}

fn documents(dir: &TestDir, args: &[&str]) -> Value {
    prepared(dir, args)["documents"].clone()
}

#[test]
fn a_column_is_documents_with_labels() {
    let dir = TestDir::new();
    let object = |n: usize| {
        let (animal, author) = (ANIMALS[n % 4], ["Ann", "Bob"][n % 2]);
        format!("{}\n", json!({"text": format!("A {animal} saw number {n},\nand ran."), "author": author}))
    };
    let objects: String = (0..40).map(object).collect();
    let tabs = csv().replace(",\"A", "\t\"A").replace("\",", "\"\t").replace("id,text,author", "id\ttext\tauthor");
    folder(
        &dir,
        &[
            ("a.csv", csv().as_bytes()),
            ("packed.csv.gz", &gzip(csv().as_bytes())),
            ("tabs.csv", tabs.as_bytes()),
            ("c.jsonl", objects.as_bytes()),
            (
                "d",
                csv()
                    .replace(",\"A", ";\"A")
                    .replace("\",", "\";")
                    .replace("id,text,author", "id;text;author")
                    .as_bytes(),
            ),
        ],
    );
    let expected = documents(&dir, &["--text", "a.csv", "--column", "text", "--label", "author"]);
    assert_eq!((&expected["count"], &expected["labels"]), (&json!(40), &json!({"Ann": 20, "Bob": 20})));
    assert_eq!(
        (&expected["unlabelled"], &expected["duplicates"], &expected["empty"]),
        (&json!(0), &json!(0), &json!(0))
    );
    for file in ["packed.csv.gz", "tabs.csv", "c.jsonl", "d"] {
        let found = documents(&dir, &["--text", file, "--column", "text", "--label", "author"]);
        assert_eq!(found, expected, "{file}");
    }
    let set = ["--text", "a.csv", "--set", "text.column=text", "--set", "text.label=author"];
    assert_eq!(documents(&dir, &set), expected);
    let unlabelled = documents(&dir, &["--text", "a.csv", "--column", "text"]);
    assert_eq!((&unlabelled["labels"], &unlabelled["unlabelled"]), (&json!({}), &json!(40)));
    // As one running text, and from standard input.
    assert!(documents(&dir, &["--text", "a.csv", "--column", "text", "--documents", "none"]).is_null());
    let args =
        ["prepare", "--json", "--text", "-", "--column", "text", "--label", "author", "--set", "windows.context_len=5"];
    let piped = with_input(&dir, &args, csv().as_bytes());
    assert_eq!(piped.stdout.parse::<Value>().unwrap()["documents"], expected);
    let table = dir.run_ok(&["prepare", "--text", "a.csv", "--column", "text", "--label", "author"]).stdout;
    for row in ["documents                     40: ", "labels                        Ann 20  Bob 20"] {
        assert!(table.contains(row), "{table}");
    }
}

#[test]
fn names_of_labels_are_short_and_on_one_line_in_a_table() {
    let dir = TestDir::new();
    let long = "z".repeat(3_000);
    let table = csv().replace(",Ann\n", ",\"a\nb\"\n").replace(",Bob\n", &format!(",{long}\n"));
    dir.file("a.csv", table);
    let prepared = dir.run_ok(&["prepare", "--text", "a.csv", "--column", "text", "--label", "author"]).stdout;
    let expected = format!("a\\nb 20  {}… 20  (none 0)\n", &long[..39]);
    assert!(prepared.contains(&expected), "{prepared}");
}

#[test]
fn the_unit_of_documents_is_chosen_and_labels_are_folders() {
    let dir = TestDir::new();
    let paragraphs: String = lines().lines().map(|line| format!("{line}\n\n")).collect();
    let sections: String = lines().lines().map(|line| format!("A FABLE\n\n{line}\n \n\n\n")).collect();
    let separated: String = lines().lines().map(|line| format!("{line}\n% \n")).collect();
    folder(
        &dir,
        &[
            ("lines", lines().as_bytes()),
            ("paragraphs", paragraphs.as_bytes()),
            ("sections", sections.as_bytes()),
            ("separated", separated.as_bytes()),
        ],
    );
    for n in 0..12 {
        folder(
            &dir,
            &[(&format!("poems/{}/{n}.txt", ["Ann", "Bob"][n % 2]), format!("A poem with number {n}.\n").as_bytes())],
        );
    }
    let count = |args: &[&str]| documents(&dir, args)["count"].as_u64();
    assert_eq!(count(&["--text", "lines", "--documents", "lines"]), Some(40));
    assert_eq!(count(&["--text", "paragraphs", "--documents", "paragraphs"]), Some(40));
    assert_eq!(count(&["--text", "sections", "--documents", "sections"]), Some(40));
    assert_eq!(count(&["--text", "sections", "--documents", "paragraphs"]), Some(80));
    assert_eq!(count(&["--text", "separated", "--documents", "separator", "--separator", "%"]), Some(40));
    assert_eq!(count(&["--text", "separated", "--separator", "%"]), Some(40));
    assert_eq!(count(&["--text", "poems", "--documents", "files"]), Some(12));
    let labels = documents(&dir, &["--text", "poems", "--label", "folder"]);
    assert_eq!((&labels["count"], &labels["labels"]), (&json!(12), &json!({"Ann": 6, "Bob": 6})));
    let blank = documents(&dir, &["--text", "paragraphs", "--documents", "lines"]);
    assert_eq!((&blank["count"], &blank["empty"]), (&json!(40), &json!(40)));
    let limit =
        ["--text", "lines", "--text", "paragraphs", "--documents", "files", "--set", "data.max_document_len=600"];
    let split = dir.run_ok(&[&["prepare", "--json"], &limit[..]].concat());
    let warning = "warning: 2 documents are longer than the limit (`--set data.max_document_len=N`), the first in lines: split at blank lines";
    assert!(split.stderr.contains(warning), "{}", split.stderr);
    assert_eq!(split.stdout.parse::<Value>().unwrap()["documents"]["split"], 2);
}

#[test]
fn invalid_tables_and_settings_of_documents_are_errors() {
    let dir = TestDir::new();
    folder(
        &dir,
        &[
            ("a.csv", csv().as_bytes()),
            ("open.csv", (csv() + "41,\"open\n").as_bytes()),
            ("fields.csv", (csv() + "41,a\n").as_bytes()),
            ("broken.jsonl", b"{\"text\": \"a\"}\n{\"text\": }\n"),
            ("a.txt", b"A cat.\n"),
            ("b.txt", b"A crow.\n"),
        ],
    );
    let column = |name| ["--column", name];
    for (args, expected) in [
        (
            &[&["--text", "a.csv"], &column("txt")[..]].concat()[..],
            "has no column `txt` (did you mean `text`?): it has `text`, `id`, `author`",
        ),
        (
            &[&["--text", "a.csv", "--label", "auhtor"], &column("text")[..]].concat(),
            "no column `auhtor` (did you mean `author`?)",
        ),
        (
            &[&["--text", "open.csv"], &column("text")[..]].concat(),
            "`open.csv`, line 82: the field that begins with a quote",
        ),
        (
            &[&["--text", "fields.csv"], &column("text")[..]].concat(),
            "`fields.csv`, line 82: the row has 2 fields, expected 3",
        ),
        (
            &[&["--text", "broken.jsonl"], &column("text")[..]].concat(),
            "`broken.jsonl`, line 2: expected one JSON object",
        ),
        (
            &[&["--text", "a.txt", "--text", "b.txt"], &column("text")[..]].concat(),
            "none of the files has the column `text`",
        ),
        (&["--column", "text"], "`text.column` is given with `text.dataset`"),
        (&["--documents", "separator"], "is `separator` without `--separator`"),
        (&["--documents", "lines", "--separator", "%"], "which only `--documents separator` has"),
        (&["--documents", "separator", "--separator", " "], "the separator of documents is blank"),
        (&["--documents", "none", "--label", "folder"], "only documents have labels"),
        (&["--text", "a.txt", "--documents", "files", "--label", "author"], "there is no `--column` (`text.column`)"),
        (&["--text", "a.txt", "--label", ""], "`text.label`) is the column \"\", but there is no `--column`"),
        (&["--text", "-", "--label", "folder"], "`text.label`) is `folder`, but standard input is in no folder"),
        (&["--set", "data.max_document_len=99"], "the text has no documents"),
        (&["--documents", "files", "--set", "data.max_document_len=9"], "below 64 bytes"),
        (&["--set", "data.documents=words"], "unknown value `words`"),
    ] {
        dir.expect_error(&[&["prepare"], args].concat(), &[expected]);
    }
    let resumed = ["train", "--resume", "run", "--column", "text"];
    dir.expect_error(&resumed, &["--resume"]);
}

#[test]
fn a_model_of_documents_with_labels_is_trained_resumed_and_repeated() {
    let dir = TestDir::new();
    folder(&dir, &[("a.csv", csv().as_bytes())]);
    let of_table = ["--text", "a.csv", "--column", "text", "--label", "author"];
    dir.run_ok(&tbptt(&[&of_table[..], &["--out", "run"]].concat()));
    let config = fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    for line in ["column = \"text\"", "label = \"author\""] {
        assert!(config.contains(line), "{config}");
    }
    dir.run_ok(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    dir.run_ok(&["reproduce", "run", "--out", "again"]);
    let weights = |run: &str| fs::read(dir.path().join(run).join("weights.bpk")).unwrap();
    assert!(weights("again") == weights("run"));
    dir.run_ok(&["train", "--init-from", "run", "--set", "train.epochs=1", "--out", "more"]);
    let evaluated = |more: &[&str]| dir.json(&[&["evaluate", "--model", "run", "--json"], more].concat());
    let own = evaluated(&[]);
    assert!(own["loss_nats_per_token"].as_f64().unwrap().is_finite());
    let other = evaluated(&["--text", "a.csv", "--column", "text", "--label-column", "author"]);
    assert!(other["tokens"].as_u64() > own["tokens"].as_u64());
    // A new label makes another model.
    fs::write(dir.path().join("a.csv"), csv().replace("Bob", "Eve")).unwrap();
    dir.expect_error(
        &["train", "--resume", "run", "--set", "train.epochs=3"],
        &["its text has changed, or the labels"],
    );
    // A label that is moved to another document is another text.
    fs::write(dir.path().join("a.csv"), csv().replacen("Ann", "Bob", 1)).unwrap();
    dir.expect_error(&["reproduce", "run"], &["cannot be reproduced: its text has changed"]);
}
