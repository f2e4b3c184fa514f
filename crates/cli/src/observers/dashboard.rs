//! The observer behind the full-screen view: what the loop reports becomes what the screen shows.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use models::summary::thousands;
use trainer::{EpochReport, Heard, Observer, Plan, Retreat, StepReport, Stop};

use crate::observers::metrics_file::curves;
use crate::observers::progress::{self, Progress};
use crate::observers::sampling::{Speaker, TEMPERATURE};
use crate::output::tell;
use crate::run::signals;
use crate::view::{Baseline, Best, Phase, Sample, Saved, Scene, Screen};

/// The observer. Where the screen ends before the run does, plain lines go on.
pub struct Dashboard<M> {
    scene: Arc<Mutex<Scene>>,
    screen: Screen,
    began: Instant,
    /// When the newest checkpoint was written, and its step.
    saved: Option<(Instant, u64)>,
    run: PathBuf,
    stop: Stop,
    speaker: Speaker<M>,
    plain: Progress<M>,
    averaging: bool,
    /// What the epochs came to, for when the screen is gone.
    verdicts: Vec<String>,
}

/// What a screen is told before anything happens.
pub struct Title {
    /// The run directory.
    pub run: PathBuf,
    /// The backend's name.
    pub backend: String,
    /// What simpler models reach on the validation text, in nats a token.
    pub baselines: Vec<(String, f64)>,
    /// Whether it is averaged weights that are judged.
    pub averaging: bool,
}

impl<M> Dashboard<M> {
    /// Takes the screen. None where there is no terminal to take.
    pub fn open(title: Title, speaker: Speaker<M>, stop: &Stop) -> Option<Self> {
        if std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb") {
            return None;
        }
        let Title { run, backend, baselines, averaging } = title;
        let baselines = baselines.into_iter().map(|(name, nats)| Baseline { name, nats });
        let name = run.display().to_string();
        let scene = Scene { name, backend, baselines: baselines.collect(), ..Scene::default() };
        let scene = Arc::new(Mutex::new(scene));
        let (stop, asked) = (stop.clone(), stop.clone());
        let screen = Screen::open(scene.clone(), Box::new(move || signals::ask(&asked))).ok()?;
        let plain = Progress::new(speaker.clone());
        let (began, verdicts) = (Instant::now(), Vec::new());
        let saved = None;
        Some(Self { scene, screen, began, saved, run, stop, speaker, plain, averaging, verdicts })
    }

    fn change(&self, change: impl FnOnce(&mut Scene)) {
        change(&mut self.scene.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was shown on a screen that is gone stays readable.
    fn tell_verdicts(&mut self) {
        self.verdicts.drain(..).for_each(|verdict| tell(&verdict));
    }

    fn sample(&mut self, step: u64, model: &M) -> Heard {
        let text = self.speaker.speak_once(model, TEMPERATURE, step)?;
        self.change(|scene| scene.sample = Some(Sample { text, step }));
        Ok(())
    }

    /// Shows an epoch that has ended, now or in an earlier sitting.
    fn judged(&mut self, epoch: &EpochReport) {
        let (step, loss) = (epoch.step, epoch.valid_loss_nats_per_token);
        let averaging = self.averaging;
        self.change(|scene| {
            let curve = if averaging { &mut scene.averaged } else { &mut scene.valid };
            curve.push(step, loss);
            if scene.best.is_none_or(|best| loss < best.nats) {
                scene.best = Some(Best { nats: loss, epoch: epoch.epoch as u64 });
            }
        });
    }
}

impl<M> Observer<M> for Dashboard<M> {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.plain.plan_for(plan.epochs);
        for epoch in &plan.reports {
            self.judged(epoch);
        }
        // What earlier sittings wrote down; a file that cannot be read costs the picture its beginning.
        let earlier = curves(&self.run).unwrap_or_default().train;
        if plan.steps_done > 0 {
            self.saved = Some((Instant::now(), plan.steps_done));
        }
        self.change(|scene| {
            scene.model = format!("{} parameters", thousands(plan.parameters));
            scene.epoch = plan.first_epoch as u64;
            scene.epochs = plan.epochs as u64;
            scene.steps = plan.steps_per_epoch as u64;
            scene.global_step = plan.steps_done;
            scene.all_steps = (plan.epochs * plan.steps_per_epoch) as u64;
            scene.step = plan.steps_done - (plan.reports.len() * plan.steps_per_epoch) as u64;
            for (step, loss) in earlier.iter().filter(|point| point.0 as u64 <= plan.steps_done) {
                scene.train.push(*step as u64, *loss);
            }
            scene.say(format!(
                "{} steps an epoch, about {} of memory",
                thousands(plan.steps_per_epoch),
                progress::megabytes(plan.memory_bytes)
            ));
        });
        Ok(())
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        if !self.screen.is_open() {
            self.tell_verdicts();
            return self.plain.stepped(step);
        }
        let seconds = self.began.elapsed().as_secs_f64();
        // By a signal, which no key told the screen of.
        let stopping = self.stop.is_asked();
        let saved =
            self.saved.map(|(at, step)| Saved { seconds_ago: at.elapsed().as_secs_f64(), step });
        self.change(|scene| {
            scene.phase = Phase::Training;
            scene.stopping |= stopping;
            scene.saved = saved;
            scene.epoch = step.epoch as u64;
            scene.step = step.step as u64;
            scene.global_step = step.step_of_run;
            scene.train.push(step.step_of_run, step.step_loss_nats_per_token);
            scene.learning_rate = step.learning_rate;
            scene.tokens_per_second = step.tokens_per_second;
            scene.seconds = seconds;
            let left = scene.all_steps.saturating_sub(step.step_of_run) as f64;
            scene.eta_seconds = Some(step.seconds / step.step as f64 * left);
            scene.counted = Some(Instant::now());
        });
        Ok(())
    }

    fn look(&mut self, step: &StepReport, model: &M) -> Heard {
        match self.screen.is_open() {
            true => self.sample(step.step_of_run, model),
            false => self.plain.look(step, model),
        }
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &M) -> Heard {
        self.judged(epoch);
        if !self.screen.is_open() {
            return self.plain.epoch_ended(epoch, model);
        }
        let mut verdict = String::new();
        self.change(|scene| {
            verdict = progress::verdict(epoch, scene.epochs as usize);
            scene.say(verdict.clone());
        });
        self.verdicts.push(verdict);
        self.sample(epoch.step, model)
    }

    fn phase(&mut self, phase: trainer::Phase) -> Heard {
        self.change(|scene| {
            scene.phase = match phase {
                trainer::Phase::Training => Phase::Training,
                trainer::Phase::Validating => Phase::Validating,
                trainer::Phase::Saving => Phase::Saving,
            }
        });
        Ok(())
    }

    fn saved(&mut self, steps: u64) -> Heard {
        self.saved = Some((Instant::now(), steps));
        Ok(())
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        let setback = progress::setback(retreat);
        self.change(|scene| scene.best = None);
        retreat.reports.iter().for_each(|epoch| self.judged(epoch));
        self.change(|scene| scene.warn(setback.clone()));
        match self.screen.is_open() {
            true => self.verdicts.push(setback),
            false => self.plain.retreated(retreat)?,
        }
        Ok(())
    }
}

impl<M> Drop for Dashboard<M> {
    fn drop(&mut self) {
        crate::view::restore();
        self.tell_verdicts();
    }
}
