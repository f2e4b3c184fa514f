//! The processes that train one model together, of which this may be one. Rank 0 runs the command; the others get from it
//! the configuration that it trains with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use args::RANK_TIMEOUT_VARIABLE;
use kernels::cpu::simd_level::SimdLevel;
use ranks::deadline::Deadline;
use ranks::{EXIT_RESTART, Launched, Ranks, RanksError, Single};
use seqdata::ConfigError;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, bail};
use crate::output::{self, status};
use crate::run::provenance::processor_name;

/// What a run of several ranks trains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// The complete configuration as TOML.
    pub config: String,
    /// The directory of the run.
    pub run: PathBuf,
    /// Whether it continues from a checkpoint.
    pub is_resumed: bool,
    /// The backend.
    pub backend: String,
}

/// The ranks of this job.
#[derive(Clone)]
pub struct TrainRanks {
    ranks: Arc<dyn Ranks>,
    /// Whether rank 0 has said what is trained.
    is_announced: Arc<AtomicBool>,
}

impl TrainRanks {
    /// The ranks that the program was started as: one, unless `mpirun` or `srun` has started several.
    ///
    /// # Errors
    /// If this build cannot be one of several, or the time that they wait for each other is no number.
    pub fn of_process() -> Result<Self> {
        let timeout = timeout(std::env::var_os(RANK_TIMEOUT_VARIABLE))?;
        let ranks = ranks::start(Launched::from_env(), timeout).map_err(|error| {
            let hint = matches!(error, RanksError::WithoutMpi { .. })
                .then_some("`cargo xtask train --ranks N` builds and starts it");
            Error::from(error).with_hint(hint)
        })?;
        Ok(Self::new(ranks))
    }

    /// This process alone, however often the program was started.
    pub fn alone() -> Self {
        Self::new(Arc::new(Single))
    }

    fn new(ranks: Arc<dyn Ranks>) -> Self {
        // Reading a text may take long.
        ranks.set_busy(true);
        Self { ranks, is_announced: Arc::new(AtomicBool::new(false)) }
    }

    /// Whether this process runs the command and reports: it is alone, or rank 0.
    pub fn is_first(&self) -> bool {
        self.ranks.rank() == 0
    }

    /// Whether there are others.
    pub fn are_several(&self) -> bool {
        self.count() > 1
    }

    /// How many processes there are.
    pub fn count(&self) -> usize {
        self.ranks.count()
    }

    /// Who computes the `shards` of a batch, for the first line of a run; nothing if there is one of each.
    pub fn in_words(&self, shards: usize) -> String {
        match (self.count(), shards) {
            (1, 1) => String::new(),
            (1, _) => format!(", one after another the {shards} shards of a batch"),
            (ranks, _) => {
                let share = shards / ranks;
                format!(" with {ranks} processes, each of which computes {share} of the {shards} shards of a batch")
            }
        }
    }

    /// Checks that a batch can be divided over so many processes.
    ///
    /// # Errors
    /// If their number is no power of two.
    pub fn check_count(&self) -> Result<()> {
        let ranks = self.count();
        if !ranks.is_power_of_two() {
            let fewer = 1 << ranks.ilog2();
            bail!(
                "{ranks} processes were started, but a batch is divided over 2, 4, 8, …: start {fewer} or {}",
                2 * fewer
            )
        }
        Ok(())
    }

    /// Checks that the shards of a batch can be divided over the ranks, before anything takes long.
    ///
    /// # Errors
    /// If they cannot; the message says which number is possible.
    pub fn check_shards(&self, shards: usize) -> Result<()> {
        let ranks = self.count();
        if shards < ranks && ranks.is_power_of_two() {
            let expected = format!("{ranks}, the number of ranks, or that times 2, 4, 8, …");
            return Err(trainer::Error::from(ConfigError::new("train.shards", shards, expected)).into());
        }
        ranks::shards_of_rank(shards, 0, ranks)?;
        Ok(())
    }

    /// The ranks as the trainer takes them. It says itself when this one is busy. Rank 0 warns of ranks whose processors may
    /// round differently.
    ///
    /// # Errors
    /// If another rank is lost.
    pub fn begin_training(&self) -> Result<Arc<dyn Ranks>> {
        self.ranks.set_busy(false);
        if self.are_several() {
            let all = self.ranks.gather(processor().into_bytes())?.unwrap_or_default();
            let names: Vec<_> = all.iter().map(|name| String::from_utf8_lossy(name)).collect();
            if let Some(rank) = names.iter().position(|name| *name != names[0]) {
                status(&format!(
                    "warning: rank {rank} on {} computes with another processor ({}) than rank 0 ({}), which may round \
                     differently: other numbers of ranks, or the same ones on other computers, may give slightly other \
                     weights",
                    self.ranks.host(rank),
                    names[rank],
                    names[0]
                ));
            }
        }
        Ok(self.ranks.clone())
    }

