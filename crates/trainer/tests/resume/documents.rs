//! Runs on documents with labels: exact resume in both modes, and what a model learns of labels and ends.

use std::path::Path;

use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use models::{EvalMetrics, LanguageModel, LanguageModelConfig, LayerConfig, LmMetadata, TokenInput};
use seqdata::{Loader, TextDataset, VocabSource};
use trainer::{Job, Outcome, Result, RunIdentity, StartFrom, StopFlag, TrainConfig, train};

use crate::common::{Recorder, assert_same_bytes, config, tbptt, without_times};

/// Texts of two authors with different words, and some of neither.
pub fn dataset(count: usize) -> TextDataset {
    let texts: Vec<String> = (0..count).map(|n| text(n, &[["fox", "crow", "hen"], ["ship", "sail", "sea"]])).collect();
    let label = |n: usize| [Some("land"), Some("sea"), None][n % 3];
    let documents: Vec<_> = texts.iter().enumerate().map(|(n, text)| (text.as_str(), label(n))).collect();
    let dataset = TextDataset::from_documents(&documents[..]).words().vocab_source(VocabSource::WholeText);
    dataset.split(0.2, 0.0).context_len(4).build().unwrap()
}

/// Two to seven words of the author of text `n`.
fn text(n: usize, authors: &[[&str; 3]; 2]) -> String {
    let words = authors[if n % 3 == 2 { n / 3 % 2 } else { n % 3 }];
    let words = (0..2 + n * 7 % 6).map(|at| words[(n * 31 + at * 17 + n / 5) % 3]);
    words.collect::<Vec<_>>().join(" ")
}

fn model_config(dataset: &TextDataset) -> LanguageModelConfig {
    let vocabulary = &dataset.tokenizer.vocabulary;
    LanguageModelConfig::new(vocabulary.len(), 4, vec![LayerConfig::gru(6).recurrent_dropout(0.2)])
        .dropout(0.3)
        .document_id(vocabulary.document_id())
        .labels(dataset.label_names())
}

/// Starts or resumes a run, and stops it after step `stop_at`.
pub fn run(
    run_dir: &Path,
    dataset: &TextDataset,
    config: &TrainConfig,
    resume: bool,
    stop_at: Option<u64>,
) -> Result<Outcome> {
    let stop = StopFlag::default();
    let recorder = Recorder { stop_at: stop_at.map(|step| (step, stop.clone())), ..Recorder::default() };
    run_with(run_dir, dataset, config, resume, |job| job.stop_flag(stop).observer(recorder))
}

/// Starts or resumes a run; `with` adds observers and others to it.
pub fn run_with(
    run_dir: &Path,
    dataset: &TextDataset,
    config: &TrainConfig,
    resume: bool,
    with: impl FnOnce(Job) -> Job,
) -> Result<Outcome> {
    let device = Device::flex();
    let model = model_config(dataset).init(config.seed, &device).unwrap();
    let metadata = LmMetadata::new(model_config(dataset), 4, config.seed, dataset.valid_sha256());
    let identity = RunIdentity::new(dataset.tokenizer.clone(), metadata);
    let start = if resume { StartFrom::Checkpoint } else { StartFrom::Model(Box::new(model)) };
    train(with(Job::new(dataset, config, identity, run_dir, &device)), start)
}

#[test]
fn a_run_on_documents_that_is_resumed_within_an_epoch_equals_an_uninterrupted_run() {
    let dataset = dataset(60);
    for (config, files) in [
        (config(2), &["weights.bpk", "optimizer.bpk"][..]),
        (tbptt(3), &["weights.bpk", "optimizer.bpk", "trained.bpk"][..]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        let outcome = run(&full, &dataset, &config, false, None).unwrap();
        let (steps, epoch) = (outcome.progress.steps, outcome.progress.steps_per_epoch());
        for stop in [1, epoch / 2, epoch, epoch + epoch / 2] {
            let parts = folder.path().join(format!("parts-{stop}"));
            let part = run(&parts, &dataset, &config, false, Some(stop)).unwrap();
            assert_eq!(part.progress.steps, stop);
            let resumed = run(&parts, &dataset, &config, true, None).unwrap();
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
            assert_same_bytes(&full, &parts, steps, files);
        }
    }
}

#[test]
fn a_run_is_not_resumed_with_another_label_of_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let documents = |label: &'static str| {
        let label = [Some("x"), Some(label)];
        (0..40).map(move |n| (["a b c", "d e", "f", "g h a", "b c d f"][n % 5], label[n / 5 % 2])).collect::<Vec<_>>()
    };
    let dataset = |label| {
        let documents = documents(label);
        TextDataset::from_documents(&documents[..]).words().split(0.2, 0.0).labels(["x", "y"]).build().unwrap()
    };
    run(folder.path(), &dataset("y"), &tbptt(2), false, Some(2)).unwrap();
    let error = run(folder.path(), &dataset("x"), &tbptt(2), true, None).unwrap_err().to_string();
    assert!(error.contains("its training data differs"), "{error}");
}

