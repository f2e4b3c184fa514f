//! Everything that one run of the benchmark measured, and what is computed from it.

use args::Backend;
use clap::ValueEnum;

use super::cpu_contention;
use super::machine::Machine;
use super::worker::ProgramInfo;
use super::workloads::{Kind, Workload, training_flops};

/// The workload that measures the peak of the machine, on all threads.
pub const FMA: &str = "fma";
/// The workload that measures the rate of a large matrix product by the crate `gemm`, as older records do.
pub const GEMM_RATE: &str = "gemm";

/// One run of the benchmark.
pub struct Results {
    /// The machine
    pub machine: Machine,
    /// Threads per program
    pub threads: usize,
    /// Measured rounds
    pub repetitions: usize,
    /// The programs, ours first
    pub programs: Vec<ProgramInfo>,
    /// The measured workloads, in order
    pub workloads: Vec<Measured>,
}

/// The measurements of one workload.
pub struct Measured {
    /// Which
    pub workload: &'static Workload,
    /// The configuration file, or empty if the workload's name determines the configuration
    pub config: &'static str,
    /// For every program one value per round
    pub values: Vec<Vec<f64>>,
    /// How many cores other programs used in the busiest of these rounds, if known
    pub others: Option<f64>,
}

impl Results {
    /// Whether our program reported a backend that computes on a GPU.
    pub fn is_on_gpu(&self) -> bool {
        let ours = self.programs.first();
        let mut properties = ours.iter().flat_map(|program| &program.properties);
        properties.any(|(key, value)| key == "backend" && Backend::from_str(value, false).is_ok_and(Backend::is_gpu))
    }

    /// The measurements of a workload.
    pub fn get(&self, workload: &str) -> Option<&Measured> {
        self.workloads.iter().find(|measured| measured.workload.name == workload)
    }

    /// Another program's time divided by ours.
    pub fn ratio(&self, peer: &str, workload: &str) -> Option<Summary> {
        let index = self.programs.iter().position(|program| program.name == peer)?;
        self.get(workload)?.ratio(index)
    }

    /// Our rate of a workload that measures one, in its unit.
    pub fn rate(&self, workload: &str) -> Option<f64> {
        let measured = self.get(workload).filter(|measured| measured.workload.is_rate())?;
        Some(measured.summary(0)?.median)
    }

    /// The fraction of the CPU's rate `reference` ([`FMA`] or [`GEMM_RATE`]) that our training reaches, by
    /// [`training_flops`].
    pub fn fraction_of(&self, reference: &str, workload: &str) -> Option<f64> {
        let measured = self.get(workload).filter(|_| !self.is_on_gpu())?;
        let Kind::Train(sizes) = &measured.workload.kind else { return None };
        let (milliseconds, gigaflops) = (measured.summary(0)?.median, self.rate(reference)?);
        Some(training_flops(sizes) / (milliseconds / 1e3) / (gigaflops * 1e9))
    }
}

impl Measured {
    /// The summary of a program's values.
    pub fn summary(&self, program: usize) -> Option<Summary> {
        summary(self.values.get(program)?)
    }

    /// Whether other programs used so much CPU time, even in the least disturbed rounds, that the values prove little.
    pub fn is_disturbed(&self) -> bool {
        self.others.is_some_and(|others| others > cpu_contention::LIMIT)
    }

    /// A program's time divided by ours: of the medians, with the lowest and highest ratio of a round.
    pub fn ratio(&self, program: usize) -> Option<Summary> {
        let (ours, theirs) = (self.summary(0)?, self.summary(program)?);
        let ratio = |ours: f64, theirs: f64| if self.workload.is_rate() { ours / theirs } else { theirs / ours };
        let rounds = self.values[0].iter().zip(&self.values[program]);
        let rounds: Vec<f64> = rounds.map(|(&ours, &theirs)| ratio(ours, theirs)).collect();
        Some(Summary { median: ratio(ours.median, theirs.median), ..summary(&rounds)? })
    }