    /// The others wait for this rank, which may take long, until [`end`](Self::end).
    pub fn begin_reports(&self) {
        self.ranks.set_busy(true);
    }

    /// Says on rank 0 what is trained, before training begins.
    ///
    /// # Errors
    /// If another rank is lost.
    pub fn announce(&self, announcement: &Announcement) -> Result<()> {
        self.send(Some(announcement))
    }

    fn send(&self, announcement: Option<&Announcement>) -> Result<()> {
        if self.are_several() {
            self.is_announced.store(true, Ordering::SeqCst);
            self.ranks.set_busy(false);
            let bytes = serde_json::to_vec(&announcement).map_err(|error| Error::new(error.to_string()))?;
            self.ranks.broadcast(&mut bytes.clone())?;
        }
        Ok(())
    }

    /// What is trained, on ranks other than 0; `None` if nothing is.
    ///
    /// # Errors
    /// If rank 0 is lost, or is another program.
    pub fn receive(&self) -> Result<Option<Announcement>> {
        let mut bytes = Vec::new();
        self.ranks.set_busy(false);
        self.ranks.broadcast(&mut bytes)?;
        // The text is read next.
        self.ranks.set_busy(true);
        let unreadable =
            |error| Error::new(format!("rank 0 is another version of the program ({error}): start one only"));
        serde_json::from_slice(&bytes).map_err(unreadable)
    }

    /// Ends the command with its `result`. An error ends all ranks, because they would wait for this one.
    ///
    /// # Errors
    /// The error of `result`, if there are no others.
    pub fn end(&self, result: Result<ExitCode>) -> Result<ExitCode> {
        if !self.are_several() {
            return result;
        }
        let ended = result.and_then(|code| {
            if self.is_first() && !self.is_announced.load(Ordering::SeqCst) {
                self.send(None)?;
            }
            self.ranks.set_busy(false);
            self.ranks.finish()?;
            Ok(code)
        });
        ended.map_err(|error| {
            // The launcher ends the processes with a signal, and there is no step to finish and to save.
            output::be_quiet();
            if !self.is_first() && is_found_by_all(&error) {
                // Rank 0 says it and ends this rank.
                self.ranks.set_busy(false);
                let _ = self.ranks.finish();
            }
            self.ranks.abort(exit_code(&error), &error.full_message())
        })
    }
}

/// How long a rank waits for the others at least, from the value of the environment variable.
fn timeout(value: Option<OsString>) -> Result<Duration> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(Deadline::LEAST) };
    let seconds = value.to_str().and_then(|text| text.trim().parse().ok()).filter(|&seconds| seconds >= 1.0);
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(timeout) => Ok(timeout),
        None => {
            let value = value.to_string_lossy();
            bail!("{RANK_TIMEOUT_VARIABLE} is `{value}`; expected a number of seconds from 1 on, or unset it")
        }
    }
}

/// The processor of this computer and the vectors that the kernels use of it.
fn processor() -> String {
    format!("{}, {}", processor_name(), SimdLevel::selected().name())
}

/// The exit code of a job that ends with this error: one of its own if a restart helps.
fn exit_code(error: &Error) -> i32 {
    let is_lost = |error| matches!(of_ranks(error), Some(RanksError::Lost { .. } | RanksError::TimedOut { .. }));
    if causes(error).any(is_lost) { EXIT_RESTART } else { 1 }
}

/// Whether every rank finds this error, because it lies in the configuration that all have from rank 0.
fn is_found_by_all(error: &Error) -> bool {
    causes(error).any(|error| {
        matches!(of_ranks(error), Some(RanksError::Indivisible { .. }))
            || matches!(error.downcast_ref(), Some(trainer::Error::Config(_)))
    })
}

/// An error and what has caused it.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source())
}

/// The error of the ranks that this is, also within one of the trainer.
fn of_ranks<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a RanksError> {
    match error.downcast_ref() {
        Some(trainer::Error::Ranks(error)) => Some(error),
        _ => error.downcast_ref(),
    }
}

#[cfg(test)]
mod tests {
    use ranks::Threads;

    use super::*;

    #[test]
    fn only_a_lost_rank_is_worth_a_restart() {
        let lost = RanksError::Lost { rank: 2, reason: "it was killed".into() };
        assert_eq!(exit_code(&Error::from(lost.clone())), EXIT_RESTART);
        assert_eq!(exit_code(&Error::from(trainer::Error::from(lost)).with_hint(Some("try again"))), EXIT_RESTART);
        let indivisible = ranks::shards_of_rank(4, 0, 3).unwrap_err();
        assert_eq!(exit_code(&Error::from(indivisible)), 1);
        assert_eq!(exit_code(&Error::new("no text")), 1);
    }

