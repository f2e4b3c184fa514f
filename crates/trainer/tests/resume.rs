//! A run that is stopped and resumed equals an uninterrupted run, bit for bit.

mod common;

use std::path::Path;

use common::*;
use trainer::{Checkpoints, Clip, EpochReport, Observer, ObserverResult, Schedule, StepReport, StopReason};

#[test]
fn a_run_stopped_at_any_step_and_resumed_is_bit_identical() {
    for (config, files) in [
        (config(2), &["weights.bpk", "optimizer.bpk"][..]),
        (tbptt(3), &["weights.bpk", "optimizer.bpk", "trained.bpk"][..]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        let outcome = run(&full, &config, 1, false).0.unwrap();
        assert_eq!(outcome.stop_reason, StopReason::Finished);
        let (steps, epoch) = (outcome.progress.steps, outcome.progress.steps_per_epoch);
        assert_eq!(steps, epoch * config.epochs as u64);
        let first = outcome.progress.epochs.first().unwrap().train_loss_nats_per_token;
        let last = outcome.progress.epochs.last().unwrap().train_loss_nats_per_token;
        assert!(last < first, "nothing was learned");

        // After the first step, within an epoch, just before, at and after an epoch's end.
        for stop in [1, epoch / 2, epoch - 1, epoch, epoch + 1, steps - 1] {
            let parts = folder.path().join(format!("parts-{stop}"));
            let part = run_until(&parts, &config, false, stop);
            assert!(matches!(part.stop_reason, StopReason::Requested { .. }), "{:?}", part.stop_reason);
            assert_eq!(part.progress.steps, stop);
            let resumed = run(&parts, &config, 1, true).0.unwrap();
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
            assert_same_bytes(&full, &parts, steps, files);
            let file = |run: &Path| std::fs::read(run.join("weights.bpk")).unwrap();
            assert!(file(&full) == file(&parts), "the model differs after a stop at {stop}");
        }
    }
}

#[test]
fn a_run_stopped_after_every_step_equals_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let (full, parts) = (folder.path().join("full"), folder.path().join("parts"));
    let config = tbptt(2).checkpoint_policy(config(1).checkpoint_policy.every_steps(2));
    let outcome = run(&full, &config, 1, false).0.unwrap();
    let steps = outcome.progress.steps;
    for step in 1..steps {
        run_until(&parts, &config, step > 1, step);
    }
    let resumed = run(&parts, &config, 1, true).0.unwrap();
    assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
    assert_same_bytes(&full, &parts, steps, &["weights.bpk", "optimizer.bpk", "trained.bpk"]);
}

#[test]
fn resuming_with_more_epochs_equals_one_long_run() {
    let folder = tempfile::tempdir().unwrap();
    let (full, parts) = (folder.path().join("full"), folder.path().join("parts"));
    let outcome = run(&full, &config(4), 1, false).0.unwrap();
    run(&parts, &config(2), 1, false).0.unwrap();
    let resumed = run(&parts, &config(4), 1, true).0.unwrap();
    assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
    assert_same_bytes(&full, &parts, outcome.progress.steps, &["weights.bpk", "optimizer.bpk"]);
}

#[test]
fn a_stopped_run_saves_its_best_model() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run_until(folder.path(), &config(2), false, 2);
    let StopReason::Requested { valid_loss_nats_per_token: loss } = outcome.stop_reason else {
        panic!("{:?}", outcome.stop_reason);
    };
    assert_eq!((outcome.best.metadata.steps, outcome.best.metadata.epochs), (2, 0));
    assert_eq!(outcome.best.metadata.valid_loss_window, Some(loss));
    assert!(folder.path().join("manifest.json").exists());
}

#[test]
fn early_stopping_ends_a_run() {
    let folder = tempfile::tempdir().unwrap();
    // The updates are too small to change a 32-bit loss.
    let config = config(9).learning_rate(1e-12).early_stopping_patience(2);
    let outcome = run(folder.path(), &config, 1, false).0.unwrap();
    assert_eq!(outcome.stop_reason, StopReason::EarlyStopping);
    assert!(outcome.progress.epochs.len() < 9, "{:?}", outcome.progress.epochs);
    // The patience may change on resume.
    let without = config.early_stopping_patience(0);
    let outcome = run(folder.path(), &without, 1, true).0.unwrap();
    assert_eq!((outcome.stop_reason, outcome.progress.epochs.len()), (StopReason::Finished, 9));
}

