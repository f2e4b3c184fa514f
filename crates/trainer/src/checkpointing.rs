//! The checkpoints of the train loop: when one is due, what it holds, and the return to one after a divergence. Rank 0 reads
//! and writes them; the RNN states of all ranks are in them, so that another number of ranks can continue.

use std::time::Instant;

use models::State;
use ranks::while_busy;

use crate::burn_session::BurnSession;
use crate::carried_state;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::exchange::receive_state;
use crate::observer::Observer;
use crate::progress::{MAX_HALVINGS, Progress};
use crate::report::{Phase, Rollback};
use crate::state::TrainState;
use crate::task::TrainTask;
use crate::train_loop::TrainLoop;

impl<M: TrainTask> TrainLoop<M> {
    /// Whether a checkpoint is due after the next step by the clock of rank 0.
    pub fn checkpoint_is_due_by_clock(&self) -> bool {
        let every_minutes = self.progress.config.checkpoint_policy.every_minutes;
        let minutes = self.saved_at.elapsed().as_secs_f64() / 60.0;
        self.is_rank_0() && every_minutes > 0.0 && minutes >= every_minutes
    }

    /// Whether a checkpoint is due within the epoch. The epoch's last step is always saved, after validation.
    pub fn checkpoint_is_due(&self, by_clock: bool) -> bool {
        let Progress { config, steps, .. } = &self.progress;
        let every_steps = config.checkpoint_policy.every_steps;
        let by_steps = every_steps > 0 && steps.is_multiple_of(every_steps);
        (by_steps || by_clock) && self.progress.steps_in_epoch() < self.progress.steps_per_epoch()
    }

    /// Saves a checkpoint of the current step, unless there is one.
    pub fn save(&mut self) -> Result<()> {
        if self.last_saved == Some(self.progress.steps) {
            return Ok(());
        }
        let ranks = self.ranks.clone();
        let rnn_state = if self.holds_rnn_state() { self.gather_rnn_state()? } else { None };
        if self.is_rank_0() {
            while_busy(&*ranks, || self.write_checkpoint(rnn_state.as_ref()))?;
        }
        self.last_saved = Some(self.progress.steps);
        self.saved_at = Instant::now();
        Ok(())
    }

    /// Writes the checkpoint of the current step with this RNN state.
    fn write_checkpoint(&mut self, rnn_state: Option<&State>) -> Result<()> {
        self.checkpoints.check_lock()?;
        self.observers.on_phase(Phase::Saving).map_err(Error::Observer)?;
        self.observers.before_checkpoint(&mut self.progress.file_offsets).map_err(Error::Observer)?;
        let bundle = self.state.bundle(&self.identity, &self.progress);
        let raw_model = self.state.raw_model();
        let optimizer = self.state.module.optimizer();
        self.checkpoints.save(bundle, raw_model.as_ref(), &optimizer, rnn_state, &self.progress)?;
        self.observers.on_checkpoint(self.progress.steps).map_err(Error::Observer)?;
        self.observers.on_phase(Phase::Training).map_err(Error::Observer)
    }

    /// Whether a checkpoint of this step holds the RNN state.
    fn holds_rnn_state(&self) -> bool {
        self.progress.config.mode.carries_state() && self.progress.holds_rnn_state()
    }

    /// The RNN state of all rows, on rank 0.
    fn gather_rnn_state(&self) -> Result<Option<State>> {
        let model_state = self.state.module.with(|module| module.model.init_state(1)).unwrap_or_default();
        let rows = self.progress.config.batch_size;
        carried_state::gather(self.state.module.rnn_states(), &*self.ranks, &model_state, rows)
    }

    /// Returns to the newest checkpoint before the divergence, with half the learning rate.
    pub fn roll_back(&mut self, burn: &mut BurnSession<M>, reason: String, diverged_step: u64) -> Result<()> {
        let halvings = self.progress.halvings + 1;
        if halvings > MAX_HALVINGS {
            return Err(Error::DivergedRepeatedly { reason, halvings: MAX_HALVINGS });
        }
        let ranks = self.ranks.clone();
        let checkpoint = if self.is_rank_0() {
            let point = while_busy(&*ranks, || self.take_rollback_point(diverged_step))?;
            point.ok_or_else(|| Error::NoRollbackPoint { reason: reason.clone() })?
        } else {
            receive_state(&*ranks, &self.identity, self.checkpoints.directory(), &self.device)?
        };
        let (config, rnn_state) = (self.progress.config.clone(), checkpoint.rnn_state.clone());
        self.progress = Progress { config, halvings, ..checkpoint.progress.clone() };
        let (kernels, shards) = (self.state.module.with(|module| module.model.kernels()), self.shards.clone());
        (self.state, *burn.learner) = TrainState::from_checkpoint(checkpoint, &self.progress.config, kernels, shards);
        if self.is_rank_0() {
            self.state.send(&*ranks, &self.identity, rnn_state.as_ref(), &self.progress)?;
        }
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
        self.observers.on_rollback(&rollback).map_err(Error::Observer)
    }

    /// Loads the newest checkpoint before the divergence, and removes later ones, which lead to it.
    fn take_rollback_point(&self, diverged_step: u64) -> Result<Option<Checkpoint<M>>> {
        let point = self.checkpoints.rollback_point(diverged_step, &self.device)?;
        if let Some(checkpoint) = &point {
            self.checkpoints.remove_after(checkpoint.progress.steps)?;
        }
        Ok(point)
    }
}
