//! One sitting of a run: all who listen are gathered, the run is trained, and what it came to is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use models::{About, Context};
use trainer::{Ended, Identity, Job, Method, Observer, Outcome, Start, Stop, train};

use crate::baselines::Baselines;
use crate::commands::tell;
use crate::config::Resolved;
use crate::dashboard::{Dashboard, Title};
use crate::error::Result;
use crate::metrics_file::{self, Curves, MetricsFile};
use crate::origin::CONFIG;
use crate::progress::Progress;
use crate::run_charts::{self, Named};
use crate::samples_file::SamplesFile;
use crate::score_card::{ScoreCard, closing_sample};
use crate::signals;
use crate::speaker::Speaker;
use crate::spelling;
use crate::tensorboard_log::{self, TensorboardLog};

/// Where and how a sitting happens.
pub struct Sitting<'a> {
    /// The configuration with its text.
    pub resolved: &'a Resolved,
    /// The run directory.
    pub run: &'a Path,
    /// Where it computes.
    pub device: &'a Device,
    /// The backend's name.
    pub backend: &'a str,
    /// Plain lines, even on a terminal.
    pub plain: bool,
}

impl Sitting<'_> {
    /// Trains, and tells what it came to.
    ///
    /// # Errors
    /// If the run cannot begin or go on, or what it came to cannot be kept.
    pub fn hold(&self, start: Start) -> Result<Outcome> {
        let stop = Stop::default();
        signals::listen(&stop)?;
        let Resolved { prepared, train: config, .. } = self.resolved;
        let identity = self.identity();
        if prepared.split.train.len() > 1_000_000 {
            tell("counting 5-grams, to compare with");
        }
        let baselines = Baselines::of(prepared);
        let observer = Box::new(self.observers(&identity, &baselines, &stop));
        let Self { run, device, .. } = *self;
        let job = Job { prepared, config, identity, run, device, stop };
        let stopping = job.stop.clone();
        let outcome = train(job, start, observer)?;
        // Everything is kept: whoever asks from now on wants to leave at once.
        stopping.ask();
        self.report(&outcome, &baselines)?;
        Ok(outcome)
    }

    fn identity(&self) -> Identity {
        let Resolved { config, prepared, model, .. } = self.resolved;
        let (window, valid) = (config.windows.length, prepared.valid_sha256());
        let about = About::new(model.clone(), window, config.seed, valid);
        let toml = self.resolved.to_toml().into_bytes();
        let extra = BTreeMap::from([(CONFIG.to_string(), toml)]);
        Identity { tokenizer: prepared.tokenizer.clone(), about, extra }
    }

    fn observers(
        &self,
        identity: &Identity,
        baselines: &Baselines,
        stop: &Stop,
    ) -> Vec<Box<dyn Observer>> {
        let Self { resolved, run, device, backend, plain } = *self;
        let speaker = Speaker {
            tokenizer: identity.tokenizer.clone(),
            about: identity.about.clone(),
            context: match resolved.train.method {
                Method::Windows => Context::Window,
                Method::EveryStep { .. } => Context::Carried,
            },
            device: device.clone(),
            tokens: resolved.config.samples.tokens,
            spoken: Arc::new(Mutex::new(Vec::new())),
        };
        let title = Title {
            run: run.into(),
            backend: backend.into(),
            baselines: baselines.drawn(),
            averaging: resolved.train.averaging > 0.0,
        };
        let screen = if plain { None } else { Dashboard::open(title, speaker.clone(), stop) };
        let seen: Box<dyn Observer> = match screen {
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

    fn report(&self, outcome: &Outcome, baselines: &Baselines) -> Result<()> {
        let Outcome { best, progress, ended } = outcome;
        let about = &best.about;
        let losses =
            [("by window", about.valid_loss_window), ("carried", about.valid_loss_carried)];
        let losses: Vec<String> = losses
            .iter()
            .filter_map(|(how, loss)| loss.map(|loss| format!("{loss:.3} {how}")))
            .collect();
        let model = self.run.display();
        match ended {
            Ended::Stopped { .. } => {
                let all = progress.steps_per_epoch * progress.config.epochs as u64;
                tell(&format!(
                    "stopped after step {} of {all} and kept; go on with: cargo xtask train --resume {model} \
                     --backend {} (or pastiche …)",
                    progress.steps, self.backend
                ));
            }
            Ended::LostPatience => tell(&format!(
                "the validation loss has not fallen for {} epochs: this is the end",
                progress.config.patience
            )),
            Ended::Finished => {}
        }
        if let Some(first) = progress.best().filter(|first| first.step != about.steps)
            && about.steps != progress.steps
        {
            tell(&format!(
                "warning: the checkpoint of epoch {}, the best, is gone or damaged: the next best is taken",
                first.epoch
            ));
        }
        let behind = match about.steps == progress.steps && progress.pass.targets > 0 {
            true => format!("the model after step {}", about.steps),
            false => format!("best epoch {}", about.epochs),
        };
        let unigram = baselines.unigram;
        tell(&format!(
            "{behind}: validation loss {} nats a token; guessing by token counts alone costs \
             {unigram:.3}",
            losses.join(", ")
        ));
        if !matches!(ended, Ended::Stopped { .. }) {
            self.judge(outcome, baselines)?;
        }
        let choice = match about.context() {
            Context::Carried => "carried",
            Context::Window => "window",
        };
        tell(&format!("`generate` will use `--context {choice}`"));
        tell(&format!("write with: cargo xtask generate --model {model} (or pastiche generate …)"));
        Ok(())
    }

    /// What is drawn, counted and compared at the end of a run.
    fn judge(&self, outcome: &Outcome, baselines: &Baselines) -> Result<()> {
        let Self { resolved, run, device, .. } = *self;
        let (prepared, best) = (&resolved.prepared, &outcome.best);
        match metrics_file::curves(run) {
            Ok(curves) => draw(run, &curves, baselines)?,
            Err(error) => tell(&format!("warning: {error}; there is no chart without it")),
        }
        tensorboard_log::project(run, best)?;
        let sample = closing_sample(best, device)?;
        if let Some(said) = spelling::judge(prepared, best, &sample, run)? {
            tell(&said);
        }
        let card = ScoreCard::new(prepared, best, baselines, &sample);
        card.write(run)?;
        for said in [card.verdict(), card.copying(), card.size()] {
            tell(&said);
        }
        Ok(())
    }
}

fn draw(run: &Path, curves: &Curves, baselines: &Baselines) -> Result<()> {
    if curves.train.len() + curves.valid.len() > 1 {
        let named = Named { run: None, curves };
        run_charts::losses(&run.join("loss.svg"), &[named], &baselines.drawn())?;
    }
    run_charts::learning_rate(&run.join("learning_rate.svg"), curves)?;
    Ok(())
}
