//! One work on all workers: warmed up, then round by round, each program in turn.

use std::time::Duration;

use serde_json::{Map, Value};

use super::neighbours::{CALM, Moment};
use super::worker::{Answer, Worker};
use super::works::{GEMM, Kind, TEXT_MEGABYTES, Work};

/// How long a request should last: long beside the clock's grain, short beside a neighbour's mood.
const REQUEST_SECONDS: f64 = 0.7;
/// Threads of OpenMP spin for 0.2 s after their work by default, and would take it from the next program.
pub const PAUSE: Duration = Duration::from_millis(300);

/// What the rounds of one work gave.
#[derive(Debug, Default, PartialEq)]
pub struct Rounds {
    /// A list for every worker, one number a round; empty if it does not do this work
    pub values: Vec<Vec<f64>>,
    /// How many cores others took in the busiest round that counts, if that is known
    pub others: Option<f64>,
    /// How many rounds do not count
    pub disturbed: usize,
    /// What went wrong, a line each
    pub failures: Vec<String>,
}

/// One round: what each worker measured, and how many cores others took meanwhile.
struct Round {
    values: Vec<Option<f64>>,
    others: Option<f64>,
}

/// What one answer says.
#[derive(Debug, PartialEq)]
struct Reading {
    seconds_per_step: f64,
    /// In the work's unit
    value: f64,
}

/// Measures a work on all workers that do it. One that fails is left out from then on.
///
/// While others are busy, there are up to twice as many rounds; the calmest count.
pub fn measure(work: &Work, workers: &mut [Worker], repetitions: usize, pause: Duration) -> Rounds {
    let mut rounds = Rounds { values: vec![Vec::new(); workers.len()], ..Rounds::default() };
    let who = if work.is_for_all() { workers.len() } else { 1 };
    let workers = &mut workers[..who];
    let mut steps = Vec::new();
    for worker in workers.iter_mut() {
        steps.push(rounds.or_failure(warm_up(work, worker)).flatten());
        std::thread::sleep(pause);
    }
    let mut all: Vec<Round> = Vec::new();
    let calm = |round: &&Round| round.others.is_none_or(|others| others <= CALM);
    while all.iter().filter(calm).count() < repetitions
        && all.len() < 2 * repetitions
        && steps.iter().any(Option::is_some)
    {
        let round = rounds.round(work, workers, &mut steps, all.len(), pause);
        all.push(round);
    }
    // Chosen by what others did alone, never by the numbers.
    all.sort_by(|a, b| a.others.unwrap_or(0.0).total_cmp(&b.others.unwrap_or(0.0)));
    rounds.disturbed = all.len().saturating_sub(repetitions);
    all.truncate(repetitions);
    rounds.others = all.iter().filter_map(|round| round.others).max_by(f64::total_cmp);
    for (at, worker) in workers.iter_mut().enumerate().filter(|(at, _)| steps[*at].is_some()) {
        rounds.values[at] = all.iter().filter_map(|round| round.values[at]).collect();
        rounds.or_failure(worker.forget(work.name));
    }
    rounds
}

impl Rounds {
    fn round(
        &mut self,
        work: &Work,
        workers: &mut [Worker],
        steps: &mut [Option<u64>],
        number: usize,
        pause: Duration,
    ) -> Round {
        let ours: Vec<u32> = workers.iter().map(Worker::id).chain([std::process::id()]).collect();
        let before = Moment::now(&ours);
        let mut values = vec![None; workers.len()];
        for at in order(number, workers.len()) {
            let Some(count) = steps[at] else { continue };
            let reading = self.or_failure(ask(work, &mut workers[at], count)).flatten();
            values[at] = reading.map(|reading| reading.value);
            if values[at].is_none() {
                steps[at] = None;
            }
            std::thread::sleep(pause);
        }
        let span = before.zip(Moment::now(&ours));
        let others = span.map(|(before, after)| before.others_until(&after));
        Round { values, others }
    }

    fn or_failure<T>(&mut self, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|failure| self.failures.push(failure)).ok()
    }
}

/// The programs' turns: each round begins with another one.
fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |turn| (round + turn) % count)
}

/// Warms a worker up, and finds out how many steps make one request; nothing if it does not do the work.
fn warm_up(work: &Work, worker: &mut Worker) -> Result<Option<u64>, String> {
    let mut steps = 1;
    // A single step is too short to tell how long a thousand take: go there by strides.
    loop {
        let Some(reading) = ask(work, worker, steps)? else { return Ok(None) };
        let wanted = (REQUEST_SECONDS / reading.seconds_per_step).round().clamp(1.0, 1e6) as u64;
        if wanted <= 4 * steps {
            return Ok(Some(wanted));
        }
        steps = wanted.min(50 * steps);
    }
}

