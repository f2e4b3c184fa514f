//! The train loop: steps, validation and checkpoints, and a rollback to an earlier checkpoint if the loss diverges.
//! A run can be saved after any step and resumed bit-identically.

use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::tensor::Device;
use burn::train::{LearnerEvent, TrainStep, TrainingItem};
use models::{EvalMetrics, Metadata, ModelBundle, State};
use seqdata::EpochCursor;

use crate::burn_events::BurnEvents;
use crate::checkpoint::Checkpoints;
use crate::ema::update_ema;
use crate::error::{Error, Result};
use crate::estimate::{memory_bytes, seconds_per_step};
use crate::job::{RunIdentity, StopReason};
use crate::observer::Observer;
use crate::progress::Progress;
use crate::report::{EpochReport, FileOffsets, Phase, Plan, Rollback, StepReport};
use crate::state::{MODULE_PRESENT, TrainState};
use crate::stop::StopFlag;
use crate::task::{BatchOf, StepOutput, TrainModule, TrainTask};

/// How many times a run halves its learning rate before it fails.
const MAX_HALVINGS: u32 = 3;
/// A loss of this many times ln V, the loss of the uniform baseline, counts as divergence. A model that is merely
/// wrong does not reach it.
const DIVERGENCE_FACTOR: f64 = 10.0;

type Data<'a, M> = &'a dyn DataLoader<BatchOf<M>>;

/// The training and validation data.
pub(crate) struct Loaders<'a, M: TrainTask> {
    pub train: Data<'a, M>,
    pub valid: Data<'a, M>,
}

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
    /// Without autodiff.
    pub device: Device,
    pub stop: StopFlag,
    pub observer: Box<dyn Observer<M>>,
}

