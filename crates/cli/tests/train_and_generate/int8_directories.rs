//! A model directory with 8-bit weights is used like any other.

use std::fs;

use models::LmBundle;

use super::common::TestDir;

#[test]
fn every_command_takes_a_model_saved_in_8_bits() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let [run, small] = ["run", "small"].map(|name| dir.path().join(name));
    LmBundle::load(run, &kernels::default_device()).unwrap().save_int8(&small).unwrap();
    let loss = |model: &str| {
        let evaluated = dir.json(&["evaluate", "--json", "--state", "carry", "--model", model]);
        evaluated["loss_nats_per_token"].as_f64().unwrap()
    };
    let (exact, near) = (loss("run"), loss("small"));
    assert!(exact != near && (exact - near).abs() < 0.01, "{exact} {near}");
    let runs = dir.run_ok(&["runs", "."]).stdout;
    assert!(runs.lines().any(|line| line.contains("small") && line.contains(" model ")), "{runs}");
    for args in [
        &["generate", "--model", "small", "--max-tokens", "5"][..],
        &["generate", "--model", "small", "--max-tokens", "5", "--int8"],
        &["gradients", "--model", "small", "--max-lag", "2"],
        &["export", "small.safetensors", "--layout", "keras", "--model", "small"],
        &["import", "small.safetensors", "--layout", "keras", "--like", "small", "--out", "imported"],
        &["train", "--init-from", "small", "--out", "tuned"],
    ] {
        dir.run_ok(args);
    }
    // What was imported has the values of the 8-bit weights as 32-bit floats.
    assert_eq!(loss("imported"), near);
    for args in [&["train", "--resume", "small"][..], &["reproduce", "small"], &["compare", "run", "small"]] {
        dir.expect_error(args, &["small is a saved model, not a training run"]);
    }

    let weights = small.join("weights-int8.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    dir.expect_error(&["generate", "--model", "small"], &["weights-int8.safetensors", "truncated"]);
    fs::remove_file(weights).unwrap();
    dir.expect_error(&["evaluate", "--model", "small"], &["weights-int8.safetensors", "missing"]);
}
