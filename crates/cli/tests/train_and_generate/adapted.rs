//! Models that adapt to the text that they read: `evaluate --adapt` and `generate --cache`.

use std::fs;

use serde_json::Value;

use crate::common::{TestDir, tiny};

/// Paragraphs that each repeat one of a few invented names.
fn topics() -> String {
    let names = ["orbo", "quell", "mirt", "sandu", "pelk", "tovi", "gramm", "ushen", "brack", "lomi", "wend", "zarr"];
    let mut text = String::new();
    for paragraph in 0..220usize {
        let name = names[paragraph * paragraph % 157 % names.len()];
        for verb in ["saw", "met", "heard", "left", "found"] {
            text.push_str(&format!("then {name} {verb} the king and the king {verb} {name} . "));
        }
        text.push('\n');
    }
    text
}

fn loss(evaluation: &Value) -> f64 {
    evaluation["loss_nats_per_token"].as_f64().unwrap()
}

#[test]
fn a_cache_and_dynamic_evaluation_lower_the_loss_of_a_text_whose_topics_repeat() {
    let dir = TestDir::new();
    dir.file("topics.txt", topics());
    dir.file("other.txt", "then mirt saw the king and the king saw mirt . ".repeat(60));
    let train = ["--text", "topics.txt", "--out", "runs/a", "--set", "train.epochs=3", "--set", "windows.stride=3"];
    dir.run_ok(&[&["train"], tiny().as_slice(), &train].concat());
    let evaluate = |more: &str| {
        let more = more.split(' ').filter(|word| !word.is_empty());
        dir.json(&["evaluate", "--json"].into_iter().chain(more).collect::<Vec<_>>())
    };
    for text in ["", "--text other.txt"] {
        let plain = evaluate(text);
        assert_eq!(plain.get("adaptation"), None);
        let cached = evaluate(&format!("--adapt cache {text}"));
        let dynamic = evaluate(&format!("--adapt dynamic {text}"));
        for (adapted, method, words) in
            [(&cached, "cache", "continuous cache of 2,000 tokens"), (&dynamic, "dynamic", "rule rms")]
        {
            assert!(loss(adapted) < loss(&plain), "{adapted} {plain}");
            assert_eq!(adapted["adaptation"]["method"], method);
            let without = adapted["adaptation"]["loss_without_nats_per_token"].as_f64().unwrap();
            assert!((without - loss(&plain)).abs() < 1e-5, "{without}");
            let protocol = adapted["protocol"].as_str().unwrap();
            assert!(protocol.contains(words) && protocol.contains("chosen on the validation text"), "{protocol}");
            assert_eq!(adapted["tokens"], plain["tokens"]);
        }
        // With the chosen settings given, nothing is chosen.
        let of = |value: &Value, key: &str| value["adaptation"][key].to_string();
        let (weight, theta) = (of(&cached, "weight"), of(&cached, "theta"));
        let given = evaluate(&format!("--adapt cache --cache-weight {weight} --cache-theta {theta} {text}"));
        assert_eq!(loss(&given), loss(&cached));
        assert!(!given["protocol"].as_str().unwrap().contains("chosen"), "{given}");
        let sgd = evaluate(&format!(
            "--adapt dynamic --dynamic-rule sgd --dynamic-rate 0.1 --dynamic-decay 0 --dynamic-chunk 7 --state window {text}"
        ));
        assert_eq!((&sgd["adaptation"]["rule"], &sgd["adaptation"]["chunk"]), (&"sgd".into(), &7.into()));
        assert!(sgd["protocol"].as_str().unwrap().contains("after every 7 tokens"), "{sgd}");
        assert!(sgd["loss_nats_per_token"] != sgd["adaptation"]["loss_without_nats_per_token"], "{sgd}");
    }
    let table = dir.run_ok(&["evaluate", "--adapt", "cache", "--cache-size", "50"]).stdout;
    assert!(table.contains("not adapted"), "{table}");

    let generate = |more: &[&str]| {
        let common = ["generate", "--json", "--prompt", "then zarr saw the king", "--seed", "1", "--max-tokens", "30"];
        dir.json(&[&common[..], more].concat())
    };
    let plain = generate(&[]);
    let cached = generate(&["--cache", "--cache-weight", "0.5"]);
    assert_eq!(plain.get("cache"), None);
    assert_eq!(cached["cache"], serde_json::json!({ "size": 2000, "weight": 0.5, "theta": 0.2 }));
    assert_ne!(plain["samples"], cached["samples"]);
    assert_eq!(generate(&["--cache", "--cache-weight", "0"])["samples"], plain["samples"]);

    for (args, words) in [
        (&["evaluate", "--cache-size", "9"][..], &["`--cache-size` is given without `--adapt cache`"][..]),
        (
            &["evaluate", "--adapt", "cache", "--dynamic-rate", "1"],
            &["`--dynamic-rate` is given without `--adapt dynamic`"],
        ),
        (
            &["evaluate", "--adapt", "cache", "--cache-weight", "0.1"],
            &["only one of `--cache-weight` and `--cache-theta`"],
        ),
        // What is wrong with one of them comes first.
        (
            &["evaluate", "--adapt", "cache", "--cache-weight", "2"],
            &["`--cache-weight` is 2; expected a number from 0"],
        ),
        (&["evaluate", "--adapt", "cache", "--cache-size", "0"], &["`--cache-size` is 0; expected"]),
        (
            &["evaluate", "--adapt", "cache", "--cache-size", "20000000"],
            &["`--cache-size` is 20000000; expected a number of tokens from 1 to 1,000,000"],
        ),
        (&["evaluate", "--adapt", "cache", "--cache-size", "-1"], &["invalid value '-1' for '--cache-size <N>'"]),
        (&["evaluate", "--adapt", "dynamic", "--dynamic-rate", "-1"], &["`--dynamic-rate` is -1; expected"]),
        (&["evaluate", "--adapt", "dynamic", "--dynamic-chunk", "0"], &["`--dynamic-chunk` is 0; expected"]),
        (&["evaluate", "--adapt", "dynamic", "--int8"], &["`--adapt dynamic` changes the weights", "`--int8`"]),
        (&["generate", "--cache-theta", "1"], &["`--cache-theta` is given without `--cache`"]),
        (
            &["generate", "--cache", "--cache-weight", "1"],
            &["`--cache-weight` is 1; expected a number from 0 to below 1"],
        ),
    ] {
        dir.expect_error(args, words);
    }
    let base = ["evaluate", "--model", "base", "--text", "other.txt", "--adapt", "cache"];
    dir.expect_error(&base, &["built-in base", "give `--cache-weight` and `--cache-theta`"]);
    // Once the text is gone, the advice is given once.
    fs::remove_file(dir.path().join("topics.txt")).unwrap();
    for (method, option) in [("cache", "`--cache-weight`"), ("dynamic", "`--dynamic-rate`")] {
        let error = dir.run(&["evaluate", "--text", "other.txt", "--adapt", method]).stderr;
        assert!(error.contains("which does not exist: put the file back there, or give "), "{error}");
        assert_eq!(error.matches(option).count(), 1, "{error}");
    }
}
