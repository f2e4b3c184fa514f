//! The observer that shows training events in the full-screen view.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use trainer::{EpochReport, Observer, ObserverResult, Plan, Rollback, StepReport, StopFlag};

use crate::observers::metrics_file::read_curves;
use crate::observers::progress::{self, Progress};
use crate::observers::sampling::{SampleCache, TEMPERATURE};
use crate::output::status;
use crate::run::signals;
use crate::view::format::thousands;
use crate::view::{Baseline, BestEpoch, Phase, Sample, SavedCheckpoint, Screen, ViewState};

/// Updates the full-screen view, and prints plain progress lines after the view was closed.
pub struct Dashboard<M> {
    state: Arc<Mutex<ViewState>>,
    screen: Screen,
    started_at: Instant,
    /// The time of the newest checkpoint, and its step.
    saved: Option<(Instant, u64)>,
    run: PathBuf,
    stop: StopFlag,
    samples: SampleCache<M>,
    plain: Progress<M>,
    uses_ema: bool,
    /// Epoch summaries, printed after the view is closed.
    summaries: Vec<String>,
}

impl<M> Dashboard<M> {
    /// Opens the view of the run in `run`; `None` without a suitable terminal. It shows the validation losses of
    /// `baselines` in nats/token. `uses_ema`: whether the averaged weights are evaluated.
    pub fn open(
        run: PathBuf,
        backend: &str,
        baselines: &[(String, f64)],
        uses_ema: bool,
        samples: SampleCache<M>,
        stop: &StopFlag,
    ) -> Option<Self> {
        if std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb") {
            return None;
        }
        let baselines = baselines.iter().map(|(name, nats)| Baseline { name: name.clone(), nats: *nats }).collect();
        let name = run.display().to_string();
        let state = ViewState { name, backend: backend.into(), baselines, ..ViewState::default() };
        let state = Arc::new(Mutex::new(state));
        let (stop, on_stop) = (stop.clone(), stop.clone());
        let screen = Screen::open(state.clone(), Box::new(move || signals::request_stop(&on_stop))).ok()?;
        let plain = Progress::new(samples.clone());
        let (started_at, saved, summaries) = (Instant::now(), None, Vec::new());
        Some(Self { state, screen, started_at, saved, run, stop, samples, plain, uses_ema, summaries })
    }

    fn update(&self, change: impl FnOnce(&mut ViewState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Prints the epoch summaries, which were shown only in the view, once it is closed.
    fn print_summaries(&mut self) {
        self.summaries.drain(..).for_each(|summary| status(&summary));
    }

    fn sample(&mut self, step: u64, model: &M) -> ObserverResult {
        let text = self.samples.sample(model, TEMPERATURE, step)?;
        self.update(|state| state.sample = Some(Sample { text, step }));
        Ok(())
    }

    /// Shows the results of an epoch, of this process or of an earlier one.
    fn show_epoch(&mut self, epoch: &EpochReport) {
        let (step, loss) = (epoch.step, epoch.valid_loss_nats_per_token);
        let uses_ema = self.uses_ema;
        self.update(|state| {
            let curve = if uses_ema { &mut state.averaged } else { &mut state.valid };
            curve.push(step, loss);
            if state.best.is_none_or(|best| loss < best.nats) {
                state.best = Some(BestEpoch { nats: loss, epoch: epoch.epoch as u64 });
            }
        });
    }
}

impl<M> Observer<M> for Dashboard<M> {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        self.plain.set_epochs(plan.epochs);
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
                "{} steps per epoch, about {} of memory",
                thousands(plan.steps_per_epoch),
                progress::megabytes(plan.memory_bytes)
            ));
        });
        Ok(())
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if !self.screen.is_open() {
            self.print_summaries();
            return self.plain.on_step(step);
        }
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
            let remaining_steps = state.all_steps.saturating_sub(step.step_of_run) as f64;
            state.eta_seconds = Some(step.seconds / step.step as f64 * remaining_steps);
            state.measured_at = Some(Instant::now());
        });
        Ok(())
    }

    fn on_sample(&mut self, step: &StepReport, model: &M) -> ObserverResult {
        if self.screen.is_open() { self.sample(step.step_of_run, model) } else { self.plain.on_sample(step, model) }
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, model: &M) -> ObserverResult {
        self.show_epoch(epoch);
        if !self.screen.is_open() {
            return self.plain.on_epoch_end(epoch, model);
        }
        let mut summary = String::new();
        self.update(|state| {
            summary = progress::epoch_summary(epoch, state.epochs as usize);
            state.info(summary.clone());
        });
        self.summaries.push(summary);
        self.sample(epoch.step, model)
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
        if !self.screen.is_open() {
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
