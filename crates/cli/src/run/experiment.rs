//! One sitting of a run: all who listen are gathered, the network is trained, and what it came to is told.
//!
//! What a run is about, writing or asking, is a [`Course`]; a sitting knows none of them.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use models::{AboutNetwork, Network};
use text_prep::Tokenizer;
use trainer::{Ended, Identity, Job, Observer, Outcome, Start, Stop, Task, TrainConfig, train};

use crate::error::Result;
use crate::observers::dashboard::{Dashboard, Title};
use crate::observers::metrics_file::{self, MetricsFile};
use crate::observers::progress::Progress;
use crate::observers::samples_file::SamplesFile;
use crate::observers::sampling::Speaker;
use crate::observers::tensorboard_log::TensorboardLog;
use crate::output::tell;
use crate::report::run_charts::{self, Named};
use crate::run::init::CONFIG;
use crate::run::provenance::Hashes;
use crate::run::signals;

/// The configuration of a course.
pub type ConfigOf<C> = <<C as Course>::Network as Network>::Config;

/// What a run is about: data, a network to be taught, and what is to be said of it.
pub trait Course {
    /// What is taught.
    type Network: Task;
    /// What it is held against.
    type Baselines;

    /// What is learned from and judged by.
    fn data(&self) -> &<Self::Network as Task>::Data;

    /// How it is learned.
    fn train(&self) -> &TrainConfig;

    /// The configuration, complete.
    fn to_toml(&self) -> String;

    /// From text to ids and back.
    fn tokenizer(&self) -> &Tokenizer;

    /// What the network says of itself before it is trained.
    fn about(&self) -> AboutNetwork<ConfigOf<Self>>;

    /// The seed of the run, and the hashes of what it works with.
    fn hashes(&self) -> Hashes;

    /// Lets the network speak while it learns.
    fn speaker(&self, device: &Device) -> Speaker<Self::Network>;

    /// Counts what the network is held against.
    fn baselines(&self) -> Self::Baselines;

    /// Those that are worth a line in a picture, in nats a token.
    fn drawn(baselines: &Self::Baselines) -> Vec<(String, f64)>;

    /// Tells what a sitting came to, and keeps what is worth keeping where the run has ended.
    ///
    /// # Errors
    /// If the network cannot be used, or something cannot be kept.
    fn conclude(
        &self,
        place: &Place,
        outcome: &Outcome<Self::Network>,
        baselines: &Self::Baselines,
    ) -> Result<()>;
}

/// Where a sitting happens.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The run directory.
    pub run: &'a Path,
    /// Where it computes.
    pub device: &'a Device,
    /// The backend's name.
    pub backend: &'a str,
    /// Plain lines, even on a terminal.
    pub plain: bool,
}

impl Place<'_> {
    /// Trains, and tells what it came to.
    ///
    /// # Errors
    /// If the run cannot begin or go on, or what it came to cannot be kept.
    pub fn hold<C: Course>(
        &self,
        course: &C,
        start: Start<C::Network>,
    ) -> Result<Outcome<C::Network>> {
        let stop = Stop::default();
        signals::listen(&stop)?;
        let baselines = course.baselines();
        let toml = course.to_toml().into_bytes();
        let identity = Identity {
            tokenizer: course.tokenizer().clone(),
            about: course.about(),
            extra: BTreeMap::from([(CONFIG.to_string(), toml)]),
        };
        let observer = Box::new(self.observers(course, &C::drawn(&baselines), &stop));
        let (data, config) = (course.data(), course.train());
        let Self { run, device, .. } = *self;
        let job = Job { data, config, identity, run, device, stop };
        let stopping = job.stop.clone();
        let outcome = train(job, start, observer)?;
        // Everything is kept: whoever asks from now on wants to leave at once.
        stopping.ask();
        self.report(&outcome);
        if !matches!(outcome.ended, Ended::Stopped { .. }) {
            self.draw(&C::drawn(&baselines))?;
        }
        course.conclude(self, &outcome, &baselines)?;
        Ok(outcome)
    }

    fn observers<C: Course>(
        &self,
        course: &C,
        drawn: &[(String, f64)],
        stop: &Stop,
    ) -> Vec<Box<dyn Observer<C::Network>>> {
        let Self { run, device, backend, plain } = *self;
        let speaker = course.speaker(device);
        let title = Title {
            run: run.into(),
            backend: backend.into(),
            baselines: drawn.to_vec(),
            averaging: course.train().averaging > 0.0,
        };
        let screen = if plain { None } else { Dashboard::open(title, speaker.clone(), stop) };
        let seen: Box<dyn Observer<C::Network>> = match screen {
            Some(dashboard) => Box::new(dashboard),
            None => Box::new(Progress::new(speaker.clone())),
        };
        vec![
            Box::new(MetricsFile::new(run)),
            Box::new(SamplesFile::new(run, speaker.clone())),
            seen,
            Box::new(TensorboardLog::new(run, speaker)),
        ]
    }

    /// Why the sitting ended, where that is not plain.
    fn report<M: Task>(&self, outcome: &Outcome<M>) {
        let Outcome { best, progress, ended } = outcome;
        match ended {
            Ended::Stopped { .. } => {
                let all = progress.steps_per_epoch * progress.config.epochs as u64;
                tell(&format!(
                    "stopped after step {} of {all} and kept; go on with: cargo xtask train --resume {} \
                     --backend {} (or pastiche …)",
                    progress.steps,
                    self.run.display(),
                    self.backend
                ));
            }
            Ended::LostPatience => tell(&format!(
                "the validation loss has not fallen for {} epochs: this is the end",
                progress.config.patience
            )),
            Ended::Finished => {}
        }
        let steps = best.about.steps;
        if let Some(first) = progress.best().filter(|first| first.step != steps)
            && steps != progress.steps
        {
            tell(&format!(
                "warning: the checkpoint of epoch {}, the best, is gone or damaged: the next best is taken",
                first.epoch
            ));
        }
    }

    fn draw(&self, baselines: &[(String, f64)]) -> Result<()> {
        let run = self.run;
        match metrics_file::curves(run) {
            Ok(curves) => {
                if curves.train.len() + curves.valid.len() > 1 {
                    let named = Named { run: None, curves: &curves };
                    run_charts::losses(&run.join("loss.svg"), &[named], baselines)?;
                }
                run_charts::learning_rate(&run.join("learning_rate.svg"), &curves)?;
            }
            Err(error) => tell(&format!("warning: {error}; there is no chart without it")),
        }
        Ok(())
    }
}

/// Whose loss is told: the best epoch's, or that of the step at which the run was stopped.
pub fn behind<M: Task>(outcome: &Outcome<M>) -> String {
    let Outcome { best, progress, .. } = outcome;
    match best.about.steps == progress.steps && progress.pass.targets > 0 {
        true => format!("the model after step {}", best.about.steps),
        false => format!("best epoch {}", best.about.epochs),
    }
}
