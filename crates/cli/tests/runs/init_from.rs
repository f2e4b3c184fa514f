//! Runs that start from the weights of other runs.

use std::fs;

use serde_json::Value;

use super::{FLEX, texts, train_on};
use crate::common::TestDir;

fn vocabulary(dir: &TestDir, run: &str) -> Vec<String> {
    let text = fs::read_to_string(dir.path().join(run).join("vocabulary.tsv")).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').nth(1).unwrap().to_string()).collect()
}

#[test]
fn a_run_starts_from_the_weights_and_vocabulary_of_another_run() {
    let dir = TestDir::new();
    texts(&dir);
    let long = ["--set", "windows.stride=1", "--set", "train.epochs=4"];
    train_on(&dir, "old.txt", &[&["--out", "old"], &long[..]].concat());
    fn from<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["train", "--init-from", "old", "--text", "new.txt"], FLEX, more].concat()
    }
    let rejected = from(&["--out", "rejected"]);
    dir.expect_error(&rejected, &["3 tokens", "`a`", "`wolf`", "--new-tokens unk", "extend"]);
    assert!(!dir.path().join("rejected").exists());

    let keep = from(&["--new-tokens", "unk", "--out", "kept"]);
    dir.run_ok(&keep);
    assert_eq!(vocabulary(&dir, "kept"), vocabulary(&dir, "old"));
    let extend = from(&["--new-tokens", "extend", "--out", "extended"]);
    let stderr = dir.run_ok(&extend).stderr;
    assert!(stderr.contains("3 tokens are new"), "{stderr}");
    let (old, new) = (vocabulary(&dir, "old"), vocabulary(&dir, "extended"));
    assert_eq!(new[..old.len()], old);
    let mut added = new[old.len()..].to_vec();
    added.sort();
    assert_eq!(added, ["a", "met", "wolf"]);

    // It starts with trained weights: its first loss is lower than that of a new model.
    train_on(&dir, "new.txt", &[&["--out", "fresh"], &long[..]].concat());
    let first_loss = |run: &str| {
        let text = fs::read_to_string(dir.path().join(run).join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let epoch = lines.into_iter().find(|line| line["event"] == "epoch").unwrap();
        epoch["train_loss_nats_per_token"].as_f64().unwrap()
    };
    assert!(first_loss("extended") < first_loss("fresh"));

    // It can be resumed, evaluated and used for initialization after the first model was deleted.
    fs::remove_dir_all(dir.path().join("old")).unwrap();
    let on = ["train", "--resume", "extended", "--set", "train.epochs=5"];
    dir.run_ok(&[&on[..], FLEX].concat());
    dir.json(&[&["evaluate", "--model", "extended", "--json"], FLEX].concat());
    let again = ["train", "--init-from", "extended", "--text", "old.txt", "--out", "again"];
    dir.run_ok(&[&again[..], FLEX].concat());
    assert_eq!(vocabulary(&dir, "again"), new);

    // A configuration sets data and training; the model keeps what it determines.
    let config = "[text]\npath = \"new.txt\"\n[model]\nembedding_dim = 9\ninit = \"uniform\"\n\
                  [train]\nepochs = 2\n[windows]\nstride = 5\n";
    dir.file("other.toml", config);
    let configured = ["train", "--init-from", "extended", "--config", "other.toml", "--out", "configured"];
    let stderr = dir.run_ok(&[&configured[..], FLEX].concat()).stderr;
    let unused: Vec<&str> = stderr.lines().filter(|line| line.contains("not used")).collect();
    let expected = "`model.embedding_dim`, `model.init` of other.toml are not used: the model extended determines them";
    assert_eq!(unused, [expected], "{stderr}");
    let config = fs::read_to_string(dir.path().join("configured/config.toml")).unwrap();
    assert!(config.contains("epochs = 2") && config.contains("stride = 5"), "{config}");
    assert!(config.contains("embedding_dim = 8") && config.contains("new.txt"), "{config}");

    let resized = ["train", "--init-from", "extended", "--set", "model.embedding_dim=9"];
    dir.expect_error(&resized, &["`model.embedding_dim`", "--init-from"]);
    dir.expect_error(&["train", "--init-from", "nowhere", "--text", "new.txt"], &["nowhere"]);
    dir.expect_error(&["train", "--new-tokens", "unk"], &["--init-from"]);
}

