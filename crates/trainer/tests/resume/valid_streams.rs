//! Validation with carried state in parallel streams: the loss is that of one stream, and a resumed run keeps their
//! number.

use std::path::Path;

use burn::tensor::Device;
use models::LmMetadata;
use seqdata::TextDataset;
use trainer::{Job, Outcome, Result, RunIdentity, StartFrom, TrainConfig, train};

use crate::common;

/// A text whose held-out half is long enough for several streams.
fn dataset() -> TextDataset {
    let sentences = ["the fox saw the crow. ", "the crow saw the fox and sang. ", "the fox ran. "];
    let text: String = (0..3_000u32).map(|at| sentences[(at.wrapping_mul(2_654_435_761) >> 20) as usize % 3]).collect();
    TextDataset::from_text(text).words().split(0.5, 0.0).context_len(4).build().unwrap()
}

fn run(run_dir: &Path, config: &TrainConfig, resume: bool) -> Result<Outcome> {
    let (_, identity, _) = common::setup(config, 1);
    let (dataset, device) = (dataset(), Device::flex());
    let model_config = identity.metadata.config.vocab_size(dataset.tokenizer.vocabulary.len());
    let model = model_config.init(config.seed, &device).unwrap();
    let metadata = LmMetadata::new(model_config, 4, config.seed, dataset.valid_sha256());
    let identity = RunIdentity::new(dataset.tokenizer.clone(), metadata);
    let start = if resume { StartFrom::Checkpoint } else { StartFrom::Model(Box::new(model)) };
    train(Job::new(&dataset, config, identity, run_dir, &device), start)
}

fn config(epochs: usize, valid_streams: usize) -> TrainConfig {
    common::tbptt(epochs).batch_size(64).sample_every(0).valid_streams(valid_streams)
}

fn losses(outcome: &Outcome) -> Vec<f64> {
    outcome.progress.epochs.iter().map(|epoch| epoch.valid_loss_nats_per_token).collect()
}

#[test]
fn the_validation_loss_does_not_depend_on_the_number_of_streams() {
    let streams = dataset().valid_streams(0).unwrap();
    assert!(streams.count() > 1, "{}", streams.count());
    let folder = tempfile::tempdir().unwrap();
    let run = |count| run(&folder.path().join(format!("{count}")), &config(1, count), false).unwrap();
    let one = run(1);
    for several in [0, 5].map(run) {
        let (several, one) = (&several.progress.epochs[0], &one.progress.epochs[0]);
        let difference = several.valid_loss_nats_per_token - one.valid_loss_nats_per_token;
        assert!(difference.abs() < 1e-5, "{difference}");
        assert_eq!(several.train_loss_nats_per_token, one.train_loss_nats_per_token);
    }
    let error = super::run_with(&folder.path().join("short"), &config(1, 9), 1, false, |job| job).unwrap_err();
    assert!(error.to_string().contains("`split.valid_streams` is 9"), "{error}");
}

#[test]
fn a_resumed_run_keeps_the_number_of_its_validation_streams() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let whole = run(&whole, &config(2, 1), false).unwrap();
    run(&parts, &config(1, 1), false).unwrap();
    let error = run(&parts, &config(2, 3), true).unwrap_err().to_string();
    assert!(error.contains("validation streams"), "{error}");
    // Without a number of its own, as the run was started.
    let resumed = run(&parts, &config(2, 0), true).unwrap();
    assert_eq!(resumed.progress.config.valid_streams, 1);
    assert_eq!(losses(&resumed), losses(&whole));
}
