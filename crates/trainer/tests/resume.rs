//! A run that is kept, stopped and gone on with is the run that it would have been.

mod common;

use std::path::Path;

use common::*;
use trainer::{
    Checkpoints, Clip, Ended, EpochReport, Heard, Keeping, Observer, Schedule, StepReport, Stop,
    TrainConfig,
};
#[test]
fn parts_of_a_run_are_the_whole_bit_for_bit_wherever_it_stops() {
    for (config, files) in [
        (config(2), &["weights.bpk", "optimizer.bpk"][..]),
        (every_step(3), &["weights.bpk", "optimizer.bpk", "trained.bpk"][..]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        let outcome = run(&whole, &config, 1, false).0.unwrap();
        assert_eq!(outcome.ended, Ended::Finished);
        let (steps, epoch) = (outcome.progress.steps, outcome.progress.steps_per_epoch);
        assert_eq!(steps, epoch * config.epochs as u64);
        let first = outcome.progress.epochs.first().unwrap().train_loss_nats_per_token;
        let last = outcome.progress.epochs.last().unwrap().train_loss_nats_per_token;
        assert!(last < first, "nothing was learned");

        // After the first step, within an epoch, just before, at and after an epoch's end.
        for stop in [1, epoch / 2, epoch - 1, epoch, epoch + 1, steps - 1] {
            let parts = folder.path().join(format!("parts-{stop}"));
            let part = stopped(&parts, &config, false, stop);
            assert!(matches!(part.ended, Ended::Stopped { .. }), "{:?}", part.ended);
            assert_eq!(part.progress.steps, stop);
            let resumed = run(&parts, &config, 1, true).0.unwrap();
            assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
            same_bytes(&whole, &parts, steps, files);
            let file = |run: &Path| std::fs::read(run.join("weights.bpk")).unwrap();
            assert!(file(&whole) == file(&parts), "the model differs after a stop at {stop}");
        }
    }
}

#[test]
fn many_short_sittings_are_one_long_run() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let config =
        TrainConfig { keeping: Keeping { every_steps: 2, ..config(1).keeping }, ..every_step(2) };
    let outcome = run(&whole, &config, 1, false).0.unwrap();
    let steps = outcome.progress.steps;
    for step in 1..steps {
        stopped(&parts, &config, step > 1, step);
    }
    let resumed = run(&parts, &config, 1, true).0.unwrap();
    assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
    same_bytes(&whole, &parts, steps, &["weights.bpk", "optimizer.bpk", "trained.bpk"]);
}

#[test]
fn two_epochs_and_two_more_are_four() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let outcome = run(&whole, &config(4), 1, false).0.unwrap();
    run(&parts, &config(2), 1, false).0.unwrap();
    let resumed = run(&parts, &config(4), 1, true).0.unwrap();
    assert_eq!(without_times(&resumed.progress), without_times(&outcome.progress));
    same_bytes(&whole, &parts, outcome.progress.steps, &["weights.bpk", "optimizer.bpk"]);
}

#[test]
fn a_run_that_stops_early_leaves_the_best_model_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = stopped(folder.path(), &config(2), false, 2);
    let Ended::Stopped { valid_loss_nats_per_token: loss } = outcome.ended else {
        panic!("{:?}", outcome.ended);
    };
    assert_eq!((outcome.best.about.steps, outcome.best.about.epochs), (2, 0));
    assert_eq!(outcome.best.about.valid_loss_window, Some(loss));
    assert!(folder.path().join("manifest.json").exists());
}

#[test]
fn a_run_ends_when_it_has_lost_patience() {
    let folder = tempfile::tempdir().unwrap();
    // So small a step changes no 32-bit loss.
    let config = TrainConfig { learning_rate: 1e-12, patience: 2, ..config(9) };
    let outcome = run(folder.path(), &config, 1, false).0.unwrap();
    assert_eq!(outcome.ended, Ended::LostPatience);
    assert!(outcome.progress.epochs.len() < 9, "{:?}", outcome.progress.epochs);
    // More patience is a change that a run bears.
    let patient = TrainConfig { patience: 0, ..config };
    let outcome = run(folder.path(), &patient, 1, true).0.unwrap();
    assert_eq!((outcome.ended, outcome.progress.epochs.len()), (Ended::Finished, 9));
}

