//! Runs that keep the n-grams of their training text with the model: reported, evaluated and written with.

use std::fs;

use serde_json::Value;

use super::documents_and_labels;
use crate::common::{TINY, TestDir};

/// The counts of a run.
const COUNTS: &str = "ngram-counts.bin";

/// Trains a tiny model with these settings.
fn train(dir: &TestDir, run: &str, more: &[&str], settings: &[&str]) -> String {
    let settings = TINY.iter().chain(settings).flat_map(|&setting| ["--set", setting]);
    let args: Vec<&str> = ["train", "--backend", "flex", "--out", run].into_iter().chain(settings).collect();
    dir.run_ok(&[&args[..], more].concat()).stderr
}

fn score(dir: &TestDir, run: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(dir.path().join(run).join("score.json")).unwrap()).unwrap()
}

fn loss(evaluation: &Value, of: &str) -> f64 {
    evaluation[of]["loss_nats_per_token"].as_f64().unwrap()
}

/// Checks that the mixture is better than both, as it is on the text that its weights were fitted on.
fn check(evaluation: &Value) {
    let [network, ngrams, mixture] = ["network", "ngrams", "mixture"].map(|of| loss(evaluation, of));
    assert!(mixture < network && mixture < ngrams + 0.01, "{evaluation}");
    for of in ["network", "ngrams", "mixture"] {
        assert!(evaluation[of]["bits_per_byte"].as_f64().unwrap() > 0.0, "{evaluation}");
        let perplexity = evaluation[of]["perplexity"].as_f64().unwrap();
        assert!((perplexity.ln() - loss(evaluation, of)).abs() < 1e-9);
    }
    let weight = evaluation["network_weight"].as_f64().unwrap();
    assert!(weight > 0.0 && weight < 1.0 && evaluation["order"].as_u64().unwrap() > 0, "{evaluation}");
    assert!(evaluation["protocol"].as_str().unwrap().contains("Kneser–Ney"), "{evaluation}");
}

#[test]
fn a_run_with_ngrams_is_reported_evaluated_and_written_with_the_mixture() {
    let dir = TestDir::new();
    let short = ["text.edition=1", "split.test_fraction=0.1"];
    let plain = train(&dir, "runs/plain", &[], &short);
    assert!(!plain.contains("mixture") && !dir.path().join("runs/plain").join(COUNTS).exists(), "{plain}");
    let stderr = train(&dir, "runs/mixed", &[], &[&short[..], &["ngrams.order=3"]].concat());
    assert!(stderr.contains("The mixture of the network with 3-grams of its training text has"), "{stderr}");
    // The network is the same.
    let weights = |run: &str| fs::read(dir.path().join(run).join("weights.bpk")).unwrap();
    assert!(weights("runs/plain") == weights("runs/mixed"));

    let report = score(&dir, "runs/mixed");
    check(&report["mixture"]);
    assert!(report["mixture"]["copied"]["tokens"].as_u64().unwrap() > 100, "{report}");
    assert!(report["test"]["mixture"]["mixture"]["loss_nats_per_token"].is_number(), "{report}");
    assert_eq!(score(&dir, "runs/plain").get("mixture"), None);
    let markdown = fs::read_to_string(dir.path().join("runs/mixed/score.md")).unwrap();
    for part in ["The mixture of the network", "and of its mixture with n-grams", "Text from the mixture: Of a sample"]
    {
        assert!(markdown.contains(part), "`{part}` is not in {markdown}");
    }

    let evaluate = |run: &str, more: &[&str]| {
        dir.json(&[&["evaluate", "--backend", "flex", "--json", "--model", run], more].concat())
    };
    let mixed = evaluate("runs/mixed", &[]);
    check(&mixed["mixture"]);
    assert!((loss(&mixed["mixture"], "mixture") - loss(&report["mixture"], "mixture")).abs() < 1e-3, "{mixed}");
    assert!((loss(&mixed["mixture"], "network") - mixed["loss_nats_per_token"].as_f64().unwrap()).abs() < 1e-6);
    assert_eq!(evaluate("runs/mixed", &["--mix", "none"]).get("mixture"), None);
    assert!(evaluate("runs/mixed", &["--part", "test"])["mixture"].is_object());
    let table = dir.run_ok(&["evaluate", "--backend", "flex", "--model", "runs/mixed"]).stdout;
    assert!(table.contains("\nnetwork ") && table.contains("\n3-grams ") && table.contains("\nmixture "), "{table}");
    // The text of a run that keeps no n-grams is counted if that is asked for.
    assert_eq!(evaluate("runs/plain", &[]).get("mixture"), None);
    check(&evaluate("runs/plain", &["--mix", "ngram"])["mixture"]);
    dir.file(
        "other.txt",
        "The fox saw the crow and the crow saw the fox in the old oak tree by the river bank. ".repeat(3),
    );
    let other = ["--text", "other.txt"];
    assert!(evaluate("runs/mixed", &other)["mixture"]["mixture"]["loss_nats_per_token"].is_number());
    let args = ["evaluate", "--backend", "flex", "--model", "runs/plain", "--mix", "ngram"];
    dir.expect_error(&[&args[..], &other].concat(), &["the model has no n-gram counts", "--set ngrams.order=best`"]);

    let generate = |run: &str, more: &[&str]| {
        let args = ["generate", "--backend", "flex", "--json", "--seed", "1", "--max-tokens", "40", "--model", run];
        dir.json(&[&args[..], more].concat())
    };
    let texts = |report: &Value| report["samples"].clone();
    let (mixed, alone) = (generate("runs/mixed", &[]), generate("runs/mixed", &["--mix", "none"]));
    assert_eq!((&mixed["mix"], alone.get("mix")), (&"ngram".into(), None));
    assert_eq!(texts(&alone), texts(&generate("runs/plain", &[])));
    assert_ne!(texts(&mixed), texts(&alone));
    let several = generate("runs/mixed", &["--num-samples", "3", "--mix", "ngram"]);
    assert_eq!(several["samples"][0], mixed["samples"][0]);
    let streamed =
        dir.run_ok(&["generate", "--backend", "flex", "--seed", "1", "--max-tokens", "40", "--model", "runs/mixed"]);
    assert!(streamed.stderr.contains("mixed with 3-grams of its training text"), "{}", streamed.stderr);
    dir.expect_error(
        &["generate", "--backend", "flex", "--model", "runs/plain", "--mix", "ngram"],
        &["`--mix ngram` is given, but the model has no n-gram counts"],
    );

    // A resumed run makes the same file, and a damaged one is rejected.
    let counts = || fs::read(dir.path().join("runs/mixed").join(COUNTS)).unwrap();
    let before = counts();
    dir.run_ok(&["train", "--resume", "runs/mixed", "--backend", "flex"]);
    assert!(counts() == before);
    dir.file(&format!("runs/mixed/{COUNTS}"), &before[..before.len() - 1]);
    dir.expect_error(&["generate", "--backend", "flex", "--model", "runs/mixed"], &[COUNTS]);
    // A run that has ended gets them later.
    let resumed = dir.run_ok(&["train", "--resume", "runs/plain", "--backend", "flex", "--set", "ngrams.order=3"]);
    assert!(resumed.stderr.contains("The mixture of the network with 3-grams"), "{}", resumed.stderr);
    assert!(fs::read(dir.path().join("runs/plain").join(COUNTS)).unwrap() == before);
}

