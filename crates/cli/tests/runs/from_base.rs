//! Runs that start from the built-in base. It has millions of weights, so they have few steps.

use std::fs;

use seqdata::hash::sha256;
use serde_json::Value;

use super::{FLEX, texts};
use crate::common::TestDir;

/// Two steps on short streams.
const SETTINGS: &[&str] = &[
    "train.epochs=1",
    "train.steps_per_epoch=2",
    "train.batch_size=2",
    "train.bptt_len=8",
    "train.schedule.kind=constant",
    "train.ema_decay=0",
    "samples.max_tokens=4",
    "checkpoints.every_minutes=0",
];

/// The arguments that train from the base, with further ones.
fn from_base<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let settings: Vec<&str> = SETTINGS.iter().flat_map(|setting| ["--set", *setting]).collect();
    [&["train", "--init-from", "base"], FLEX, &settings[..], more].concat()
}

fn read(dir: &TestDir, file: &str) -> String {
    fs::read_to_string(dir.path().join(file)).unwrap()
}

#[test]
fn a_run_from_the_base_is_moved_resumed_and_reproduced_and_records_the_base() {
    let dir = TestDir::new();
    texts(&dir);
    let rates = ["--set", "model.dropout=0.4", "--set", "model.layers[0].recurrent_dropout=0.25"];
    dir.run_ok(&from_base(&[&["--text", "new.txt", "--out", "tuned"], &rates[..]].concat()));
    let record: Value = serde_json::from_str(&read(&dir, "tuned/run.json")).unwrap();
    let manifest = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/base/manifest.json")).unwrap();
    let hash = sha256(&manifest);
    assert_eq!((&record["from"]["model"], &record["from"]["manifest_sha256"]), (&"base".into(), &hash.as_str().into()));
    assert_eq!(
        (&record["from"]["base"]["model"], &record["from"]["base"]["manifest_sha256"]),
        (&"base".into(), &hash.as_str().into())
    );
    let config = read(&dir, "tuned/config.toml");
    for line in ["from = \"base\"", "kind = \"subwords\"", "dropout = 0.4", "recurrent_dropout = 0.25"] {
        assert!(config.contains(line), "{config}");
    }

    fs::rename(dir.path().join("tuned"), dir.path().join("moved")).unwrap();
    dir.run_ok(&[&["train", "--resume", "moved", "--set", "train.epochs=2"], FLEX].concat());
    let repeated = dir.run_ok(&["reproduce", "moved"]).stdout;
    assert!(repeated.contains("is bit-identical to moved"), "{repeated}");
    // Its configuration starts from the base again.
    dir.run_ok(&[&["train", "--config", "moved/config.toml", "--out", "again"], FLEX].concat());
    let weights = |run: &str| fs::read(dir.path().join(run).join("weights.bpk")).unwrap();
    assert!(weights("again") == weights("moved"));

    let record = read(&dir, "moved/run.json");
    dir.file("moved/run.json", record.replace(&hash, &"0".repeat(64)));
    let other_base = ["moved started from another built-in base (SHA-256 000000000000,", "the program that trained it"];
    dir.expect_error(&["reproduce", "moved"], &other_base);
    // It is not needed to go on.
    dir.run_ok(&[&["train", "--resume", "moved", "--set", "train.epochs=3"], FLEX].concat());
}

#[test]
fn the_base_gets_the_subwords_of_a_text_and_a_token_for_documents() {
    let dir = TestDir::new();
    dir.file("lines.txt", (0..60).map(|n| format!("Zebraquartz {n} fjordwaltzes\n")).collect::<String>());
    let lines = ["--text", "lines.txt", "--documents", "lines"];
    let rejected = from_base(&[&lines[..], &["--out", "rejected"]].concat());
    dir.expect_error(&rejected, &["the model was trained on running text", "--new-tokens extend"]);
    let extended = from_base(&[&lines[..], &["--new-tokens", "extend", "--out", "extended"]].concat());
    let stderr = dir.run_ok(&extended).stderr;
    for new in ["the token between documents is new", "tokens are new and start as the mean of the tokens"] {
        assert!(stderr.contains(new), "{stderr}");
    }
    let vocabulary = read(&dir, "extended/vocabulary.tsv");
    assert!(vocabulary.contains("\t<document>\t") && vocabulary.contains("\tZebraquartz\t"), "{vocabulary}");
    dir.run_ok(&[&["generate", "--model", "extended", "--documents", "2", "--max-tokens", "8"], FLEX].concat());
    let repeated = dir.run_ok(&["reproduce", "extended"]).stdout;
    assert!(repeated.contains("is bit-identical to extended"), "{repeated}");
}

#[test]
fn a_plan_from_the_base_adds_the_token_between_documents_and_is_reproduced() {
    let dir = TestDir::new();
    dir.file("lines.txt", (0..60).map(|n| format!("Zebraquartz {n} fjordwaltzes\n")).collect::<String>());
    let vocabulary = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/base/vocabulary.tsv");
    // Its first line has the names of the columns.
    let ids = fs::read_to_string(vocabulary).unwrap().lines().count() - 1;
    let plan = |size: usize| {
        format!(
            "[text]\npath = \"lines.txt\"\n[data]\ndocuments = \"lines\"\n[init]\nfrom = \"base\"\n\
             new_tokens = \"extend\"\n[vocabulary]\nsize = {size}\n[train]\nmode = \"tbptt\"\nbptt_len = 8\n\
             batch_size = 2\nepochs = 1\nsteps_per_epoch = 2\noptimizer = {{ kind = \"adam\" }}\n\
             [samples]\nevery_steps = 0\nmax_tokens = 4\n"
        )
    };
    // As the recipe chooses it for documents.
    dir.file("plan.toml", plan(ids + 1));
    let train = [&["train", "--config", "plan.toml"], FLEX].concat();
    let stderr = dir.run_ok(&[&train[..], &["--out", "run"]].concat()).stderr;
    assert!(stderr.contains("the token between documents is new") && !stderr.contains("tokens are new"), "{stderr}");
    let table = read(&dir, "run/vocabulary.tsv");
    assert_eq!(table.lines().count() - 1, ids + 1);
    assert!(table.contains("\t<document>\t"), "{table}");
    let repeated = dir.run_ok(&["reproduce", "run"]).stdout;
    assert!(repeated.contains("is bit-identical to run"), "{repeated}");

    let units = [&train[..], &["--set", "model.layers[0].units=8"]].concat();
    dir.expect_error(&units, &["starts from base", "another `model.layers`"]);
    dir.file("plan.toml", plan(ids - 1));
    dir.expect_error(&train, &[&format!("`vocabulary.size` is {}", ids - 1), &format!("has {ids} ids")]);
}

#[test]
fn what_the_base_determines_cannot_be_changed() {
    let dir = TestDir::new();
    texts(&dir);
    for key in ["model.embedding_dim=9", "tokens.kind=words", "clean.preset=prose", "vocabulary.size=300"] {
        let name = key.split('=').next().unwrap();
        let args = from_base(&["--text", "new.txt", "--set", key]);
        dir.expect_error(&args, &["starts from base", &format!("`{name}`"), "--init-from"]);
    }
}
