//! Epochs of a number of steps: the same steps as with epochs of a pass, and exact resume at every boundary.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use seqdata::TextDataset;
use trainer::{Checkpoints, Observer, ObserverResult, Outcome, Progress, Schedule, StepReport, TrainConfig};

use crate::common::{assert_same_bytes, config, run, run_until, run_with, tbptt, without_times};
use crate::documents;

const FILES: [&str; 2] = ["weights.bpk", "optimizer.bpk"];

/// Windows, and truncated BPTT with averaged weights. No rate depends on epochs.
fn configs() -> [TrainConfig; 2] {
    [config(2), tbptt(2).schedule(Schedule::Constant)].map(|config| config.sample_every(0))
}

/// Keeps the loss and the learning rate of every step, which are functions of all steps before.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<(u64, f64, f64)>>>);

impl Observer for Steps {
    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        let values = (step.step_of_run, step.step_loss_nats_per_token, step.learning_rate);
        self.0.lock().unwrap().push(values);
        Ok(())
    }
}

fn steps(run_dir: &Path, config: &TrainConfig) -> (Progress, Vec<(u64, f64, f64)>) {
    let steps = Steps::default();
    let outcome = run_with(run_dir, config, 1, false, |job| job.observer(steps.clone())).unwrap();
    let steps = steps.0.lock().unwrap().clone();
    (outcome.progress, steps)
}

#[test]
fn an_epoch_with_the_steps_of_a_pass_is_a_pass() {
    for config in configs().into_iter().chain([tbptt(3)]) {
        let folder = tempfile::tempdir().unwrap();
        let (passes, counted) = (folder.path().join("passes"), folder.path().join("counted"));
        let expected = run(&passes, &config, 1, false).0.unwrap().progress;
        let config = config.steps_per_epoch(expected.steps_per_pass);
        let progress = run(&counted, &config, 1, false).0.unwrap().progress;
        let expected = Progress { config, ..expected };
        assert_eq!(without_times(&progress), without_times(&expected));
        assert_same_bytes(&passes, &counted, expected.steps, &FILES);
    }
}

#[test]
fn how_steps_are_divided_into_epochs_does_not_change_them() {
    for config in configs() {
        let folder = tempfile::tempdir().unwrap();
        let passes = |epochs: u64| {
            let run_dir = folder.path().join(format!("passes-{epochs}"));
            let (progress, steps) = steps(&run_dir, &config.clone().epochs(epochs as usize));
            (run_dir, progress, steps)
        };
        let pass = passes(1).1.steps_per_pass;
        // An epoch shorter than a pass, and one longer than a pass: each time as many passes as steps per epoch.
        for steps_per_epoch in [2, pass + 1] {
            let (expected_dir, expected, expected_steps) = passes(steps_per_epoch);
            let run_dir = folder.path().join(format!("counted-{steps_per_epoch}"));
            let counted = config.clone().steps_per_epoch(steps_per_epoch).epochs(pass as usize);
            let (progress, steps) = steps(&run_dir, &counted);
            assert_eq!((progress.steps, progress.epochs.len() as u64), (expected.steps, pass));
            assert_eq!(steps, expected_steps, "{steps_per_epoch}");
            assert_same_bytes(&expected_dir, &run_dir, expected.steps, &FILES);
            let losses = |progress: &Progress| {
                let last = progress.epochs.last().unwrap();
                (last.valid_loss_nats_per_token, last.valid_accuracy)
            };
            assert_eq!(losses(&progress), losses(&expected));
            let ends = progress.epochs.iter().map(|epoch| epoch.step);
            assert!(ends.eq((1..=pass).map(|epoch| epoch * steps_per_epoch)));
        }
    }
}

#[test]
fn the_documents_of_a_pass_do_not_depend_on_epochs() {
    let dataset = documents::dataset(60);
    for config in configs() {
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str, config: &TrainConfig| {
            let run_dir = folder.path().join(name);
            let progress = documents::run(&run_dir, &dataset, config, false, None).unwrap().progress;
            (run_dir, progress)
        };
        let (passes, expected) = run("passes", &config.clone().epochs(3));
        let counted = config.clone().epochs(expected.steps_per_pass as usize).steps_per_epoch(3);
        let (counted, progress) = run("counted", &counted);
        assert_eq!(progress.steps, expected.steps);
        assert_same_bytes(&passes, &counted, expected.steps, &FILES);
    }
}