#[test]
fn models_of_characters_subwords_and_documents_keep_ngrams() {
    let dir = TestDir::new();
    let [starts, ends] = [["Mar", "Dan", "An", "Tho"], ["na", "wyn", "ton", "a"]];
    let line = |n: usize| format!("{}{} saw fox number {n}.\n", starts[n % 4], ends[n * n % 7 % 4]);
    dir.file("text.txt", (0..150).map(line).collect::<String>());
    for (run, documents, kind, order) in [
        ("characters", "none", "tokens.kind=characters", "ngrams.order=best"),
        ("subwords", "none", "tokens.kind=subwords", "ngrams.order=2"),
        ("documents", "lines", "tokens.kind=characters", "ngrams.order=5"),
    ] {
        let settings = [kind, order, "clean.preset=verbatim", "train.epochs=1"];
        let subwords = ["vocabulary.size=280", "clean.document_separator=\"\""];
        let more = if run == "subwords" { &subwords[..] } else { &[] };
        let text = ["--text", "text.txt", "--documents", documents];
        documents_and_labels::train(&dir, run, &text, &[&settings[..], more].concat());
        let report = score(&dir, run);
        let evaluation = &report["mixture"];
        assert!(loss(evaluation, "mixture") < loss(evaluation, "network"), "{run}: {evaluation}");
        let evaluated = dir.json(&["evaluate", "--backend", "flex", "--json", "--model", run]);
        assert!((loss(&evaluated["mixture"], "mixture") - loss(evaluation, "mixture")).abs() < 1e-3, "{run}");
        let args = ["generate", "--backend", "flex", "--json", "--seed", "3", "--num-samples", "4", "--model", run];
        let written = dir.json(&args);
        assert_eq!(written["mix"], "ngram", "{run}");
        if run == "documents" {
            assert!(report["mixture"]["novelty"]["documents"].as_u64().unwrap() > 0, "{report}");
            let samples = written["samples"].as_array().unwrap();
            assert!(samples.iter().any(|sample| sample["complete"] == true), "{written}");
        }
    }
    dir.expect_error(
        &["train", "--backend", "flex", "--out", "none", "--set", "ngrams.order=0"],
        &["found 0; expected `best` or a number of tokens from 1 to 12"],
    );
    assert!(!dir.path().join("none").exists());
}
