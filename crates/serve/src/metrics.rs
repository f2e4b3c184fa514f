//! Counts of the server, in the text format of Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that several threads change.
#[derive(Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    /// Adds to a count.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Sets a level.
    pub fn set(&self, level: u64) {
        self.0.store(level, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted.
#[derive(Default)]
pub(crate) struct Metrics {
    /// Requests of all kinds.
    pub requests: Number,
    /// Of these, the ones that were rejected.
    pub rejected: Number,
    /// Tokens of the prompts of texts.
    pub prompt_tokens: Number,
    /// Tokens of the texts that are complete.
    pub written_tokens: Number,
    /// The texts that are advanced now.
    pub running: Number,
    /// The texts that wait for their turn.
    pub waiting: Number,
}

impl Metrics {
    /// All numbers.
    pub fn to_text(&self) -> String {
        let Self { requests, rejected, prompt_tokens, written_tokens, running, waiting } = self;
        let rows = [
            ("pastiche_requests_total", "counter", "Requests of all kinds", requests),
            ("pastiche_rejected_requests_total", "counter", "Requests answered with an error", rejected),
            ("pastiche_prompt_tokens_total", "counter", "Tokens of prompts", prompt_tokens),
            ("pastiche_completion_tokens_total", "counter", "Tokens of complete texts", written_tokens),
            ("pastiche_texts_running", "gauge", "Texts that are running: written or read now", running),
            ("pastiche_texts_waiting", "gauge", "Texts that wait for their turn", waiting),
        ];
        rows.map(|(name, kind, help, number)| {
            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}\n", number.get())
        })
        .concat()
    }
}
