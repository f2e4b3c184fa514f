//! The data that the view displays.

use std::collections::VecDeque;
use std::time::Instant;

use super::curve::Curve;

/// The number of messages kept.
const MAX_MESSAGES: usize = 50;

/// Everything that the view displays. The training loop updates it; the view draws a copy.
#[derive(Clone, Debug, Default)]
pub struct ViewState {
    /// The name of the run.
    pub name: String,
    /// The name of the backend, such as `ndarray`.
    pub backend: String,
    /// A short description of the model, such as `1,853,901 parameters`.
    pub model: String,
    /// What the run is doing.
    pub phase: Phase,
    /// Whether the user has requested a stop that has not happened yet.
    pub stopping: bool,
    /// The current epoch, counted from 1.
    pub epoch: u64,
    /// The total number of epochs.
    pub epochs: u64,
    /// Steps done in the current epoch.
    pub step: u64,
    /// Steps per epoch.
    pub steps: u64,
    /// Steps done in the run.
    pub global_step: u64,
    /// Steps of all epochs.
    pub all_steps: u64,
    /// Training losses in nats/token.
    pub train: Curve,
    /// Validation losses in nats/token.
    pub valid: Curve,
    /// Validation losses of the averaged weights in nats/token; empty while no weights are averaged.
    pub averaged: Curve,
    /// Losses of simpler models.
    pub baselines: Vec<Baseline>,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Training speed.
    pub tokens_per_second: f64,
    /// Seconds since the run began.
    pub seconds: f64,
    /// Estimated seconds until it ends, if known.
    pub eta_seconds: Option<f64>,
    /// The last checkpoint.
    pub saved: Option<SavedCheckpoint>,
    /// When the times above were measured; if set, the view advances them.
    pub measured_at: Option<Instant>,
    /// The best validation loss so far.
    pub best: Option<BestEpoch>,
    /// The latest sample of the model.
    pub sample: Option<Sample>,
    /// The latest messages, the newest last: see [`ViewState::info`] and [`ViewState::warn`].
    pub messages: VecDeque<Message>,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Performing training steps.
    #[default]
    Training,
    /// Evaluating the validation split.
    Validating,
    /// Writing a checkpoint.
    Saving,
}

/// The loss of a simpler model, drawn as a dotted line.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// A short name, such as `5-gram`.
    pub name: String,
    /// Its loss in nats/token.
    pub nats: f64,
}

/// The last checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SavedCheckpoint {
    /// Its age in seconds.
    pub seconds_ago: f64,
    /// The global step after which it was made.
    pub step: u64,
}

/// The epoch with the lowest validation loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestEpoch {
    /// Its loss in nats/token.
    pub nats: f64,
    /// The number of the epoch, counted from 1.
    pub epoch: u64,
}

/// A sample of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The text.
    pub text: String,
    /// The global step after which it was made.
    pub step: u64,
}

/// A message of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// One sentence.
    pub text: String,
    /// Whether it is highlighted as a warning.
    pub is_warning: bool,
}

impl ViewState {
    /// Adds a message such as `saved at step 1,200`.
    pub fn info(&mut self, text: impl Into<String>) {
        self.push_message(Message { text: text.into(), is_warning: false });
    }

    /// Adds a warning, such as `loss exploded at step 300`.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.push_message(Message { text: text.into(), is_warning: true });
    }

    fn push_message(&mut self, message: Message) {
        if self.messages.len() == MAX_MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    /// What the run is doing, in one word.
    pub fn status(&self) -> &'static str {
        match self.phase {
            Phase::Training if self.stopping => "stopping",
            Phase::Training => "training",
            Phase::Validating => "validating",
            Phase::Saving => "saving",
        }
    }

    /// Advances the displayed times to `now`, if it is known when they were measured.
    pub fn advance_clocks(&mut self, now: Instant) {
        let Some(measured_at) = self.measured_at.replace(now) else {
            self.measured_at = None;
            return;
        };
        let passed = now.saturating_duration_since(measured_at).as_secs_f64();
        self.seconds += passed;
        self.eta_seconds = self.eta_seconds.map(|eta| (eta - passed).max(0.0));
        if let Some(saved) = &mut self.saved {
            saved.seconds_ago += passed;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn old_messages_are_dropped() {
        let mut state = ViewState::default();
        for number in 0..1_000 {
            state.info(format!("{number}"));
        }
        state.warn("the last");
        assert_eq!(state.messages.len(), MAX_MESSAGES);
        assert_eq!(state.messages.back().unwrap().text, "the last");
    }

    #[test]
    fn times_advance_only_if_the_time_of_measurement_is_known() {
        let now = Instant::now();
        let saved = Some(SavedCheckpoint { seconds_ago: 1.0, step: 5 });
        let mut state = ViewState { seconds: 10.0, eta_seconds: Some(2.0), saved, ..ViewState::default() };
        state.advance_clocks(now + Duration::from_secs(3));
        assert_eq!((state.seconds, state.measured_at), (10.0, None));
        state.measured_at = Some(now);
        state.advance_clocks(now + Duration::from_secs(3));
        state.advance_clocks(now + Duration::from_secs(4));
        assert_eq!((state.seconds, state.eta_seconds), (14.0, Some(0.0)));
        assert_eq!(state.saved.unwrap().seconds_ago, 5.0);
    }
}
