//! Runs with an adaptive softmax, one of whose clusters has no target in the first steps.

use std::path::Path;

use burn::tensor::Device;
use models::parameters::values;
use models::{AdaptiveSoftmax, LanguageModel, LanguageModelConfig, LayerConfig, LmMetadata};
use seqdata::{TextDataset, VocabSource};
use trainer::{Checkpoints, Job, Outcome, RunIdentity, StartFrom, StopFlag, TrainConfig, train};

use crate::common::{Recorder, assert_same_bytes, config, tbptt, without_times};

/// The words of the last cluster.
const RARE: &str = "an owl slept here .";

/// The rare words follow after 120 others.
fn dataset() -> TextDataset {
    let lines = "the fox saw the crow . ".repeat(20);
    let text = format!("{lines}{RARE} {lines}");
    let dataset = TextDataset::from_text(text).words().vocab_source(VocabSource::WholeText);
    dataset.split(0.2, 0.0).context_len(4).build().unwrap()
}

fn model_config(dataset: &TextDataset) -> LanguageModelConfig {
    let vocab_size = dataset.tokenizer.vocabulary.len();
    let clusters = AdaptiveSoftmax::default().cutoffs([4, vocab_size - 4]).division(2);
    LanguageModelConfig::new(vocab_size, 4, vec![LayerConfig::lstm(6)]).dropout(0.2).adaptive_softmax(clusters)
}

fn model(dataset: &TextDataset, config: &TrainConfig) -> LanguageModel {
    model_config(dataset).init(config.seed, &Device::flex()).unwrap()
}

/// Starts or resumes a run, and stops it after step `stop_at`.
fn run(run_dir: &Path, config: &TrainConfig, resume: bool, stop_at: Option<u64>) -> Outcome {
    let (dataset, device) = (dataset(), Device::flex());
    let metadata = LmMetadata::new(model_config(&dataset), 4, config.seed, dataset.valid_sha256());
    let identity = RunIdentity::new(dataset.tokenizer.clone(), metadata);
    let start = if resume { StartFrom::Checkpoint } else { StartFrom::Model(Box::new(model(&dataset, config))) };
    let stop = StopFlag::default();
    let recorder = Recorder { stop_at: stop_at.map(|step| (step, stop.clone())), ..Recorder::default() };
    train(Job::new(&dataset, config, identity, run_dir, &device).stop_flag(stop).observer(recorder), start).unwrap()
}

#[test]
fn a_run_whose_cluster_had_no_target_yet_is_resumed_bit_for_bit() {
    for (config, files) in [
        (config(2), &["weights.bpk", "optimizer.bpk"][..]),
        (tbptt(2).batch_size(2), &["weights.bpk", "optimizer.bpk", "trained.bpk"][..]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        let outcome = run(&full, &config, false, None);
        let (steps, epoch) = (outcome.progress.steps, outcome.progress.steps_per_epoch());
        for stop in [1, epoch / 2, epoch, epoch + 1] {
            let parts = folder.path().join(format!("parts-{stop}"));
            assert_eq!(run(&parts, &config, false, Some(stop)).progress.steps, stop);
            let resumed = run(&parts, &config, true, None);
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
            assert_same_bytes(&full, &parts, steps, files);
        }
    }
}

#[test]
fn a_cluster_is_trained_only_by_steps_that_have_its_targets() {
    let folder = tempfile::tempdir().unwrap();
    let config = tbptt(1).batch_size(2);
    let initial = values(&model(&dataset(), &config));
    for (stop, is_trained) in [(1, false), (8, true)] {
        let path = folder.path().join(format!("{stop}"));
        run(&path, &config, false, Some(stop));
        let checkpoint = Checkpoints::of(&path).load_newest::<LanguageModel>(&Device::flex()).unwrap();
        let now = values(&checkpoint.raw_model.unwrap());
        for name in ["projection", "kernel"] {
            let path = format!("output.clusters.1.{name}");
            assert_eq!(now[&path] != initial[&path], is_trained, "{path} after {stop} steps");
        }
        assert!(now["output.clusters.0.kernel"] != initial["output.clusters.0.kernel"]);
    }
}
