//! The performance targets, and whether a run meets them.

use super::process_metrics::BASELINE_CONFIG;
use super::results::{FMA, Measured, Results};
use super::workloads::WORKLOADS;

/// What a target is about.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// This program's time divided by ours
    Ratio(&'static str),
    /// The percentage of the machine's peak that our training reaches
    OfPeak,
    /// Our own value
    Ours,
}

/// The side of the limit that is good.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The limit or more
    Least(f64),
    /// The first limit or more; the second where vectors have 512 bits, because the peak is higher there and memory is
    /// not faster
    LeastByWidth(f64, f64),
    /// The limit or less
    Most(f64),
}
use Bound::{Least, LeastByWidth, Most};
use Measure::{OfPeak, Ours, Ratio};

/// One target.
pub struct Target {
    /// The workload that is measured
    pub workload: &'static str,
    measure: Measure,
    bound: Bound,
}

/// Every target.
pub const TARGETS: [Target; 18] = [
    target("train-lstm-32", Ratio("PyTorch"), Least(1.7)),
    target("train-lstm-32", Ratio("Keras"), Least(3.5)),
    target("train-lstm-32", OfPeak, LeastByWidth(45.0, 35.0)),
    target("train-lstm-256", Ratio("PyTorch"), Least(1.4)),
    target("train-lstm-256", OfPeak, LeastByWidth(55.0, 45.0)),
    target("train-gru-32", Ratio("PyTorch"), Least(2.0)),
    target("train-rnn-32", Ratio("PyTorch"), Least(2.0)),
    target("train-stack-32", Ratio("PyTorch"), Least(1.5)),
    target("train-char-2x512", Ratio("PyTorch"), Least(1.3)),
    target("train-char-2x512", OfPeak, LeastByWidth(55.0, 45.0)),
    target("train-words-2x200", Ratio("PyTorch"), Least(1.4)),
    target("train-words-2x200", OfPeak, Least(45.0)),
    target("generate-1", Ratio("PyTorch"), Least(5.0)),
    // Together: against the faster of the two.
    target("generate-64", Ratio("PyTorch"), Least(1.2)),
    target("generate-64", Ratio("Keras"), Least(1.2)),
    target("prepare", Ours, Least(60.0)),
    target("peak-memory", Ours, Most(120.0)),
    target("first-token", Ours, Most(60.0)),
];

const fn target(workload: &'static str, measure: Measure, bound: Bound) -> Target {
    Target { workload, measure, bound }
}

impl Target {
    /// What is measured and its unit, as committed records spell them.
    pub fn quantity(&self) -> (String, &'static str) {
        match self.measure {
            Ratio(peer) => (format!("time of {peer} / ours"), "times"),
            OfPeak => ("share of the FMA peak".into(), "%"),
            Ours => {
                let workload = WORKLOADS.iter().find(|workload| workload.name == self.workload);
                let (quantity, unit) = workload.map(super::workloads::Workload::quantity).unwrap_or_default();
                (quantity.into(), unit)
            }
        }
    }

    /// The limit on the machine of a run, in the target's unit.
    pub fn limit(&self, results: &Results) -> f64 {
        match self.bound {
            LeastByWidth(_, limit) if results.machine.vectors == "avx512" => limit,
            Least(limit) | LeastByWidth(limit, _) | Most(limit) => limit,
        }
    }

    /// The goal in words, as in `at least 1.3 times`.
    pub fn goal(&self, results: &Results) -> String {
        let side = if matches!(self.bound, Most(_)) { "at most" } else { "at least" };
        format!("{side} {} {}", self.limit(results), self.quantity().1)
    }

    /// The measured value, in the target's unit.
    pub fn measured(&self, results: &Results) -> Option<f64> {
        match self.measure {
            // The targets are for CPUs.
            _ if results.is_on_gpu() => None,
            Ratio(peer) => Some(results.ratio(peer, self.workload)?.median),
            OfPeak => Some(100.0 * results.fraction_of(FMA, self.workload)?),
            Ours => {
                let measured = results.get(self.workload)?;
                // Memory grows with the text; the target is for the baseline's text.
                let is_comparable = self.workload != "peak-memory" || measured.config == BASELINE_CONFIG;
                measured.summary(0).filter(|_| is_comparable).map(|summary| summary.median)
            }
        }
    }

    /// Whether a run meets the target; `None` if it did not measure enough to decide.
    fn is_met(&self, results: &Results) -> Option<bool> {
        let (measured, limit) = (self.measured(results)?, self.limit(results));
        Some(if matches!(self.bound, Most(_)) { measured <= limit } else { measured >= limit })
    }

    /// [`Self::is_met`] in words. CPU contention slows programs down unequally, so it is mentioned.
    pub fn verdict(&self, results: &Results) -> &'static str {
        let disturbed = results.get(self.workload).is_some_and(Measured::is_disturbed);
        match (self.is_met(results), disturbed) {
            (Some(true), false) => "met",
            (Some(false), false) => "missed",
            (Some(true), true) => "met, disturbed",
            (Some(false), true) => "missed, disturbed",
            (None, _) => "not measured",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::process_metrics::SUBSTITUTE_CONFIG;
    use super::super::results::example;
    use super::*;

    #[test]
    fn every_target_has_a_workload() {
        for target in TARGETS {
            assert!(WORKLOADS.iter().any(|w| w.name == target.workload), "{}", target.workload);
        }
    }

    #[test]
    fn targets_are_met_missed_or_not_measured() {
        let verdict = |workload, measure, bound| target(workload, measure, bound).verdict(&example());
        assert_eq!(verdict("train-lstm-32", Ratio("PyTorch"), Least(1.8)), "met");
        assert_eq!(verdict("train-lstm-32", Ratio("PyTorch"), Least(1.9)), "missed");
        assert_eq!(verdict("generate-64", Ratio("PyTorch"), Least(2.0)), "not measured");
        assert_eq!(verdict("train-lstm-32", OfPeak, Least(40.0)), "met");
        assert_eq!(verdict("peak-memory", Ours, Most(150.0)), "missed");
        assert_eq!(verdict("first-token", Ours, Most(60.0)), "not measured");
    }

    #[test]
    fn the_limit_depends_on_the_width_of_the_vectors() {
        let target = target("train-lstm-32", OfPeak, LeastByWidth(45.0, 35.0));
        let mut results = example();
        assert_eq!((target.limit(&results), target.verdict(&results)), (45.0, "missed"));
        results.machine.vectors = "avx512";
        assert_eq!((target.limit(&results), target.verdict(&results)), (35.0, "met"));
        assert_eq!(target.goal(&results), "at least 35 %");
    }

    #[test]
    fn a_disturbed_measurement_is_marked() {
        let mut results = example();
        results.workloads[2].others = Some(0.5);
        let target = target("train-lstm-32", Ratio("PyTorch"), Least(1.8));
        assert_eq!(target.verdict(&results), "met, disturbed");
    }

    #[test]
    fn memory_is_compared_only_on_the_baseline_text() {
        let mut results = example();
        results.workloads.last_mut().unwrap().config = SUBSTITUTE_CONFIG;
        let target = target("peak-memory", Ours, Most(150.0));
        assert_eq!(target.verdict(&results), "not measured");
    }
}
