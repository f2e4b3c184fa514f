//! `bench --profile`: where the time of training steps and tokens goes, as a build with the feature `profile` counts it.
//!
//! Counting takes some time itself, so the times are those of this build, and only their shares are of interest.

use args::Backend;
use serde_json::{Map, Value};

use super::report::{Row, aligned, facts, lines, precise, row};
use super::results::{Results, digits};
use super::rounds;
use super::worker::{Response, Worker};
use super::workloads::{self, Kind, Workload, training_flops};

/// The part whose rate is computed, as the program names it.
const PRODUCT: &str = "matrix product";

/// One run with `--profile`.
pub struct Profiles {
    /// The machine and the program
    pub run: Results,
    /// The workloads, in order
    pub workloads: Vec<Profile>,
}

/// Where the time of one workload went.
#[derive(Debug, PartialEq)]
pub struct Profile {
    /// Which
    workload: &'static Workload,
    /// Seconds per step, the mean of all rounds
    seconds_per_step: f64,
    /// The parts and their seconds per step of all threads together, the means of the same rounds
    parts: Vec<(String, f64)>,
}

/// The workloads that have a profile, of those that [`workloads::select`] selects.
pub fn select(only: &[String], backend: Backend) -> Result<Vec<&'static Workload>, String> {
    let mut selected = workloads::select(only, backend)?;
    if let Some(other) = selected.iter().find(|workload| !only.is_empty() && !workload.has_profile()) {
        return Err(format!("`{}` has no profile; expected training or generation", other.name));
    }
    selected.retain(|workload| workload.has_profile());
    Ok(selected)
}

/// Runs a workload in so many rounds, after it is warmed up.
pub fn measure(workload: &'static Workload, worker: &mut Worker, repetitions: u64) -> Result<Profile, String> {
    let steps = rounds::warm_up(workload, worker)?.ok_or_else(|| format!("`{}` is not available", workload.name))?;
    let mut profiles = Vec::new();
    for _ in 0..repetitions {
        match worker.run(workload.name, steps)? {
            Response::Values(values) => profiles.push(parse(workload, &values)?),
            Response::Unsupported => return Err(format!("`{}` is not available", workload.name)),
        }
    }
    worker.free(workload.name)?;
    Ok(mean(workload, &profiles))
}

/// The profile in an answer.
fn parse(workload: &'static Workload, values: &Map<String, Value>) -> Result<Profile, String> {
    let missing = |key: &str| format!("{}: `{key}` is missing in {}", workload.name, Value::from(values.clone()));
    let seconds_per_step = values.get("seconds_per_step").and_then(Value::as_f64);
    let parts = values.get("profile").and_then(Value::as_object).ok_or_else(|| missing("profile"))?;
    let parts = parts.iter().map(|(name, seconds)| Some((name.clone(), seconds.as_f64()?)));
    Ok(Profile {
        workload,
        seconds_per_step: seconds_per_step.ok_or_else(|| missing("seconds_per_step"))?,
        parts: parts.collect::<Option<_>>().ok_or_else(|| missing("profile"))?,
    })
}

/// The mean of profiles with the same parts.
fn mean(workload: &'static Workload, profiles: &[Profile]) -> Profile {
    let mean = |values: &dyn Fn(&Profile) -> f64| profiles.iter().map(values).sum::<f64>() / profiles.len() as f64;
    let names = profiles.first().map(|profile| profile.parts.iter().map(|(name, _)| name.clone()));
    let part = |(at, name): (usize, String)| (name, mean(&|profile| profile.parts[at].1));
    Profile {
        workload,
        seconds_per_step: mean(&|profile| profile.seconds_per_step),
        parts: names.into_iter().flatten().enumerate().map(part).collect(),
    }
}

impl Profile {
    /// The parts and their shares of the time of all threads; together they are 1.
    fn shares(&self) -> impl Iterator<Item = (&str, f64)> {
        let total: f64 = self.parts.iter().map(|(_, seconds)| seconds).sum();
        self.parts.iter().map(move |(name, seconds)| (name.as_str(), seconds / total))
    }

    /// The rate of the matrix products of a training step while one thread computes them, in GFLOP/s, by
    /// [`training_flops`].
    fn product_rate(&self) -> Option<f64> {
        let Kind::Train(sizes) = &self.workload.kind else { return None };
        let (_, seconds) = self.parts.iter().find(|(name, seconds)| name == PRODUCT && *seconds > 0.0)?;
        Some(training_flops(sizes) / seconds / 1e9)
    }

    /// The lines of the record.
    fn rows(&self) -> Vec<Row> {
        let name = self.workload.name;
        let (quantity, _) = self.workload.quantity();
        let what = format!("{quantity} with counters (mean)");
        let mut rows = vec![row(&what, name, &precise(1e3 * self.seconds_per_step), "ms")];
        let share =
            |(part, share): (&str, f64)| row(&format!("share of the time: {part}"), name, &precise(100.0 * share), "%");
        rows.extend(self.shares().map(share));
        let rate = self.product_rate();
        rows.extend(rate.map(|rate| row("rate of a thread in matrix products", name, &precise(rate), "GFLOP/s")));
        rows
    }
}

