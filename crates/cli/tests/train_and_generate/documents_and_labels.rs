//! Documents: whole texts that are generated, labels that condition them, and documents that are not in the training text.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;

use seqdata::{DocumentHashes, Random};
use serde_json::Value;

use crate::common::{CommandOutput, TestDir};

/// A model small enough for a test, which learns short documents in a second.
const SMALL: &[&str] = &[
    "train.mode=tbptt",
    "train.bptt_len=12",
    "train.batch_size=8",
    "train.optimizer.kind=adam",
    "train.learning_rate=0.01",
    "model.embedding_dim=12",
    "model.layers=[{cell=\"gru\",units=24}]",
    "model.dropout=0",
    "samples.max_tokens=30",
];

pub fn train(dir: &TestDir, run: &str, text: &[&str], settings: &[&str]) -> CommandOutput {
    let settings = SMALL.iter().chain(settings).flat_map(|setting| ["--set", *setting]);
    let args: Vec<&str> =
        ["train", "--backend", "flex", "--out", run].into_iter().chain(text.iter().copied()).collect();
    dir.run_ok(&args.into_iter().chain(settings).collect::<Vec<_>>())
}

fn pick<'a>(random: &mut Random, words: &[&'a str]) -> &'a str {
    words[random.below(words.len() as u64) as usize]
}

/// Invented names, one a line, some of them twice.
fn names() -> Vec<String> {
    let mut random = Random::keyed(1, "names", &[]);
    let starts = ["Mar", "Dan", "Is", "Ar", "Nor", "El", "Tho", "Bel"];
    let ends = ["wyn", "ric", "iel", "in", "a", "ius"];
    let mut name = || {
        let middle = pick(&mut random, &["", "i", "o"]);
        format!("{}{middle}{}", pick(&mut random, &starts), pick(&mut random, &ends))
    };
    (0..220).map(|_| name()).collect()
}

/// Trains a model of characters on these names.
fn train_names(dir: &TestDir) -> Vec<String> {
    let names = names();
    dir.file("names.txt", names.join("\n") + "\n\n");
    let settings = ["tokens.kind=characters", "clean.preset=verbatim", "train.epochs=4"];
    let trained = train(dir, "runs/names", &["--text", "names.txt", "--documents", "lines"], &settings);
    // A sample during training is a handful of names.
    let sample = trained.stderr.lines().rfind(|line| line.contains("  sample: ")).unwrap();
    assert!(sample.matches(" · ").count() >= 2, "{sample}");
    let said =
        |line: &str| line.contains(" bits per byte, counting needs ") && line.ends_with(" are in the training text");
    assert_eq!(trained.stderr.lines().filter(|line| said(line)).count(), 4, "{}", trained.stderr);
    names
}

