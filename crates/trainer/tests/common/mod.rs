//! Helpers: a small dataset, a small model, runs and a recording observer. Not every test file uses all of them.
#![allow(dead_code)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use models::{LanguageModel, LanguageModelConfig, LayerConfig, LmMetadata};
use seqdata::{TextDataset, VocabSource};
use text_prep::Cleaner;
use trainer::{
    AdamConfig, CheckpointPolicy, Checkpoints, Clip, EpochReport, FileOffsets, Job, Observer, ObserverResult,
    OptimizerConfig, Outcome, Plan, Progress, Result, RmspropConfig, Rollback, RunIdentity, Schedule, StartFrom,
    StepReport, StopFlag, TrainConfig, TrainMode, train,
};

pub fn dataset(stride: usize) -> TextDataset {
    let text = "the fox saw the crow, and the crow saw the fox. ".repeat(12);
    TextDataset::from_text(text)
        .words()
        .cleaner(Cleaner::preset("keras-lowercase").unwrap())
        .vocab_source(VocabSource::WholeText)
        .split(0.2, 0.0)
        .context_len(4)
        .stride(stride)
        .build()
        .unwrap()
}

pub fn rmsprop(momentum: f64) -> OptimizerConfig {
    RmspropConfig::default().momentum(momentum).centered(true).into()
}

/// Streams, Adam, clipping and averaging instead of windows and RMSprop.
pub fn tbptt(epochs: usize) -> TrainConfig {
    config(epochs)
        .mode(TrainMode::Tbptt { bptt_len: 5 })
        .batch_size(4)
        .optimizer(AdamConfig::default())
        .clip(Clip::GlobalNorm(1.0))
        .ema_decay(0.9)
        .schedule(Schedule::Plateau { patience: 1, factor: 0.5 })
}

pub fn config(epochs: usize) -> TrainConfig {
    TrainConfig::default()
        .seed(5)
        .epochs(epochs)
        .batch_size(16)
        .learning_rate(0.01)
        .warm_up_steps(3)
        .optimizer(rmsprop(0.5))
        .sample_every(2)
        .checkpoint_policy(CheckpointPolicy::default().every_minutes(0.0))
}

#[derive(Clone, Default)]
/// Records every call as a line.
pub struct Recorder {
    pub lines: Arc<Mutex<Vec<String>>>,
    /// Request a stop after this step of the run.
    pub stop_at: Option<(u64, StopFlag)>,
}

impl Recorder {
    fn add(&self, line: String) -> ObserverResult {
        self.lines.lock().unwrap().push(line);
        Ok(())
    }
}

impl Observer for Recorder {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        self.add(format!("plan {}-{}", plan.first_epoch, plan.epochs))
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if let Some((at, stop)) = &self.stop_at
            && *at == step.step_of_run
        {
            stop.request();
        }
        self.add(format!("step {}.{}/{}", step.epoch, step.step, step.steps))
    }

    fn on_sample(&mut self, step: &StepReport, _model: &LanguageModel) -> ObserverResult {
        self.add(format!("sample {}.{}", step.epoch, step.step))
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, _model: &LanguageModel) -> ObserverResult {
        self.add(format!("epoch {}", epoch.epoch))
    }

    fn before_checkpoint(&mut self, file_offsets: &mut FileOffsets) -> ObserverResult {
        file_offsets.insert("lines".into(), self.lines.lock().unwrap().len() as u64);
        Ok(())
    }

    fn on_checkpoint(&mut self, steps: u64) -> ObserverResult {
        self.add(format!("saved {steps}"))
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        self.lines.lock().unwrap().truncate(rollback.file_offsets["lines"] as usize);
        self.add(format!("rollback to {}: {}", rollback.step, rollback.reason))
    }
}

/// A dataset, the identity of a run, and an untrained model.
pub fn setup(config: &TrainConfig, stride: usize) -> (TextDataset, RunIdentity, LanguageModel) {
    let dataset = dataset(stride);
    let layer = LayerConfig::lstm(6).recurrent_dropout(0.2);
    let model_config = LanguageModelConfig::new(dataset.tokenizer.vocabulary.len(), 4, vec![layer; 2])
        .dropout(0.3)
        .layer_dropout(0.2)
        .embedding_dropout(0.1)
        .locked_dropout(true);
    let model = model_config.init(config.seed, &Device::flex()).unwrap();
    let metadata = LmMetadata::new(model_config, 4, config.seed, dataset.valid_sha256());
    let tokenizer = dataset.tokenizer.clone();
    (dataset, RunIdentity::new(tokenizer, metadata), model)
}

/// Starts or resumes a run; `with` adds observers and others to it.
pub fn run_with(
    run_dir: &Path,
    config: &TrainConfig,
    stride: usize,
    resume: bool,
    with: impl FnOnce(Job) -> Job,
) -> Result<Outcome> {
    let (dataset, identity, model) = setup(config, stride);
    let device = Device::flex();
    let start = if resume { StartFrom::Checkpoint } else { StartFrom::Model(Box::new(model)) };
    train(with(Job::new(&dataset, config, identity, run_dir, &device)), start)
}

pub fn run(run_dir: &Path, config: &TrainConfig, stride: usize, resume: bool) -> (Result<Outcome>, Recorder) {
    let recorder = Recorder::default();
    (run_with(run_dir, config, stride, resume, |job| job.observer(recorder.clone())), recorder)
}

/// Starts or resumes a run, and stops it after step `at_step`.
pub fn run_until(run_dir: &Path, config: &TrainConfig, resume: bool, at_step: u64) -> Outcome {
    let stop = StopFlag::default();
    let recorder = Recorder { stop_at: Some((at_step, stop.clone())), ..Recorder::default() };
    run_with(run_dir, config, 1, resume, |job| job.stop_flag(stop).observer(recorder)).unwrap()
}

/// Progress without times and file offsets.
pub fn without_times(progress: &Progress) -> Progress {
    let mut progress = progress.clone();
    progress.epoch_totals.seconds = 0.0;
    progress.file_offsets.clear();
    for report in &mut progress.epochs {
        (report.seconds, report.tokens_per_second) = (0.0, 0.0);
    }
    progress
}

pub fn assert_same_bytes(one: &Path, other: &Path, steps: u64, files: &[&str]) {
    for file in files {
        let read = |run: &Path| std::fs::read(Checkpoints::of(run).path(steps).join(file)).unwrap();
        assert!(read(one) == read(other), "{file} differs after step {steps}");
    }
}
