//! Models of subwords: the whole workflow, files of tokens, and settings that do not suit them.

use std::fs;

use serde_json::Value;

use crate::common::TestDir;
use crate::{QUICK, config};

/// Sentences with characters of one to four bytes.
fn text() -> String {
    let sentence = |n: usize| {
        format!("The fox n° {n} isn't in the den; “the den”, said the fox, “is hers.”\n여우 🦊 saw {}\n", n * n)
    };
    (0..60).map(sentence).collect()
}

/// A tiny model of 320 subwords with carried state; more settings replace these.
fn train_in(dir: &TestDir, run: &str, more: &[&str]) -> String {
    dir.file("my.txt", text());
    let config = config("subwords");
    let tiny = [
        &["train", "--config", &config, "--text", "my.txt", "--out", run][..],
        &QUICK,
        &["--set", "model.projection=8", "--set", "train.schedule.kind=constant", "--set", "train.batch_size=4"],
        more,
    ];
    dir.run_ok(&tiny.concat()).stderr
}

const SIZE: [&str; 2] = ["--set", "vocabulary.size=320"];

fn read(dir: &TestDir, file: &str) -> Vec<u8> {
    fs::read(dir.path().join(file)).unwrap()
}

fn json(dir: &TestDir, file: &str) -> Value {
    serde_json::from_slice(&read(dir, file)).unwrap()
}

#[test]
fn a_model_of_subwords_is_trained_sampled_and_evaluated() {
    let dir = TestDir::new();
    let stderr = train_in(&dir, "run", &SIZE);
    assert!(stderr.contains("\nIn a sample, the network spelled ") && !stderr.contains("too short"), "{stderr}");
    let tokenizer = json(&dir, "run/tokenizer.json");
    let vocab = tokenizer["model"]["vocab"].as_object().unwrap();
    assert_eq!(
        (vocab.len(), vocab["<padding>"].as_u64(), tokenizer["model"]["type"].as_str()),
        (320, Some(0), Some("BPE"))
    );
    assert!(vocab.contains_key("Ġfox"), "{vocab:?}");
    let table = String::from_utf8(read(&dir, "run/vocabulary.tsv")).unwrap();
    assert!(table.contains("\t fox\t") && table.lines().count() == 321, "{table}");
    let names = String::from_utf8(read(&dir, "run/tensorboard/metadata.tsv")).unwrap();
    assert!(names.lines().any(|name| name == " fox") && names.lines().count() == 320, "{names}");

    // What is streamed is the sample, and a prompt may end within a word.
    let write = [
        "generate",
        "--model",
        "run",
        "--prompt",
        "The fo",
        "--max-tokens",
        "60",
        "--temperature",
        "1",
        "--top-p",
        "1",
        "--seed",
        "3",
    ];
    let streamed = dir.run_ok(&write).stdout;
    let report = dir.json(&[&write[..], &["--json", "--num-samples", "3"]].concat());
    let written = report["samples"][0]["text"].as_str().unwrap();
    assert_eq!(streamed, format!("The fo{written}\n"));
    // A stop text ends the sample wherever it begins, also within a token.
    let characters: Vec<char> = written.chars().skip(7).collect();
    let letters = characters.windows(2).find(|pair| pair.iter().all(char::is_ascii_lowercase));
    let stop: String = letters.expect("two letters").iter().collect();
    let (before, _) = written.split_once(&stop).unwrap();
    assert_eq!(dir.run_ok(&[&write[..], &["--stop", &stop]].concat()).stdout, format!("The fo{before}\n"));

    // Any text has an id and a loss in bits per byte.
    dir.file("other.txt", "Ω≈ç√∫ <padding> 漢字かな 🏳️‍🌈 naïve ".repeat(20));
    let evaluated = dir.json(&["evaluate", "--model", "run", "--text", "other.txt", "--json"]);
    assert_eq!(evaluated["unknown_share"], 0.0);
    assert!(evaluated["bits_per_byte"].as_f64().unwrap() > 0.0, "{evaluated}");
    assert!(json(&dir, "run/score.json")["rows"].as_array().unwrap().iter().all(|row| row["bits_per_byte"].is_f64()));

    let config = config("subwords");
    let prepare = ["prepare", "--config", &config, "--text", "my.txt"];
    let prepared = dir.json(&[&prepare[..], &SIZE, &["--json"]].concat());
    assert_eq!(
        (prepared["model_vocabulary"].as_u64(), prepared["unknown_in_validation"].as_f64()),
        (Some(320), Some(0.0))
    );
    assert!(prepared["characters_per_token"].as_f64().unwrap() > 2.0, "{prepared}");
    let summary = dir.json(&[&["summary", "--config", &config, "--text", "my.txt", "--json"], &SIZE[..]].concat());
    assert!(summary.to_string().contains("[null,320]"), "{summary}");
    // The rule chooses 512, which the text does not have.
    let automatic = dir.run_ok(&prepare);
    assert!(automatic.stderr.contains("the text is too short for 512 subwords"), "{}", automatic.stderr);
}

