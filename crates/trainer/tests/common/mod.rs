//! A small text, a small model, a run and those who listen to it. Not every test file uses all of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use models::{About, CellKind, LanguageModel, LanguageModelConfig, LayerConfig};
use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use text_prep::{Cleaner, Rare, Splitter, Words};
use trainer::{
    AdamConfig, Checkpoints, Clip, EpochReport, Heard, Identity, Job, Keeping, Marks, Method,
    Observer, OptimizerConfig, Outcome, Plan, Progress, Result, Retreat, RmspropConfig, Schedule,
    Start, StepReport, Stop, TrainConfig, train,
};

pub fn prepared(step: usize) -> Prepared {
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

pub fn rmsprop(momentum: f64) -> OptimizerConfig {
    let config = RmspropConfig { momentum, centered: true, ..RmspropConfig::default() };
    OptimizerConfig::Rmsprop(config)
}

/// Streams, Adam and clipping in the place of windows and RMSprop.
pub fn every_step(epochs: usize) -> TrainConfig {
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

pub fn config(epochs: usize) -> TrainConfig {
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
pub struct Notes {
    pub lines: Arc<Mutex<Vec<String>>>,
    /// Ask for a stop after this step of the run.
    pub stop_at: Option<(u64, Stop)>,
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
pub fn surroundings(config: &TrainConfig, step: usize) -> (Prepared, Identity, LanguageModel) {
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

pub fn run_with(
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
    let job = Job { data: &prepared, config, identity, run: at, device: &device, stop };
    train(job, start, observer)
}

pub fn run(at: &Path, config: &TrainConfig, step: usize, resume: bool) -> (Result<Outcome>, Notes) {
    let notes = Notes::default();
    let observer = Box::new(notes.clone());
    (run_with(at, config, step, resume, Stop::default(), observer), notes)
}

/// Begins or goes on, and stops after step `at_step`.
pub fn stopped(at: &Path, config: &TrainConfig, resume: bool, at_step: u64) -> Outcome {
    let stop = Stop::default();
    let notes = Notes { stop_at: Some((at_step, stop.clone())), ..Notes::default() };
    run_with(at, config, 1, resume, stop, Box::new(notes)).unwrap()
}

/// All that a run came to, but for times and for what its observer noted.
pub fn without_times(progress: &Progress) -> Progress {
    let mut progress = progress.clone();
    progress.pass.seconds = 0.0;
    progress.marks.clear();
    for report in &mut progress.epochs {
        (report.seconds, report.tokens_per_second) = (0.0, 0.0);
    }
    progress
}

pub fn same_bytes(one: &Path, other: &Path, steps: u64, files: &[&str]) {
    for file in files {
        let read = |run: &Path| std::fs::read(Checkpoints::of(run).path(steps).join(file)).unwrap();
        assert!(read(one) == read(other), "{file} differs after step {steps}");
    }
}
