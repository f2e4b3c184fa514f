//! The observer that shows training events in the full-screen view, on the terminal or in an SVG picture.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use durable::write_atomically;
use trainer::{EpochReport, Observer, ObserverResult, Plan, Rollback, StepReport, StopFlag};

use crate::observers::metrics_file::read_curves;
use crate::observers::progress::{self, Progress};
use crate::observers::sampling::TEMPERATURE;
use crate::output::{status, warn};
use crate::run::signals;
use crate::view::format::thousands;
use crate::view::{Baseline, BestEpoch, Phase, Sample, SavedCheckpoint, Screen, ViewState, picture};

/// Updates the full-screen view. While there is none on a terminal, it prints plain progress lines.
pub struct Dashboard<M> {
    state: Arc<Mutex<ViewState>>,
    screen: Option<Screen>,
    /// The SVG file that shows the view at the last sample.
    picture: Option<PathBuf>,
    started_at: Instant,
    /// The time of the newest checkpoint, and its step.
    saved: Option<(Instant, u64)>,
    run: PathBuf,
    stop: StopFlag,
    plain: Progress<M>,
    /// Epoch summaries, printed after the view is closed.
    summaries: Vec<String>,
}

/// Where the view is shown.
#[derive(Clone, Copy)]
pub struct ViewOptions<'a> {
    /// Whether to show it on the terminal, if there is a suitable one.
    pub on_terminal: bool,
    /// The SVG file to write, if any.
    pub svg: Option<&'a Path>,
}

impl<M> Dashboard<M> {
    /// Opens the view of the run in `run`; `None` if `options` ask for no picture and there is no suitable terminal.
    /// It shows the validation losses of `baselines` in nats/token, and the samples and sentences of `plain`.
    pub fn open(
        options: ViewOptions,
        run: PathBuf,
        backend: &str,
        baselines: &[(String, f64)],
        plain: Progress<M>,
        stop: &StopFlag,
    ) -> Option<Self> {
        let baselines = baselines.iter().map(|(name, nats)| Baseline { name: name.clone(), nats: *nats }).collect();
        let name = run.display().to_string();
        let state = ViewState { name, backend: backend.into(), baselines, ..ViewState::default() };
        let state = Arc::new(Mutex::new(state));
        let (stop, on_stop) = (stop.clone(), stop.clone());
        // Windows does not set the variable.
        let is_suitable = std::env::var_os("TERM").map_or(cfg!(windows), |terminal| terminal != "dumb");
        let open = || Screen::open(state.clone(), Box::new(move || signals::request_stop(&on_stop))).ok();
        let screen = if options.on_terminal && is_suitable { open() } else { None };
        let picture = options.svg.map(Path::to_path_buf);
        if screen.is_none() && picture.is_none() {
            return None;
        }
        let (started_at, saved, summaries) = (Instant::now(), None, Vec::new());
        Some(Self { state, screen, picture, started_at, saved, run, stop, plain, summaries })
    }

    /// Whether the view is on the terminal.
    fn is_open(&self) -> bool {
        self.screen.as_ref().is_some_and(Screen::is_open)
    }

