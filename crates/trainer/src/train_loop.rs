//! The train loop: steps, validation and checkpoints, and a rollback to an earlier checkpoint if the loss diverges.
//! A run can be saved after any step and resumed bit-identically.
//!
//! With several ranks each runs this loop, and all have the same weights and progress. What only rank 0 does, the others
//! wait for; what they would decide otherwise, such as by the clock, all get from rank 0 or with the gradients of a step.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::Device;
use burn::train::{InferenceStep, LearnerEvent, TrainingError};
use models::EvalMetrics;
use ranks::{Ranks, while_busy};
use seqdata::EpochCursor;

use crate::averaging::Averaging;
use crate::burn_session::BurnSession;
use crate::checkpoint::Checkpoints;
use crate::error::{Error, Result};
use crate::estimate::{memory_bytes, seconds_per_step, validation_seconds};
use crate::exchange::numbers_of_rank_0;
use crate::job::{RunIdentity, StopReason};
use crate::metrics::{StepNumbers, Sums};
use crate::observer::Observer;
use crate::progress::Progress;
use crate::report::{EpochReport, FileOffsets, Phase, Plan, StepReport};
use crate::state::TrainState;
use crate::step_sums::{Requests, StepSums};
use crate::stop::{StopFlag, StopTimer};
use crate::task::{TrainTask, rate_factor};

/// A loss of this many times ln V, the loss of the uniform baseline, counts as divergence. A model that is merely
/// wrong does not reach it.
const DIVERGENCE_FACTOR: f64 = 10.0;

/// A new or resumed run.
pub(crate) struct TrainLoop<M: TrainTask> {
    pub identity: RunIdentity<M>,
    pub state: TrainState<M>,
    pub progress: Progress,
    /// The step of the newest checkpoint.
    pub last_saved: Option<u64>,
    /// When it was written.
    pub saved_at: Instant,
    pub checkpoints: Checkpoints,
    /// Sets the position in the training data.
    pub cursor: EpochCursor,
    /// Number of training windows, segments or examples.
    pub train_items: usize,
    /// Without autodiff.
    pub device: Device,
    pub ranks: Arc<dyn Ranks>,
    /// The shards of a batch that this rank computes.
    pub shards: Range<usize>,
    pub stop: StopFlag,
    /// Whether all ranks know that one of them is to stop.
    pub is_stop_agreed: bool,
    /// How long a validation may take after a request to stop.
    pub stop_timeout: Duration,
    /// Wall time of a validation.
    pub validation_seconds: f64,
    pub observers: Vec<Box<dyn Observer<M>>>,
}

impl<M: TrainTask> TrainLoop<M> {
    /// Trains until the last epoch, early stopping or a stop request.
    pub fn run(&mut self, burn: &mut BurnSession<M>) -> Result<StopReason> {
        let ranks = self.ranks.clone();
        let mut file_offsets = FileOffsets::new();
        if self.is_rank_0() {
            while_busy(&*ranks, || self.report_start(burn))?;
            self.observers.before_checkpoint(&mut file_offsets).map_err(Error::Observer)?;
        }
        let is_lost = f64::from(u8::from(file_offsets != self.progress.file_offsets));
        if numbers_of_rank_0(&*ranks, [is_lost])? != [0.0] {
            // An observer's file was lost and starts again: save this step's checkpoint again with its new length.
            self.last_saved = None;
        }
        // A rollback point for the first steps.
        self.save()?;
        loop {
            match self.run_epoch(burn) {
                Err(Error::Diverged { reason, step }) => self.roll_back(burn, reason, step)?,
                Ok(None) if self.progress.is_finished() => return Ok(StopReason::Finished),
                Ok(None) if self.progress.should_stop_early() => {
                    return Ok(StopReason::EarlyStopping);
                }
                Ok(None) => {}
                Ok(Some(reason)) => return Ok(reason),
                Err(error) => return Err(error),
            }
        }
    }

