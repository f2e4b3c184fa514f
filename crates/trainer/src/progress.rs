//! Progress of a run: everything that resuming needs besides weights, optimizer state and RNN state.

use models::{EvalMetrics, mean_loss};
use serde::{Deserialize, Serialize};
use text_prep::counted;

use crate::averaging::Averaging;
use crate::config::TrainConfig;
use crate::metrics::Sums;
use crate::report::{EpochReport, FileOffsets};
use crate::schedule::{ScheduleContext, since_best, warm_up};

/// How many times a run halves its learning rate before it fails.
pub(crate) const MAX_HALVINGS: u32 = 3;
/// Mean losses are not negative, except by rounding.
const MIN_LOSS: f64 = -1e-3;
/// No step has more tokens.
const MAX_STEP_TOKENS: u64 = 1 << 32;

/// The config of a run and its progress. The serialized names stand in `progress.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Training hyperparameters.
    pub config: TrainConfig,
    /// SHA-256 of the training data.
    pub train_sha256: String,
    /// Steps in a pass over the training data. In earlier versions an epoch was a pass.
    #[serde(alias = "steps_per_epoch")]
    pub steps_per_pass: u64,
    /// Updates made.
    pub steps: u64,
    /// Sums over the current epoch.
    #[serde(rename = "pass")]
    pub epoch_totals: EpochTotals,
    /// How many times the learning rate was halved because the loss diverged.
    pub halvings: u32,
    /// One report per finished epoch, in order.
    pub epochs: Vec<EpochReport>,
    /// Lengths of the observers' files.
    #[serde(rename = "marks")]
    pub file_offsets: FileOffsets,
}

/// Sums over the current epoch so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochTotals {
    /// Sum of the training losses.
    pub nats: f64,
    /// Number of targets in that sum.
    pub targets: usize,
    /// Number of input tokens.
    pub tokens: usize,
    /// Wall time of training, without validation and observers.
    pub seconds: f64,
}

impl EpochReport {
    /// The first value that no epoch has, if there is one. Values that are not finite are those of a run that diverged.
    fn out_of_range(&self) -> Option<String> {
        let Self { train_loss_nats_per_token, valid_loss_nats_per_token, valid_accuracy, .. } = *self;
        let at_least = [
            ("train_loss_nats_per_token", train_loss_nats_per_token, MIN_LOSS),
            ("valid_loss_nats_per_token", valid_loss_nats_per_token, MIN_LOSS),
            ("learning_rate", self.learning_rate, 0.0),
            ("seconds", self.seconds, 0.0),
            ("tokens_per_second", self.tokens_per_second, 0.0),
        ];
        let negative = at_least.into_iter().find(|(_, found, least)| found < least);
        negative.map(|(name, found, _)| format!("{name} {found}, expected 0 or more")).or_else(|| {
            let is_possible = valid_accuracy.is_nan() || (0.0..=1.0).contains(&valid_accuracy);
            (!is_possible).then(|| format!("valid_accuracy {valid_accuracy}, expected 0 to 1"))
        })
    }
}

impl EpochTotals {
    /// Adds the metrics of one step.
    pub(crate) fn add(&mut self, step: &EvalMetrics) {
        self.nats += step.nats;
        self.targets += step.tokens;
    }

    /// The same sums for Burn's metrics. The training loss is computed without the number of correct predictions.
    pub(crate) fn sums(&self) -> Sums {
        let targets = EvalMetrics { nats: self.nats, tokens: self.targets, correct: 0 };
        Sums { targets, tokens: self.tokens, seconds: self.seconds }
    }

    /// Mean training loss so far, in nats per token.
    pub fn nats_per_token(&self) -> f64 {
        mean_loss(self.nats, self.targets)
    }

    /// Training speed so far.
    pub fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.seconds
    }
}

impl Progress {
    /// The progress of a new run.
    pub fn new(config: TrainConfig, train_sha256: String, steps_per_pass: usize) -> Self {
        Self {
            config,
            train_sha256,
            steps_per_pass: steps_per_pass as u64,
            steps: 0,
            epoch_totals: EpochTotals::default(),
            halvings: 0,
            epochs: Vec::new(),
            file_offsets: FileOffsets::new(),
        }
    }