    fn update(&self, change: impl FnOnce(&mut ViewState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Prints the epoch summaries, which were shown only in the view, once it is closed.
    fn print_summaries(&mut self) {
        self.summaries.drain(..).for_each(|summary| status(&summary));
    }

    fn sample(&mut self, step: u64, model: &M) -> ObserverResult {
        if let Some(text) = self.plain.samples().sample(model, TEMPERATURE, step)? {
            self.update(|state| state.sample = Some(Sample { text, step }));
            self.update_picture();
        }
        Ok(())
    }

    /// Writes the picture, if one is wanted.
    fn write_picture(&self) -> ObserverResult {
        let Some(path) = &self.picture else { return Ok(()) };
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(format!("{} is not a regular file: choose another name for the picture", path.display()).into());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        state.advance_clocks(Instant::now());
        Ok(write_atomically(path, picture(&state).as_bytes())?)
    }

    /// Writes the picture during training, which a picture that cannot be written does not end.
    fn update_picture(&mut self) {
        let Err(error) = self.write_picture() else { return };
        self.picture = None;
        let warning = format!("{error}; the picture is no longer written");
        if self.is_open() {
            self.update(|state| state.warn(warning.clone()));
            self.summaries.push(format!("warning: {warning}"));
        } else {
            warn(&[warning]);
        }
    }

    /// Shows the results of an epoch, of this process or of an earlier one.
    fn show_epoch(&mut self, epoch: &EpochReport) {
        let (step, loss) = (epoch.step, epoch.valid_loss_nats_per_token);
        let is_averaged = self.plain.record(epoch);
        self.update(|state| {
            let curve = if is_averaged { &mut state.averaged } else { &mut state.valid };
            curve.push(step, loss);
            if state.best.is_none_or(|best| loss < best.nats) {
                state.best = Some(BestEpoch { nats: loss, epoch: epoch.epoch as u64 });
            }
        });
    }
}

impl<M> Observer<M> for Dashboard<M> {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        if self.is_open() {
            self.plain.set_epochs(plan.epochs);
            self.summaries.push(self.plain.terms());
        } else {
            self.plain.on_start(plan)?;
        }
        for epoch in &plan.reports {
            self.show_epoch(epoch);
        }
        // Losses recorded before a resume; if the file cannot be read, the curve starts at the current step.
        let earlier = read_curves(&self.run).unwrap_or_default().train;
        if plan.steps_done > 0 {
            self.saved = Some((Instant::now(), plan.steps_done));
        }
        self.update(|state| {
            state.model = format!("{} parameters", thousands(plan.parameters));
            state.epoch = plan.first_epoch as u64;
            state.epochs = plan.epochs as u64;
            state.steps = plan.steps_per_epoch as u64;
            state.global_step = plan.steps_done;
            state.all_steps = (plan.epochs * plan.steps_per_epoch) as u64;
            state.step = plan.steps_done - (plan.reports.len() * plan.steps_per_epoch) as u64;
            for (step, loss) in earlier.iter().filter(|point| point.0 as u64 <= plan.steps_done) {
                state.train.push(*step as u64, *loss);
            }
            state.info(format!(
                "{}; about {} of memory",
                progress::epoch_length(plan.steps_per_epoch, plan.steps_per_pass),
                progress::megabytes(plan.memory_bytes)
            ));
            // The newest messages, so that they are seen until the first epoch ends.
            self.plain.terms_in_view().for_each(|term| state.info(term));
        });
        // A file that cannot be written is reported before training begins.
        self.write_picture()
    }

    fn on_estimate(&mut self, seconds_per_epoch: f64) -> ObserverResult {
        if self.is_open() { Ok(()) } else { self.plain.on_estimate(seconds_per_epoch) }
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        let seconds = self.started_at.elapsed().as_secs_f64();
        // Requested by a signal, of which the view is not informed.
        let stopping = self.stop.is_requested();
        let saved = self.saved.map(|(at, step)| SavedCheckpoint { seconds_ago: at.elapsed().as_secs_f64(), step });
        self.update(|state| {
            state.phase = Phase::Training;
            state.stopping |= stopping;
            state.saved = saved;
            state.epoch = step.epoch as u64;
            state.step = step.step as u64;
            state.global_step = step.step_of_run;
            state.train.push(step.step_of_run, step.step_loss_nats_per_token);
            state.learning_rate = step.learning_rate;
            state.tokens_per_second = step.tokens_per_second;
            state.seconds = seconds;
            let steps_left = state.all_steps.saturating_sub(step.step_of_run) as usize;
            let validations_left = (state.epochs as usize + 1).saturating_sub(step.epoch);
            state.eta_seconds = Some(step.seconds_left(steps_left, validations_left));
            state.measured_at = Some(Instant::now());
        });
        if self.is_open() {
            return Ok(());
        }
        self.print_summaries();
        self.plain.on_step(step)
    }

    fn on_sample(&mut self, step: &StepReport, model: &M) -> ObserverResult {
        self.sample(step.step_of_run, model)?;
        if self.is_open() { Ok(()) } else { self.plain.on_sample(step, model) }
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, model: &M) -> ObserverResult {
        self.show_epoch(epoch);
        let mut summary = String::new();
        let (words, begins) = (self.plain.in_words(epoch, model)?, self.plain.averaging_begins());
        self.update(|state| {
            summary = progress::epoch_summary(epoch, state.epochs as usize);
            state.info(summary.clone());
            words.iter().for_each(|words| state.info(words.clone()));
            begins.iter().for_each(|begins| state.info(*begins));
        });
        self.sample(epoch.step, model)?;
        if !self.is_open() {
            return self.plain.on_epoch_end(epoch, model);
        }
        self.summaries.push(summary);
        self.summaries.extend(words.map(|words| format!("  {words}")));
        self.summaries.extend(begins.map(|begins| format!("  {begins}")));
        let sample = self.plain.samples().sample(model, TEMPERATURE, epoch.step)?;
        self.summaries.extend(sample.map(|text| format!("  sample: {text}")));
        Ok(())
    }

    fn on_phase(&mut self, phase: trainer::Phase) -> ObserverResult {
        self.update(|state| {
            state.phase = match phase {
                trainer::Phase::Training => Phase::Training,
                trainer::Phase::Validating => Phase::Validating,
                trainer::Phase::Saving => Phase::Saving,
            }
        });
        Ok(())
    }

    fn on_checkpoint(&mut self, steps: u64) -> ObserverResult {
        self.saved = Some((Instant::now(), steps));
        Ok(())
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        let warning = progress::rollback_warning(rollback);
        self.update(|state| state.best = None);
        rollback.reports.iter().for_each(|epoch| self.show_epoch(epoch));
        self.update(|state| state.warn(warning.clone()));
        if !self.is_open() {
            return self.plain.on_rollback(rollback);
        }
        self.summaries.push(warning);
        Ok(())
    }
}

impl<M> Drop for Dashboard<M> {
    fn drop(&mut self) {
        crate::view::restore();
        self.print_summaries();
    }
}