#[test]
fn a_new_run_is_rejected_in_a_directory_with_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &config(1), 1, false).0.unwrap();
    let error = run(folder.path(), &config(1), 1, false).0.unwrap_err().to_string();
    assert!(error.contains("holds checkpoints already"), "{error}");
}

#[test]
fn the_observer_is_called_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, recorder) = run(folder.path(), &config(1), 1, false);
    outcome.unwrap();
    let lines = recorder.lines.lock().unwrap().clone();
    let steps: usize = lines.iter().filter(|line| line.starts_with("step")).count();
    assert_eq!(lines[0..3], ["plan 1-1", "saved 0", &format!("step 1.1/{steps}")]);
    assert_eq!(lines[3..5], [format!("step 1.2/{steps}"), "sample 1.2".to_string()]);
    assert_eq!(lines[lines.len() - 2..], ["epoch 1", &format!("saved {steps}")]);
}

#[test]
fn the_last_and_the_best_checkpoint_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&folder.path().join("run"), &config(1), 1, false).0.unwrap();
    let checkpoints = Checkpoints::of(&folder.path().join("made-up"));
    let optimizer = config(1).optimizer.init(kernels::KernelMode::default());
    let mut progress = outcome.progress.clone();
    progress.config.checkpoint_policy.keep_last = 1;
    let report = progress.epochs.remove(0);
    let kept = [3.0, 1.0, 2.0, 2.0, 0.5].iter().enumerate().map(|(at, &loss)| {
        let (epoch, step) = (at + 1, at as u64 + 1);
        let valid_loss_nats_per_token = loss;
        progress.epochs.push(EpochReport { epoch, step, valid_loss_nats_per_token, ..report });
        progress.steps = step;
        checkpoints.save(outcome.best.clone(), None, &optimizer, None, &progress).unwrap();
        checkpoints.steps().unwrap()
    });
    let expected = [vec![1], vec![2], vec![2, 3], vec![2, 4], vec![5]];
    assert_eq!(kept.collect::<Vec<_>>(), expected);
    // An incomplete checkpoint is not listed, and is removed on resume.
    let incomplete = folder.path().join("made-up/checkpoints/writing-00000006");
    std::fs::create_dir_all(&incomplete).unwrap();
    assert_eq!(checkpoints.steps().unwrap(), [5]);
    checkpoints.remove_incomplete(&progress).unwrap();
    assert!(!incomplete.exists());
}

#[test]
fn a_run_with_other_settings_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &config(1), 1, false).0.unwrap();
    let cases = [
        (config(2).seed(6), 1, "have changed"),
        (config(2).batch_size(8), 1, "have changed"),
        (config(2).learning_rate(0.1), 1, "have changed"),
        (config(2).optimizer(rmsprop(0.0)), 1, "have changed"),
        (config(2).clip(Clip::Value(1.0)), 1, "have changed"),
        (config(2).ema_decay(0.5), 1, "have changed"),
        (config(2).warm_up_steps(9), 1, "have changed"),
        (tbptt(2), 1, "have changed"),
        (config(2).schedule(Schedule::Cosine), 1, "depend on `train.epochs`"),
        (config(1).schedule(Schedule::Cosine), 1, "schedule"),
        (config(2), 3, "its training data differs"),
    ];
    for (config, step, expected) in cases {
        let error = run(folder.path(), &config, step, true).0.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    run(folder.path(), &config(2).sample_every(0), 1, true).0.unwrap();
}

#[test]
fn a_run_with_a_cosine_schedule_resumes_only_with_the_same_number_of_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let cosine = |epochs| config(epochs).schedule(Schedule::Cosine);
    let outcome = run(folder.path(), &cosine(2), 1, false).0.unwrap();
    let rates: Vec<f64> = outcome.progress.epochs.iter().map(|e| e.learning_rate).collect();
    assert!(rates[0] > rates[1] && rates[1] > 0.0, "{rates:?}");
    let error = run(folder.path(), &cosine(3), 1, true).0.unwrap_err().to_string();
    assert!(error.contains("depend on `train.epochs`"), "{error}");
    run(folder.path(), &cosine(2), 1, true).0.unwrap();
}

#[test]
fn an_observer_can_end_the_run() {
    struct Fails;
    impl Observer for Fails {
        fn on_step(&mut self, _step: &StepReport) -> ObserverResult {
            Err("enough".into())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let result = run_with(at, &config(1), 1, false, |job| job.observer(Fails));
    assert_eq!(result.unwrap_err().to_string(), "enough");
    assert!(!at.join("manifest.json").exists());
}
