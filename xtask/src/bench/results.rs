//! Everything that was measured in one run, and what follows from it.

use args::Backend;
use clap::ValueEnum;

use super::machine::Machine;
use super::neighbours::CALM;
use super::statistics::{Summary, summary};
use super::worker::Hello;
use super::works::{Kind, Work, training_flops};

/// One run of the benchmark.
pub struct Results {
    /// Where it ran
    pub machine: Machine,
    /// How many threads each program had
    pub threads: usize,
    /// How many rounds
    pub repetitions: usize,
    /// Who took part, ours first
    pub programs: Vec<Hello>,
    /// What was done, in order
    pub works: Vec<Done>,
}

/// A work that was done.
pub struct Done {
    /// Which
    pub work: &'static Work,
    /// On what, if the name does not tell: a configuration
    pub on: &'static str,
    /// A list for every program, one number a round
    pub values: Vec<Vec<f64>>,
    /// How many cores others took in the busiest of these rounds, if that is known
    pub others: Option<f64>,
}

impl Results {
    /// Whether ours computed on a graphics processor, by what it said of itself.
    pub fn are_of_graphics(&self) -> bool {
        let ours = self.programs.first();
        let mut told = ours.iter().flat_map(|program| &program.further);
        told.any(|(what, backend)| {
            what == "backend" && Backend::from_str(backend, false).is_ok_and(Backend::is_graphics)
        })
    }

    /// The numbers of a work, if it was done.
    pub fn done(&self, work: &str) -> Option<&Done> {
        self.works.iter().find(|done| done.work.name == work)
    }

    /// Our number for a work, in its unit.
    pub fn ours(&self, work: &str) -> Option<Summary> {
        self.done(work)?.of(0)
    }

    /// How many times as long as ours another program takes: by the medians, and round by round.
    pub fn ratio(&self, peer: &str, work: &str) -> Option<Summary> {
        let at = self.programs.iter().position(|program| program.name == peer)?;
        self.done(work)?.ratio(at)
    }

    /// Which share of the processor's rate of matrix products our training on it reaches, by its own nominal
    /// arithmetic.
    pub fn share(&self, work: &str) -> Option<f64> {
        if self.are_of_graphics() {
            return None;
        }
        let done = self.done(work)?;
        let Kind::Train(network) = &done.work.kind else { return None };
        let (milliseconds, gigaflops) = (done.of(0)?.median, self.ours("gemm")?.median);
        Some(training_flops(network) / (milliseconds / 1e3) / (gigaflops * 1e9))
    }
}

impl Done {
    /// The numbers of a program, in short.
    pub fn of(&self, program: usize) -> Option<Summary> {
        summary(self.values.get(program)?)
    }

    /// Whether others took so much, even in the rounds that count, that the numbers prove little.
    pub fn is_disturbed(&self) -> bool {
        self.others.is_some_and(|others| others > CALM)
    }

    /// As [`Results::ratio`], of the program at this place.
    pub fn ratio(&self, program: usize) -> Option<Summary> {
        let (ours, theirs) = (self.of(0)?, self.of(program)?);
        let rounds = self.values[0].iter().zip(&self.values[program]);
        let rounds: Vec<f64> = rounds.map(|(ours, theirs)| theirs / ours).collect();
        Some(Summary { median: theirs.median / ours.median, ..summary(&rounds)? })
    }
}

/// A small run to look at: three programs, of which one does not write.
#[cfg(test)]
pub fn example() -> Results {
    let program = |name: &str| Hello {
        name: name.into(),
        version: "1.5".into(),
        threads: 2,
        further: vec![("library".into(), format!("{name}'s, own"))],
    };
    let done = |name: &str, values: &[&[f64]]| Done {
        work: super::works::WORKS.iter().find(|work| work.name == name).unwrap(),
        on: if name == "peak-memory" { super::outside::AESOP } else { "" },
        values: values.iter().map(|values| values.to_vec()).collect(),
        others: (name == "gemm").then_some(0.025),
    };
    Results {
        machine: Machine { model: "AMD EPYC".into(), vectors: "avx2", cores: 2 },
        threads: 2,
        repetitions: 3,
        programs: ["Pastiche", "PyTorch", "Keras"].map(program).into(),
        works: vec![
            done("gemm", &[&[200.0, 201.0, 190.0], &[], &[]]),
            done("train-lstm-32", &[&[10.0, 9.0, 12.0], &[18.0, 17.0, 18.0], &[30.0, 31.0, 33.0]]),
            done("generate-1", &[&[0.1, 0.1, 0.1], &[0.3, 0.34, 0.36], &[]]),
            done("peak-memory", &[&[151.0], &[], &[]]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_says_whether_it_is_one_of_graphics() {
        assert!(!example().are_of_graphics());
        for (backend, graphics) in [("flex", false), ("wgpu", true), ("cuda", true)] {
            let mut results = example();
            results.programs[0].further.push(("backend".into(), backend.into()));
            assert_eq!(results.are_of_graphics(), graphics);
        }
    }

    #[test]
    fn a_ratio_is_of_medians_and_its_spread_of_rounds() {
        let ratio = example().ratio("PyTorch", "train-lstm-32").unwrap();
        assert_eq!(ratio, Summary { median: 1.8, low: 1.5, high: 17.0 / 9.0 });
        assert_eq!(example().ratio("Keras", "generate-1"), None);
        assert_eq!(example().ratio("JAX", "generate-1"), None);
    }

    #[test]
    fn the_share_of_the_gemm_rate_comes_from_the_nominal_arithmetic() {
        // 6 · 267,460,608 operations in 10 ms, at 200 GFLOP/s.
        let share = example().share("train-lstm-32").unwrap();
        assert!((share - 1.604_763_648 / 2.0).abs() < 1e-12, "{share}");
        assert_eq!(example().share("generate-1"), None);
        let mut without = example();
        without.works.remove(0);
        assert_eq!(without.share("train-lstm-32"), None);
    }
}