#[test]
fn names_are_generated_whole_and_new_ones_on_request() {
    let dir = TestDir::new();
    let names = train_names(&dir);
    let known: HashSet<&str> = names.iter().map(String::as_str).collect();

    let generate = |more: &[&str]| dir.run_ok(&[&["generate", "--backend", "flex", "--seed", "1"], more].concat());
    let all = generate(&["--documents", "120", "--temperature", "0.8", "--top-p", "1", "--max-tokens", "2000"]).stdout;
    let all: Vec<&str> = all.lines().collect();
    assert_eq!(all.len(), 120);
    assert!(all.iter().all(|name| !name.is_empty() && name.len() < 40), "{all:?}");
    assert!(all.iter().any(|name| known.contains(name)) && all.iter().any(|name| !known.contains(name)), "{all:?}");
    // The same samples, and a single one as it is streamed.
    assert_eq!(
        generate(&["--num-samples", "120", "--temperature", "0.8", "--top-p", "1", "--max-tokens", "2000"])
            .stdout
            .lines()
            .collect::<Vec<_>>(),
        all
    );
    assert_eq!(generate(&["--temperature", "0.8", "--top-p", "1", "--max-tokens", "2000"]).stdout.trim_end(), all[0]);

    let unique =
        generate(&["--documents", "20", "--temperature", "0.8", "--top-p", "1", "--max-tokens", "2000", "--unique"]);
    let unique_names: Vec<&str> = unique.stdout.lines().collect();
    assert_eq!(unique_names.len(), 20);
    assert_eq!(unique_names.iter().collect::<HashSet<_>>().len(), 20);
    // They are the samples of the same seed without those that are left out.
    let mut written = HashSet::new();
    let (mut in_training, mut repeated, mut expected) = (0, 0, Vec::new());
    for &name in &all {
        if known.contains(name) && hashes(&dir, "runs/names").contains(name) {
            in_training += 1;
        } else if written.insert(name) {
            expected.push(name);
        } else {
            repeated += 1;
        }
        if expected.len() == 20 {
            break;
        }
    }
    assert_eq!(expected.len(), 20, "too few new names in {all:?}");
    assert_eq!(unique_names, expected);
    let counts =
        [format!("left out: {in_training} document"), format!(" of the training text, {repeated} repeated document")];
    assert!(counts.iter().all(|count| unique.stderr.contains(count)), "{counts:?}: {}", unique.stderr);
    assert!(!unique.stderr.contains("--max-tokens"), "{}", unique.stderr);

    // A prompt is the beginning of each document.
    let prompted = generate(&["--documents", "5", "--prompt", "Mar", "--unique"]).stdout;
    assert!(prompted.lines().count() == 5 && prompted.lines().all(|name| name.starts_with("Mar")), "{prompted}");

    let report = dir.json(&[
        "generate",
        "--backend",
        "flex",
        "--json",
        "--documents",
        "4",
        "--unique",
        "--seed",
        "2",
        "--max-tokens",
        "2000",
    ]);
    let samples = report["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 4);
    for sample in samples {
        assert_eq!((&sample["complete"], &sample["label"]), (&true.into(), &Value::Null), "{sample}");
        assert!(sample["text"].is_string() && sample["ids"].is_array(), "{sample}");
    }
    assert!(report["left_out"]["in_training_text"].is_number() && report["left_out"]["repeated"].is_number());
    let cut = dir.json(&["generate", "--backend", "flex", "--json", "--max-tokens", "1", "--seed", "2"]);
    assert_eq!(cut["samples"][0]["complete"], false);
    let cut = generate(&["--documents", "3", "--max-tokens", "1"]);
    let line = "warning: 3 of 3 documents have no end after 1 token: raise `--max-tokens`";
    assert!(cut.stderr.contains(line), "{}", cut.stderr);
    let streamed = generate(&["--max-tokens", "1"]).stderr;
    assert!(streamed.contains("warning: the document has no end after 1 token: "), "{streamed}");

    // There are no more than a few dozen names of two letters.
    let few = generate(&["--documents", "300", "--max-tokens", "2", "--unique"]);
    let found = few.stdout.lines().count();
    assert!(found < 300 && few.stderr.contains(&format!("only {found} new document")), "{}", few.stderr);
}

/// The hashes of the training documents of a run.
fn hashes(dir: &TestDir, run: &str) -> DocumentHashes {
    let bytes = fs::read(dir.path().join(run).join("document-hashes.bin")).unwrap();
    DocumentHashes::from_bytes(&bytes).unwrap()
}

#[test]
fn a_run_on_documents_reports_them_and_keeps_their_hashes() {
    let dir = TestDir::new();
    let names = train_names(&dir);
    let prepared = dir.json(&["prepare", "--json", "--text", "names.txt", "--documents", "lines"]);
    let documents = &prepared["documents"];
    let distinct: HashSet<&String> = names.iter().collect();
    assert_eq!(documents["count"], names.len());
    assert_eq!(documents["duplicates"], names.len() - distinct.len());
    let count = |part: &str| documents[part].as_u64().unwrap() as usize;
    assert_eq!((count("train") + count("valid") + count("test"), count("empty")), (names.len(), 1));
    assert!(count("valid") > 0);
    assert_eq!((count("shortest"), count("longest"), &documents["mean"]), (1, 1, &1.0.into()));

    // Equal names are on one side of the split, and the hashes are those of the training names.
    let training = hashes(&dir, "runs/names");
    let in_training = names.iter().filter(|name| training.contains(name)).count();
    assert!(in_training < names.len() && training.len() < distinct.len());
    assert_eq!(hashes(&dir, &dir.newest_checkpoint("runs/names")), training);
    let score: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("runs/names/score.json")).unwrap()).unwrap();
    // The network and counting predict the same: the characters and the ends of the names.
    assert_eq!(score["counting"]["characters"], score["tokens"]);
    let novelty = &score["novelty"];
    let number = |key: &str| novelty[key].as_u64().unwrap();
    assert_eq!(number("documents"), 500);
    assert_eq!(number("new") + number("in_training_text") + number("repeated"), 500);
    assert_eq!(number("training_documents") as usize, training.len());
    assert!(number("in_held_out_text") <= number("new") + number("repeated") && number("held_out_documents") > 0);
    assert_eq!(score["documents"].as_u64().unwrap() as usize, names.len() - in_training);
    let text = fs::read_to_string(dir.path().join("runs/names/score.md")).unwrap();
    assert!(text.contains("Of 500 documents generated at temperature 0.5"), "{text}");
    assert!(text.contains("held-out documents"), "{text}");

    // The loss of `evaluate` is that of training, and names of another file are documents, too.
    let own = dir.json(&["evaluate", "--backend", "flex", "--json"]);
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("runs/names/manifest.json")).unwrap()).unwrap();
    let longest = names.iter().map(String::len).max().unwrap() as u64;
    assert!((4..=longest).contains(&manifest["about"]["document_len_p99"].as_u64().unwrap()), "{manifest}");
    let (loss, recorded) = (&own["loss_nats_per_token"], &manifest["about"]["valid_loss_carried"]);
    assert!((loss.as_f64().unwrap() - recorded.as_f64().unwrap()).abs() < 1e-6, "{loss} {recorded}");
    assert!(own["bits_per_byte"].is_number(), "{own}");
    dir.file("other.txt", "Marwyn\nDanric\n");
    let other = dir.json(&["evaluate", "--backend", "flex", "--json", "--text", "other.txt"]);
    // Each with its end.
    assert_eq!(other["tokens"], 14);
}

