//! Questions from end to end: trained, asked, scored, gone on with, and whatever can be wrong with the input.

mod common;

use common::{Answer, Desk};
use serde_json::{Value, json};

/// A network small enough for a test, on the questions that come with the binary.
const SMALL: &[&str] = &[
    "train.epochs=1",
    "train.schedule.kind=constant",
    "train.schedule.warm_up_steps=0",
    "model.embedding=8",
    "model.readout=8",
    "model.features=2",
    "model.encoder[0].units=4",
    "model.extractor[0].units=4",
    "model.decoder[0].units=8",
    "samples.every_steps=9",
];

fn train(desk: &Desk, config: &str, settings: &[&str], more: &[&str]) -> Answer {
    let set = settings.iter().flat_map(|setting| ["--set", *setting]);
    let args: Vec<&str> = ["train", "--config", config].into_iter().chain(set).collect();
    desk.run(&[args.as_slice(), more].concat())
}

/// The network of `SMALL` in `runs/NAME`, which is its folder's name.
fn small(desk: &Desk, name: &str, more: &[&str]) {
    let settings = [SMALL, more].concat();
    let answer = train(desk, "configs/qa.toml", &settings, &["--out", name]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
}

const TEXT: &str = "Émile saw 12 crows in the old mill.  Then a fox named Rusk went home.\n";

#[test]
fn a_network_is_trained_and_asks_in_every_format() {
    let desk = Desk::new();
    small(&desk, "run", &[]);
    let card = std::fs::read_to_string(desk.path().join("run/score.md")).unwrap();
    for part in ["## Answers", "exact match", "BLEU-4", "the longest clause", "drawn by seed"] {
        assert!(card.contains(part), "{card}");
    }
    desk.file("text.txt", TEXT);
    let ask = |format: &str| {
        let all = ["--min-confidence", "0", "--per-sentence", "3", "--format", format];
        let args = [&["ask", "--model", "run", "--text", "text.txt"], all.as_slice()].concat();
        desk.must(&args).stdout
    };
    let lines: Vec<Value> =
        ask("jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let place = |key: &str, at: usize| line[key][at].as_u64().unwrap() as usize;
        let bytes = place("answer_bytes", 0)..place("answer_bytes", 1);
        assert_eq!(&TEXT[bytes.clone()], line["answer"].as_str().unwrap());
        let characters = place("answer_characters", 0)..place("answer_characters", 1);
        let by_characters: String =
            TEXT.chars().skip(characters.start).take(characters.len()).collect();
        assert_eq!(by_characters, line["answer"].as_str().unwrap());
        let sentence = place("sentence_bytes", 0)..place("sentence_bytes", 1);
        assert!(sentence.start <= bytes.start && bytes.end <= sentence.end);
        let (question, answer) =
            (line["question"].as_str().unwrap(), line["answer"].as_str().unwrap());
        assert!(!question.to_lowercase().contains(&format!(" {} ", answer.to_lowercase())));
    }
    assert_eq!(ask("jsonl"), ask("jsonl"), "the same text is asked the same");
    let squad: Value = serde_json::from_str(&ask("squad")).unwrap();
    let asked = squad["data"][0]["paragraphs"][0]["qas"].as_array().unwrap().len();
    assert_eq!(asked, lines.len());
    assert_eq!(ask("anki").lines().filter(|line| !line.starts_with('#')).count(), lines.len());
    assert!(ask("csv").starts_with("question,answer,confidence"));
    assert!(ask("text").lines().count() >= lines.len());

    // What is written for researchers can be scored, and is prepared and listed like any other.
    if !lines.is_empty() {
        desk.file("asked.json", ask("squad"));
        let scored = desk.json(&["evaluate", "--model", "run", "--data", "asked.json", "--json"]);
        assert_eq!(scored["scored"].as_u64(), Some(lines.len() as u64));
    }
    let scored = desk.json(&["evaluate", "--model", "run", "--json"]);
    assert_eq!(scored["answers"].as_array().unwrap().len(), 6);
    assert_eq!(scored["written"].as_array().unwrap().len(), 4);
    let prepared = desk.json(&["prepare", "--config", "configs/qa.toml", "--json"]);
    assert_eq!(prepared["questions"], json!(693));
    assert!(desk.must(&["runs", "."]).stdout.contains("finished"));
}

#[test]
fn a_sentence_from_a_pipe_is_asked_about() {
    use std::io::Write as _;
    let desk = Desk::new();
    small(&desk, "run", &[]);
    let args = ["ask", "--model", "run", "--text", "-", "--min-confidence", "0"];
    let mut command = desk.command(&args);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(TEXT.as_bytes()).unwrap();
    let answer = common::answer(child.wait_with_output().unwrap());
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
}

#[test]
fn one_epoch_and_one_more_are_two() {
    let desk = Desk::new();
    small(&desk, "whole", &["train.epochs=2"]);
    small(&desk, "parts", &[]);
    desk.must(&["train", "--resume", "parts", "--set", "train.epochs=2"]);
    let weights = |run: &str| std::fs::read(desk.path().join(run).join("weights.bpk")).unwrap();
    assert!(weights("whole") == weights("parts"), "a run that was gone on with is another");
    desk.refuses(
        &["train", "--resume", "parts", "--set", "train.epochs=3", "--set", "model.features=3"],
        &["model.features"],
    );
}

#[test]
fn thirty_questions_can_be_learned_by_heart() {
    let desk = Desk::new();
    let animals = ["fox", "crow", "hen", "wolf", "ant", "ox"];
    let places = ["mill", "river", "wood", "yard", "hill"];
    let mut lines = String::new();
    for (n, animal) in animals.iter().enumerate() {
        for (m, place) in places.iter().enumerate() {
            let (count, other) = (2 + (3 * n + m) % 7, animals[(n + m + 1) % animals.len()]);
            let context =
                format!("Once the {animal} saw {count} stones by the {place} with the {other}.");
            let (question, answer) = match (n + m) % 3 {
                0 => (
                    format!("How many stones did the {animal} see by the {place}?"),
                    count.to_string(),
                ),
                1 => (
                    format!("Where did the {animal} see {count} stones?"),
                    format!("by the {place}"),
                ),
                _ => (
                    format!("Who saw stones by the {place} with the {other}?"),
                    format!("the {animal}"),
                ),
            };
            let line = json!({"context": context, "question": question, "answer": answer});
            lines.push_str(&format!("{line}\n"));
        }
    }
    desk.file("pairs.jsonl", lines);
    let settings = [
        "data.valid=pairs.jsonl",
        "train.epochs=70",
        "train.schedule.warm_up_steps=0",
        "train.batch_size=10",
        "train.learning_rate=0.01",
        "train.averaging=0",
        "vocabulary.min_count=1",
        "model.dropout=0",
        "model.embedding_dropout=0",
        "model.embedding=24",
        "model.readout=24",
        "model.features=6",
        "model.encoder[0].units=16",
        "model.extractor[0].units=16",
        "model.decoder[0].units=32",
    ];
    let answer =
        train(&desk, "configs/qa.toml", &settings, &["--text", "pairs.jsonl", "--out", "run"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let scored = desk.json(&["evaluate", "--model", "run", "--data", "pairs.jsonl", "--json"]);
    let bleu = scored["written"][0]["bleu"][3].as_f64().unwrap();
    let exact = scored["answered"]["exact_match"].as_f64().unwrap();
    assert!(bleu >= 90.0 && exact >= 95.0, "BLEU-4 {bleu}, exact match {exact}");
}

#[test]
fn data_that_cannot_be_used_is_refused_in_words() {
    let desk = Desk::new();
    let refuse = |name: &str, text: &str, expected: &[&str]| {
        desk.file(name, text);
        desk.refuses(&["train", "--config", "configs/qa.toml", "--text", name], expected);
        assert!(!desk.path().join("runs").exists(), "{name} left a run behind");
    };
    let squad = |answer: &str, start: usize| {
        json!({"data": [{"title": "Owls", "paragraphs": [{"context": "An owl slept.", "qas": [
            {"id": "q1", "question": "Who slept?", "answers": [{"text": answer, "answer_start": start}]}
        ]}]}]})
        .to_string()
    };
    refuse("empty.json", "", &["empty.json", "empty"]);
    refuse("short.json", &squad("owl", 3)[..60], &["short.json", "byte 60"]);
    refuse("other.json", "{\"a\": 1}", &["other.json", "data"]);
    refuse("beyond.json", &squad("owl", 50), &["Owls", "q1"]);
    refuse("wrong.json", &squad("cat", 3), &["Owls", "q1", "cat"]);
    refuse("none.json", &squad("", 3), &["q1", "empty"]);
    refuse(
        "blank.jsonl",
        "{\"context\":\" \",\"question\":\"Who?\",\"answer\":\"a\"}",
        &["blank.jsonl"],
    );
    let table = "story_text,question,answer_token_ranges\nA fox ran home .,Who?,\"2:4,1:3\"\n";
    refuse("ranges.csv", table, &["ranges.csv", "row 2"]);
    refuse("columns.csv", "a,b\n1,2\n", &["columns.csv", "story_text"]);
    // One document cannot be held out of itself.
    refuse("one.json", &squad("owl", 3), &["one.json", "document"].map(|_| "document"));
}

#[test]
fn networks_and_configurations_of_the_other_kind_are_refused() {
    let desk = Desk::new();
    desk.file("text.txt", TEXT);
    desk.refuses(&["ask", "--text", "text.txt"], &["train --config configs/qa.toml"]);
    small(&desk, "asks", &[]);
    let writes = desk.train(&["--out", "writes"]);
    assert_eq!(writes.code, Some(0), "{}", writes.stderr);
    desk.refuses(
        &["ask", "--model", "writes", "--text", "text.txt"],
        &["writes on", "asks questions"],
    );
    desk.refuses(&["generate", "--model", "asks"], &["asks questions", "writes on"]);
    desk.refuses(&["evaluate", "--model", "writes", "--data", "text.txt"], &["asks questions"]);
    desk.refuses(&["evaluate", "--model", "asks", "--text", "text.txt"], &["writes on"]);
    desk.refuses(&["export", "--model", "asks", "--to", "pytorch", "x.safetensors"], &[]);
    desk.refuses(&["summary", "--config", "configs/qa.toml"], &["about questions"]);
    desk.file("blank.txt", " \n\n ");
    desk.refuses(&["ask", "--model", "asks", "--text", "blank.txt"], &["no sentence"]);
    desk.file("latin.txt", b"caf\xe9 noir");
    desk.refuses(&["ask", "--model", "asks", "--text", "latin.txt"], &["latin.txt", "byte 3"]);
    for (option, value) in [("--beam", "0"), ("--per-sentence", "0"), ("--min-confidence", "2")] {
        desk.refuses(&["ask", "--model", "asks", "--text", "text.txt", option, value], &[option]);
    }
    for (setting, expected) in [
        ("model.attention=none", "model.copy"),
        ("model.readout=9", "model.readout"),
        ("model.decoder[0].bidirectional=true", "model.decoder[0].bidirectional"),
        ("model.longest_answer=0", "model.longest_answer"),
        ("data.dataset=nothing", "fables-qa"),
        ("data.path=x.json", "both given"),
        ("sentences.longest=0", "sentences.longest"),
        ("vocabulary.min_count=0", "vocabulary.min_count"),
        ("train.method=every-step", "train.method"),
        ("model.coverage=-1", "model.coverage"),
        ("model.units=3", "units"),
    ] {
        desk.refuses(&["train", "--config", "configs/qa.toml", "--set", setting], &[expected]);
    }
}