fn ask(work: &Work, worker: &mut Worker, steps: u64) -> Result<Option<Reading>, String> {
    match worker.ask(work.name, steps)? {
        Answer::Unsupported => Ok(None),
        Answer::Done(numbers) => reading(work, &numbers)
            .map(Some)
            .map_err(|error| format!("{}, {}: {error}", worker.hello.name, work.name)),
    }
}

fn reading(work: &Work, numbers: &Map<String, Value>) -> Result<Reading, String> {
    let positive = |key: &str| match numbers.get(key).and_then(Value::as_f64) {
        Some(number) if number > 0.0 => Ok(number),
        _ => Err(format!("expected `{key}` above 0, found {}", Value::from(numbers.clone()))),
    };
    match work.kind {
        Kind::Multiply => {
            let value = positive("gflops")?;
            let flops = 2.0 * (GEMM as f64).powi(3);
            Ok(Reading { seconds_per_step: flops / (value * 1e9), value })
        }
        Kind::Prepare => {
            let value = positive("megabytes_per_second")?;
            Ok(Reading { seconds_per_step: TEXT_MEGABYTES / value, value })
        }
        _ => {
            let seconds_per_step = positive("seconds_per_step")?;
            Ok(Reading { seconds_per_step, value: 1e3 * seconds_per_step })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::works::{self, Place};

    #[test]
    fn every_program_begins_a_round_in_its_turn() {
        let orders: Vec<Vec<usize>> = (0..4).map(|round| order(round, 3).collect()).collect();
        assert_eq!(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
    }

    #[test]
    fn numbers_are_read_in_the_unit_of_the_work() {
        let read = |kind, text: &str| {
            let numbers = serde_json::from_str(text).unwrap();
            reading(&works::work("x", kind, Place::Anywhere), &numbers)
        };
        let found = read(Kind::Write, r#"{"seconds_per_step":0.25}"#).unwrap();
        assert_eq!(found, Reading { seconds_per_step: 0.25, value: 250.0 });
        let found = read(Kind::Multiply, r#"{"gflops":2.147483648}"#).unwrap();
        assert_eq!(found, Reading { seconds_per_step: 1.0, value: 2.147_483_648 });
        let found = read(Kind::Prepare, r#"{"megabytes_per_second":50}"#).unwrap();
        assert_eq!(found, Reading { seconds_per_step: 2.0, value: 50.0 });
        let error = read(Kind::Write, r#"{"seconds_per_step":0}"#).unwrap_err();
        assert!(error.contains("`seconds_per_step`") && error.contains(":0}"), "{error}");
    }

    #[cfg(unix)]
    mod with_workers {
        use super::super::*;
        use crate::bench::worker::fake;
        use crate::bench::works::{self, Place};

        fn rounds(name: &'static str, kind: Kind) -> Rounds {
            let folder = tempfile::tempdir().unwrap();
            let mut workers = ["Ours", "Theirs"].map(|name| fake(name, folder.path()));
            measure(&works::work(name, kind, Place::Anywhere), &mut workers, 3, Duration::ZERO)
        }

        #[test]
        fn a_round_gives_a_number_of_each_program() {
            let found = rounds("tokens", Kind::Write);
            assert_eq!(found.values, [[500.0; 3], [500.0; 3]]);
            assert!(found.failures.is_empty(), "{found:?}");
        }

        #[test]
        fn what_ours_does_alone_nobody_else_is_asked_for() {
            assert_eq!(rounds("gemm", Kind::Multiply).values, [vec![4.0; 3], vec![]]);
            assert_eq!(rounds("prepare", Kind::Prepare).values, [vec![80.0; 3], vec![]]);
        }

        #[test]
        fn what_is_not_done_or_fails_gives_no_number() {
            let found = rounds("write", Kind::Write);
            assert_eq!(found, Rounds { values: vec![vec![], vec![]], ..Rounds::default() });
            let found = rounds("fail", Kind::Write);
            assert_eq!(found.values, [[0.0; 0], [0.0; 0]]);
            let failures = ["Ours, fail: out of fingers", "Theirs, fail: out of fingers"];
            assert_eq!(found.failures, failures);
        }
    }
}
