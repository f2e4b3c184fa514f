//! Runs that version 0.1.0 made still load, generate, evaluate and resume: one of words trained on windows, one
//! of characters trained with carried state, one of questions. Their configurations use the old key names.

mod common;

use std::path::{Path, PathBuf};

use common::{TestDir, tiny};
use serde_json::Value;

/// `runs/{words,characters,questions}` and their text, `datasets/tiny`.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old_runs")
}

/// A copy of the old runs, which a command may change.
fn old_runs() -> TestDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &to);
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let dir = TestDir::new();
    copy(&fixtures(), dir.path());
    dir
}

const FLEX: &[&str] = &["--backend", "flex"];

fn flex<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, FLEX].concat()
}

/// What version 0.1.0 printed for these runs.
fn expected() -> Value {
    let text = std::fs::read_to_string(fixtures().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn assert_close(found: &Value, expected: &Value, what: &str) {
    let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!((found - expected).abs() < 1e-4 * expected.abs().max(1.0), "{what}: {found} {expected}");
}

#[test]
fn old_language_models_generate_and_evaluate_as_before() {
    let dir = old_runs();
    let expected = expected();
    for run in ["words", "characters"] {
        let model = format!("runs/{run}");
        let old = ["--tokens", "30", "--context", "carried"];
        let new = ["--max-tokens", "30", "--state", "carry"];
        let generate = |options: &[&str]| {
            // Without the default of `--top-p`, which a temperature alone did not have.
            let sampling = ["--temperature", "0.8", "--top-p", "1", "--seed", "1", "--json"];
            let sample = dir.json(&flex(&[&["generate", "--model", &model], &sampling[..], options].concat()));
            sample["samples"][0]["text"].clone()
        };
        assert_eq!(generate(&old), expected[run]["sample"], "{run}");
        assert_eq!(generate(&new), expected[run]["sample"], "{run}");
        let loss = dir.json(&flex(&["evaluate", "--model", &model, "--json"]));
        let key = "loss_nats_per_token";
        assert_close(&loss[key], &expected[run][key], run);
    }
}

#[test]
fn old_language_models_read_other_texts_as_before() {
    let dir = old_runs();
    let text = std::fs::read_to_string(dir.path().join("datasets/tiny/tiny.txt")).unwrap();
    dir.file("plain.txt", &text);
    dir.file("marked.txt", text.replacen(' ', " \u{feff}\u{1b}\0 ", 3));
    let evaluate = |file| dir.run_ok(&flex(&["evaluate", "--model", "runs/characters", "--text", file, "--json"]));
    let tokens = |file| serde_json::from_str::<Value>(&evaluate(file).stdout).unwrap()["tokens"].as_u64().unwrap();
    // Three marks, three ESC, three NUL, and three spaces.
    assert_eq!(tokens("marked.txt"), tokens("plain.txt") + 12);
    assert_eq!(evaluate("marked.txt").stderr, evaluate("plain.txt").stderr);
}

#[test]
fn an_old_question_model_is_evaluated_as_before() {
    let dir = old_runs();
    let found = dir.json(&flex(&["evaluate", "--model", "runs/questions", "--json"]));
    let expected = expected();
    for key in ["questions", "scored", "unmapped", "sentences"] {
        assert_eq!(found[key], expected["questions"][key], "{key}");
    }
    assert_close(&found["answers"][0]["f1"], &expected["questions"]["f1"], "f1");
    // What `ask` uses, not a ranking that is fitted on these questions.
    assert_eq!(found["ranking"]["threshold"], 0.5);
    let protocol = found["ranking"]["protocol"].as_str().unwrap();
    assert!(protocol.ends_with("because the model has no fitted one"), "{protocol}");
}

#[test]
fn an_old_question_model_generates_questions_with_the_default_ranking() {
    let dir = old_runs();
    let ask = ["ask", "--model", "runs/questions", "--text", "sentences.txt", "--min-confidence", "0"];
    let output = dir.run_ok(&flex(&ask)).stdout;
    let found: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!found.is_empty());
    for line in &found {
        let [sentence, answer] = ["sentence", "answer"].map(|key| line[key].as_str().unwrap());
        assert!(sentence.contains(answer), "{line}");
        // An old model has no ranking of its own.
        assert!(line["confidence"].as_f64().is_some_and(|confidence| confidence > 0.0 && confidence < 1.0), "{line}");
        assert_eq!(line["rule"].is_null(), line["found_by"] == "network", "{line}");
    }
    // A longer text is processed in blocks of sentences, which changes nothing.
    let text = std::fs::read_to_string(dir.path().join("sentences.txt")).unwrap();
    dir.file("long.txt", format!("{text}\n\n").repeat(100));
    let ask = ["ask", "--model", "runs/questions", "--text", "long.txt", "--min-confidence", "0"];
    let output = dir.run_ok(&flex(&ask)).stdout;
    let repeated: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(repeated.len(), 100 * found.len());
    for (at, repeated) in repeated.iter().enumerate() {
        for key in ["question", "answer", "sentence"] {
            assert_eq!(repeated[key], found[at % found.len()][key], "{key} of question {at}");
        }
    }
}

#[test]
fn finished_old_runs_are_not_changed_by_a_resume() {
    let dir = old_runs();
    for run in ["runs/words", "runs/characters", "runs/questions"] {
        let before = dir.state_of(run);
        let done = dir.run_ok(&flex(&["train", "--resume", run, "--no-tui"]));
        assert!(done.stderr.contains("has finished its"), "{}", done.stderr);
        assert!(dir.state_of(run) == before, "{run}");
    }
}

#[test]
fn old_runs_are_listed_and_resume_with_old_and_new_keys() {
    let dir = old_runs();
    assert_eq!(dir.json(&["runs", "--json"])["runs"].as_array().unwrap().len(), 3);
    for (run, set) in [
        ("words", "train.patience=4"),
        ("characters", "train.early_stopping_patience=4"),
        ("questions", "train.patience=4"),
    ] {
        let run = format!("runs/{run}");
        let args = ["train", "--resume", &run, "--set", "train.epochs=3", "--set", set, "--no-tui"];
        dir.run_ok(&flex(&args));
        let metrics = std::fs::read_to_string(dir.path().join(&run).join("metrics.jsonl")).unwrap();
        let epochs = metrics.lines().filter(|line| line.contains("\"event\":\"epoch\"")).count();
        assert_eq!(epochs, 3, "{run}");
        let config = std::fs::read_to_string(dir.path().join(&run).join("config.toml")).unwrap();
        assert!(config.contains("early_stopping_patience = 4"), "{config}");
        assert!(!config.contains("\npatience"), "{config}");
        // Validation reads one stream, as in the epochs before.
        assert_eq!(config.contains("valid_streams = 1"), run != "runs/questions", "{config}");
        // What makes another run is named by its new key, also where the change has the old name.
        let other = ["train", "--resume", &run, "--set", "model.embedding=9"];
        dir.expect_error(&other, &["`model.embedding_dim`"]);
    }
}

/// Adds a story to the old runs' corpus, which is its second edition then.
fn grow_corpus(dir: &TestDir) {
    let [text, description] = ["tiny.txt", "dataset.toml"].map(|file| dir.path().join("datasets/tiny").join(file));
    let read = |path| std::fs::read_to_string(path).unwrap();
    let (first, described) = (read(&text), read(&description));
    std::fs::write(&text, format!("{first}\n\n\n\nTHE CART\n\n{}\n", "A cart stood in the rain. ".repeat(40))).unwrap();
    let editions = format!("earlier_editions = [{}]\n\n[counts]", first.len());
    std::fs::write(&description, described.replace("[counts]", &editions)).unwrap();
}

#[test]
fn old_runs_keep_the_first_edition_of_a_corpus_that_has_grown() {
    let dir = old_runs();
    grow_corpus(&dir);
    let read = |run: &str, file: &str| std::fs::read_to_string(dir.path().join(run).join(file)).unwrap();
    let hashes = |run: &str| {
        let record: Value = serde_json::from_str(&read(run, "run.json")).unwrap();
        ["text_sha256", "train_sha256", "valid_sha256"].map(|key| record[key].clone())
    };
    let edition = |run: &str| {
        let config = read(run, "config.toml");
        config.lines().find_map(|line| line.strip_prefix("edition = ")).map(str::to_owned)
    };
    let expected = expected();
    for name in ["words", "characters"] {
        let [run, again, from] = ["runs", "again", "from"].map(|folder| format!("{folder}/{name}"));
        let loss = dir.json(&flex(&["evaluate", "--model", &run, "--json"]));
        assert_close(&loss["loss_nats_per_token"], &expected[name]["loss_nats_per_token"], name);
        // Another CPU may round differently.
        let reproduced = dir.run(&["reproduce", &run, "--out", &again]);
        assert!(!reproduced.stderr.contains("error: "), "{}", reproduced.stderr);
        assert_eq!(hashes(&again), hashes(&run));
        dir.run_ok(&flex(&["train", "--resume", &run, "--set", "train.epochs=3", "--no-tui"]));
        dir.run_ok(&flex(&["train", "--init-from", &run, "--new-tokens", "unk", "--out", &from]));
        for run in [&run, &again, &from] {
            assert_eq!(edition(run).as_deref(), Some("1"), "{run}");
        }
        assert_eq!(hashes(&from)[0], hashes(&run)[0]);
    }
    // What is new reads the whole text, unless it asks for another edition.
    let latest = ["--new-tokens", "unk", "--set", "text.edition=2", "--out", "latest"];
    dir.run_ok(&flex(&[&["train", "--init-from", "runs/words"], &latest[..]].concat()));
    let new = [&["train", "--set", "text.dataset=tiny"], tiny().as_slice()].concat();
    dir.run_ok(&flex(&[&new[..], &["--out", "new"]].concat()));
    dir.run_ok(&flex(&[&new[..], &["--out", "first", "--set", "text.edition=1"]].concat()));
    assert_eq!(["latest", "new", "first"].map(|run| edition(run).unwrap()), ["2", "2", "1"]);
    let [latest, new, first, old] = ["latest", "new", "first", "runs/words"].map(|run| hashes(run)[0].clone());
    assert_eq!((&latest, &first), (&new, &old));
    assert_ne!(new, old);
}