#[test]
fn a_model_of_running_text_or_without_labels_rejects_what_it_does_not_have() {
    let dir = TestDir::new();
    train_names(&dir);
    dir.file("running.txt", names().join(" "));
    train(&dir, "runs/running", &["--text", "running.txt"], &["train.epochs=1"]);
    for (option, rest) in [("--documents", &["3"][..]), ("--unique", &[])] {
        let args = [&["generate", "--backend", "flex", "--model", "running", option], rest].concat();
        dir.expect_error(&args, &[&format!("`{option}`"), "running", "running text", "--documents lines"]);
    }
    dir.expect_error(
        &["generate", "--backend", "flex", "--model", "names", "--label", "Poe"],
        &["`--label`", "`Poe`", "without labels"],
    );
    dir.expect_error(
        &["generate", "--backend", "flex", "--model", "names", "--documents", "0"],
        &["`--documents` is 0"],
    );
    let both = dir.run(&["generate", "--documents", "3", "--num-samples", "3"]);
    assert!(both.code == Some(2) && both.stderr.contains("cannot be used with"), "{}", both.stderr);
    // Its labels are learned by training on.
    let kinds = ["new", "old"].into_iter().cycle();
    let rows: String = names().iter().zip(kinds).map(|(name, kind)| format!("{name},{kind}\n")).collect();
    dir.file("kinds.csv", format!("name,kind\n{rows}"));
    let args = ["train", "--backend", "flex", "--out", "kinds", "--init-from", "names", "--text", "kinds.csv"];
    let more = ["--column", "name", "--label", "kind", "--new-tokens", "extend", "--set", "train.epochs=1"];
    let stderr = dir.run_ok(&[&args[..], &more].concat()).stderr;
    assert!(stderr.contains("2 labels are new") && !stderr.contains("tokens are new"), "{stderr}");
    // Without the file of hashes nothing can be recognised.
    let model = dir.path().join("runs/names");
    fs::remove_file(model.join("document-hashes.bin")).unwrap();
    let missing = ["generate", "--backend", "flex", "--model", "names", "--unique"];
    dir.expect_error(&missing, &["document-hashes.bin"]);
}

const AUTHORS: [&str; 2] = ["Ines", "Olaf"];

/// Short texts of these invented authors, who have different words, as a table with line breaks in quotes.
pub fn texts_of(authors: &[usize], rows: usize) -> String {
    let mut random = Random::keyed(2, "authors", &[rows as u64]);
    let words = [
        ["sail", "tide", "gull", "harbour", "rope", "salt", "wave", "anchor"],
        ["oven", "flour", "bread", "crust", "salted", "honey", "yeast", "baker"],
    ];
    let mut table = "id,text,author\n".to_owned();
    for row in 0..rows {
        let author = authors[row % authors.len()];
        let text: Vec<&str> = (0..4).map(|_| pick(&mut random, &words[author])).collect();
        let name = AUTHORS[author];
        writeln!(table, "{row},\"{} {},\n{} \"\"{}\"\"\",{name}", text[0], text[1], text[2], text[3]).unwrap();
    }
    table
}

