//! A run whose loss diverges is rolled back and continues with half the learning rate.

mod common;

use common::*;
use trainer::{AdamConfig, Outcome, StopFlag, StopReason, TrainConfig, TrainMode};

#[test]
fn a_diverging_run_is_rolled_back_and_continues_with_half_the_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let policy = config(1).checkpoint_policy.every_steps(2);
    let config = config(1).warm_up_steps(0).optimizer(AdamConfig::default()).checkpoint_policy(policy);
    let too_high = config.clone().learning_rate(300.0);
    let (outcome, recorder) = run(folder.path(), &too_high, 1, false);
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("halved 3 times") && error.contains("the loss of step"), "{error}");
    let lines = recorder.lines.lock().unwrap().clone();
    // The lines of the diverged steps are gone.
    let rollback = "rollback to 0: the loss of step 2 is ";
    assert!(lines[1].starts_with(rollback) && lines[2..] == ["step 1.1/9"], "{lines:?}");

    let folder = tempfile::tempdir().unwrap();
    let high = config.clone().learning_rate(8.0);
    let outcome = run(folder.path(), &high, 1, false).0.unwrap();
    assert_eq!((outcome.stop_reason, outcome.progress.halvings), (StopReason::Finished, 2));
    assert_eq!(outcome.progress.epochs[0].learning_rate, 2.0);
    // From there on it equals a run started with a quarter of the learning rate.
    let folder = tempfile::tempdir().unwrap();
    let quarter = config.learning_rate(2.0);
    let quarter = run(folder.path(), &quarter, 1, false).0.unwrap();
    let losses = |outcome: &Outcome| outcome.progress.epochs[0].valid_loss_nats_per_token;
    assert_eq!(losses(&outcome), losses(&quarter));
}

/// A run that diverges in its third step, with a checkpoint right before and right after it.
fn diverging() -> TrainConfig {
    let policy = config(2).checkpoint_policy.every_steps(1);
    config(2).learning_rate(8.0).warm_up_steps(2).optimizer(AdamConfig::default()).checkpoint_policy(policy)
}

#[test]
fn checkpoints_of_diverged_weights_are_not_rolled_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, recorder) = run(folder.path(), &diverging(), 1, false);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.stop_reason, StopReason::Finished);
    assert!(outcome.progress.halvings > 0, "nothing diverged");
    let lines = recorder.lines.lock().unwrap().clone();
    let rollbacks: Vec<&String> = lines.iter().filter(|line| line.contains("rollback")).collect();
    // The loss of a step is that of the weights before it: those of the checkpoint one step earlier.
    for rollback in &rollbacks {
        let numbers: Vec<u64> =
            rollback.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        assert!(numbers[0] + 1 < numbers[1], "{rollback}");
    }
}

#[test]
fn the_rollback_point_depends_neither_on_stops_nor_on_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let policy = diverging().checkpoint_policy.every_steps(0);
    let by_epoch = diverging().checkpoint_policy(policy);
    let full = run(&folder.path().join("full"), &by_epoch, 1, false).0.unwrap();
    assert!(full.progress.halvings > 0, "nothing diverged");
    // A checkpoint after every step, by the clock, and stops before and after the rollback.
    let by_clock = diverging().checkpoint_policy(policy.every_minutes(1e-9));
    for stop in [1, 2, 5, 12] {
        let parts = folder.path().join(format!("parts-{stop}"));
        run_until(&parts, &by_clock, false, stop);
        let resumed = run(&parts, &by_epoch, 1, true).0.unwrap();
        assert_eq!(without_times(&resumed.progress), without_times(&full.progress), "{stop}");
        let steps = full.progress.steps;
        assert_same_bytes(&folder.path().join("full"), &parts, steps, &["weights.bpk", "optimizer.bpk"]);
    }
}

#[test]
fn a_rollback_over_the_end_of_an_epoch_or_a_pass_is_reproducible() {
    let tbptt = diverging().mode(TrainMode::Tbptt { bptt_len: 5 }).batch_size(4);
    let policy = tbptt.checkpoint_policy.every_steps(0);
    // Windows with this stride have two steps in a pass.
    for (config, steps_per_epoch, stride) in
        [(diverging(), 1, 1), (diverging(), 5, 5), (tbptt.clone(), 1, 1), (tbptt, 9, 1)]
    {
        let folder = tempfile::tempdir().unwrap();
        let by_epoch = config.steps_per_epoch(steps_per_epoch).epochs(8).checkpoint_policy(policy);
        // The lowest learning rate with which it diverges, but not too often.
        let diverges = |rate: f64| {
            let directory = folder.path().join(format!("full-{rate}"));
            let by_epoch = by_epoch.clone().learning_rate(rate);
            let full = run(&directory, &by_epoch, stride, false).0.ok()?;
            (full.progress.halvings > 0).then_some((directory, by_epoch, full))
        };
        let found = [8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0].into_iter().find_map(diverges);
        let (directory, by_epoch, full) = found.expect("it diverges with one of these rates");
        let by_clock = by_epoch.clone().checkpoint_policy(policy.every_minutes(1e-9));
        for stop in 1..=5 {
            let parts = folder.path().join(format!("parts-{stop}"));
            let flag = StopFlag::default();
            let recorder = Recorder { stop_at: Some((stop, flag.clone())), ..Recorder::default() };
            run_with(&parts, &by_clock, stride, false, |job| job.stop_flag(flag).observer(recorder)).unwrap();
            let resumed = run(&parts, &by_epoch, stride, true).0.unwrap();
            assert_eq!(without_times(&resumed.progress), without_times(&full.progress), "{stop}");
            let steps = full.progress.steps;
            assert_same_bytes(&directory, &parts, steps, &["weights.bpk", "optimizer.bpk"]);
        }
    }
}
