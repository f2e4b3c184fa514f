//! A run that is kept, stopped, gone on with or driven back is the run that it would have been.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use models::{About, CellKind, LanguageModel, LanguageModelConfig, LayerConfig};
use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use text_prep::{Cleaner, Rare, Splitter, Words};
use trainer::{
    AdamConfig, Checkpoints, Clip, Ended, EpochReport, Heard, Identity, Job, Keeping, Marks,
    Method, Observer, OptimizerConfig, Outcome, Plan, Progress, Result, Retreat, RmspropConfig,
    Schedule, Start, StepReport, Stop, TrainConfig, train,
};

fn prepared(step: usize) -> Prepared {
    let text = "the fox saw the crow, and the crow saw the fox. ".repeat(12);
    let recipe = Recipe {
        cleaner: Cleaner::preset("book").unwrap(),
        splitter: Splitter::Words(Words::default()),
        story_mark: None,
        counted_on: CountedOn::WholeText,
        min_count: 1,
        rare: Rare::Unknown,
        fractions: Fractions { valid: 0.2, test: 0.0 },
        length: 4,
        step,
    };
    Prepared::new(&text, recipe).unwrap()
}

fn rmsprop(momentum: f64) -> OptimizerConfig {
    let config = RmspropConfig { momentum, centered: true, ..RmspropConfig::default() };
    OptimizerConfig::Rmsprop(config)
}

/// Streams, Adam and clipping in the place of windows and RMSprop.
fn every_step(epochs: usize) -> TrainConfig {
    TrainConfig {
        method: Method::EveryStep { length: 5 },
        batch_size: 4,
        optimizer: OptimizerConfig::Adam(AdamConfig::default()),
        clip: Some(Clip::GlobalNorm(1.0)),
        averaging: 0.9,
        schedule: Schedule::Plateau { patience: 1, factor: 0.5 },
        ..config(epochs)
    }
}

fn config(epochs: usize) -> TrainConfig {
    TrainConfig {
        seed: 5,
        epochs,
        method: Method::Windows,
        batch_size: 16,
        learning_rate: 0.01,
        schedule: Schedule::Constant,
        warm_up_steps: 3,
        optimizer: rmsprop(0.5),
        clip: None,
        averaging: 0.0,
        patience: 0,
        look_every: 2,
        keeping: Keeping { every_steps: 0, every_minutes: 0.0, last: 2 },
    }
}

#[derive(Clone, Default)]
struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
    /// Ask for a stop after this step of the run.
    stop_at: Option<(u64, Stop)>,
}

impl Notes {
    fn add(&self, line: String) -> Heard {
        self.lines.lock().unwrap().push(line);
        Ok(())
    }
}

impl Observer for Notes {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.add(format!("plan {}-{}", plan.first_epoch, plan.epochs))
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        if let Some((at, stop)) = &self.stop_at
            && *at == step.step_of_run
        {
            stop.ask();
        }
        self.add(format!("step {}.{}/{}", step.epoch, step.step, step.steps))
    }

    fn look(&mut self, step: &StepReport, _model: &LanguageModel) -> Heard {
        self.add(format!("look {}.{}", step.epoch, step.step))
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, _model: &LanguageModel) -> Heard {
        self.add(format!("epoch {}", epoch.epoch))
    }

    fn saving(&mut self, marks: &mut Marks) -> Heard {
        marks.insert("notes".into(), self.lines.lock().unwrap().len() as u64);
        Ok(())
    }

    fn saved(&mut self, steps: u64) -> Heard {
        self.add(format!("saved {steps}"))
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        self.lines.lock().unwrap().truncate(retreat.marks["notes"] as usize);
        self.add(format!("retreat to {}: {}", retreat.step, retreat.reason))
    }
}

/// A run's surroundings, and a model to begin with.
fn surroundings(config: &TrainConfig, step: usize) -> (Prepared, Identity, LanguageModel) {
    let prepared = prepared(step);
    let layer = LayerConfig { recurrent_dropout: 0.2, ..LayerConfig::new(CellKind::Lstm, 6) };
    let model = LanguageModelConfig {
        dropout: 0.3,
        layer_dropout: 0.2,
        embedding_dropout: 0.1,
        locked_dropout: true,
        ..LanguageModelConfig::new(prepared.tokenizer.vocabulary.len(), 4, vec![layer; 2])
    };
    let fresh = model.init(config.seed, &Device::flex()).unwrap();
    let about = About::new(model, 4, config.seed, prepared.valid_sha256());
    let tokenizer = prepared.tokenizer.clone();
    let identity = Identity { tokenizer, about, extra: BTreeMap::new() };
    (prepared, identity, fresh)
}

fn run_with(
    at: &Path,
    config: &TrainConfig,
    step: usize,
    resume: bool,
    stop: Stop,
    observer: Box<dyn Observer>,
) -> Result<Outcome> {
    let (prepared, identity, fresh) = surroundings(config, step);
    let device = Device::flex();
    let start = match resume {
        true => Start::Resume,
        false => Start::Fresh(Box::new(fresh)),
    };
    let job = Job { prepared: &prepared, config, identity, run: at, device: &device, stop };
    train(job, start, observer)
}

fn run(at: &Path, config: &TrainConfig, step: usize, resume: bool) -> (Result<Outcome>, Notes) {
    let notes = Notes::default();
    let observer = Box::new(notes.clone());
    (run_with(at, config, step, resume, Stop::default(), observer), notes)
}

/// Begins or goes on, and stops after step `at_step`.
fn stopped(at: &Path, config: &TrainConfig, resume: bool, at_step: u64) -> Outcome {
    let stop = Stop::default();
    let notes = Notes { stop_at: Some((at_step, stop.clone())), ..Notes::default() };
    run_with(at, config, 1, resume, stop, Box::new(notes)).unwrap()
}

/// All that a run came to, but for times and for what its observer noted.
fn without_times(progress: &Progress) -> Progress {
    let mut progress = progress.clone();
    progress.pass.seconds = 0.0;
    progress.marks.clear();
    for report in &mut progress.epochs {
        (report.seconds, report.tokens_per_second) = (0.0, 0.0);
    }
    progress
}

fn same_bytes(one: &Path, other: &Path, steps: u64, files: &[&str]) {
    for file in files {
        let read = |run: &Path| std::fs::read(Checkpoints::of(run).path(steps).join(file)).unwrap();
        assert!(read(one) == read(other), "{file} differs after step {steps}");
    }
}

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
        (config(2), 3, "training windows"),
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