    /// Trains the rest of the current epoch, validates and saves a checkpoint. Returns the reason if the run stops
    /// on request: then the epoch is not ended, and a resumed run continues where this one was, if need be with the
    /// validation.
    fn run_epoch(&mut self, burn: &mut BurnSession<M>) -> Result<Option<StopReason>> {
        let epoch = self.progress.epoch();
        let stopped = |loss| Ok(Some(StopReason::Requested { valid_loss_nats_per_token: loss }));
        self.train_epoch(burn, epoch)?;
        if self.is_stop_requested(burn) {
            self.save()?;
            return stopped(self.validate(burn, epoch)?.map(|metrics| metrics.nats_per_token()));
        }
        let Some(metrics) = self.validate(burn, epoch)? else {
            self.save()?;
            return stopped(None);
        };
        let loss = metrics.nats_per_token();
        self.check_loss(loss, self.progress.steps + 1, || format!("the validation loss of epoch {epoch}"))?;
        self.before_epoch_end(burn)?;
        if self.is_stop_requested(burn) {
            // Samples may have been cut off.
            self.save()?;
            return stopped(Some(loss));
        }
        burn.train_event(LearnerEvent::EndEpoch(epoch))?;
        let totals = std::mem::take(&mut self.progress.epoch_totals);
        let report = EpochReport {
            epoch,
            step: self.progress.steps,
            train_loss_nats_per_token: totals.nats_per_token(),
            valid_loss_nats_per_token: loss,
            valid_accuracy: metrics.accuracy(),
            learning_rate: self.progress.learning_rate(self.progress.steps - 1),
            seconds: totals.seconds,
            tokens_per_second: totals.tokens_per_second(),
        };
        self.progress.epochs.push(report);
        if self.progress.averaging() != Averaging::Off {
            self.state.begin_average();
        }
        let ranks = self.ranks.clone();
        let observed = while_busy(&*ranks, || self.observers.on_epoch_end(&report, &self.state.eval_model()));
        observed.map_err(Error::Observer)?;
        // There may be a checkpoint of this step from before the validation.
        self.last_saved = None;
        self.save()?;
        let continues = !self.progress.is_finished() && !self.progress.should_stop_early();
        if continues && self.is_stop_requested(burn) { stopped(Some(loss)) } else { Ok(None) }
    }

    /// Reports the plan, and for a new run a time estimate, which a request to stop leaves out.
    fn report_start(&mut self, burn: &BurnSession<M>) -> Result<()> {
        let Some(batch) = burn.train.iter().next() else { return Ok(()) };
        let batch = batch.map_err(TrainingError::from)?;
        let model = &self.identity.metadata.config;
        let config = &self.progress.config;
        let (parameters, memory_bytes) =
            self.state.module.with(|module| (module.num_params(), memory_bytes(module, model, config, &batch)));
        let steps_per_epoch = self.progress.steps_per_epoch();
        let Progress { config, steps, epochs, file_offsets, steps_per_pass, .. } = &self.progress;
        let plan = Plan {
            first_epoch: self.progress.epoch(),
            epochs: config.epochs,
            steps_done: *steps,
            reports: epochs.clone(),
            file_offsets: file_offsets.clone(),
            mode: config.mode,
            train_items: self.train_items,
            valid_items: burn.valid.num_items(),
            steps_per_epoch: steps_per_epoch as usize,
            steps_per_pass: *steps_per_pass as usize,
            parameters,
            memory_bytes,
        };
        let is_new = *steps == 0;
        self.observers.on_start(&plan).map_err(Error::Observer)?;
        if self.is_asked_to_stop(burn) {
            return Ok(());
        }
        self.validation_seconds = validation_seconds(&self.state.eval_module(), burn.valid, Duration::ZERO)?;
        if !is_new || self.is_asked_to_stop(burn) {
            // A resumed run soon knows its time per epoch: no trial steps.
            return Ok(());
        }
        let step = seconds_per_step(self.state.trial_learner(), &batch)?;
        self.observers.on_estimate(steps_per_epoch as f64 * step + self.validation_seconds).map_err(Error::Observer)
    }

    /// Whether this rank does what is done once: files, validation and observers.
    pub fn is_rank_0(&self) -> bool {
        self.ranks.rank() == 0
    }