    /// A program's time divided by ours in the fastest quarter of the rounds of each, rounded up: what other programs slow
    /// down is left out.
    pub fn fastest_ratio(&self, program: usize) -> Option<f64> {
        let fastest = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            if self.workload.is_rate() {
                sorted.reverse();
            }
            sorted.truncate(values.len().div_ceil(4));
            Some(summary(&sorted)?.median)
        };
        let (ours, theirs) = (fastest(self.values.first()?)?, fastest(self.values.get(program)?)?);
        Some(if self.workload.is_rate() { ours / theirs } else { theirs / ours })
    }

    /// The median of the tokens that a program trains on in a second, where every step has a target.
    pub fn tokens_per_second(&self, program: usize) -> Option<f64> {
        Some(1e3 * self.workload.tokens()? as f64 / self.summary(program)?.median)
    }
}

/// A summary of the values of several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle value, or the mean of the two in the middle
    pub median: f64,
    /// The lowest
    pub low: f64,
    /// The highest
    pub high: f64,
}

/// Summarises values; `None` if there are none.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (&low, &high) = (sorted.first()?, sorted.last()?);
    let half = sorted.len() / 2;
    let middle = &sorted[(sorted.len() - 1) / 2..=half];
    Some(Summary { median: middle.iter().sum::<f64>() / middle.len() as f64, low, high })
}

/// A value with `count` significant digits; digits before the decimal point are never dropped.
pub fn digits(value: f64, count: i32) -> String {
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    let before = value.abs().log10().floor() as i32 + 1;
    let decimals = (count - before).clamp(0, 12) as usize;
    format!("{value:.decimals$}")
}