    #[test]
    fn the_time_that_ranks_wait_is_a_number_of_seconds() {
        let seconds = |text: &str| timeout(Some(text.into()));
        assert_eq!(timeout(None).unwrap(), Deadline::LEAST);
        assert_eq!(seconds("").unwrap(), Deadline::LEAST);
        assert_eq!(seconds("2.5").unwrap(), Duration::from_millis(2500));
        for text in ["0", "-1", "soon", "NaN", "inf", "1e300"] {
            let error = seconds(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("PASTICHE_RANK_TIMEOUT is `{text}`; expected")), "{error}");
        }
    }

    /// The ranks of a job whose ranks are threads.
    fn threads(count: usize) -> Vec<TrainRanks> {
        let ranks = Threads::new(count, Duration::from_secs(60)).into_iter();
        ranks.map(|ranks| TrainRanks::new(Arc::new(ranks))).collect()
    }

    #[test]
    fn shards_that_cannot_be_divided_are_rejected_with_a_possible_number() {
        let error = |count: usize, shards: usize| threads(count)[0].check_shards(shards).unwrap_err().to_string();
        assert!(error(2, 1).starts_with("`train.shards` is 1; expected 2, the number of ranks"), "{}", error(2, 1));
        assert!(error(3, 4).contains("possible numbers of ranks: 1, 2, 4"), "{}", error(3, 4));
        threads(2)[0].check_shards(8).unwrap();
        TrainRanks::alone().check_shards(4).unwrap();
        let error = threads(3)[0].check_count().unwrap_err().to_string();
        assert_eq!(error, "3 processes were started, but a batch is divided over 2, 4, 8, …: start 2 or 4");
        threads(4)[0].check_count().unwrap();
    }

    #[test]
    fn a_run_says_how_many_processes_and_shards_there_are() {
        assert_eq!(threads(2)[0].in_words(4), " with 2 processes, each of which computes 2 of the 4 shards of a batch");
        assert_eq!(TrainRanks::alone().in_words(4), ", one after another the 4 shards of a batch");
        assert_eq!(TrainRanks::alone().in_words(1), "");
    }

    #[test]
    fn what_rank_0_announces_is_received_by_the_others() {
        let what = Announcement { config: "seed = 2\n".into(), is_resumed: true, ..Announcement::default() };
        for announced in [Some(what), None] {
            let received: Vec<_> = std::thread::scope(|scope| {
                let announced = &announced;
                let threads = threads(3).into_iter().map(|ranks| {
                    scope.spawn(move || {
                        let received = if !ranks.is_first() {
                            ranks.receive().unwrap()
                        } else {
                            announced.iter().for_each(|what| ranks.announce(what).unwrap());
                            announced.clone()
                        };
                        ranks.end(Ok(ExitCode::SUCCESS)).unwrap();
                        received
                    })
                });
                let threads: Vec<_> = threads.collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(received.iter().all(|received| *received == announced), "{received:?}");
        }
    }

    #[test]
    fn of_an_error_that_all_ranks_find_the_others_say_nothing_before_rank_0() {
        let indivisible = || Error::from(trainer::Error::from(ranks::shards_of_rank(4, 0, 3).unwrap_err()));
        let others: [(Error, bool); 3] = [
            (indivisible(), true),
            (Error::from(trainer::Error::from(ConfigError::new("train.shards", 1, "2"))), true),
            (Error::new("no text"), false),
        ];
        for (error, waits) in others {
            let message = error.full_message();
            let [first, other]: [TrainRanks; 2] = threads(2).try_into().ok().unwrap();
            let thread = std::thread::spawn(move || other.end(Err(error)).map(|_| ()));
            // It waits for rank 0, or has ended the job.
            first.ranks.set_busy(false);
            assert_eq!(first.ranks.finish().is_ok(), waits, "{message}");
            let aborted = thread.join().unwrap_err();
            let aborted: &ranks::threads::Aborted = aborted.downcast_ref().unwrap();
            assert_eq!((aborted.code, &aborted.reason), (1, &message));
        }
    }

    #[test]
    fn one_process_announces_nothing_and_returns_its_result() {
        let ranks = TrainRanks::alone();
        assert!(ranks.is_first() && !ranks.are_several());
        ranks.announce(&Announcement::default()).unwrap();
        assert!(ranks.end(Err(Error::new("no text"))).is_err());
        assert!(ranks.end(Ok(ExitCode::SUCCESS)).is_ok());
    }
}
