//! What reports, tables and JSON say: advice, charts, comparisons, shares of unknown tokens, exit codes.

use std::fs;

use serde_json::Value;

use super::{FLEX, texts, train_on};
use crate::common::{TestDir, tiny};

/// Everything that a training run says about its results.
fn said(dir: &TestDir, run: &str, stderr: &str) -> String {
    let read = |file: &str| fs::read_to_string(dir.path().join(run).join(file)).unwrap();
    ["score.md", "score.json", "samples.md", "metrics.jsonl", "loss.svg"].map(read).concat() + stderr
}

#[test]
fn a_text_of_one_character_has_a_loss_of_zero_and_no_advice_to_train_longer() {
    let dir = TestDir::new();
    dir.file("same.txt", "a".repeat(6_000));
    let characters = [
        "--set",
        "tokens.kind=characters",
        "--set",
        "clean.preset=verbatim",
        "--set",
        "train.epochs=3",
        "--set",
        "train.learning_rate=0.05",
    ];
    let train = [&["train", "--text", "same.txt", "--out", "run"], &tiny()[..], FLEX, &characters].concat();
    let output = dir.run_ok(&train);
    let said = said(&dir, "run", &output.stderr);
    assert!(said.contains("| this model, by window | 0.000 | 1.0 | 0.000 |"), "{said}");
    assert!(said.contains("| unigram | 0.000 | 1.0 | 0.000 |"), "{said}");
    assert!(said.contains("nothing left to learn") && said.contains("about as good as"), "{said}");
    for wrong in ["-0.0", "train longer", "larger model", "dropout", "worse"] {
        assert!(!said.contains(wrong), "`{wrong}` in {said}");
    }
    let table =
        dir.run_ok(&["runs", "."]).stdout + &dir.run_ok(&[&["evaluate", "--model", "run"], FLEX].concat()).stdout;
    assert!(table.contains("0.000") && !table.contains("-0"), "{table}");
    let prepared = dir
        .run_ok(&["prepare", "--text", "same.txt", "--set", "tokens.kind=characters", "--set", "clean.preset=verbatim"])
        .stdout;
    assert!(prepared.contains("0.000 nats"), "{prepared}");
}

#[test]
fn the_end_says_which_epoch_is_kept_if_it_is_not_the_last() {
    let dir = TestDir::new();
    // The held-out end has the words of the beginning in another order, so that the loss on it soon rises.
    dir.file("turned.txt", "the cat saw a dog . ".repeat(450) + &". dog a saw cat the ".repeat(50));
    let settings = ["--set", "train.epochs=6", "--set", "train.learning_rate=0.05"];
    let train = |run: &str, more: &[&str]| {
        let args = [&["train", "--text", "turned.txt", "--out", run], &tiny()[..], FLEX, &settings, more].concat();
        dir.run_ok(&args).stderr
    };
    let stderr = train("rising", &[]);
    let kept = stderr.lines().find_map(|line| line.strip_prefix("the weights of epoch ")).expect(&stderr);
    let (epoch, rest) = kept.split_once(' ').unwrap();
    assert_eq!(rest, "are kept: of 6 epochs, it has the lowest validation loss");
    assert!((1..6).contains(&epoch.parse().unwrap()), "{kept}");
    let report = fs::read_to_string(dir.path().join("rising/score.md")).unwrap();
    assert!(report.contains(&format!("for choosing the best epoch, {epoch})")), "{report}");
    assert!(!train("single", &["--set", "train.epochs=1"]).contains("are kept"));
}

#[test]
fn a_short_run_gets_one_piece_of_advice_and_is_told_of_few_steps_before_training() {
    let dir = TestDir::new();
    texts(&dir);
    let train = [&["train", "--text", "old.txt", "--out", "run"], &tiny()[..], FLEX].concat();
    let large = ["--set", "windows.stride=1", "--set", "train.batch_size=200"];
    let stderr = dir.run_ok(&[&train[..], &large].concat()).stderr;
    let warning = "warning: an epoch has only 2 steps with `train.batch_size` = 200, so that 1 epoch can hardly";
    let lines: Vec<&str> = stderr.lines().collect();
    let line_of = |start: &str| lines.iter().position(|line| line.starts_with(start));
    let (warned, trained) = (line_of(warning).expect(&stderr), line_of("training run").unwrap());
    assert!(warned < trained && lines[warned].contains("`--set train.batch_size=16`"), "{stderr}");
    // The run has a single epoch: it gets no other advice.
    let report = fs::read_to_string(dir.path().join("run/score.md")).unwrap();
    assert_eq!(report.matches("train longer, with `train.epochs` above 1").count(), 1, "{report}");
    for other in ["dropout", "a larger model", "a smaller model", "more text"] {
        assert!(!report.contains(other), "`{other}` in {report}");
    }
    // The end of the run is short: how good it is, what it copies, where the rest is, and how to use it.
    assert!(line_of("all scores, and advice for the next run: ").is_some(), "{stderr}");
    assert!(lines.last().is_some_and(|line| line.starts_with("generate text with: ")), "{stderr}");
    assert!(line_of("warning: after only 2 steps the model has learned hardly anything").is_some(), "{stderr}");
    // One point of each curve, as a dot.
    let chart = fs::read_to_string(dir.path().join("run/loss.svg")).unwrap();
    assert!(chart.contains("<circle") && chart.contains("validation"), "{chart}");
    let advised = ["--set", "windows.stride=1", "--set", "train.batch_size=16", "--out", "better"];
    let train = [&["train", "--text", "old.txt"], &tiny()[..], FLEX, &advised].concat();
    assert!(!dir.run_ok(&train).stderr.contains("an epoch has only"));
}

