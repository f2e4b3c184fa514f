//! A run that is stopped and resumed equals an uninterrupted run, bit for bit.

#[path = "resume/adaptive_softmax.rs"]
mod adaptive_softmax;
#[path = "resume/averaged_sgd.rs"]
mod averaged_sgd;
#[path = "resume/checkpoint_parts.rs"]
mod checkpoint_parts;
mod common;
#[path = "resume/documents.rs"]
mod documents;
#[path = "resume/shards.rs"]
mod shards;
#[path = "resume/steps_per_epoch.rs"]
mod steps_per_epoch;
#[path = "resume/valid_streams.rs"]
mod valid_streams;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::*;
use kernels::has_bf16_instruction;
use models::LanguageModel;
use trainer::{
    Checkpoints, Clip, EpochReport, Observer, ObserverResult, Phase, Schedule, StepReport, StopFlag, StopReason,
    TrainPrecision,
};

#[test]
fn a_run_stopped_at_any_step_and_resumed_is_bit_identical() {
    let mut cases = vec![
        (config(2), &["weights.bpk", "optimizer.bpk"][..]),
        (tbptt(3), &["weights.bpk", "optimizer.bpk", "trained.bpk"][..]),
    ];
    if has_bf16_instruction() {
        cases.push((config(2).precision(TrainPrecision::Bf16), &["weights.bpk", "optimizer.bpk"][..]));
    }
    for (config, files) in cases {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        let outcome = run(&full, &config, 1, false).0.unwrap();
        assert_eq!(outcome.stop_reason, StopReason::Finished);
        let (steps, epoch) = (outcome.progress.steps, outcome.progress.steps_per_epoch());
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

/// Where a run is asked to stop after the last step of its second epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
enum StopIn {
    LastStep,
    Validation,
    Samples,
}

/// Requests a stop there.
struct StopAt {
    place: StopIn,
    /// The last step of the second epoch.
    step: u64,
    validations: usize,
    stop: StopFlag,
}

impl StopAt {
    fn request_if(&self, is_here: bool, place: StopIn) -> ObserverResult {
        if is_here && self.place == place {
            self.stop.request();
        }
        Ok(())
    }
}

impl Observer for StopAt {
    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        self.request_if(step.step_of_run == self.step, StopIn::LastStep)
    }

    fn on_phase(&mut self, phase: Phase) -> ObserverResult {
        self.validations += usize::from(phase == Phase::Validating);
        self.request_if(phase == Phase::Validating && self.validations == 2, StopIn::Validation)
    }

    fn before_epoch_end(&mut self, steps: u64, _model: &LanguageModel) -> ObserverResult {
        self.request_if(steps == self.step, StopIn::Samples)
    }
}

#[test]
fn a_validation_and_samples_that_a_stop_cuts_off_are_repeated_by_the_resumed_run() {
    for config in [config(3), tbptt(3)] {
        let folder = tempfile::tempdir().unwrap();
        let full = folder.path().join("full");
        let outcome = run(&full, &config, 1, false).0.unwrap();
        let epoch = outcome.progress.steps_per_epoch();
        for place in [StopIn::LastStep, StopIn::Validation, StopIn::Samples] {
            let parts = folder.path().join(format!("{place:?}"));
            let stop = StopFlag::default();
            let observer = StopAt { place, step: 2 * epoch, validations: 0, stop: stop.clone() };
            let part = run_with(&parts, &config, 1, false, |job| {
                job.stop_flag(stop).stop_timeout(Duration::ZERO).observer(observer)
            });
            let part = part.unwrap();
            let StopReason::Requested { valid_loss_nats_per_token: loss } = part.stop_reason else {
                panic!("{place:?}: {:?}", part.stop_reason);
            };
            assert_eq!(loss.is_some(), place == StopIn::Samples, "{place:?}");
            assert_eq!((part.progress.steps, part.progress.epochs.len()), (2 * epoch, 1), "{place:?}");
            // The second epoch has no loss yet, or a lower one.
            assert_eq!(part.best.metadata.steps, if loss.is_some() { 2 * epoch } else { epoch }, "{place:?}");
            let resumed = run(&parts, &config, 1, true).0.unwrap();
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
            let steps = outcome.progress.steps;
            assert_same_bytes(&full, &parts, steps, &["weights.bpk", "optimizer.bpk"]);
            let file = |run: &Path| std::fs::read(run.join("weights.bpk")).unwrap();
            assert!(file(&full) == file(&parts), "the model differs after a stop in {place:?}");
        }
    }
}

#[test]
fn a_run_that_is_stopped_before_its_first_validation_saves_a_model_without_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let stop = StopFlag::default();
    let recorder = Recorder { stop_at: Some((2, stop.clone())), ..Recorder::default() };
    let outcome = run_with(folder.path(), &config(2), 1, false, |job| {
        job.stop_flag(stop).stop_timeout(Duration::ZERO).observer(recorder)
    });
    let outcome = outcome.unwrap();
    assert_eq!(outcome.stop_reason, StopReason::Requested { valid_loss_nats_per_token: None });
    assert_eq!((outcome.best.metadata.steps, outcome.best.metadata.valid_loss()), (2, None));
    assert!(folder.path().join("manifest.json").exists());
}

