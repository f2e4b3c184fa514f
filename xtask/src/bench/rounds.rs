//! Measures one workload on all workers: a warm-up, then rounds in which each program takes its turn.

use std::time::Duration;

use serde_json::{Map, Value};

use super::cpu_contention::{CpuTimes, LIMIT};
use super::worker::{Response, Worker};
use super::workloads::{GEMM, Kind, TEXT_MEGABYTES, Workload};

/// How long a request should take: long compared with the clock's resolution, short compared with changes in
/// CPU contention.
const REQUEST_SECONDS: f64 = 0.7;
/// OpenMP threads spin for 0.2 s after their work by default, which would slow down the next program.
pub const PAUSE: Duration = Duration::from_millis(300);

/// The measurements of one workload.
#[derive(Debug, Default, PartialEq)]
pub struct Rounds {
    /// For every worker one value per round; empty if it does not have the workload
    pub values: Vec<Vec<f64>>,
    /// How many cores other programs used in the busiest of these rounds, if known
    pub others: Option<f64>,
    /// How many rounds were discarded
    pub discarded: usize,
    /// Error messages
    pub failures: Vec<String>,
}

/// One round: each worker's value, and how many cores other programs used meanwhile.
struct Round {
    values: Vec<Option<f64>>,
    others: Option<f64>,
}

/// One measurement.
#[derive(Debug, PartialEq)]
struct Measurement {
    seconds_per_step: f64,
    /// In the workload's unit
    value: f64,
}

/// Measures a workload on all workers that have it. A worker that fails is left out from then on.
///
/// While other programs are busy there are up to twice as many rounds, of which the least disturbed ones are used.
pub fn measure(workload: &Workload, workers: &mut [Worker], repetitions: usize, pause: Duration) -> Rounds {
    let mut rounds = Rounds { values: vec![Vec::new(); workers.len()], ..Rounds::default() };
    let count = if workload.is_for_peers() { workers.len() } else { 1 };
    let workers = &mut workers[..count];
    let mut steps = Vec::new();
    for worker in workers.iter_mut() {
        steps.push(rounds.ok_or_failure(warm_up(workload, worker)).flatten());
        std::thread::sleep(pause);
    }
    let mut all: Vec<Round> = Vec::new();
    let is_undisturbed = |round: &&Round| round.others.is_none_or(|others| others <= LIMIT);
    while all.iter().filter(is_undisturbed).count() < repetitions
        && all.len() < 2 * repetitions
        && steps.iter().any(Option::is_some)
    {
        all.push(rounds.round(workload, workers, &mut steps, all.len(), pause));
    }
    // Selected only by the load of other programs, never by the measured values.
    all.sort_by(|a, b| a.others.unwrap_or(0.0).total_cmp(&b.others.unwrap_or(0.0)));
    rounds.discarded = all.len().saturating_sub(repetitions);
    all.truncate(repetitions);
    rounds.others = all.iter().filter_map(|round| round.others).max_by(f64::total_cmp);
    for (at, worker) in workers.iter_mut().enumerate().filter(|(at, _)| steps[*at].is_some()) {
        rounds.values[at] = all.iter().filter_map(|round| round.values[at]).collect();
        rounds.ok_or_failure(worker.free(workload.name));
    }
    rounds
}

impl Rounds {
    fn round(
        &mut self,
        workload: &Workload,
        workers: &mut [Worker],
        steps: &mut [Option<u64>],
        number: usize,
        pause: Duration,
    ) -> Round {
        let ours: Vec<u32> = workers.iter().map(Worker::id).chain([std::process::id()]).collect();
        let before = CpuTimes::now(&ours);
        let mut values = vec![None; workers.len()];
        for at in order(number, workers.len()) {
            let Some(count) = steps[at] else { continue };
            let measured = self.ok_or_failure(run(workload, &mut workers[at], count)).flatten();
            values[at] = measured.map(|measured| measured.value);
            if values[at].is_none() {
                steps[at] = None;
            }
            std::thread::sleep(pause);
        }
        let times = before.zip(CpuTimes::now(&ours));
        let others = times.map(|(before, after)| before.others_until(&after));
        Round { values, others }
    }

    fn ok_or_failure<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|failure| self.failures.push(failure)).ok()
    }
}

/// The order of the programs: each round starts with another one.
fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |turn| (round + turn) % count)
}

/// Warms a worker up and finds the number of steps per request; `None` if it does not have the workload.
pub fn warm_up(workload: &Workload, worker: &mut Worker) -> Result<Option<u64>, String> {
    let mut steps = 1;
    // The time of a single step is too inaccurate to predict that of a thousand: increase gradually.
    loop {
        let Some(measured) = run(workload, worker, steps)? else { return Ok(None) };
        let wanted = (REQUEST_SECONDS / measured.seconds_per_step).round().clamp(1.0, 1e6) as u64;
        if wanted <= 4 * steps {
            return Ok(Some(wanted));
        }
        steps = wanted.min(50 * steps);
    }
}

