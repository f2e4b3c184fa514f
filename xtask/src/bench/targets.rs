//! The performance targets, and whether a run meets them.

use super::process_metrics::BASELINE_CONFIG;
use super::results::{Measured, Results};
use super::workloads::WORKLOADS;

/// What a target is about.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// This program's time divided by ours
    Ratio(&'static str),
    /// The percentage of the GEMM rate that our training reaches
    OfGemm,
    /// Our own value
    Ours,
}

/// The side of the limit that is good.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The limit or more
    AtLeast(f64),
    /// The limit or less
    AtMost(f64),
}
use Bound::{AtLeast, AtMost};
use Measure::{OfGemm, Ours, Ratio};

/// One target.
pub struct Target {
    /// The workload that is measured
    pub workload: &'static str,
    measure: Measure,
    bound: Bound,
    /// This percentage of the GEMM rate is enough too: a step that reaches it cannot be much faster
    or_of_gemm: Option<f64>,
}

/// Every target.
pub const TARGETS: [Target; 13] = [
    target("train-lstm-32", Ratio("PyTorch"), AtLeast(1.6), None),
    target("train-lstm-32", Ratio("Keras"), AtLeast(3.5), None),
    target("train-lstm-32", OfGemm, AtLeast(60.0), None),
    target("train-lstm-256", Ratio("PyTorch"), AtLeast(1.3), Some(75.0)),
    target("train-gru-32", Ratio("PyTorch"), AtLeast(1.3), Some(75.0)),
    target("train-rnn-32", Ratio("PyTorch"), AtLeast(1.3), Some(75.0)),
    target("train-stack-32", Ratio("PyTorch"), AtLeast(1.3), Some(75.0)),
    target("train-char-2x512", Ratio("PyTorch"), AtLeast(1.3), Some(75.0)),
    target("generate-1", Ratio("PyTorch"), AtLeast(3.0), None),
    target("generate-64", Ratio("PyTorch"), AtLeast(2.0), None),
    target("prepare", Ours, AtLeast(60.0), None),
    target("peak-memory", Ours, AtMost(150.0), None),
    target("first-token", Ours, AtMost(60.0), None),
];

const fn target(workload: &'static str, measure: Measure, bound: Bound, or_of_gemm: Option<f64>) -> Target {
    Target { workload, measure, bound, or_of_gemm }
}

impl Target {
    /// What is measured and its unit, as committed records spell them.
    pub fn quantity(&self) -> (String, &'static str) {
        match self.measure {
            Ratio(peer) => (format!("time of {peer} / ours"), "times"),
            OfGemm => ("share of the gemm rate".into(), "%"),
            Ours => {
                let workload = WORKLOADS.iter().find(|workload| workload.name == self.workload);
                let (quantity, unit) = workload.map(super::workloads::Workload::quantity).unwrap_or_default();
                (quantity.into(), unit)
            }
        }
    }

    /// The limit, in the target's unit.
    pub fn limit(&self) -> f64 {
        let (AtLeast(limit) | AtMost(limit)) = self.bound;
        limit
    }

    /// The goal in words, as in `at least 1.3 times or 75 % of gemm`.
    pub fn goal(&self) -> String {
        let side = if matches!(self.bound, AtLeast(_)) { "at least" } else { "at most" };
        let of_gemm = self.or_of_gemm.map(|percent| format!(" or {percent} % of gemm"));
        format!("{side} {} {}{}", self.limit(), self.quantity().1, of_gemm.unwrap_or_default())
    }

    /// The measured value, in the target's unit.
    pub fn measured(&self, results: &Results) -> Option<f64> {
        match self.measure {
            // The targets are for CPUs.
            _ if results.is_on_gpu() => None,
            Ratio(peer) => Some(results.ratio(peer, self.workload)?.median),
            OfGemm => Some(100.0 * results.fraction_of_gemm(self.workload)?),
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
        let of_gemm = |percent| Some(100.0 * results.fraction_of_gemm(self.workload)? >= percent);
        if self.or_of_gemm.and_then(of_gemm) == Some(true) {
            return Some(true);
        }
        let measured = self.measured(results)?;
        Some(match self.bound {
            AtLeast(limit) => measured >= limit,
            AtMost(limit) => measured <= limit,
        })
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
        let verdict = |workload, measure, bound| target(workload, measure, bound, None).verdict(&example());
        assert_eq!(verdict("train-lstm-32", Ratio("PyTorch"), AtLeast(1.8)), "met");
        assert_eq!(verdict("train-lstm-32", Ratio("PyTorch"), AtLeast(1.9)), "missed");
        assert_eq!(verdict("generate-64", Ratio("PyTorch"), AtLeast(2.0)), "not measured");
        assert_eq!(verdict("train-lstm-32", OfGemm, AtLeast(80.0)), "met");
        assert_eq!(verdict("peak-memory", Ours, AtMost(150.0)), "missed");
        assert_eq!(verdict("first-token", Ours, AtMost(60.0)), "not measured");
    }

    #[test]
    fn a_fraction_of_the_gemm_rate_is_enough() {
        let of_gemm = |peer, percent| target("train-lstm-32", Ratio(peer), AtLeast(9.0), Some(percent));
        assert_eq!(of_gemm("PyTorch", 80.0).verdict(&example()), "met");
        assert_eq!(of_gemm("PyTorch", 90.0).verdict(&example()), "missed");
        assert_eq!(of_gemm("PyTorch", 90.0).goal(), "at least 9 times or 90 % of gemm");
        // Without the other program, a low fraction decides nothing.
        assert_eq!(of_gemm("JAX", 80.0).verdict(&example()), "met");
        assert_eq!(of_gemm("JAX", 90.0).verdict(&example()), "not measured");
    }

    #[test]
    fn a_disturbed_measurement_is_marked() {
        let mut results = example();
        results.workloads[1].others = Some(0.5);
        let target = target("train-lstm-32", Ratio("PyTorch"), AtLeast(1.8), None);
        assert_eq!(target.verdict(&results), "met, disturbed");
    }

    #[test]
    fn memory_is_compared_only_on_the_baseline_text() {
        let mut results = example();
        results.workloads.last_mut().unwrap().config = SUBSTITUTE_CONFIG;
        let target = target("peak-memory", Ours, AtMost(150.0), None);
        assert_eq!(target.verdict(&results), "not measured");
    }
}
