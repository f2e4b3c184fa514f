//! How far a run has come: all that a resumed run must know besides weights and optimizer.

use std::collections::BTreeMap;

use models::Score;
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::observer::EpochReport;
use crate::schedule::{Moment, since_best, warm_up};

/// The lengths, in bytes, of the files that observers append to, by name.
pub type Marks = BTreeMap<String, u64>;

/// How a run is trained and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The numbers that it is trained by.
    pub config: TrainConfig,
    /// The hash of the training windows.
    pub train_sha256: String,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Updates made.
    pub steps: u64,
    /// The epoch under way.
    pub pass: Pass,
    /// How often the learning rate was halved because the loss exploded.
    pub halvings: u32,
    /// One report a finished epoch, in order.
    pub epochs: Vec<EpochReport>,
    /// Where the files of the observers ended.
    pub marks: Marks,
}

/// What the epoch under way came to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// The sum of the training losses.
    pub nats: f64,
    /// Over how many targets.
    pub targets: usize,
    /// Ids read.
    pub tokens: usize,
    /// Wall time of training alone.
    pub seconds: f64,
}

impl Pass {
    /// Adds the score of one step.
    pub(crate) fn add(&mut self, step: &Score) {
        self.nats += step.nats;
        self.targets += step.tokens;
    }

    /// The mean training loss so far, in nats a token.
    pub fn nats_per_token(&self) -> f64 {
        self.nats / self.targets as f64
    }

    /// Tokens read a second.
    pub fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.seconds
    }
}

impl Progress {
    /// A run that is about to begin.
    pub fn new(config: TrainConfig, train_sha256: String, steps_per_epoch: usize) -> Self {
        Self {
            config,
            train_sha256,
            steps_per_epoch: steps_per_epoch as u64,
            steps: 0,
            pass: Pass::default(),
            halvings: 0,
            epochs: Vec::new(),
            marks: Marks::new(),
        }
    }

    /// The epoch with the lowest validation loss; the earlier one of two equals.
    pub fn best(&self) -> Option<&EpochReport> {
        let loss = |report: &EpochReport| report.valid_loss_nats_per_token;
        let finite = self.epochs.iter().filter(|report| loss(report).is_finite());
        finite.min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }

    /// The epoch under way, or to be judged, counted from 1.
    pub fn epoch(&self) -> usize {
        self.epochs.len() + 1
    }

    /// Steps done in that epoch.
    pub fn steps_in_epoch(&self) -> u64 {
        self.steps - self.epochs.len() as u64 * self.steps_per_epoch
    }

    /// Whether every run of this configuration keeps a checkpoint here, whatever the clock says and
    /// whoever stops it: where a run goes back to must not depend on either.
    pub fn is_milestone(&self) -> bool {
        let every = self.config.keeping.every_steps;
        let by_steps = every > 0 && self.steps.is_multiple_of(every);
        by_steps || self.steps.is_multiple_of(self.steps_per_epoch)
    }

    /// Whether every epoch is trained and judged.
    pub fn is_finished(&self) -> bool {
        self.epochs.len() >= self.config.epochs
    }

    /// Whether validation has brought nothing lower for as long as the configuration bears.
    pub fn has_lost_patience(&self) -> bool {
        self.has_lost_patience_with(self.config.patience)
    }

    /// The same for another patience; 0 bears everything.
    pub fn has_lost_patience_with(&self, patience: usize) -> bool {
        patience > 0 && since_best(&self.valid_losses()) >= patience
    }

    /// The factor of the update at step `step` of the whole run, counted from 0.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let TrainConfig { learning_rate, schedule, warm_up_steps, epochs, .. } = self.config;
        let moment = Moment {
            step,
            steps_per_epoch: self.steps_per_epoch,
            epochs: epochs as u64,
            valid_losses: &self.valid_losses(),
        };
        let rate = learning_rate * schedule.share(&moment) * warm_up(step, warm_up_steps);
        rate * 0.5f64.powi(self.halvings as i32)
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
    fn the_best_epoch_is_the_earliest_of_the_lowest() {
        let best = |losses: &[f64]| progress(losses).best().map(|report| report.epoch);
        assert_eq!(best(&[3.0, 2.0, 2.0, 2.5]), Some(2));
        assert_eq!(best(&[]), None);
        assert_eq!(best(&[f64::NAN, -f64::NAN, f64::NEG_INFINITY, 9.0]), Some(4));
    }

    #[test]
    fn patience_ends_after_as_many_epochs_as_were_asked_for() {
        let mut progress = progress(&[3.0, 2.0, 2.0, 2.5]);
        assert!(!progress.has_lost_patience(), "0 bears everything");
        progress.config.patience = 3;
        assert!(!progress.has_lost_patience());
        progress.config.patience = 2;
        assert!(progress.has_lost_patience());
    }

    #[test]
    fn every_explosion_halves_the_learning_rate() {
        let mut progress = progress(&[]);
        let rate = progress.learning_rate(3);
        progress.halvings = 2;
        assert_eq!(progress.learning_rate(3), rate / 4.0);
        progress.config.warm_up_steps = 8;
        assert_eq!(progress.learning_rate(3), rate / 8.0);
    }
}