#[test]
fn a_run_of_subwords_is_resumed_and_reproduced_exactly() {
    let dir = TestDir::new();
    let epochs = |count: &str| format!("train.epochs={count}");
    train_in(&dir, "whole", &[&SIZE[..], &["--set", &epochs("2")]].concat());
    train_in(&dir, "parts", &SIZE);
    dir.run_ok(&["train", "--resume", "parts", "--set", &epochs("2")]);
    for file in ["weights.bpk", "tokenizer.json", "vocabulary.tsv"] {
        assert!(read(&dir, &format!("whole/{file}")) == read(&dir, &format!("parts/{file}")), "{file}");
    }
    let again = dir.run_ok(&["reproduce", "whole"]).stdout;
    assert!(again.contains("bit-identical"), "{again}");

    // Other texts have no new tokens.
    dir.file("new.txt", "Ein völlig anderer Text über Wölfe, Füchse und 狐。 ".repeat(60));
    dir.run_ok(&["train", "--init-from", "whole", "--text", "new.txt", "--out", "tuned"]);
    assert!(read(&dir, "tuned/tokenizer.json") == read(&dir, "whole/tokenizer.json"));
    dir.run_ok(&["train", "--resume", "tuned", "--set", &epochs("3")]);
    let other_size = ["train", "--init-from", "whole", "--text", "new.txt", "--set", "vocabulary.size=400"];
    dir.expect_error(&other_size, &["another `vocabulary.size`"]);
}

#[test]
fn subwords_are_extended_to_the_given_size_and_a_run_of_an_earlier_version_is_reproduced() {
    let dir = TestDir::new();
    train_in(&dir, "old", &SIZE);
    dir.file("new.txt", "Ein völlig anderer Text über Wölfe, Füchse und 狐。 ".repeat(60));
    let extend = ["train", "--init-from", "old", "--text", "new.txt", "--new-tokens", "extend"];
    dir.run_ok(&[&extend[..], &SIZE, &["--out", "kept"]].concat());
    assert!(read(&dir, "kept/tokenizer.json") == read(&dir, "old/tokenizer.json"));
    // An earlier version did not extend subwords, whatever the configuration said.
    let config = String::from_utf8(read(&dir, "kept/config.toml")).unwrap();
    assert!(config.contains("\nsize = 320\n") && config.contains("new_tokens = \"extend\""), "{config}");
    dir.file("kept/config.toml", config.replace("\nsize = 320\n", "\n"));
    let again = dir.run_ok(&["reproduce", "kept"]).stdout;
    assert!(again.contains("bit-identical"), "{again}");

    // The size in the configuration of the model is not that to which it is extended.
    let stderr = dir.run_ok(&[&extend[..], &["--out", "extended"]].concat()).stderr;
    assert!(stderr.contains(" tokens are new and start as the mean"), "{stderr}");
    let again = dir.run_ok(&["reproduce", "extended"]).stdout;
    assert!(again.contains("bit-identical"), "{again}");
    let smaller = [&extend[..], &["--set", "vocabulary.size=319"]].concat();
    dir.expect_error(&smaller, &["`vocabulary.size` is 319", "has 320 ids"]);
}

