//! Chooses how a model is trained: the batch, the length of a chunk, the learning rate, the average of the weights, and how a
//! batch is divided over several processes.

use super::choices::Choices;
use super::given::Given;
use super::implied;
use super::table::Row;
use crate::config::{ModeKind, TokenKind};
use crate::view::format::{counted, thousands};

/// The decay of the average of the weights.
pub(super) const EMA_DECAY: f64 = 0.999;

/// The parallel streams that each of several processes should have: with fewer, its matrix products use a processor less well.
const STREAMS_OF_PROCESS: usize = 32;
/// The fewest steps in a pass over the text with a batch that is larger because there are several processes
/// (benchmarks/README.md, "Batch size").
const STEPS_OF_PASS: u64 = 100;
/// The highest learning rate for a larger batch. In the first hundred steps without dropout twice as much is better with 128
/// streams and more (benchmarks/README.md, "Batch size"); a whole run was not measured.
const MOST_RATE: f64 = 0.016;

/// Parallel streams and the learning rate for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Batch {
    /// Parallel streams.
    pub streams: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
}

impl Batch {
    /// For one process as the table says, for `shards` shards more streams if a pass over `tokens` tokens then has enough steps.
    fn new(row: &Row, tokens: u64, shards: usize) -> Self {
        let Row { batch_size, bptt_len, learning_rate, .. } = *row;
        let batch = Self { streams: batch_size, learning_rate };
        if shards == 1 {
            return batch;
        }
        let most = (tokens / (STEPS_OF_PASS * bptt_len as u64)) as usize / shards * shards;
        batch.with_streams((STREAMS_OF_PROCESS * shards).min(most).max(batch_size.next_multiple_of(shards)))
    }

    /// So many streams instead of these, with the learning rate for them.
    pub fn with_streams(self, streams: usize) -> Self {
        // As the noise of the gradients falls with more streams and grows with fewer.
        let factor = (streams as f64 / self.streams as f64).sqrt();
        let highest = MOST_RATE.max(self.learning_rate);
        Self { streams, learning_rate: rounded((self.learning_rate * factor).min(highest)) }
    }
}

impl Choices<'_> {
    /// Training on streams by `ranks` processes.
    pub fn training(&mut self, row: &Row, given: &Given, ranks: usize) {
        if !given.is_set("train.shards") {
            self.config.train.shards = ranks;
        }
        // Given shards say how many processes may ever train, but one process alone gets the batch of one.
        let shards = if ranks == 1 { 1 } else { self.config.train.shards.max(1) };
        let batch = Batch::new(row, self.tokens_of_text(), shards);
        let train = &mut self.config.train;
        train.mode = ModeKind::Tbptt;
        train.batch_size = batch.streams;
        train.bptt_len = row.bptt_len;
        train.learning_rate = batch.learning_rate;
        // There is one average of the weights.
        let has_moving_average = train.averaging_patience == 0;
        train.ema_decay = if has_moving_average { EMA_DECAY } else { 0.0 };
        train.optimizer.kind = implied::optimizer_kind(&train.optimizer);
        train.schedule.kind = implied::schedule_kind(&train.schedule);
        implied::set_clip(&mut train.clip);
        let reason = self.reason_for_ranks(batch.streams, row.bptt_len, ranks);
        self.add(&["train.batch_size", "train.bptt_len", "train.mode"], reason);
        if ranks > 1 {
            let reason = format!("{ranks}, the number of processes, each of which computes one shard of a batch");
            self.add(&["train.shards"], reason);
        }
        self.add(implied::LEARNING_RATE, rate_reason(batch.learning_rate));
        if has_moving_average {
            let reason = format!("{EMA_DECAY}: the average of the weights has a lower loss than the last ones");
            self.add(&["train.ema_decay"], reason);
        }
    }

    /// The reason for a batch of `ranks` processes.
    fn reason_for_ranks(&self, streams: usize, chunk: usize, ranks: usize) -> String {
        let reason = batch_reason(streams, chunk);
        let each = streams / ranks;
        match ranks {
            1 => reason,
            _ if each >= STREAMS_OF_PROCESS => {
                format!("{reason}, of which each of {ranks} processes computes {each} streams")
            }
            _ => {
                let steps = thousands((self.tokens_of_text() / (streams * chunk) as u64) as usize);
                format!(
                    "{reason}, of which each of {ranks} processes computes only {each} streams: several processes do not pay \
                     for this text, because with a larger batch a pass over it would have too few steps (now about {steps}); \
                     one process is likely to be faster"
                )
            }
        }
    }

    /// About how many tokens the text has.
    fn tokens_of_text(&self) -> u64 {
        let profile = &self.found.profile;
        match self.config.tokens.kind {
            TokenKind::Characters => profile.characters,
            TokenKind::Subwords => profile.bytes / 3,
            TokenKind::Words => profile.bytes / 5,
        }
    }
}