    /// Whether this rank was asked to end the run early, by the stop flag or by Burn's interrupter.
    fn is_asked_to_stop(&self, burn: &BurnSession<M>) -> bool {
        self.stop.is_requested() || burn.is_interrupted()
    }

    /// Whether the run is to end early: at once if there is one rank, and after the same step on all if there are several.
    fn is_stop_requested(&self, burn: &BurnSession<M>) -> bool {
        self.is_stop_agreed || (self.ranks.count() == 1 && self.is_asked_to_stop(burn))
    }

    /// Reports the end of an epoch to observers, which may take long. Afterwards all ranks know whether rank 0 is to stop.
    fn before_epoch_end(&mut self, burn: &BurnSession<M>) -> Result<()> {
        let (ranks, steps) = (self.ranks.clone(), self.progress.steps);
        let observed = while_busy(&*ranks, || self.observers.before_epoch_end(steps, &self.state.eval_model()));
        observed.map_err(Error::Observer)?;
        let stop = f64::from(u8::from(self.is_asked_to_stop(burn)));
        let [stop] = numbers_of_rank_0(&*ranks, [stop])?;
        self.is_stop_agreed |= stop > 0.0 && ranks.count() > 1;
        Ok(())
    }

    /// Trains until the epoch ends or a stop is requested.
    fn train_epoch(&mut self, burn: &mut BurnSession<M>, epoch: usize) -> Result<()> {
        self.observers.on_phase(Phase::Training).map_err(Error::Observer)?;
        self.cursor.set(epoch, self.progress.steps_in_epoch() as usize);
        let total_items = burn.train.num_items();
        burn.train_event(LearnerEvent::StartSplit { epoch_number: epoch, total_items })?;
        let trained = self.train_steps(burn, epoch);
        // Sent after an error too: if the loss has diverged, the epoch starts again.
        let ended = burn.train_event(LearnerEvent::EndSplit(epoch));
        trained.and(ended)
    }

    fn train_steps(&mut self, burn: &mut BurnSession<M>, epoch: usize) -> Result<()> {
        let ranks = self.ranks.clone();
        let mut iterator = burn.train.iter();
        // It changes with the validation losses, so only between epochs.
        let averaging = self.progress.averaging();
        while !(self.is_stop_requested(burn) && self.progress.steps_in_epoch() > 0) {
            let start = Instant::now();
            let Some(batch) = iterator.next() else { break };
            let batch = batch.map_err(TrainingError::from)?;
            let rate_factor = rate_factor::<M>(&batch, &self.progress.config);
            let learning_rate = self.progress.learning_rate(batch.step) * rate_factor;
            if self.progress.is_at_start_of_pass() {
                self.state.module.reset_rnn_states();
            }
            let requests = Requests { stop: self.is_asked_to_stop(burn), save: self.checkpoint_is_due_by_clock() };
            let sums = self.state.step(burn.learner, batch, learning_rate, averaging, (requests, &*ranks))?;
            let StepSums { metrics, tokens, requests } = sums;
            self.is_stop_agreed |= requests.stop && ranks.count() > 1;
            self.checkpoints.check_lock()?;
            let Progress { epoch_totals, steps, .. } = &mut self.progress;
            *steps += 1;
            epoch_totals.tokens += tokens;
            epoch_totals.add(&metrics);
            // Time spent in observers does not count as training.
            let seconds = start.elapsed().as_secs_f64();
            epoch_totals.seconds += seconds;
            let numbers = StepNumbers { step: Sums { targets: metrics, tokens, seconds }, epoch: epoch_totals.sums() };
            let step = self.progress.steps_in_epoch() as usize;
            let loss = metrics.nats_per_token();
            let step_of_run = self.progress.steps;
            self.check_loss(loss, step_of_run, || format!("the loss of step {step_of_run}"))?;
            burn.trained(numbers, iterator.progress(), step)?;
            self.report_step((epoch, step), loss, learning_rate)?;
            if self.checkpoint_is_due(requests.save) {
                self.save()?;
            }
        }
        Ok(())
    }