#[test]
fn a_fresh_run_does_not_begin_where_another_one_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &config(1), 1, false).0.unwrap();
    let error = run(folder.path(), &config(1), 1, false).0.unwrap_err().to_string();
    assert!(error.contains("holds checkpoints already"), "{error}");
}

#[test]
fn the_observer_hears_everything_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, notes) = run(folder.path(), &config(1), 1, false);
    outcome.unwrap();
    let notes = notes.lines.lock().unwrap().clone();
    let steps: usize = notes.iter().filter(|note| note.starts_with("step")).count();
    assert_eq!(notes[0..3], ["plan 1-1", "saved 0", &format!("step 1.1/{steps}")]);
    assert_eq!(notes[3..5], [format!("step 1.2/{steps}"), "look 1.2".to_string()]);
    assert_eq!(notes[notes.len() - 2..], ["epoch 1", &format!("saved {steps}")]);
}

#[test]
fn the_last_and_the_best_checkpoint_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&folder.path().join("run"), &config(1), 1, false).0.unwrap();
    let checkpoints = Checkpoints::of(&folder.path().join("made up"));
    let optimizer = config(1).optimizer.init();
    let mut progress = outcome.progress.clone();
    progress.config.keeping.last = 1;
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
    // What an interrupted save leaves behind is no checkpoint, and goes when the run goes on.
    let left = folder.path().join("made up/checkpoints/writing-00000006");
    std::fs::create_dir_all(&left).unwrap();
    assert_eq!(checkpoints.steps().unwrap(), [5]);
    checkpoints.sweep(&progress).unwrap();
    assert!(!left.exists());
}

#[test]
fn a_run_with_other_numbers_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &config(1), 1, false).0.unwrap();
    let cases = [
        (TrainConfig { seed: 6, ..config(2) }, 1, "have changed"),
        (TrainConfig { batch_size: 8, ..config(2) }, 1, "have changed"),
        (TrainConfig { learning_rate: 0.1, ..config(2) }, 1, "have changed"),
        (TrainConfig { optimizer: rmsprop(0.0), ..config(2) }, 1, "have changed"),
        (TrainConfig { clip: Some(Clip::Value(1.0)), ..config(2) }, 1, "have changed"),
        (TrainConfig { averaging: 0.5, ..config(2) }, 1, "have changed"),
        (TrainConfig { warm_up_steps: 9, ..config(2) }, 1, "have changed"),
        (every_step(2), 1, "have changed"),
        (TrainConfig { schedule: Schedule::Cosine, ..config(2) }, 1, "depend on `train.epochs`"),
        (TrainConfig { schedule: Schedule::Cosine, ..config(1) }, 1, "schedule"),
        (config(2), 3, "what it learns from is another"),
    ];
    for (config, step, expected) in cases {
        let error = run(folder.path(), &config, step, true).0.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    run(folder.path(), &TrainConfig { look_every: 0, ..config(2) }, 1, true).0.unwrap();
}

#[test]
fn a_cosine_goes_on_only_to_the_end_it_began_for() {
    let folder = tempfile::tempdir().unwrap();
    let cosine = |epochs| TrainConfig { schedule: Schedule::Cosine, ..config(epochs) };
    let outcome = run(folder.path(), &cosine(2), 1, false).0.unwrap();
    let rates: Vec<f64> = outcome.progress.epochs.iter().map(|e| e.learning_rate).collect();
    assert!(rates[0] > rates[1] && rates[1] > 0.0, "{rates:?}");
    let error = run(folder.path(), &cosine(3), 1, true).0.unwrap_err().to_string();
    assert!(error.contains("depend on `train.epochs`"), "{error}");
    run(folder.path(), &cosine(2), 1, true).0.unwrap();
}

#[test]
fn an_observer_can_end_the_run() {
    struct Refuses;
    impl Observer for Refuses {
        fn stepped(&mut self, _step: &StepReport) -> Heard {
            Err("enough".into())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let ended = run_with(at, &config(1), 1, false, Stop::default(), Box::new(Refuses));
    assert_eq!(ended.unwrap_err().to_string(), "enough");
    assert!(!at.join("manifest.json").exists());
}