/// The reason for a batch of so many streams in chunks of so many tokens.
pub(super) fn batch_reason(streams: usize, chunk: usize) -> String {
    let [all, tokens] = [(streams, "parallel stream"), (chunk, "token")].map(|(n, noun)| counted(n, noun));
    let targets = counted(streams * chunk, "target");
    format!("{all} in chunks of {tokens}: {targets} per step")
}

/// The reason for a learning rate.
pub(super) fn rate_reason(rate: f64) -> String {
    format!("{rate} with Adam, falling to zero at the end of the run; gradients are clipped to a norm of 1")
}

/// A learning rate with two digits.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use args::ConfigArgs;
    use text_prep::TextProfiler;

    use super::super::choices::choose;
    use super::super::look::Found;
    use super::*;
    use crate::config::Config;

    /// The configuration for a text of so many bytes and so many processes, and the reason for the batch.
    fn chosen(bytes: u64, ranks: usize, set: &[&str]) -> (Config, String) {
        let set = set.iter().map(|change| change.to_string()).collect();
        let given = Given::new(&ConfigArgs { set, text: vec!["my.txt".into()], ..ConfigArgs::default() }).unwrap();
        let mut profile = TextProfiler::default().finish();
        (profile.bytes, profile.characters) = (bytes, bytes);
        let found = Found { profile, files: 1, strips_gutenberg: false };
        let (config, choices, _) = choose(&found, &given, 3.0, ranks);
        let reason = choices.iter().find(|choice| choice.key() == "train.batch_size");
        (given.apply(config).unwrap(), reason.map_or_else(String::new, |choice| choice.reason.clone()))
    }

    #[test]
    fn of_a_long_text_each_process_has_enough_streams() {
        let (alone, _) = chosen(20_000_000, 1, &[]);
        assert_eq!((alone.train.batch_size, alone.train.shards, alone.train.learning_rate), (16, 1, 0.01));
        let (four, reason) = chosen(20_000_000, 4, &[]);
        assert_eq!((four.train.batch_size, four.train.shards, four.train.learning_rate), (128, 4, 0.016));
        assert!(reason.ends_with("of which each of 4 processes computes 32 streams"), "{reason}");
    }

    #[test]
    fn several_processes_do_not_pay_for_a_short_text() {
        let (config, reason) = chosen(400_000, 4, &[]);
        assert_eq!((config.train.batch_size, config.train.shards), (40, 4));
        assert!(
            reason.contains("each of 4 processes computes only 10 streams: several processes do not pay"),
            "{reason}"
        );
        let (config, _) = chosen(3_000, 16, &[]);
        assert_eq!((config.train.batch_size, config.train.shards), (16, 16), "a multiple of the shards");
    }

    #[test]
    fn given_shards_and_streams_stay() {
        let (config, _) = chosen(20_000_000, 2, &["train.shards=8"]);
        assert_eq!((config.train.batch_size, config.train.shards), (256, 8));
        let (config, reason) = chosen(20_000_000, 2, &["train.batch_size=24"]);
        assert_eq!((config.train.batch_size, config.train.shards, reason), (24, 2, String::new()));
        let (config, _) = chosen(400_000, 1, &["train.shards=4"]);
        assert_eq!((config.train.batch_size, config.train.shards), (16, 4));
        assert_eq!(chosen(400_000, 2, &["train.shards=0"]).0.train.shards, 0, "it is rejected later");
    }
}