/// A small example: three programs, of which one does not generate.
#[cfg(test)]
pub fn example() -> Results {
    use super::process_metrics::BASELINE_CONFIG;
    use super::workloads::WORKLOADS;

    let program = |name: &str| ProgramInfo {
        name: name.into(),
        version: "1.5".into(),
        threads: 2,
        properties: vec![("library".into(), format!("{name}'s, own"))],
    };
    let measured = |name: &str, values: &[&[f64]]| Measured {
        workload: WORKLOADS.iter().find(|workload| workload.name == name).unwrap(),
        config: if name == "peak-memory" { BASELINE_CONFIG } else { "" },
        values: values.iter().map(|values| values.to_vec()).collect(),
        others: (name == "fma").then_some(0.025),
    };
    let training: [&[f64]; 3] = [&[10.0, 9.0, 12.0], &[18.0, 17.0, 18.0], &[30.0, 31.0, 33.0]];
    Results {
        machine: Machine { model: "AMD EPYC".into(), vectors: "avx2", is_limited: false, cores: 2 },
        threads: 2,
        repetitions: 3,
        programs: ["Pastiche", "PyTorch", "Keras"].map(program).into(),
        workloads: vec![
            measured("fma", &[&[400.0, 390.0, 402.0], &[], &[]]),
            measured("gemm", &[&[200.0, 201.0, 190.0], &[], &[]]),
            measured("train-lstm-32", &training),
            measured("train-words-2x200", &[&[200.0, 190.0, 220.0], &[280.0, 270.0, 290.0], &[]]),
            measured("generate-1", &[&[0.1, 0.1, 0.1], &[0.3, 0.34, 0.36], &[]]),
            measured("peak-memory", &[&[151.0], &[], &[]]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_shows_whether_a_run_is_on_a_gpu() {
        assert!(!example().is_on_gpu());
        for (backend, gpu) in [("flex", false), ("wgpu", true), ("cuda", true)] {
            let mut results = example();
            results.programs[0].properties.push(("backend".into(), backend.into()));
            assert_eq!(results.is_on_gpu(), gpu);
        }
    }

    #[test]
    fn a_ratio_is_of_medians_and_its_range_of_rounds() {
        let ratio = example().ratio("PyTorch", "train-lstm-32").unwrap();
        assert_eq!(ratio, Summary { median: 1.8, low: 1.5, high: 17.0 / 9.0 });
        assert_eq!(example().ratio("Keras", "generate-1"), None);
        assert_eq!(example().ratio("JAX", "generate-1"), None);
    }

    #[test]
    fn a_fraction_of_a_rate_is_computed_from_the_operations() {
        // 6 · 267,460,608 operations in 10 ms, at 400 and 200 GFLOP/s.
        let results = example();
        let fraction = |reference| results.fraction_of(reference, "train-lstm-32").unwrap();
        let (of_peak, of_gemm) = (fraction(FMA), fraction(GEMM_RATE));
        assert!((of_peak - 1.604_763_648 / 4.0).abs() < 1e-12, "{of_peak}");
        assert!((of_gemm - 1.604_763_648 / 2.0).abs() < 1e-12, "{of_gemm}");
        assert_eq!(results.fraction_of(FMA, "generate-1"), None);
        // A time is no rate to compare with.
        assert_eq!(results.fraction_of("generate-1", "train-lstm-32"), None);
        let mut without = example();
        without.workloads.remove(0);
        assert_eq!(without.fraction_of(FMA, "train-lstm-32"), None);
    }

    #[test]
    fn the_fastest_rounds_of_each_program_are_compared() {
        let mut results = example();
        let ratio = |results: &Results, name: &str| results.get(name).unwrap().fastest_ratio(1);
        assert_eq!(ratio(&results, "train-lstm-32"), Some(17.0 / 9.0));
        // Two of five rounds.
        results.workloads[2].values[0] = vec![30.0, 8.0, 12.0, 20.0, 16.0];
        results.workloads[2].values[1] = vec![30.0, 22.0, 18.0, 40.0, 50.0];
        assert_eq!(ratio(&results, "train-lstm-32"), Some(2.0));
        results.workloads[1].values[1] = vec![50.0, 67.0, 40.0];
        assert_eq!(ratio(&results, "gemm"), Some(3.0));
        assert_eq!(ratio(&results, "peak-memory"), None);
    }

    #[test]
    fn tokens_per_second_are_those_of_the_median() {
        // 20 · 35 tokens in 200 and 280 ms.
        let results = example();
        let words = results.get("train-words-2x200").unwrap();
        assert_eq!([0, 1, 2].map(|program| words.tokens_per_second(program)), [Some(3500.0), Some(2500.0), None]);
        assert_eq!(results.get("train-lstm-32").unwrap().tokens_per_second(0), None);
    }

    #[test]
    fn a_ratio_of_rates_is_one_of_times() {
        let mut results = example();
        results.workloads[1].values[1] = vec![100.0, 201.0, 95.0];
        let ratio = results.ratio("PyTorch", GEMM_RATE).unwrap();
        assert_eq!(ratio, Summary { median: 2.0, low: 1.0, high: 2.0 });
    }

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        let found = summary(&[3.0, 1.0, 20.0]).unwrap();
        assert_eq!(found, Summary { median: 3.0, low: 1.0, high: 20.0 });
        assert_eq!(summary(&[4.0, 1.0, 2.0, 8.0]).unwrap().median, 3.0);
        assert_eq!(summary(&[5.0]).unwrap(), Summary { median: 5.0, low: 5.0, high: 5.0 });
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn significant_digits_start_at_the_first_that_is_not_zero() {
        let values = [16.4317, 0.338_043, 1605.3, 12345.6, 1.0, 0.0];
        assert_eq!(values.map(|n| digits(n, 4)), ["16.43", "0.3380", "1605", "12346", "1.000", "0"]);
        assert_eq!(values.map(|n| digits(n, 3)), ["16.4", "0.338", "1605", "12346", "1.00", "0"]);
    }
}
