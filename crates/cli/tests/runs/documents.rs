//! Runs on labelled documents are resumed and reproduced bit for bit.

use std::fs;

use crate::common::TestDir;

#[test]
fn a_run_on_labelled_documents_is_resumed_and_reproduced_exactly() {
    let dir = TestDir::new();
    let rows = (0..90).map(|row| format!("\"the {} cat\nsaw {}\",{}\n", row % 7, row % 11, ["a", "b"][row % 2]));
    dir.file("texts.csv", format!("text,author\n{}", rows.collect::<String>()));
    let settings = [
        "train.mode=tbptt",
        "train.batch_size=4",
        "train.bptt_len=9",
        "model.embedding_dim=6",
        "model.layers[0].units=6",
        "samples.every_steps=3",
        "samples.max_tokens=12",
    ];
    let train = |run: &str, epochs: &str| {
        let args = ["train", "--backend", "flex", "--text", "texts.csv", "--column", "text", "--label", "author"];
        let settings = settings.iter().chain([&epochs]).flat_map(|setting| ["--set", *setting]);
        dir.run_ok(&args.into_iter().chain(["--out", run]).chain(settings).collect::<Vec<_>>());
    };
    train("whole", "train.epochs=3");
    train("resumed", "train.epochs=1");
    dir.run_ok(&["train", "--resume", "resumed", "--set", "train.epochs=3"]);
    for file in ["weights.bpk", "tokenizer.json", "document-hashes.bin", "samples.md"] {
        let [one, other] = ["whole", "resumed"].map(|run| fs::read(dir.path().join(run).join(file)).unwrap());
        assert!(one == other && !one.is_empty(), "{file} differs");
    }
    let samples = fs::read_to_string(dir.path().join("whole/samples.md")).unwrap();
    assert!(samples.contains("> a: ") && samples.contains(" · b: "), "{samples}");
    let verdict = dir.json(&["reproduce", "whole", "--json", "--out", "again"]);
    assert_eq!(verdict["identical"], true, "{verdict}");

    // Another label changes the training data.
    let text = fs::read_to_string(dir.path().join("texts.csv")).unwrap();
    dir.file("texts.csv", text.replacen(",a\n", ",b\n", 1));
    dir.expect_error(&["reproduce", "whole"], &["its text has changed"]);
}
