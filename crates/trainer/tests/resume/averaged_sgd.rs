//! Averaged SGD with the non-monotonic trigger, in chunks of varying lengths.

use std::path::Path;

use burn::tensor::{Device, TensorData};
use models::LanguageModel;
use models::parameters::values;
use trainer::{Checkpoint, Checkpoints, Progress, Schedule, SgdConfig, TrainConfig};

use super::common::*;

/// Steps so large that the validation loss soon rises for the first time.
fn averaged() -> TrainConfig {
    tbptt(12)
        .ema_decay(0.0)
        .averaging_patience(1)
        .bptt_deviation(2.0)
        .schedule(Schedule::Constant)
        .learning_rate(2.0)
        .optimizer(SgdConfig::default().momentum(0.5).weight_decay(1e-4))
        .sample_every(0)
}

/// The step after which averaging begins.
fn beginning(progress: &Progress) -> u64 {
    let losses: Vec<f64> = progress.epochs.iter().map(|report| report.valid_loss_nats_per_token).collect();
    let rises = |&epoch: &usize| losses[..epoch - 1].iter().any(|&earlier| losses[epoch] > earlier);
    let epoch = (2..losses.len()).find(rises).unwrap_or_else(|| panic!("no loss rises: {losses:?}"));
    progress.epochs[epoch].step
}

fn newest(run: &Path) -> Checkpoint<LanguageModel> {
    Checkpoints::of(run).load_newest(&Device::flex()).unwrap()
}

#[test]
fn the_model_is_the_mean_of_the_weights_since_the_trigger() {
    let folder = tempfile::tempdir().unwrap();
    let (full, parts) = (folder.path().join("full"), folder.path().join("parts"));
    let outcome = run(&full, &averaged(), 1, false).0.unwrap();
    let (begins, steps) = (beginning(&outcome.progress), outcome.progress.steps);
    assert!(begins + 4 < steps, "averaging begins after step {begins} of {steps}");
    assert!(newest(&full).raw_model.is_some());
    run_until(&parts, &averaged(), false, begins - 1);
    assert!(newest(&parts).raw_model.is_none(), "there is an average before step {begins}");
    let of = |data: &TensorData| data.iter::<f64>().collect::<Vec<f64>>();
    let mut trained = Vec::new();
    for stop in begins..begins + 4 {
        run_until(&parts, &averaged(), true, stop);
        let Checkpoint { bundle, raw_model, .. } = newest(&parts);
        // At the end of the epoch the run is stopped before its validation, which begins the average.
        assert_eq!(raw_model.is_some(), stop > begins);
        trained.push(values(raw_model.as_ref().unwrap_or(&bundle.model)));
        for (path, found) in values(&bundle.model) {
            let held: Vec<Vec<f64>> = trained.iter().map(|weights| of(&weights[&path])).collect();
            for (at, found) in of(&found).into_iter().enumerate() {
                let mean = held.iter().map(|weights| weights[at]).sum::<f64>() / held.len() as f64;
                assert!((found - mean).abs() < 1e-5 * mean.abs().max(1.0), "{path} after step {stop}: {found} {mean}");
            }
        }
    }
    let resumed = run(&parts, &averaged(), 1, true).0.unwrap();
    assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
    assert_same_bytes(&full, &parts, steps, &["weights.bpk", "optimizer.bpk", "trained.bpk"]);
}

#[test]
fn a_run_without_momentum_has_no_optimizer_state_and_is_resumed() {
    let config = tbptt(2).optimizer(SgdConfig::default()).bptt_deviation(1.0);
    let folder = tempfile::tempdir().unwrap();
    let (full, parts) = (folder.path().join("full"), folder.path().join("parts"));
    let outcome = run(&full, &config, 1, false).0.unwrap();
    run_until(&parts, &config, false, 3);
    let resumed = run(&parts, &config, 1, true).0.unwrap();
    assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
    assert_same_bytes(&full, &parts, outcome.progress.steps, &["weights.bpk", "optimizer.bpk", "trained.bpk"]);
    for changed in [config.clone().bptt_deviation(0.0), config.optimizer(SgdConfig::default().momentum(0.1))] {
        let error = run(&full, &changed.epochs(3), 1, true).0.unwrap_err().to_string();
        assert!(error.contains("have changed"), "{error}");
    }
}