impl Profiles {
    /// A row per workload with its shares.
    pub fn table(&self) -> String {
        let names = self.workloads.first().into_iter().flat_map(|profile| &profile.parts);
        let header = ["workload", "ms"].map(String::from).into_iter().chain(names.map(|(name, _)| name.clone()));
        let mut rows: Vec<Vec<String>> = vec![header.chain(["GFLOP/s in products".to_string()]).collect()];
        for profile in &self.workloads {
            let start = [profile.workload.name.to_string(), digits(1e3 * profile.seconds_per_step, 3)];
            let shares = profile.shares().map(|(_, share)| format!("{:.1} %", 100.0 * share));
            let rate = profile.product_rate().map(|rate| digits(rate, 3)).unwrap_or_default();
            rows.push(start.into_iter().chain(shares).chain([rate]).collect());
        }
        aligned(&rows)
    }

    /// The record.
    pub fn csv(&self) -> String {
        lines(facts(&self.run).into_iter().chain(self.workloads.iter().flat_map(Profile::rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::example;
    use super::super::workloads::WORKLOADS;
    use super::*;

    fn workload(name: &str) -> &'static Workload {
        WORKLOADS.iter().find(|workload| workload.name == name).unwrap()
    }

    fn profile(name: &str, text: &str) -> Result<Profile, String> {
        parse(workload(name), &serde_json::from_str(text).unwrap())
    }

    /// 40 ms on two threads, and twice that.
    fn profiles() -> [Profile; 2] {
        [
            r#"{"seconds_per_step":0.04,"profile":{"matrix product":0.05,"element-wise":0.02,"waiting":0.01}}"#,
            r#"{"seconds_per_step":0.08,"profile":{"matrix product":0.11,"element-wise":0.04,"waiting":0.01}}"#,
        ]
        .map(|text| profile("train-lstm-32", text).unwrap())
    }

    #[test]
    fn the_shares_of_the_mean_add_up() {
        let mean = mean(workload("train-lstm-32"), &profiles());
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        near(mean.seconds_per_step, 0.06);
        let shares: Vec<(&str, f64)> = mean.shares().collect();
        for ((name, share), (expected_name, expected)) in
            shares.iter().zip([("matrix product", 2.0 / 3.0), ("element-wise", 0.25), ("waiting", 1.0 / 12.0)])
        {
            assert_eq!(*name, expected_name);
            near(*share, expected);
        }
        near(shares.iter().map(|(_, share)| share).sum(), 1.0);
        // 6 · 267,460,608 operations in 80 ms of one thread.
        near(mean.product_rate().unwrap(), 1.604_763_648 / 0.08);
    }

    #[test]
    fn a_program_without_counters_is_an_error() {
        let error = profile("train-lstm-32", r#"{"seconds_per_step":0.04}"#).unwrap_err();
        assert!(error.contains("train-lstm-32: `profile` is missing"), "{error}");
        let error = profile("generate-1", r#"{"seconds_per_step":0.04,"profile":{"other":"much"}}"#).unwrap_err();
        assert!(error.contains("`profile`"), "{error}");
    }

    #[test]
    fn only_training_and_generation_have_profiles() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            select(&only, Backend::Flex).map(|selected| selected.iter().map(|w| w.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["generate-1", "train-lstm-32"]).unwrap(), ["train-lstm-32", "generate-1"]);
        let all = names(&[]).unwrap();
        assert!(all.contains(&"train-words-2x200") && !all.contains(&"gemm"), "{all:?}");
        let error = names(&["gemm"]).unwrap_err();
        assert!(error.contains("`gemm` has no profile"), "{error}");
    }

    #[test]
    fn the_table_and_the_record_have_the_shares() {
        let workloads = vec![mean(workload("train-lstm-32"), &profiles())];
        let profiles = Profiles { run: Results { workloads: Vec::new(), ..example() }, workloads };
        let table = profiles.table();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1].join(" "), "train-lstm-32 60.0 66.7 % 25.0 % 8.3 % 20.1");
        let record = profiles.csv();
        for line in [
            "processor,machine,AMD EPYC,,,",
            "time of a training step with counters (mean),train-lstm-32,60.00,ms,,",
            "share of the time: matrix product,train-lstm-32,66.67,%,,",
            "share of the time: waiting,train-lstm-32,8.333,%,,",
            "rate of a thread in matrix products,train-lstm-32,20.06,GFLOP/s,,",
        ] {
            assert!(record.lines().any(|found| found == line), "{line} is missing in\n{record}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_worker_is_measured_in_rounds() {
        static PROFILED: Workload = workloads::workload("profiled", Kind::Generate, workloads::Hardware::Any);
        let folder = tempfile::tempdir().unwrap();
        let mut worker = super::super::worker::fake("Fake", folder.path());
        let found = measure(&PROFILED, &mut worker, 2).unwrap();
        let shares: Vec<(&str, f64)> = found.shares().collect();
        assert_eq!(shares.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["matrix product", "other", "waiting"]);
        assert!((shares[0].1 - 0.6).abs() < 1e-12, "{shares:?}");
    }
}