    /// Checks that the counters are possible and the config is in range, as they are in what a run has saved.
    ///
    /// # Errors
    /// The reason.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { config, steps_per_pass, steps, epoch_totals, halvings, epochs, .. } = self;
        config.check().map_err(|error| error.to_string())?;
        if *steps_per_pass == 0 {
            return Err("a pass over its training data has 0 steps".into());
        }
        let (finished, steps_per_epoch) = (epochs.len() as u64, self.steps_per_epoch());
        let in_epoch = finished.checked_mul(steps_per_epoch).and_then(|finished| steps.checked_sub(finished));
        let Some(in_epoch) = in_epoch.filter(|in_epoch| *in_epoch <= steps_per_epoch) else {
            let [steps, of_epoch] = [*steps, steps_per_epoch].map(|number| counted(number as usize, "step"));
            return Err(format!("it has {steps} after {} of {of_epoch}", counted(epochs.len(), "epoch")));
        };
        for (number, report) in (1..).zip(epochs) {
            let (epoch, step) = (report.epoch, report.step);
            if epoch as u64 != number || step != number * steps_per_epoch {
                return Err(format!("the report of epoch {number} is of epoch {epoch} and step {step}"));
            }
            if let Some(problem) = report.out_of_range() {
                return Err(format!("the report of epoch {number} has {problem}"));
            }
        }
        if *halvings > MAX_HALVINGS {
            let times = counted(*halvings as usize, "time");
            return Err(format!("the learning rate was halved {times}, expected at most {MAX_HALVINGS}"));
        }
        let EpochTotals { nats, targets, tokens, seconds } = *epoch_totals;
        let limit = in_epoch.saturating_mul(MAX_STEP_TOKENS);
        if targets as u64 > limit || tokens as u64 > limit || !(nats.is_finite() && seconds.is_finite()) {
            let (targets, tokens) = (counted(targets, "target"), counted(tokens, "token"));
            let steps = counted(in_epoch as usize, "step");
            return Err(format!("it has {targets} and {tokens} after {steps} of the epoch"));
        }
        let min_nats = MIN_LOSS * targets as f64;
        let sums = [("pass.nats", nats, min_nats), ("pass.seconds", seconds, 0.0)];
        if let Some((name, found, _)) = sums.into_iter().find(|(_, found, least)| found < least) {
            return Err(format!("its {name} is {found}, expected 0 or more"));
        }
        Ok(())
    }

    /// The epoch with the lowest validation loss; the earlier one of equal losses.
    pub fn best(&self) -> Option<&EpochReport> {
        let loss = |report: &EpochReport| report.valid_loss_nats_per_token;
        let finite = self.epochs.iter().filter(|report| loss(report).is_finite());
        finite.min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }

    /// The epoch that is being trained or validated, counted from 1.
    pub fn epoch(&self) -> usize {
        self.epochs.len() + 1
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        match self.config.steps_per_epoch {
            0 => self.steps_per_pass,
            steps => steps,
        }
    }

    /// Steps in all epochs of the config.
    pub fn all_steps(&self) -> u64 {
        self.steps_per_epoch().saturating_mul(self.config.epochs as u64)
    }

    /// Steps done in that epoch.
    pub fn steps_in_epoch(&self) -> u64 {
        self.steps - self.epochs.len() as u64 * self.steps_per_epoch()
    }

    /// Whether the next step is the first of a pass over the training data, and starts from a zero RNN state.
    pub(crate) fn is_at_start_of_pass(&self) -> bool {
        self.steps.is_multiple_of(self.steps_per_pass)
    }

    /// Whether a checkpoint holds the RNN state after the last step, with a mode that carries it: not where an epoch and
    /// a pass have both ended. At the end of a pass within an epoch it is not needed.
    pub(crate) fn holds_rnn_state(&self) -> bool {
        self.steps_in_epoch() > 0 || !self.is_at_start_of_pass()
    }

    /// Whether every run with this config writes this checkpoint, regardless of the clock and of stop requests.
    /// Rollbacks prefer such checkpoints, so that they are reproducible.
    pub fn is_milestone(&self) -> bool {
        if self.steps.is_multiple_of(self.steps_per_epoch()) {
            // Only a run that was stopped during the validation has a checkpoint before its end.
            return self.steps == self.epochs.last().map_or(0, |report| report.step);
        }
        let every = self.config.checkpoint_policy.every_steps;
        every > 0 && self.steps.is_multiple_of(every)
    }

    /// Whether every epoch is trained and validated.
    pub fn is_finished(&self) -> bool {
        self.epochs.len() >= self.config.epochs
    }

    /// Whether the validation loss has not decreased for `early_stopping_patience` epochs.
    pub fn should_stop_early(&self) -> bool {
        self.should_stop_early_with(self.config.early_stopping_patience)
    }

    /// The same for another patience; 0 for no early stopping.
    pub fn should_stop_early_with(&self, patience: usize) -> bool {
        patience > 0 && since_best(&self.valid_losses()) >= patience
    }

    /// The learning rate of step `step` of the run, counted from 0.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let TrainConfig { learning_rate, schedule, warm_up_steps, epochs, .. } = self.config;
        let context = ScheduleContext {
            step,
            steps_per_epoch: self.steps_per_epoch(),
            epochs: epochs as u64,
            valid_losses: &self.valid_losses(),
        };
        let rate = learning_rate * schedule.factor(&context) * warm_up(step, warm_up_steps);
        rate * 0.5f64.powi(self.halvings as i32)
    }

    /// The average of the weights from the next step on, which depends on the validation losses so far.
    pub(crate) fn averaging(&self) -> Averaging {
        let ema_decay = self.config.ema_decay;
        if ema_decay > 0.0 {
            return Averaging::Exponential(ema_decay);
        }
        match self.config.averaged_after(&self.valid_losses()) {
            Some(epochs) => Averaging::MeanSince(self.epochs[epochs - 1].step),
            None => Averaging::Off,
        }
    }

    fn valid_losses(&self) -> Vec<f64> {
        self.epochs.iter().map(|report| report.valid_loss_nats_per_token).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    fn progress(losses: &[f64]) -> Progress {
        let mut progress = Progress::new(config(), String::new(), 10);
        progress.epochs = losses
            .iter()
            .enumerate()
            .map(|(at, &loss)| EpochReport {
                epoch: at + 1,
                step: 10 * (at as u64 + 1),
                train_loss_nats_per_token: loss,
                valid_loss_nats_per_token: loss,
                valid_accuracy: 0.1,
                learning_rate: 0.001,
                seconds: 1.0,
                tokens_per_second: 1.0,
            })
            .collect();
        progress.steps = 10 * losses.len() as u64;
        progress
    }

    #[test]
    fn the_best_epoch_is_the_earliest_with_the_lowest_loss() {
        let best = |losses: &[f64]| progress(losses).best().map(|report| report.epoch);
        assert_eq!(best(&[3.0, 2.0, 2.0, 2.5]), Some(2));
        assert_eq!(best(&[]), None);
        assert_eq!(best(&[f64::NAN, -f64::NAN, f64::NEG_INFINITY, 9.0]), Some(4));
    }

    #[test]
    fn early_stopping_waits_for_patience_epochs() {
        let mut progress = progress(&[3.0, 2.0, 2.0, 2.5]);
        assert!(!progress.should_stop_early(), "0 disables early stopping");
        progress.config.early_stopping_patience = 3;
        assert!(!progress.should_stop_early());
        progress.config.early_stopping_patience = 2;
        assert!(progress.should_stop_early());
    }

    #[test]
    fn the_end_of_an_epoch_is_a_milestone_once_it_is_validated() {
        let mut progress = progress(&[3.0, 2.0]);
        assert!(progress.is_milestone());
        progress.epochs.pop();
        assert!(!progress.is_milestone());
        progress.config.checkpoint_policy.every_steps = 4;
        assert!(!progress.is_milestone());
        progress.steps = 16;
        assert!(progress.is_milestone());
        progress.steps = 17;
        assert!(!progress.is_milestone());
        let new = Progress::new(config(), String::new(), 10);
        assert!(new.is_milestone());
    }

    #[test]
    fn impossible_counters_are_rejected() {
        let valid = progress(&[3.0, 2.0]);
        valid.check().unwrap();
        Progress { steps: 25, ..valid.clone() }.check().unwrap();
        // Losses of a run that diverged, and one that is zero but for rounding.
        progress(&[f64::NAN, f64::INFINITY, 1e30, -1e-9]).check().unwrap();
        let error = |change: fn(&mut Progress)| {
            let mut progress = valid.clone();
            change(&mut progress);
            progress.check().unwrap_err()
        };
        for (change, expected) in [
            ((|progress| progress.steps = 19) as fn(&mut Progress), "19 steps after 2 epochs of 10 steps"),
            (|progress| progress.steps = 31, "31 steps"),
            (|progress| progress.steps_per_pass = 0, "a pass over its training data has 0 steps"),
            (|progress| progress.steps_per_pass = u64::MAX, "after 2 epochs"),
            (|progress| progress.config.steps_per_epoch = 12, "20 steps after 2 epochs of 12 steps"),
            (|progress| progress.halvings = 4, "halved 4 times, expected at most 3"),
            (|progress| progress.epochs.swap(0, 1), "the report of epoch 1 is of epoch 2"),
            (|progress| progress.epochs[1].step = 7, "epoch 2 and step 7"),
            (|progress| progress.epoch_totals.tokens = 1, "1 token after 0 steps"),
            (|progress| progress.config.batch_size = 0, "train.batch_size"),
            (
                |progress| progress.epochs[1].valid_loss_nats_per_token = -2.0,
                "the report of epoch 2 has valid_loss_nats_per_token -2, expected 0 or more",
            ),
            (
                |progress| progress.epochs[0].train_loss_nats_per_token = f64::NEG_INFINITY,
                "train_loss_nats_per_token -inf",
            ),
            (|progress| progress.epochs[0].learning_rate = -0.1, "learning_rate -0.1"),
            (|progress| progress.epochs[0].seconds = -1.0, "seconds -1"),
            (|progress| progress.epochs[0].tokens_per_second = -1.0, "tokens_per_second -1"),
            (|progress| progress.epochs[0].valid_accuracy = 1.5, "valid_accuracy 1.5, expected 0 to 1"),
            (|progress| progress.epochs[0].valid_accuracy = -0.5, "valid_accuracy -0.5, expected 0 to 1"),
            (|progress| progress.epoch_totals.seconds = -1.0, "its pass.seconds is -1, expected 0 or more"),
            (|progress| progress.epoch_totals.nats = -1.0, "its pass.nats is -1, expected 0 or more"),
        ] {
            let error = error(change);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_progress_of_an_earlier_version_has_an_epoch_per_pass() {
        let json = serde_json::to_string(&progress(&[3.0, 2.0])).unwrap();
        let earlier = json.replace("\"steps_per_epoch\":0,", "").replace("steps_per_pass", "steps_per_epoch");
        assert_eq!(earlier.matches("steps_per_epoch").count(), 1, "{earlier}");
        let earlier: Progress = serde_json::from_str(&earlier).unwrap();
        assert_eq!(earlier, progress(&[3.0, 2.0]));
        assert_eq!(earlier.steps_per_epoch(), 10);
    }

    #[test]
    fn epochs_may_end_within_a_pass() {
        let mut progress = progress(&[3.0, 2.0]);
        progress.config = progress.config.steps_per_epoch(10).epochs(3);
        progress.steps_per_pass = 3;
        progress.check().unwrap();
        assert_eq!((progress.steps_per_epoch(), progress.all_steps(), progress.steps_in_epoch()), (10, 30, 0));
        assert!(progress.is_milestone() && progress.holds_rnn_state() && !progress.is_at_start_of_pass());
        progress.steps_per_pass = 5;
        assert!(!progress.holds_rnn_state() && progress.is_at_start_of_pass());
        // The next pass ends within the epoch.
        progress.steps = 25;
        assert!(!progress.is_milestone() && progress.holds_rnn_state() && progress.is_at_start_of_pass());
    }

    #[test]
    fn every_rollback_halves_the_learning_rate() {
        let mut progress = progress(&[]);
        let rate = progress.learning_rate(3);
        progress.halvings = 2;
        assert_eq!(progress.learning_rate(3), rate / 4.0);
        progress.config.warm_up_steps = 8;
        assert_eq!(progress.learning_rate(3), rate / 8.0);
    }
}