#[cfg(unix)]
#[test]
fn a_run_whose_directory_is_moved_or_deleted_ends_and_writes_nothing_more() {
    /// Calls a function after the second step.
    struct Then<F>(F);

    impl<F: FnMut() + Send> Observer for Then<F> {
        fn on_step(&mut self, step: &StepReport) -> ObserverResult {
            if step.step_of_run == 2 {
                (self.0)();
            }
            Ok(())
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let (at, moved) = (folder.path().join("run"), folder.path().join("moved"));
    let (from, to) = (at.clone(), moved.clone());
    let train = |then: Then<Box<dyn FnMut() + Send>>| {
        std::fs::create_dir(&at).unwrap();
        let lock = durable::Lock::acquire(&at).unwrap();
        let error = run_with(&at, &config(2), 1, false, |job| job.lock(lock).observer(then)).unwrap_err().to_string();
        assert!(error.contains("was deleted, moved or replaced"), "{error}");
        assert!(!at.exists());
    };
    train(Then(Box::new(move || std::fs::rename(&from, &to).unwrap())));
    // The moved run can be resumed.
    let outcome = run(&moved, &config(2), 1, true).0.unwrap();
    assert_eq!(outcome.stop_reason, StopReason::Finished);
    let gone = at.clone();
    train(Then(Box::new(move || std::fs::remove_dir_all(&gone).unwrap())));
}

#[test]
fn the_announced_time_includes_the_validation() {
    #[derive(Clone, Default)]
    struct Times(Arc<Mutex<Vec<f64>>>);

    impl Observer for Times {
        fn on_estimate(&mut self, seconds_per_epoch: f64) -> ObserverResult {
            self.0.lock().unwrap().push(seconds_per_epoch);
            Ok(())
        }

        fn on_step(&mut self, step: &StepReport) -> ObserverResult {
            self.0.lock().unwrap().push(step.validation_seconds);
            Ok(())
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let times = Times::default();
    run_with(folder.path(), &config(1), 1, false, |job| job.observer(times.clone())).unwrap();
    let times = times.0.lock().unwrap().clone();
    assert!(times[0] > times[1] && times[1] > 0.0, "{times:?}");
    let step = StepReport {
        epoch: 1,
        step: 2,
        steps: 5,
        step_of_run: 2,
        step_loss_nats_per_token: 1.0,
        loss_nats_per_token: 1.0,
        learning_rate: 0.1,
        seconds: 4.0,
        tokens_per_second: 1.0,
        validation_seconds: 3.0,
    };
    assert_eq!(step.seconds_left_in_epoch(), 3.0 * 2.0 + 3.0);
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
    assert_eq!(outcome.best.metadata.valid_loss_window, loss);
    assert!(loss.is_some());
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
    std::fs::create_dir(folder.path().join("made-up")).unwrap();
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
