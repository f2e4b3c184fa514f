//! Checkpoints hold what a run needs to go on, and only the right run goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use models::{About, CellKind, LanguageModel, LanguageModelConfig, LayerConfig};
use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use text_prep::{Cleaner, Rare, Splitter, Words};
use trainer::{
    AdamConfig, Checkpoints, Clip, EpochReport, Heard, Identity, Method, Observer, OptimizerConfig,
    Outcome, Plan, Result, RmspropConfig, Schedule, Start, StepReport, TrainConfig, train,
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
        optimizer: rmsprop(0.5),
        clip: None,
        look_every: 2,
    }
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, line: String) -> Heard {
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

impl Observer for Notes {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.add(format!("plan {}-{}", plan.first_epoch, plan.epochs))
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        self.add(format!("step {}.{}/{}", step.epoch, step.step, step.steps))
    }

    fn look(&mut self, step: &StepReport, _model: &LanguageModel) -> Heard {
        self.add(format!("look {}.{}", step.epoch, step.step))
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, _model: &LanguageModel) -> Heard {
        self.add(format!("epoch {}", epoch.epoch))
    }
}

fn run(at: &Path, config: &TrainConfig, step: usize, resume: bool) -> (Result<Outcome>, Notes) {
    let prepared = prepared(step);
    let layer = LayerConfig { recurrent_dropout: 0.2, ..LayerConfig::new(CellKind::Lstm, 6) };
    let model = LanguageModelConfig {
        dropout: 0.3,
        layer_dropout: 0.2,
        embedding_dropout: 0.1,
        locked_dropout: true,
        ..LanguageModelConfig::new(prepared.tokenizer.vocabulary.len(), 4, vec![layer; 2])
    };
    let device = Device::flex();
    let start = match resume {
        true => Start::Resume,
        false => Start::Fresh(Box::new(model.init(config.seed, &device).unwrap())),
    };
    let about = About {
        model,
        window: 4,
        seed: config.seed,
        epochs: 0,
        valid_loss_window: None,
        valid_loss_carried: None,
        valid_sha256: prepared.valid_sha256(),
    };
    let tokenizer = prepared.tokenizer.clone();
    let identity = Identity { tokenizer, about, extra: BTreeMap::new() };
    let notes = Notes::default();
    let observer = Box::new(notes.clone());
    (train(&prepared, config, identity, at, start, &device, observer), notes)
}

#[test]
fn two_epochs_and_two_more_are_four_bit_for_bit() {
    for config in [config, every_step] {
        parts_equal_the_whole(config);
    }
}

fn parts_equal_the_whole(config: fn(usize) -> TrainConfig) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let outcome = run(&whole, &config(4), 1, false).0.unwrap();
    run(&parts, &config(2), 1, false).0.unwrap();
    let resumed = run(&parts, &config(4), 1, true).0.unwrap();
    let losses = |outcome: &Outcome| -> Vec<(f64, f64)> {
        let epochs = outcome.progress.epochs.iter();
        epochs.map(|e| (e.train_loss_nats_per_token, e.valid_loss_nats_per_token)).collect()
    };
    assert_eq!(losses(&outcome), losses(&resumed));
    let read =
        |run: &Path| std::fs::read(Checkpoints::of(run).path(4).join("weights.bpk")).unwrap();
    assert_eq!(read(&whole), read(&parts));
    let first = losses(&outcome)[0].0;
    assert!(losses(&outcome)[3].0 < first, "nothing was learned");
}

#[test]
fn the_observer_hears_everything_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, notes) = run(folder.path(), &config(1), 1, false);
    outcome.unwrap();
    let notes = notes.0.lock().unwrap().clone();
    let steps: usize = notes.iter().filter(|note| note.starts_with("step")).count();
    assert_eq!(notes[0], "plan 1-1");
    assert_eq!(notes[1], format!("step 1.1/{steps}"));
    assert_eq!(notes[2..4], [format!("step 1.2/{steps}"), "look 1.2".to_string()]);
    assert_eq!(notes.last().unwrap(), "epoch 1");
}

#[test]
fn the_last_and_the_best_checkpoint_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&folder.path().join("run"), &config(1), 1, false).0.unwrap();
    let checkpoints = Checkpoints::of(&folder.path().join("made up"));
    let optimizer = config(1).optimizer.init();
    let mut progress = outcome.progress.clone();
    let report = progress.epochs.remove(0);
    let kept = [3.0, 1.0, 2.0, 2.0, 0.5].iter().enumerate().map(|(at, &loss)| {
        let epoch = at + 1;
        progress.epochs.push(EpochReport { epoch, valid_loss_nats_per_token: loss, ..report });
        checkpoints.save(outcome.best.clone(), &optimizer, &progress).unwrap();
        checkpoints.epochs().unwrap()
    });
    let expected = [vec![1], vec![2], vec![2, 3], vec![2, 4], vec![5]];
    assert_eq!(kept.collect::<Vec<_>>(), expected);
    // What an interrupted save leaves behind is no checkpoint.
    std::fs::create_dir_all(folder.path().join("made up/checkpoints/writing-0006")).unwrap();
    assert_eq!(checkpoints.epochs().unwrap(), [5]);
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
    let prepared = prepared(1);
    let (first, _) = run(&folder.path().join("first"), &config(1), 1, false);
    let about = first.unwrap().best.about;
    let tokenizer = prepared.tokenizer.clone();
    let identity = Identity { tokenizer, about, extra: BTreeMap::new() };
    let at = folder.path().join("second");
    let device = Device::flex();
    let start = Start::Fresh(Box::new(identity.about.model.init(1, &device).unwrap()));
    let ended = train(&prepared, &config(1), identity, &at, start, &device, Box::new(Refuses));
    assert_eq!(ended.unwrap_err().to_string(), "enough");
    assert!(!at.join("manifest.json").exists());
}