fn run(workload: &Workload, worker: &mut Worker, steps: u64) -> Result<Option<Measurement>, String> {
    match worker.run(workload.name, steps)? {
        Response::Unsupported => Ok(None),
        Response::Values(values) => measurement(workload, &values)
            .map(Some)
            .map_err(|error| format!("{}, {}: {error}", worker.info.name, workload.name)),
    }
}

fn measurement(workload: &Workload, values: &Map<String, Value>) -> Result<Measurement, String> {
    let positive = |key: &str| match values.get(key).and_then(Value::as_f64) {
        Some(number) if number > 0.0 => Ok(number),
        _ => Err(format!("expected `{key}` above 0, found {}", Value::from(values.clone()))),
    };
    match workload.kind {
        Kind::Fma => Ok(Measurement { seconds_per_step: positive("seconds_per_step")?, value: positive("gflops")? }),
        Kind::Gemm => {
            let seconds_per_step = positive("seconds_per_step")?;
            let flops = 2.0 * (GEMM as f64).powi(3);
            Ok(Measurement { seconds_per_step, value: flops / seconds_per_step / 1e9 })
        }
        Kind::Prepare => {
            let value = positive("megabytes_per_second")?;
            Ok(Measurement { seconds_per_step: TEXT_MEGABYTES / value, value })
        }
        _ => {
            let seconds_per_step = positive("seconds_per_step")?;
            Ok(Measurement { seconds_per_step, value: 1e3 * seconds_per_step })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::workloads::{Hardware, workload};

    #[test]
    fn every_program_starts_a_round_in_turn() {
        let orders: Vec<Vec<usize>> = (0..4).map(|round| order(round, 3).collect()).collect();
        assert_eq!(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
    }

    #[test]
    fn values_are_converted_to_the_unit_of_the_workload() {
        let convert = |kind, text: &str| {
            let values = serde_json::from_str(text).unwrap();
            measurement(&workload("x", kind, Hardware::Any), &values)
        };
        let found = convert(Kind::Generate, r#"{"seconds_per_step":0.25}"#).unwrap();
        assert_eq!(found, Measurement { seconds_per_step: 0.25, value: 250.0 });
        let found = convert(Kind::Gemm, r#"{"seconds_per_step":1}"#).unwrap();
        assert_eq!(found, Measurement { seconds_per_step: 1.0, value: 2.147_483_648 });
        let found = convert(Kind::Fma, r#"{"seconds_per_step":0.5,"gflops":186}"#).unwrap();
        assert_eq!(found, Measurement { seconds_per_step: 0.5, value: 186.0 });
        assert!(convert(Kind::Fma, r#"{"seconds_per_step":0.5}"#).unwrap_err().contains("`gflops`"));
        let found = convert(Kind::Prepare, r#"{"megabytes_per_second":50}"#).unwrap();
        assert_eq!(found, Measurement { seconds_per_step: 2.0, value: 50.0 });
        let error = convert(Kind::Generate, r#"{"seconds_per_step":0}"#).unwrap_err();
        assert!(error.contains("`seconds_per_step`") && error.contains(":0}"), "{error}");
    }

    #[cfg(unix)]
    mod with_workers {
        use super::super::*;
        use crate::bench::worker::fake;
        use crate::bench::workloads::{Hardware, workload};

        fn rounds(name: &'static str, kind: Kind) -> Rounds {
            let folder = tempfile::tempdir().unwrap();
            let mut workers = ["Ours", "Theirs"].map(|name| fake(name, folder.path()));
            measure(&workload(name, kind, Hardware::Any), &mut workers, 3, Duration::ZERO)
        }

        #[test]
        fn a_round_has_a_value_for_each_program() {
            let found = rounds("tokens", Kind::Generate);
            assert_eq!(found.values, [[500.0; 3], [500.0; 3]]);
            assert!(found.failures.is_empty(), "{found:?}");
        }

        #[test]
        fn our_own_workloads_are_not_requested_from_peers() {
            assert_eq!(rounds("fma", Kind::Fma).values, [vec![4.0; 3], vec![]]);
            assert_eq!(rounds("prepare", Kind::Prepare).values, [vec![80.0; 3], vec![]]);
        }

        #[test]
        fn a_missing_or_failing_workload_has_no_values() {
            let found = rounds("missing", Kind::Generate);
            assert_eq!(found, Rounds { values: vec![vec![], vec![]], ..Rounds::default() });
            let found = rounds("fail", Kind::Generate);
            assert_eq!(found.values, [[0.0; 0], [0.0; 0]]);
            let failures = ["Ours, fail: out of memory", "Theirs, fail: out of memory"];
            assert_eq!(found.failures, failures);
        }
    }
}
