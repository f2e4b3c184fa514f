//! A run whose loss explodes goes back to where it was good, and goes on more carefully.

mod common;

use common::*;
use trainer::{AdamConfig, Ended, Keeping, OptimizerConfig, Outcome, TrainConfig};

#[test]
fn an_exploding_run_goes_back_and_goes_on_with_half_the_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let adam = OptimizerConfig::Adam(AdamConfig::default());
    let keeping = Keeping { every_steps: 2, ..config(1).keeping };
    let wild = TrainConfig {
        learning_rate: 300.0,
        warm_up_steps: 0,
        optimizer: adam,
        keeping,
        ..config(1)
    };
    let (outcome, notes) = run(folder.path(), &wild, 1, false);
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("halved 3 times") && error.contains("the loss of step"), "{error}");
    let notes = notes.lines.lock().unwrap().clone();
    // Of the steps that went wrong nothing is left.
    let back = "retreat to 0: the loss of step 2 is ";
    assert!(notes[1].starts_with(back) && notes[2..] == ["step 1.1/9"], "{notes:?}");

    let folder = tempfile::tempdir().unwrap();
    let bold = TrainConfig { learning_rate: 8.0, ..wild };
    let outcome = run(folder.path(), &bold, 1, false).0.unwrap();
    assert_eq!((outcome.ended, outcome.progress.halvings), (Ended::Finished, 2));
    assert_eq!(outcome.progress.epochs[0].learning_rate, 2.0);
    // From there on it is the run that began with a quarter of the learning rate.
    let folder = tempfile::tempdir().unwrap();
    let tame = TrainConfig { learning_rate: 2.0, ..bold };
    let tame = run(folder.path(), &tame, 1, false).0.unwrap();
    let losses = |outcome: &Outcome| outcome.progress.epochs[0].valid_loss_nats_per_token;
    assert_eq!(losses(&outcome), losses(&tame));
}

/// A run that explodes in its third step, once a checkpoint lies right before and right after.
fn bold() -> TrainConfig {
    TrainConfig {
        learning_rate: 8.0,
        warm_up_steps: 2,
        optimizer: OptimizerConfig::Adam(AdamConfig::default()),
        keeping: Keeping { every_steps: 1, ..config(2).keeping },
        ..config(2)
    }
}

#[test]
fn weights_that_had_exploded_when_they_were_kept_are_not_gone_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, notes) = run(folder.path(), &bold(), 1, false);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.ended, Ended::Finished);
    assert!(outcome.progress.halvings > 0, "nothing exploded");
    let notes = notes.lines.lock().unwrap().clone();
    let retreats: Vec<&String> = notes.iter().filter(|note| note.contains("retreat")).collect();
    // The loss of a step is that of the weights before it: those of the checkpoint one step earlier.
    for retreat in &retreats {
        let numbers: Vec<u64> = retreat
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        assert!(numbers[0] + 1 < numbers[1], "{retreat}");
    }
}

#[test]
fn where_a_run_goes_back_to_depends_neither_on_stops_nor_on_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let wild = TrainConfig { keeping: Keeping { every_steps: 0, ..bold().keeping }, ..bold() };
    let whole = run(&folder.path().join("whole"), &wild, 1, false).0.unwrap();
    assert!(whole.progress.halvings > 0, "nothing exploded");
    // A checkpoint after every step, by the clock, and stops before and after the retreat.
    let keeping = Keeping { every_minutes: 1e-9, ..wild.keeping };
    let clocked = TrainConfig { keeping, ..wild.clone() };
    for stop in [1, 2, 5, 12] {
        let parts = folder.path().join(format!("parts-{stop}"));
        stopped(&parts, &clocked, false, stop);
        let resumed = run(&parts, &wild, 1, true).0.unwrap();
        assert_eq!(without_times(&resumed.progress), without_times(&whole.progress), "{stop}");
        let steps = whole.progress.steps;
        same_bytes(&folder.path().join("whole"), &parts, steps, &["weights.bpk", "optimizer.bpk"]);
    }
}
