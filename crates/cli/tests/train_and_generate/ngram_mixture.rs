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
    let found = dir.json(&[&args[..], &other, &["--json"]].concat());
    assert!(found["mixture"]["mixture"]["loss_nats_per_token"].is_number(), "{found}");
    let of_base =
        ["the built-in base has no n-gram counts", "`train --init-from base --text FILE --set ngrams.order=best`"];
    dir.expect_error(&[&["evaluate", "--model", "base", "--mix", "ngram"], &other[..]].concat(), &of_base);
    dir.expect_error(&["generate", "--model", "base", "--mix", "ngram"], &[of_base[1]]);

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
        &[
            "`--mix ngram` is given, but the model has no n-gram counts",
            "`train --resume runs/plain --set ngrams.order",
        ],
    );

    // A resumed run makes the same file, and a damaged one is rejected.
    let counts = || fs::read(dir.path().join("runs/mixed").join(COUNTS)).unwrap();
    let before = counts();
    dir.run_ok(&["train", "--resume", "runs/mixed", "--backend", "flex"]);
    assert!(counts() == before);
    dir.file(&format!("runs/mixed/{COUNTS}"), &before[..before.len() - 1]);
    let again = ["`train --resume runs/mixed` counts them again", "`--mix none`"];
    let damaged = || {
        for command in ["generate", "evaluate"] {
            dir.expect_error(&[command, "--backend", "flex", "--model", "runs/mixed"], &[COUNTS, again[0], again[1]]);
        }
        assert_eq!(generate("runs/mixed", &["--mix", "none"])["samples"], alone["samples"]);
        assert_eq!(evaluate("runs/mixed", &["--mix", "none"]).get("mixture"), None);
    };
    damaged();
    fs::remove_file(dir.path().join("runs/mixed").join(COUNTS)).unwrap();
    damaged();
    dir.run_ok(&["train", "--resume", "runs/mixed", "--backend", "flex"]);
    assert!(counts() == before);
    // Counts that the manifest does not list are not those of the model.
    dir.file(&format!("runs/plain/{COUNTS}"), &before);
    let stray = dir.run_ok(&["evaluate", "--backend", "flex", "--model", "runs/plain"]).stderr;
    assert!(stray.contains("is not used, because the manifest of the model does not list it"), "{stray}");
    // An imported model has those of its text, with weights for its own network.
    dir.run_ok(&["export", "w.safetensors", "--layout", "keras", "--model", "runs/mixed", "--backend", "flex"]);
    let import = ["import", "w.safetensors", "--layout", "keras", "--backend", "flex"];
    dir.run_ok(&[&import[..], &["--like", "runs/mixed", "--out", "like"]].concat());
    assert!(fs::read(dir.path().join("like").join(COUNTS)).unwrap() == before);
    let settings = TINY.iter().chain(&short).chain(&["ngrams.order=2"]).flat_map(|&setting| ["--set", setting]);
    let settings: Vec<&str> = settings.chain(["--out", "configured"]).collect();
    dir.run_ok(&[&import[..], &settings].concat());
    assert_eq!(evaluate("configured", &[])["mixture"]["order"], 2);
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
    // Without the text of its model, an imported model has none, and its configuration does not say so.
    fs::remove_file(dir.path().join("text.txt")).unwrap();
    dir.run_ok(&["export", "w.safetensors", "--layout", "keras", "--model", "characters", "--backend", "flex"]);
    let import = ["import", "w.safetensors", "--layout", "keras", "--backend", "flex", "--like", "characters"];
    let imported = dir.run_ok(&[&import[..], &["--out", "imported"]].concat()).stderr;
    assert!(imported.contains("the imported model has no n-grams"), "{imported}");
    assert!(!dir.path().join("imported").join(COUNTS).exists());
    let config = fs::read_to_string(dir.path().join("imported/config.toml")).unwrap();
    assert!(!config.contains("ngrams") && config.contains("[tokens]"), "{config}");
    dir.expect_error(
        &["train", "--backend", "flex", "--out", "none", "--set", "ngrams.order=0"],
        &["found 0; expected `best` or a number of tokens from 1 to 12"],
    );
    assert!(!dir.path().join("none").exists());
}