#[test]
fn new_tokens_get_initial_weights_of_the_scheme_of_the_model() {
    let dir = TestDir::new();
    texts(&dir);
    // With this learning rate the weights stay as they were drawn.
    let still = ["--set", "model.init=uniform", "--set", "train.learning_rate=1e-9"];
    train_on(&dir, "old.txt", &[&["--out", "old"], &still[..]].concat());
    let extend = ["train", "--init-from", "old", "--text", "new.txt", "--new-tokens", "extend", "--out", "extended"];
    dir.run_ok(&[&extend[..], FLEX].concat());
    for run in ["old", "extended"] {
        let read = |file: &str| fs::read_to_string(dir.path().join(run).join(file)).unwrap();
        assert!(read("config.toml").contains("init = \"uniform\""), "{}", read("config.toml"));
        let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
        assert_eq!(manifest["about"]["model"]["init"], "uniform", "{manifest}");
    }
    dir.run_ok(&["export", "extended.safetensors", "--layout", "keras", "--model", "extended"]);
    let tensors = models::interop::read_safetensors(&dir.path().join("extended.safetensors")).unwrap();
    let (old, new) = (vocabulary(&dir, "old").len(), vocabulary(&dir, "extended").len());
    assert_eq!(new, old + 3);
    let (embedding, output) = (&tensors["embedding/embeddings"].values, &tensors["dense/kernel"].values);
    for tokens in [0..old, old..new] {
        let largest = |weights: &[f64], place: &dyn Fn(usize, usize) -> usize| {
            let of_token = |token| (0..8).map(move |unit| weights[place(token, unit)].abs());
            tokens.clone().flat_map(of_token).fold(0f64, f64::max)
        };
        let largest =
            [largest(embedding, &|token, unit| token * 8 + unit), largest(output, &|token, unit| unit * new + token)];
        assert!(largest[0] > 0.05 && largest[0] < 0.100_001, "{tokens:?}: {largest:?}");
        // Glorot's limit would be above 0.4.
        assert!(largest[1] > 0.25 && largest[1] < 0.353_56, "{tokens:?}: {largest:?}");
    }
    let other = ["train", "--resume", "old", "--set", "model.init=keras"];
    dir.expect_error(&other, &["old cannot be resumed", "`model.init`"]);
}

#[test]
fn dropout_and_the_output_layer_may_differ_from_those_of_the_model() {
    let dir = TestDir::new();
    texts(&dir);
    train_on(&dir, "old.txt", &["--out", "old", "--set", "model.dropout=0.35"]);
    let model = |run: &str| -> Value {
        let manifest = fs::read_to_string(dir.path().join(run).join("manifest.json")).unwrap();
        serde_json::from_str::<Value>(&manifest).unwrap()["about"]["model"].clone()
    };
    let tune = |out: &str, more: &[&str]| {
        let args = ["train", "--init-from", "old", "--text", "new.txt", "--new-tokens", "unk", "--out", out];
        dir.run_ok(&[&args[..], FLEX, more].concat()).stderr
    };
    let rates = ["--set", "model.dropout=0.5", "--set", "model.layers[0].recurrent_dropout=0.25"];
    let layers = ["--set", "train.layer_decay=0.5", "--set", "train.unfreeze_steps=2"];
    let stderr = tune("rates", &[&rates[..], &layers].concat());
    assert!(!stderr.contains("output layer"), "{stderr}");
    let rates = model("rates");
    assert_eq!((&rates["dropout"], &rates["layers"][0]["recurrent_dropout"]), (&0.5.into(), &0.25.into()));
    assert_eq!((&rates["embedding"], &model("old")["dropout"]), (&8.into(), &0.35.into()));
    let config = fs::read_to_string(dir.path().join("rates/config.toml")).unwrap();
    assert!(config.contains("layer_decay = 0.5") && config.contains("unfreeze_steps = 2"), "{config}");

    let stderr = tune("tied", &["--set", "model.projection=8", "--set", "model.tie_weights=true"]);
    assert!(stderr.contains("the output layer is not that of old"), "{stderr}");
    let tied = model("tied");
    let found = (&tied["projection"], &tied["tied"], &tied["dropout"]);
    assert_eq!(found, (&8.into(), &true.into(), &0.35.into()));
    for run in ["rates", "tied"] {
        let repeated = dir.run_ok(&["reproduce", run]).stdout;
        assert!(repeated.contains("is bit-identical to"), "{repeated}");
        dir.run_ok(&[&["train", "--resume", run, "--set", "train.epochs=2"], FLEX].concat());
    }

    // Of a configuration, the dropout rates that it gives are used.
    dir.file("other.toml", "[text]\npath = \"new.txt\"\n[model]\ndropout = 0.4\n[train]\nepochs = 1\n");
    let args = ["train", "--init-from", "old", "--config", "other.toml", "--new-tokens", "unk", "--out", "other"];
    let stderr = dir.run_ok(&[&args[..], FLEX].concat()).stderr;
    assert!(!stderr.contains("not used"), "{stderr}");
    assert_eq!(model("other")["dropout"], 0.4);
    // One that names the model need not repeat what the model has.
    let named = "[text]\npath = \"new.txt\"\n[init]\nfrom = \"tied\"\nnew_tokens = \"unk\"\n[train]\nepochs = 1\n";
    dir.file("named.toml", named);
    dir.run_ok(&[&["train", "--config", "named.toml", "--out", "named"], FLEX].concat());
    let kept = ["train", "--config", "named.toml", "--set", "model.dropout=0.2", "--dry-run"];
    dir.run_ok(&[&kept[..], FLEX].concat());
    for (change, key) in [("model.layers[0].units=9", "model.layers"), ("tokens.kind=characters", "tokens.kind")] {
        let rejected = ["train", "--config", "named.toml", "--set", change];
        dir.expect_error(&rejected, &["starts from tied", &format!("another `{key}`")]);
    }
    let named = model("named");
    assert_eq!(
        (&named["dropout"], &named["tied"], &named["layers"]),
        (&tied["dropout"], &tied["tied"], &tied["layers"])
    );
}