#[test]
fn the_tokens_of_a_file_are_used_and_kept_in_the_run() {
    let dir = TestDir::new();
    train_in(&dir, "first", &SIZE);
    let mut file = json(&dir, "first/tokenizer.json");
    // As another program writes it.
    file["model"].as_object_mut().unwrap().remove("pastiche");
    file["added_tokens"][0]["content"] = "<pad>".into();
    let vocab = file["model"]["vocab"].as_object_mut().unwrap();
    let padding = vocab.remove("<padding>").unwrap();
    vocab.insert("<pad>".into(), padding);
    dir.file("given.json", file.to_string());
    let given = ["--set", "tokens.path=given.json"];
    train_in(&dir, "second", &given);
    let kept = json(&dir, "second/tokenizer.json");
    assert_eq!(kept["model"]["merges"], file["model"]["merges"]);
    assert_eq!(
        (kept["model"]["vocab"]["<pad>"].as_u64(), kept["added_tokens"][1]["content"].as_str()),
        (Some(1), Some("<pad>"))
    );

    fs::remove_file(dir.path().join("given.json")).unwrap();
    dir.run_ok(&["train", "--resume", "second", "--set", "train.epochs=2"]);
    let again = dir.run_ok(&["reproduce", "second"]).stdout;
    assert!(again.contains("bit-identical"), "{again}");
    train_in(&dir, "third", &["--set", "tokens.path=second/tokenizer.json"]);
    assert_eq!(json(&dir, "third/tokenizer.json")["model"]["vocab"], kept["model"]["vocab"]);
}

#[test]
fn settings_that_do_not_suit_subwords_are_rejected() {
    let dir = TestDir::new();
    dir.file("my.txt", text());
    dir.file("other.json", r#"{"version":"1.0","model":{"type":"WordPiece","vocab":{}}}"#);
    let subwords = config("subwords");
    for (settings, expected) in [
        (&["vocabulary.size=100"][..], &["`vocabulary.size` is 100", "258"][..]),
        (&["vocabulary.min_count=2"], &["`vocabulary.min_count` is 2", "expected 1"]),
        (&["vocabulary.oov=drop"], &["`vocabulary.oov` is `drop`"]),
        (
            &["clean.document_separator=|"],
            &["`clean.document_separator` is `|`", "configs/subwords.toml", "`--set clean.document_separator=\"\"`"],
        ),
        (&["tokens.jamo=true"], &["`tokens.jamo`", "characters"]),
        (&["tokens.lower_case=true"], &["`tokens.lower_case`", "words"]),
        (&["tokens.path=other.json", "tokens.kind=characters"], &["expected `BPE` or `WordLevel`"]),
        (&["tokens.path=other.json", "vocabulary.size=300"], &["both given"]),
        (&["tokens.path=other.json"], &["other.json", "its model is `WordPiece`: expected `BPE` or `WordLevel`"]),
        (&["tokens.path=my.txt"], &["my.txt", "it cannot be read"]),
        (&["tokens.path=none.json"], &["none.json"]),
        (&["tokens.path=."], &["directory"]),
    ] {
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
        let train = ["train", "--config", &subwords, "--text", "my.txt", "--out", "run"];
        dir.expect_error(&[&train[..], &settings].concat(), expected);
        assert!(!dir.path().join("run").exists());
    }
    // The default configuration has a separator.
    let words = ["prepare", "--text", "my.txt", "--set", "tokens.kind=subwords"];
    dir.expect_error(&words, &["`clean.document_separator` is `|`"]);
    dir.run_ok(&[&words[..], &["--set", "clean.document_separator="]].concat());
}

#[test]
fn the_most_frequent_words_can_be_kept() {
    let dir = TestDir::new();
    dir.file("my.txt", "a b c d e a b c d a b c a b a ".repeat(40));
    let prepare = ["prepare", "--text", "my.txt", "--set", "clean.preset=prose", "--json", "--set"];
    let size = |size: &str| dir.json(&[&prepare[..], &[&format!("vocabulary.size={size}")]].concat());
    let report = size("5");
    assert_eq!(
        (report["model_vocabulary"].as_u64(), &report["most_frequent"]),
        (Some(5), &serde_json::json!(["a", "b", "c"]))
    );
    assert!(report["unknown_in_validation"].as_f64().unwrap() > 0.0);
    assert_eq!(size("900")["unknown_in_validation"], 0.0);
}