/// Asserts that a run that is stopped at any end of an epoch or a pass, or next to it, and resumed equals one that is not.
fn assert_resumes(config: &TrainConfig, run: impl Fn(&Path, &TrainConfig, bool, Option<u64>) -> Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let pass = run(&folder.path().join("passes"), config, false, None).progress.steps_per_pass;
    for steps_per_epoch in [pass / 2 + 1, pass + 2] {
        let config = config.clone().steps_per_epoch(steps_per_epoch).epochs(3);
        let full = folder.path().join(format!("full-{steps_per_epoch}"));
        let outcome = run(&full, &config, false, None);
        let all = 3 * steps_per_epoch;
        assert_eq!((outcome.progress.steps, outcome.progress.all_steps()), (all, all));
        let ends = [pass, 2 * pass, steps_per_epoch, 2 * steps_per_epoch];
        let stops: BTreeSet<u64> = ends.into_iter().flat_map(|end| [end - 1, end, end + 1]).collect();
        for stop in stops.into_iter().filter(|stop| (1..all).contains(stop)) {
            let parts = folder.path().join(format!("parts-{steps_per_epoch}-{stop}"));
            assert_eq!(run(&parts, &config, false, Some(stop)).progress.steps, stop);
            let resumed = run(&parts, &config, true, None);
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress), "{stop}");
            assert_same_bytes(&full, &parts, all, &FILES);
        }
    }
}

#[test]
fn a_run_stopped_at_the_end_of_an_epoch_or_a_pass_is_resumed_exactly() {
    for config in [config(1), tbptt(1)] {
        assert_resumes(&config, |run_dir, config, resume, stop| match stop {
            Some(stop) => run_until(run_dir, config, resume, stop),
            None => run(run_dir, config, 1, resume).0.unwrap(),
        });
    }
}

#[test]
fn a_run_on_documents_stopped_at_the_end_of_an_epoch_or_a_pass_is_resumed_exactly() {
    let dataset: TextDataset = documents::dataset(60);
    for config in [config(1), tbptt(1)] {
        assert_resumes(&config, |run_dir, config, resume, stop| {
            documents::run(run_dir, &dataset, config, resume, stop).unwrap()
        });
    }
}

#[test]
fn a_finished_run_is_continued_within_a_pass() {
    for config in [config(4), tbptt(4)].map(|config| config.steps_per_epoch(5)) {
        let folder = tempfile::tempdir().unwrap();
        let (full, parts) = (folder.path().join("full"), folder.path().join("parts"));
        let outcome = run(&full, &config, 1, false).0.unwrap();
        let pass = outcome.progress.steps_per_pass;
        for epochs in 1..=4 {
            let progress = run(&parts, &config.clone().epochs(epochs), 1, epochs > 1).0.unwrap().progress;
            let carried = Checkpoints::of(&parts).path(progress.steps).join("carried.safetensors");
            // Streams continue in the next epoch where this one ended, unless a new pass begins.
            let is_within_pass = !progress.steps.is_multiple_of(pass);
            assert_eq!(carried.exists(), is_within_pass && config.batch_size == 4, "{epochs}");
        }
        assert_same_bytes(&full, &parts, outcome.progress.steps, &FILES);
    }
}

#[test]
fn a_cosine_schedule_ends_after_all_steps_of_all_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(3).warm_up_steps(0).steps_per_epoch(4).schedule(Schedule::Cosine);
    let (progress, steps) = steps(folder.path(), &config);
    let expected = |step: f64| 0.01 * 0.5 * (1.0 + (std::f64::consts::PI * step / 12.0).cos());
    assert_eq!(steps.len(), 12);
    for (at, (_, _, rate)) in steps.into_iter().enumerate() {
        assert!((rate - expected(at as f64)).abs() < 1e-15, "{at} {rate}");
    }
    assert!(progress.learning_rate(12) < 1e-15, "{}", progress.learning_rate(12));
    let error = run(folder.path(), &config.steps_per_epoch(3), 1, true).0.unwrap_err().to_string();
    assert!(error.contains("steps per epoch"), "{error}");
}
