//! What the view shows, as plain data: knows no terminal, and asks nobody.

use std::collections::VecDeque;
use std::time::Instant;

use super::curve::Curve;

/// How many messages are remembered.
const MESSAGES: usize = 50;

/// Everything the view shows. The training loop writes it; the view reads a copy of it.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// What the run is called.
    pub name: String,
    /// What it computes with, such as `ndarray`.
    pub backend: String,
    /// The model in a few words, such as `1,853,901 parameters`.
    pub model: String,
    /// What is done now.
    pub phase: Phase,
    /// A person has asked to stop, and the loop has not stopped yet.
    pub stopping: bool,
    /// The epoch now, from 1.
    pub epoch: u64,
    /// Epochs in all.
    pub epochs: u64,
    /// Steps done in this epoch.
    pub step: u64,
    /// Steps of an epoch.
    pub steps: u64,
    /// Steps done in the run.
    pub global_step: u64,
    /// Steps of the whole run.
    pub all_steps: u64,
    /// Training losses, in nats a token.
    pub train: Curve,
    /// Validation losses, in nats a token.
    pub valid: Curve,
    /// Validation losses of the averaged weights, in nats a token; empty if nothing is averaged.
    pub averaged: Curve,
    /// What simpler models reach.
    pub baselines: Vec<Baseline>,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Tokens trained on in a second.
    pub tokens_per_second: f64,
    /// Seconds since the run began.
    pub seconds: f64,
    /// Seconds until it ends, if that can be told.
    pub eta_seconds: Option<f64>,
    /// The last checkpoint.
    pub saved: Option<Saved>,
    /// When the seconds above were true; if that is told, the view lets them run on.
    pub counted: Option<Instant>,
    /// The best validation loss so far.
    pub best: Option<Best>,
    /// What the model wrote last.
    pub sample: Option<Sample>,
    /// The latest messages, the newest last: see [`Scene::say`] and [`Scene::warn`].
    pub messages: VecDeque<Message>,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Steps are made.
    #[default]
    Training,
    /// The validation split is gone through.
    Validating,
    /// A checkpoint is written.
    Saving,
}

/// The loss of a simpler model, drawn as a dotted line.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// A short name, such as `5-gram`.
    pub name: String,
    /// Its loss, in nats a token.
    pub nats: f64,
}

/// A checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saved {
    /// How many seconds ago it was written.
    pub seconds_ago: f64,
    /// After which global step.
    pub step: u64,
}

/// The best validation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// Its loss, in nats a token.
    pub nats: f64,
    /// The epoch it ended, from 1.
    pub epoch: u64,
}

/// What the model wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The text.
    pub text: String,
    /// After which global step.
    pub step: u64,
}

/// One thing worth telling.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// One sentence.
    pub text: String,
    /// It should catch the eye.
    pub alarm: bool,
}

impl Scene {
    /// Adds a message such as `saved at step 1,200`.
    pub fn say(&mut self, text: impl Into<String>) {
        self.tell(Message { text: text.into(), alarm: false });
    }

    /// Adds a message that should catch the eye, such as `loss exploded at step 300`.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.tell(Message { text: text.into(), alarm: true });
    }

    fn tell(&mut self, message: Message) {
        if self.messages.len() == MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    /// What is done now, in a word.
    pub fn doing(&self) -> &'static str {
        match self.phase {
            Phase::Training if self.stopping => "stopping",
            Phase::Training => "training",
            Phase::Validating => "validating",
            Phase::Saving => "saving",
        }
    }

    /// Moves the clocks on to `now`, if it is told when they were right.
    pub fn run_on(&mut self, now: Instant) {
        let Some(counted) = self.counted.replace(now) else {
            self.counted = None;
            return;
        };
        let passed = now.saturating_duration_since(counted).as_secs_f64();
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
    fn old_messages_are_forgotten() {
        let mut scene = Scene::default();
        for number in 0..1_000 {
            scene.say(format!("{number}"));
        }
        scene.warn("the last");
        assert_eq!(scene.messages.len(), MESSAGES);
        assert_eq!(scene.messages.back().unwrap().text, "the last");
    }

    #[test]
    fn clocks_run_on_only_if_it_is_told_when_they_were_right() {
        let now = Instant::now();
        let saved = Some(Saved { seconds_ago: 1.0, step: 5 });
        let mut scene = Scene { seconds: 10.0, eta_seconds: Some(2.0), saved, ..Scene::default() };
        scene.run_on(now + Duration::from_secs(3));
        assert_eq!((scene.seconds, scene.counted), (10.0, None));
        scene.counted = Some(now);
        scene.run_on(now + Duration::from_secs(3));
        scene.run_on(now + Duration::from_secs(4));
        assert_eq!((scene.seconds, scene.eta_seconds), (14.0, Some(0.0)));
        assert_eq!(scene.saved.unwrap().seconds_ago, 5.0);
    }
}