#[test]
fn the_validation_protocol_is_named_in_the_report_and_in_run_json() {
    let dir = TestDir::new();
    dir.file("long.txt", "the cat saw the dog and the dog ran away from the cat . ".repeat(1_000));
    let settings = ["train.mode=tbptt", "train.batch_size=64", "split.valid_fraction=0.5", "windows.context_len=4"];
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
    train_on(&dir, "long.txt", &[&["--out", "several"], &settings[..]].concat());
    train_on(&dir, "long.txt", &[&["--out", "one", "--set", "split.valid_streams=1"], &settings[..]].concat());
    let json =
        |file: &str| -> Value { serde_json::from_str(&fs::read_to_string(dir.path().join(file)).unwrap()).unwrap() };
    let carried = "carried state: each token after the first 4 is predicted from the tokens before it";
    let several = format!("{carried}; 2 parallel streams, each after a warm-up of 256 tokens");
    for (run, expected) in [("several", several.as_str()), ("one", carried)] {
        assert_eq!(json(&format!("{run}/run.json"))["validation"], serde_json::json!([expected]));
        assert_eq!(json(&format!("{run}/score.json"))["protocols"], serde_json::json!([expected]));
        assert!(fs::read_to_string(dir.path().join(run).join("score.md")).unwrap().contains(expected));
    }
    let loss = |run: &str| json(&format!("{run}/score.json"))["rows"][0]["loss_nats_per_token"].as_f64().unwrap();
    assert!((loss("several") - loss("one")).abs() < 0.002, "{} {}", loss("several"), loss("one"));
    // `evaluate` reads one stream.
    let evaluated = dir.json(&[&["evaluate", "--model", "several", "--json"], FLEX].concat());
    assert!((evaluated["loss_nats_per_token"].as_f64().unwrap() - loss("several")).abs() < 0.002);
    // A resumed run keeps it, and a repeated run has the same.
    let other = ["train", "--resume", "one", "--set", "split.valid_streams=2"];
    dir.expect_error(&other, &["`split.valid_streams`"]);
    let repeated = dir.run_ok(&["reproduce", "several"]);
    assert!(repeated.stdout.contains("is bit-identical to several"), "{}", repeated.stdout);
    let many = [&["train", "--text", "long.txt"], &tiny()[..], &settings[..], &["--set", "split.valid_streams=60"]];
    dir.expect_error(&many.concat(), &["`split.valid_streams` is 60", "long enough for at most 26"]);
}

#[test]
fn fine_tuned_runs_are_compared_by_the_names_of_presets_and_their_unknown_share_is_reported() {
    let dir = TestDir::new();
    texts(&dir);
    train_on(&dir, "old.txt", &["--out", "runs/base"]);
    let tune = [
        &["train", "--init-from", "runs/base", "--text", "new.txt", "--new-tokens", "unk", "--out", "runs/tuned"],
        FLEX,
    ];
    let stderr = dir.run_ok(&tune.concat()).stderr;
    let line = stderr.lines().find(|line| line.contains("of the validation tokens are unknown to runs/base"));
    let share: f64 = line.expect(&stderr).split_once(" % of the training tokens").unwrap().0.parse().unwrap();
    // `met`, `a`, and `wolf` twice, of 14 tokens, after the document separators that the preset puts first.
    assert!((26.0..29.0).contains(&share), "{stderr}");
    assert!(stderr.contains("`--new-tokens extend` adds them"), "{stderr}");
    let config = fs::read_to_string(dir.path().join("runs/tuned/config.toml")).unwrap();
    assert!(config.contains("[[clean.rules]]"), "{config}");

    let compared = dir.run_ok(&["compare", "base", "tuned"]);
    for key in ["clean.rules", "clean.preset"] {
        assert!(!compared.stdout.contains(key), "{}", compared.stdout);
    }
    assert!(compared.stdout.contains("text.path"), "{}", compared.stdout);
    // The chart lands beside the runs, and the command says where.
    assert!(compared.stderr.contains("chart: runs/compare.svg"), "{}", compared.stderr);
    assert!(dir.path().join("runs/compare.svg").is_file() && !dir.path().join("compare.svg").exists());
    assert_eq!(dir.json(&["compare", "base", "tuned", "--json"])["picture"], "runs/compare.svg");
    // Other rules are compared one by one.
    let rules =
        "rules = [{ rule = \"nfc\" }, { rule = \"lower-case\" }, { rule = \"space-punctuation\", set = \"unicode\" }]";
    dir.file("rules.toml", format!("[clean]\n{rules}\n"));
    let units = "model.layers[0].units=9";
    train_on(&dir, "old.txt", &["--config", "rules.toml", "--out", "runs/rules", "--set", units]);
    let compared = dir.run_ok(&["compare", "base", "rules"]).stdout;
    for line in ["clean.rules[1].rule", "clean.preset", "model.layers[0].units "] {
        assert!(compared.lines().any(|row| row.starts_with(line)), "{line} in {compared}");
    }
    assert!(compared.lines().all(|row| row.chars().count() < 160), "{compared}");
}