impl<M: TrainTask> TrainLoop<M> {
    /// Trains until the last epoch, early stopping or a stop request.
    pub fn run(&mut self, burn: &mut BurnEvents<M>, data: &Loaders<M>) -> Result<StopReason> {
        self.report_start(data)?;
        let mut file_offsets = FileOffsets::new();
        self.observer.before_checkpoint(&mut file_offsets).map_err(Error::Observer)?;
        if file_offsets != self.progress.file_offsets {
            // An observer's file was lost and starts again: save this step's checkpoint again with its new length.
            self.last_saved = None;
        }
        // A rollback point for the first steps.
        self.save()?;
        loop {
            match self.run_epoch(burn, data) {
                Err(Error::Diverged { reason, step }) => self.roll_back(reason, step)?,
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
    /// on request.
    fn run_epoch(&mut self, burn: &mut BurnEvents<M>, data: &Loaders<M>) -> Result<Option<StopReason>> {
        let epoch = self.progress.epoch();
        self.train_epoch(burn, data.train, epoch)?;
        if self.progress.steps_in_epoch() < self.progress.steps_per_epoch {
            self.save()?;
            let loss = self.validate(burn, data.valid, epoch)?.nats_per_token();
            return Ok(Some(StopReason::Requested { valid_loss_nats_per_token: loss }));
        }
        let metrics = self.validate(burn, data.valid, epoch)?;
        let loss = metrics.nats_per_token();
        self.check_loss(loss, self.progress.steps + 1, || format!("the validation loss of epoch {epoch}"))?;
        burn.train(LearnerEvent::EndEpoch(epoch))?;
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
        self.state.rnn_state = None;
        self.observer.on_epoch_end(&report, &self.state.eval_model()).map_err(Error::Observer)?;
        self.save()?;
        let continues = !self.progress.is_finished() && !self.progress.should_stop_early();
        let requested = StopReason::Requested { valid_loss_nats_per_token: loss };
        Ok((continues && self.stop.is_requested()).then_some(requested))
    }

    /// Reports the plan, and for a new run a time estimate.
    fn report_start(&mut self, data: &Loaders<M>) -> Result<()> {
        let Some(batch) = data.train.iter().next() else { return Ok(()) };
        let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
        let module = self.state.module();
        let Progress { config, steps_per_epoch, steps, epochs, file_offsets, .. } = &self.progress;
        let plan = Plan {
            first_epoch: self.progress.epoch(),
            epochs: config.epochs,
            steps_done: *steps,
            reports: epochs.clone(),
            file_offsets: file_offsets.clone(),
            mode: config.mode,
            train_items: data.train.num_items(),
            valid_items: data.valid.num_items(),
            steps_per_epoch: *steps_per_epoch as usize,
            parameters: module.num_params(),
            memory_bytes: memory_bytes(module, &self.identity.metadata.config, &batch),
        };
        self.observer.on_start(&plan).map_err(Error::Observer)?;
        if *steps > 0 {
            // A resumed run already knows its time per epoch: no trial steps.
            return Ok(());
        }
        let step = seconds_per_step(module, &self.state.optimizer, config.learning_rate, &batch);
        self.observer.on_estimate(*steps_per_epoch as f64 * step).map_err(Error::Observer)
    }

    /// Trains until the epoch ends or a stop is requested.
    fn train_epoch(&mut self, burn: &mut BurnEvents<M>, train: Data<M>, epoch: usize) -> Result<()> {
        self.observer.on_phase(Phase::Training).map_err(Error::Observer)?;
        self.cursor.set(epoch, self.progress.steps_in_epoch() as usize);
        burn.train(LearnerEvent::StartSplit { epoch_number: epoch, total_items: train.num_items() })?;
        let mut iterator = train.iter();
        while !(self.stop.is_requested() && self.progress.steps_in_epoch() > 0) {
            let start = Instant::now();
            let Some(batch) = iterator.next() else { break };
            let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
            let learning_rate = self.progress.learning_rate(M::step_index(&batch));
            let rate = ModuleLearningRate::from(learning_rate);
            let tokens = M::num_tokens(&batch);
            let output = self.step(batch, rate.clone())?;
            let mut metrics = EvalMetrics::default();
            metrics.add(&output.0)?;
            let Progress { epoch_totals, steps, .. } = &mut self.progress;
            *steps += 1;
            epoch_totals.tokens += tokens;
            epoch_totals.add(&metrics);
            // Time spent in observers does not count as training.
            epoch_totals.seconds += start.elapsed().as_secs_f64();
            let step = self.progress.steps_in_epoch() as usize;
            let loss = metrics.nats_per_token();
            let step_of_run = self.progress.steps;
            self.check_loss(loss, step_of_run, || format!("the loss of step {step_of_run}"))?;
            let item = TrainingItem::new(output, iterator.progress(), Some(step), Some(rate));
            burn.train(LearnerEvent::ProcessedItem(item))?;
            self.report_step((epoch, step), loss, learning_rate)?;
            if self.checkpoint_is_due() {
                self.save()?;
            }
        }
        burn.train(LearnerEvent::EndSplit(epoch))
    }

    /// One update of the weights, and of their moving average.
    fn step(&mut self, batch: BatchOf<M>, rate: ModuleLearningRate) -> Result<StepOutput> {
        let rnn_state = self.state.rnn_state.take();
        let (output, rnn_state) = self.state.module().train_step(batch, rnn_state);
        self.state.rnn_state = rnn_state;
        durable::failpoint::reach("step", "middle".as_ref()).map_err(|error| Error::Burn(error.to_string()))?;
        let module = self.state.module.take().expect(MODULE_PRESENT);
        let module = module.optimize(&mut self.state.optimizer, rate, output.grads);
        if let Some(ema) = self.state.ema.take() {
            let decay = self.progress.config.ema_decay;
            self.state.ema = Some(update_ema(ema, &module.model, decay, self.progress.steps + 1));
        }
        self.state.module = Some(module);
        Ok(output.item)
    }

    /// Returns an error if the loss has diverged. `step`, counted from 1, is the one that starts from the weights
    /// with this loss; `name` describes the loss in the error.
    fn check_loss(&self, loss: f64, step: u64, name: impl Fn() -> String) -> Result<()> {
        let uniform = (M::vocab_size(&self.identity.metadata.config) as f64).ln();
        if loss.is_finite() && loss <= DIVERGENCE_FACTOR * uniform {
            return Ok(());
        }
        let reason = if loss.is_finite() {
            format!("{} is {loss:.1} nats/token (uniform baseline: {uniform:.1})", name())
        } else {
            format!("{} is {loss}", name())
        };
        Err(Error::Diverged { reason, step })
    }

    fn report_step(&mut self, (epoch, step): (usize, usize), loss: f64, rate: f64) -> Result<()> {
        let Progress { epoch_totals, steps_per_epoch, steps, config, .. } = &self.progress;
        let report = StepReport {
            epoch,
            step,
            steps: *steps_per_epoch as usize,
            step_of_run: *steps,
            step_loss_nats_per_token: loss,
            loss_nats_per_token: epoch_totals.nats_per_token(),
            learning_rate: rate,
            seconds: epoch_totals.seconds,
            tokens_per_second: epoch_totals.tokens_per_second(),
        };
        self.observer.on_step(&report).map_err(Error::Observer)?;
        let every = config.sample_every;
        if every > 0 && (step as u64).is_multiple_of(every) && (step as u64) < *steps_per_epoch {
            self.observer.on_sample(&report, &self.state.eval_model()).map_err(Error::Observer)?;
        }
        Ok(())
    }

    fn validate(&mut self, burn: &mut BurnEvents<M>, valid: Data<M>, epoch: usize) -> Result<EvalMetrics> {
        self.observer.on_phase(Phase::Validating).map_err(Error::Observer)?;
        burn.valid(LearnerEvent::StartSplit { epoch_number: epoch, total_items: valid.num_items() })?;
        let module = TrainModule { model: self.state.eval_model(), ..self.state.module().clone() };
        let mut metrics = EvalMetrics::default();
        let mut rnn_state: Option<State> = None;
        let mut iterator = valid.iter();
        let mut step = 0;
        while let Some(batch) = iterator.next() {
            let batch = batch.map_err(|error| Error::Burn(error.to_string()))?;
            let (output, next_state) = module.valid_step(batch, rnn_state.take());
            rnn_state = next_state;
            metrics.add(&output.0)?;
            step += 1;
            let item = TrainingItem::new(output, iterator.progress(), Some(step), None);
            burn.valid(LearnerEvent::ProcessedItem(item))?;
        }
        burn.valid(LearnerEvent::EndSplit(epoch))?;
        Ok(metrics)
    }

    /// Whether a checkpoint is due within the epoch. The epoch's last step is always saved, after validation.
    fn checkpoint_is_due(&self) -> bool {
        let Progress { config, steps, steps_per_epoch, .. } = &self.progress;
        let policy = config.checkpoint_policy;
        let by_steps = policy.every_steps > 0 && steps.is_multiple_of(policy.every_steps);
        let minutes = self.saved_at.elapsed().as_secs_f64() / 60.0;
        let by_time = policy.every_minutes > 0.0 && minutes >= policy.every_minutes;
        (by_steps || by_time) && self.progress.steps_in_epoch() < *steps_per_epoch
    }

    /// Saves a checkpoint of the current step, unless there is one.
    fn save(&mut self) -> Result<()> {
        if self.last_saved == Some(self.progress.steps) {
            return Ok(());
        }
        self.observer.on_phase(Phase::Saving).map_err(Error::Observer)?;
        self.observer.before_checkpoint(&mut self.progress.file_offsets).map_err(Error::Observer)?;
        let RunIdentity { tokenizer, extra_files, .. } = self.identity.clone();
        let bundle = ModelBundle { model: self.state.eval_model(), tokenizer, metadata: self.metadata(), extra_files };
        let raw_model = self.state.ema.as_ref().map(|_| self.state.module().model.valid());
        let rnn_state = self.state.rnn_state.as_ref().filter(|_| self.state_is_needed());
        self.checkpoints.save(bundle, raw_model.as_ref(), &self.state.optimizer, rnn_state, &self.progress)?;
        self.last_saved = Some(self.progress.steps);
        self.saved_at = Instant::now();
        self.observer.on_checkpoint(self.progress.steps).map_err(Error::Observer)?;
        self.observer.on_phase(Phase::Training).map_err(Error::Observer)
    }

    /// Whether the next batch starts from the current RNN state.
    fn state_is_needed(&self) -> bool {
        self.progress.config.mode.carries_state() && self.progress.steps_in_epoch() > 0
    }

    /// The model's metadata at this step.
    fn metadata(&self) -> Metadata<M::Config> {
        let Progress { steps, epochs, config, .. } = &self.progress;
        let mut metadata = Metadata {
            epochs: epochs.len(),
            steps: *steps,
            valid_loss_window: None,
            valid_loss_carried: None,
            ..self.identity.metadata.clone()
        };
        if let Some(last) = epochs.last().filter(|last| last.step == *steps) {
            config.mode.set_valid_loss(&mut metadata, last.valid_loss_nats_per_token);
        }
        metadata
    }

    /// Returns to the newest checkpoint before the divergence, with half the learning rate.
    fn roll_back(&mut self, reason: String, diverged_step: u64) -> Result<()> {
        let halvings = self.progress.halvings + 1;
        if halvings > MAX_HALVINGS {
            return Err(Error::DivergedRepeatedly { reason, halvings: MAX_HALVINGS });
        }
        let Some(checkpoint) = self.checkpoints.rollback_point(diverged_step, &self.device)? else {
            return Err(Error::NoRollbackPoint { reason });
        };
        // Later checkpoints lead to the divergence.
        self.checkpoints.remove_after(checkpoint.progress.steps)?;
        let config = self.progress.config.clone();
        self.progress = Progress { config, halvings, ..checkpoint.progress.clone() };
        let kernels = self.state.module().model.kernels();
        self.state = TrainState::from_checkpoint(checkpoint, &self.progress.config, kernels);
        self.last_saved = Some(self.progress.steps);
        self.saved_at = Instant::now();
        let rollback = Rollback {
            reason,
            step: self.progress.steps,
            learning_rate: self.progress.learning_rate(self.progress.steps),
            halvings,
            reports: self.progress.epochs.clone(),
            file_offsets: self.progress.file_offsets.clone(),
        };
        self.observer.on_rollback(&rollback).map_err(Error::Observer)
    }
}
