//! The methods of sampling that `generate` offers: they are applied, reported, and independent of other samples.

use serde_json::Value;

use super::common::TestDir;
use super::samples;

#[test]
fn each_method_of_sampling_changes_the_text_unless_its_value_has_no_effect() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    let three = |method: &[&str]| {
        samples(&dir, &[&["--seed", "1", "--temperature", "1", "--top-p", "1", "--num-samples", "3"], method].concat())
    };
    let plain = three(&[]);
    for method in [["--repetition-penalty", "1"], ["--typical", "1"], ["--best-of", "1"]] {
        assert_eq!(three(&method), plain, "{method:?}");
    }
    for method in [
        &["--repetition-penalty", "1.8"][..],
        &["--repetition-penalty", "1.8", "--repetition-window", "3"],
        &["--typical", "0.2"],
        &["--mirostat", "1.5"],
        &["--best-of", "4"],
    ] {
        let changed = three(method);
        assert_ne!(changed, plain, "{method:?}");
        let alone = samples(&dir, &[&["--seed", "1", "--temperature", "1", "--top-p", "1"], method].concat());
        assert_eq!(alone, changed[..1], "{method:?}");
    }
}

#[test]
fn the_report_names_the_methods_and_the_likelihood_of_the_best_sample() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    let report = |options: &[&str]| {
        dir.json(&[&["generate", "--json", "--max-tokens", "9", "--seed", "1", "--num-samples", "8"], options].concat())
    };
    let log_probs = |report: &Value| -> Vec<Option<f64>> {
        let samples = report["samples"].as_array().unwrap();
        samples.iter().map(|sample| sample["log_prob_per_token"].as_f64()).collect()
    };
    let plain = report(&[]);
    assert_eq!(log_probs(&plain), [None; 8]);
    for key in ["top_k", "min_p", "typical", "mirostat", "repetition_penalty", "repetition_window", "best_of"] {
        assert_eq!(plain.get(key), None);
    }
    let penalty = "--repetition-penalty 1.2 --repetition-window 7 --no-repeat-ngram 3";
    let options = format!("--mirostat 4 --typical 0.9 {penalty} --best-of 2");
    let all = report(&options.split(' ').collect::<Vec<_>>());
    // The target of Mirostat is meant for the distribution of the model itself.
    for (key, value) in [("mirostat", 4.0), ("typical", 0.9), ("repetition_penalty", 1.2), ("temperature", 1.0)] {
        assert_eq!(all[key], value, "{key}");
    }
    for (key, value) in [("repetition_window", 7), ("no_repeat_ngram", 3), ("best_of", 2)] {
        assert_eq!(all[key], value, "{key}");
    }
    assert_eq!(all.get("top_p"), None);
    // Each of eight has the candidates of four samples that are the best of two.
    let (two, eight) = (log_probs(&report(&["--best-of", "2"])), log_probs(&report(&["--best-of", "8"])));
    for (four, best) in two.chunks(4).zip(&eight) {
        let highest = four.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(*best, Some(highest), "{two:?} {eight:?}");
        assert!(highest < 0.0);
    }
}