#[test]
fn a_folder_that_does_not_exist_has_no_runs() {
    let dir = TestDir::new();
    let listed = dir.run_ok(&["runs"]);
    assert!(listed.stderr.contains("no runs under runs"), "{}", listed.stderr);
    assert_eq!(dir.json(&["runs", "--json"])["runs"], serde_json::json!([]));
    dir.file("file", "");
    for folder in ["nowhere", "file"] {
        for json in [&[][..], &["--json"]] {
            dir.expect_error(&[&["runs", folder], json].concat(), &[folder, "is not a folder", "such as runs"]);
        }
    }
}

#[test]
fn the_json_of_prepare_holds_what_its_table_holds() {
    let dir = TestDir::new();
    texts(&dir);
    let tbptt = ["--set", "train.mode=tbptt", "--set", "train.batch_size=4", "--set", "vocabulary.min_count=100"];
    let prepare = [&["prepare", "--text", "old.txt"], &tbptt[..]].concat();
    let table = dir.run_ok(&prepare).stdout;
    let json = dir.json(&[&prepare[..], &["--json"]].concat());
    let row = |name: &str| {
        let row = table.lines().find(|row| row.starts_with(name)).unwrap_or_else(|| panic!("{name} in {table}"));
        row[name.len()..].trim().to_string()
    };
    let number = |key: &str| json[key].as_f64().unwrap();
    assert_eq!(row("unknown in validation"), format!("{:.2} %", 100.0 * number("unknown_in_validation")));
    assert!(number("unknown_in_validation") > 0.3, "{json}");
    assert_eq!(row("vocabulary of the model"), json["model_vocabulary"].to_string());
    assert_eq!(row("tokens in no window"), json["tokens_in_no_window"].to_string());
    assert_eq!(row("bytes per id"), json["bytes_per_id"].to_string());
    let loss = number("unigram_valid_loss_nats_per_token");
    assert_eq!(row("unigram validation loss"), format!("{loss:.3} nats"));
    assert_eq!(row("most frequent"), json["most_frequent"][0].as_str().unwrap());
    let streams = &json["train_streams"];
    let expected = format!("4 of {} tokens, in {} chunks", streams["tokens_in_each"], streams["chunks"]);
    assert_eq!(row("training streams"), expected);
    assert_eq!(row("training tokens in no stream"), streams["tokens_in_no_stream"].to_string());
}

#[test]
fn an_imported_model_reads_past_tokens_as_the_exported_one() {
    let dir = TestDir::new();
    texts(&dir);
    // Few windows: whether a carried state is better depends on the model.
    train_on(&dir, "old.txt", &["--out", "runs/window", "--set", "windows.context_len=3", "--set", "train.epochs=3"]);
    let tbptt = ["--set", "train.mode=tbptt", "--set", "train.batch_size=4", "--set", "windows.context_len=3"];
    train_on(&dir, "old.txt", &[&["--out", "runs/carry"], &tbptt[..]].concat());
    for (run, settings) in [("window", &tbptt[4..]), ("carry", &tbptt[..])] {
        let file = format!("{run}.safetensors");
        dir.run_ok(&[&["export", &file, "--layout", "pytorch", "--model", run], FLEX].concat());
        let protocol = |model: &str| {
            let evaluated = dir.json(&[&["evaluate", "--model", model, "--text", "new.txt", "--json"], FLEX].concat());
            (evaluated["protocol"].clone(), evaluated["loss_nats_per_token"].clone())
        };
        let import = ["import", &file, "--layout", "pytorch", "--out"];
        let (like, anew) = (format!("runs/{run}-like"), format!("runs/{run}-anew"));
        dir.run_ok(&[&import[..], &[&like, "--like", run], FLEX].concat());
        let anew_args = [&import[..], &[&anew, "--text", "old.txt"], &tiny(), FLEX, settings].concat();
        dir.run_ok(&anew_args);
        assert_eq!(protocol(&like), protocol(run));
        assert_eq!(protocol(&anew), protocol(run));
    }
    // The mode that the exported model does not have by default.
    let manifest = dir.path().join("runs/window/manifest.json");
    let manifest: Value = serde_json::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
    let [window, carried] = ["window", "carried"].map(|how| manifest["about"][format!("valid_loss_{how}")].as_f64());
    assert!(window.is_some() && carried.is_some(), "{manifest}");
}