#[test]
fn what_has_changed_in_the_text_of_a_run_that_is_resumed_is_named() {
    let documents = |label: &'static str, last: &'static str| {
        let mut documents: Vec<_> = (0..40)
            .map(|n| (["a b c", "d e", "f", "g h a", "b c d f"][n % 5], Some(["x", label][n / 5 % 2])))
            .collect();
        documents.push((last, None));
        documents
    };
    let dataset = |documents: Vec<(&'static str, Option<&'static str>)>| {
        TextDataset::from_documents(&documents[..]).words().vocab_source(VocabSource::WholeText).build().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &dataset(documents("y", "a b")), &tbptt(2), false, Some(2)).unwrap();
    for (documents, expected) in [
        (documents("z", "a b"), "its text has changed, or the labels of its documents; restore the text"),
        (documents("y", "new"), "its vocabulary differs from that of the current text; restore the text"),
    ] {
        let error = run(folder.path(), &dataset(documents), &tbptt(2), true, None).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn documents_without_a_window_are_trained_on_in_streams_only() {
    let documents: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|text| (text, None)).into();
    let dataset = TextDataset::from_documents(&documents[..]).words().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = run(&folder.path().join("windows"), &dataset, &config(1), false, None).unwrap_err().to_string();
    assert!(error.starts_with("the train split has 11 tokens, but a window of 20"), "{error}");
    let outcome = run(&folder.path().join("streams"), &dataset, &tbptt(1), false, None).unwrap();
    // Every token of the only validation document is a target, and its end.
    assert!(outcome.progress.epochs[0].valid_loss_nats_per_token.is_finite());
}

#[test]
fn the_right_label_lowers_the_loss_and_none_is_between_right_and_wrong() {
    let (dataset, folder) = (dataset(300), tempfile::tempdir().unwrap());
    let config = tbptt(6).learning_rate(0.02).sample_every(0).ema_decay(0.0).batch_size(8);
    let model = run(folder.path(), &dataset, &config, false, None).unwrap().best.model;
    let labels = |label: fn(i64) -> i64| loss_of_labelled(&model, &dataset, label);
    let (right, without, wrong) = (labels(|own| own), labels(|_| 0), labels(|own| 3 - own));
    assert!(right + 0.1 < wrong, "{right} {wrong}");
    assert!(right < without && without < wrong, "{right} {without} {wrong}");
}

/// The loss on the validation documents with a label, each read with the label that `label` returns for its own.
fn loss_of_labelled(model: &LanguageModel, dataset: &TextDataset, label: fn(i64) -> i64) -> f64 {
    let mut metrics = EvalMetrics::default();
    let mut state = None;
    let loader = Loader::streams(dataset.valid_stream(), Device::flex());
    for batch in loader.iter() {
        let batch = batch.unwrap();
        let own: Vec<i64> = batch.labels.clone().unwrap().try_into_vec_as().unwrap();
        let given: Vec<i64> = own.iter().map(|&own| if own == 0 { 0 } else { label(own) }).collect();
        let given = burn::tensor::TensorData::new(given, batch.inputs.dims());
        let labels = burn::tensor::Tensor::from_data(given, &Device::flex());
        let before = model.state_before(&batch, state.take());
        let input = TokenInput { ids: batch.inputs, labels: Some(labels) };
        let (losses, after) = model.forward_eval(input, batch.targets, before);
        state = Some(after);
        let nats: Vec<f64> = losses.nats.try_into_vec_as().unwrap();
        for (nats, _) in nats.iter().zip(&own).filter(|&(_, &own)| own > 0) {
            metrics.nats += nats;
            metrics.tokens += 1;
        }
    }
    metrics.nats_per_token()
}