    /// Returns an error if the loss has diverged. `step`, counted from 1, is the one that starts from the weights
    /// with this loss; `name` describes the loss in the error.
    fn check_loss(&self, loss: f64, step: u64, name: impl Fn() -> String) -> Result<()> {
        let uniform = (M::vocab_size(&self.identity.metadata.config) as f64).ln();
        if loss.is_finite() && loss <= DIVERGENCE_FACTOR * uniform {
            return Ok(());
        }
        let reason = if loss.is_finite() {
            let loss = if loss < 1e6 { format!("{loss:.1}") } else { format!("{loss:.1e}") };
            format!("{} is {loss} nats/token (uniform baseline: {uniform:.1})", name())
        } else {
            format!("{} is {loss}", name())
        };
        Err(Error::Diverged { reason, step })
    }

    fn report_step(&mut self, (epoch, step): (usize, usize), loss: f64, rate: f64) -> Result<()> {
        let steps_per_epoch = self.progress.steps_per_epoch();
        let Progress { epoch_totals, steps, config, .. } = &self.progress;
        let report = StepReport {
            epoch,
            step,
            steps: steps_per_epoch as usize,
            step_of_run: *steps,
            step_loss_nats_per_token: loss,
            loss_nats_per_token: epoch_totals.nats_per_token(),
            learning_rate: rate,
            seconds: epoch_totals.seconds,
            tokens_per_second: epoch_totals.tokens_per_second(),
            validation_seconds: self.validation_seconds,
        };
        self.observers.on_step(&report).map_err(Error::Observer)?;
        let every = config.sample_every;
        if every > 0 && (step as u64).is_multiple_of(every) && (step as u64) < steps_per_epoch {
            let (ranks, model) = (self.ranks.clone(), self.state.eval_model());
            while_busy(&*ranks, || self.observers.on_sample(&report, &model)).map_err(Error::Observer)?;
        }
        Ok(())
    }

    /// Validates the current weights on rank 0; `None` if that is cut off by a request to stop.
    fn validate(&mut self, burn: &mut BurnSession<M>, epoch: usize) -> Result<Option<EvalMetrics>> {
        let ranks = self.ranks.clone();
        let mut metrics = None;
        if self.is_rank_0() {
            metrics = while_busy(&*ranks, || self.validate_here(burn, epoch))?;
        }
        let EvalMetrics { nats, tokens, correct } = metrics.unwrap_or_default();
        let is_complete = f64::from(u8::from(metrics.is_some()));
        let numbers = [is_complete, nats, tokens as f64, correct as f64];
        let [is_complete, nats, tokens, correct] = numbers_of_rank_0(&*ranks, numbers)?;
        let metrics = EvalMetrics { nats, tokens: tokens as usize, correct: correct as usize };
        Ok((is_complete > 0.0).then_some(metrics))
    }

    fn validate_here(&mut self, burn: &mut BurnSession<M>, epoch: usize) -> Result<Option<EvalMetrics>> {
        self.observers.on_phase(Phase::Validating).map_err(Error::Observer)?;
        let total_items = burn.valid.num_items();
        burn.valid_event(LearnerEvent::StartSplit { epoch_number: epoch, total_items })?;
        let module = self.state.eval_module();
        let mut numbers = StepNumbers::default();
        let mut iterator = burn.valid.iter();
        let mut step = 0;
        let (start, mut timer) = (Instant::now(), StopTimer::new(self.stop_timeout));
        while let Some(batch) = iterator.next() {
            self.checkpoints.check_lock()?;
            if !timer.allows(self.is_asked_to_stop(burn) || self.is_stop_agreed) {
                return Ok(None);
            }
            let output = InferenceStep::step(&module, batch.map_err(TrainingError::from)?);
            numbers.add(Sums { targets: output.read()?, ..Sums::default() });
            step += 1;
            burn.validated(numbers, iterator.progress(), step)?;
        }
        self.validation_seconds = start.elapsed().as_secs_f64();
        burn.valid_event(LearnerEvent::EndSplit(epoch))?;
        Ok(Some(numbers.epoch.targets))
    }
}