#[test]
fn the_right_label_has_a_lower_loss_than_none_and_none_than_the_wrong_one() {
    let dir = TestDir::new();
    dir.file("texts.csv", texts_of(&[0, 1], 400));
    let table = ["--text", "texts.csv", "--column", "text", "--label", "author"];
    let prepared = dir.json(&[&["prepare", "--json"], &table[..]].concat());
    assert_eq!(prepared["documents"]["count"], 400);
    assert_eq!(prepared["documents"]["labels"], serde_json::json!({"Ines": 200, "Olaf": 200}));

    train(&dir, "runs/authors", &table, &["tokens.newlines=keep", "train.epochs=6", "split.valid_fraction=0.2"]);
    let evaluate = |more: &[&str]| dir.json(&[&["evaluate", "--backend", "flex", "--json"], more].concat());
    let own = evaluate(&[]);
    let labels = own["labels"].as_array().unwrap();
    assert_eq!(labels.iter().map(|row| row["label"].as_str().unwrap()).collect::<Vec<_>>(), ["Ines", "Olaf"]);
    let tokens: u64 = labels.iter().map(|row| row["tokens"].as_u64().unwrap()).sum();
    assert_eq!(own["tokens"], tokens);

    for (author, name) in AUTHORS.into_iter().enumerate() {
        let wrong = AUTHORS[1 - author];
        dir.file("one.csv", texts_of(&[author], 80));
        let loss = |more: &[&str]| {
            let evaluated = evaluate(&[&["--text", "one.csv"], more].concat());
            evaluated["loss_nats_per_token"].as_f64().unwrap()
        };
        let (right, wrong, none) = (loss(&[]), loss(&["--label", wrong]), loss(&["--no-label"]));
        assert_eq!(right, loss(&["--label", name]));
        assert!(right + 0.1 <= wrong && right < none && none < wrong, "{name}: {right} {none} {wrong}");
    }

    // What is generated with a label has the words of its author, and its line breaks.
    let generated = |label: &str| {
        let args = ["generate", "--backend", "flex", "--documents", "5", "--seed", "3", "--label", label];
        dir.run_ok(&args).stdout
    };
    let (ines, olaf) = (generated("Ines"), generated("Olaf"));
    assert_eq!((ines.matches("\n\n").count(), olaf.matches("\n\n").count()), (4, 4), "{ines}\n{olaf}");
    let count = |text: &str, words: &[&str]| {
        text.split(|c: char| !c.is_alphabetic()).filter(|word| words.contains(word)).count()
    };
    let sea = ["sail", "tide", "gull", "harbour", "rope", "salt", "wave", "anchor"];
    assert!(count(&ines, &sea) >= 15 && count(&olaf, &sea) <= 2, "{ines}\n{olaf}");
    let report = dir.json(&["generate", "--backend", "flex", "--json", "--seed", "3", "--label", "Olaf"]);
    assert_eq!(report["samples"][0]["label"], "Olaf");

    let unknown = ["generate", "--backend", "flex", "--label", "Olav"];
    dir.expect_error(&unknown, &["`--label`", "`Olav`", "nearest first", "`Olaf`, `Ines`"]);
    dir.expect_error(&["evaluate", "--backend", "flex", "--label", "Olav"], &["`--label`", "`Olaf`, `Ines`"]);
    let score = fs::read_to_string(dir.path().join("runs/authors/score.md")).unwrap();
    assert!(score.contains("| label | tokens |") && score.contains("| Ines | "), "{score}");

    // A table without the column of labels is enough where they are not used.
    dir.file("unlabelled.csv", "text\n\"sail tide, gull rope\"\n");
    let unlabelled = ["--text", "unlabelled.csv"];
    evaluate(&[&unlabelled[..], &["--no-label"]].concat());
    let args = [&["evaluate", "--backend", "flex"], &unlabelled[..]].concat();
    dir.expect_error(&args, &["no column `author`", "--documents lines"]);
    dir.file("lines.txt", "sail tide\ngull rope\n");
    assert_eq!(evaluate(&["--text", "lines.txt", "--documents", "lines"])["tokens"], 6);

    // Documents with an unknown label are evaluated as without one.
    dir.file("other.csv", "text,author\n\"sail tide, gull rope\",Knut\n");
    let other = dir.run_ok(&["evaluate", "--backend", "flex", "--text", "other.csv"]);
    assert!(
        other
            .stderr
            .contains("warning: 1 document has a label that the model does not have; it is evaluated without a label"),
        "{}",
        other.stderr
    );
    assert!(other.stdout.contains("(none)"), "{}", other.stdout);
}
