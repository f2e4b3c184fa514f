//! Question data in other formats, and with invalid items.

use serde_json::{Value, json};

use super::{small, train};
use crate::common::TestDir;

/// Lines that are valid questions about different contexts.
fn valid_lines(count: usize) -> Vec<String> {
    let line =
        |n| json!({"context": format!("Fox {n} ran home."), "question": format!("Who ran {n}?"), "answer": "Fox"});
    (0..count).map(|n| line(n).to_string()).collect()
}

#[test]
fn invalid_items_are_left_out_unless_the_reading_is_strict() {
    let dir = TestDir::new();
    let mut lines = valid_lines(4);
    lines.insert(1, json!({"context": "An owl.", "question": "Who?", "answer": "cat"}).to_string());
    lines.push("{\"context\"".into());
    lines.push(json!({"context": "A cat.", "question": " ", "answer": "cat"}).to_string());
    lines.push(json!({"context": "A \0cat.", "question": "Who?", "answer": "cat"}).to_string());
    dir.file("some-bad.jsonl", lines.join("\n"));
    let settings = [&small()[..], &["vocabulary.min_count=1"]].concat();
    let output = train(&dir, "configs/qa.toml", &settings, &["--text", "some-bad.jsonl", "--out", "run"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let places = "of 8: 1 with an answer that is not at its place in the passage (line 2), 1 not in the expected \
                  format (line 6), 1 without the text of a question (line 7), 1 with a NUL (line 8)";
    assert!(output.stderr.contains(places), "{}", output.stderr);
    let evaluate = ["evaluate", "--model", "run", "--data", "some-bad.jsonl"];
    assert!(dir.run_ok(&evaluate).stderr.contains(places));
    dir.expect_error(&[evaluate.as_slice(), &["--strict"]].concat(), &["line 2", "\"cat\" occurs 0 times"]);
    let strict = ["train", "--config", "configs/qa.toml", "--text", "some-bad.jsonl", "--set", "data.strict=true"];
    dir.expect_error(&strict, &["line 2", "\"cat\" occurs 0 times"]);
    for (bad, expected) in [
        (json!({"context": "A cat.", "question": "", "answer": "cat"}), "`line 5` of line 5 has no text"),
        (
            json!({"context": "A cat.", "question": "Who\0?", "answer": "cat"}),
            "`line 5` of line 5 has 1 control character",
        ),
    ] {
        dir.file("some-bad.jsonl", [valid_lines(4), vec![bad.to_string()]].concat().join("\n"));
        dir.expect_error(&strict, &[expected]);
    }
}

#[test]
fn data_of_hugging_face_is_read() {
    let dir = TestDir::new();
    let record = |(n, word): (usize, &str)| {
        let context = "The cat slept under the bridge at noon.";
        let answers = json!({"text": [word], "answer_start": [context.find(word).unwrap()]});
        json!({"id": n, "title": "t", "context": context, "question": format!("Which {n}?"), "answers": answers})
    };
    let records: Vec<Value> = ["The cat", "slept", "the bridge", "noon"].into_iter().enumerate().map(record).collect();
    dir.file("columns.json", Value::from(records.clone()).to_string());
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    dir.file("columns.jsonl", lines.join("\n"));
    for file in ["columns.json", "columns.jsonl"] {
        let args =
            ["prepare", "--config", "configs/qa.toml", "--json", "--text", file, "--set", "vocabulary.min_count=1"];
        let output = dir.run_ok(&args);
        let prepared: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(prepared["questions"], json!(4));
        assert!(output.stderr.contains("all questions are about one document"), "{}", output.stderr);
    }
}

#[test]
fn invalid_data_is_rejected() {
    let dir = TestDir::new();
    let reject = |name: &str, text: &str, expected: &[&str]| {
        dir.file(name, text);
        dir.expect_error(&["train", "--config", "configs/qa.toml", "--text", name], expected);
        assert!(!dir.path().join("runs").exists(), "{name} left a run");
    };
    let squad = |answer: &str, start: usize| {
        json!({"data": [{"title": "Owls", "paragraphs": [{"context": "An owl slept.", "qas": [
            {"id": "q1", "question": "Who slept?", "answers": [{"text": answer, "answer_start": start}]}
        ]}]}]})
        .to_string()
    };
    reject("empty.json", "", &["empty.json", "empty"]);
    reject("short.json", &squad("owl", 3)[..60], &["short.json", "byte 60"]);
    reject("other.json", "{\"a\": 1}", &["other.json", "data"]);
    reject("beyond.json", &squad("owl", 50), &["Owls", "q1"]);
    reject("wrong.json", &squad("cat", 3), &["Owls", "q1", "cat"]);
    reject("none.json", &squad("", 3), &["q1", "empty"]);
    reject("blank.jsonl", "{\"context\":\" \",\"question\":\"Who?\",\"answer\":\"a\"}", &["blank.jsonl"]);
    let table = "story_text,question,answer_token_ranges\nA fox ran home .,Who?,\"2:4,1:3\"\n";
    reject("ranges.csv", table, &["ranges.csv", "row 2"]);
    reject("columns.csv", "a,b\n1,2\n", &["columns.csv", "story_text"]);
    // A single question cannot be split into training and validation data.
    reject("one.json", &squad("owl", 3), &["the number of questions is 1"]);
}
