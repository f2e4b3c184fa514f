//! What is aimed at, in one table, and whether a run got there.

use super::outside::AESOP;
use super::results::{Done, Results};
use super::statistics::digits;

/// A number that follows from a run.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// This program's time for a work by ours
    Ratio(&'static str, &'static str),
    /// The share of the gemm rate that our training reaches
    Share(&'static str),
    /// Our own number for a work
    Ours(&'static str),
}

/// Where the aim lies.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// This, or more
    AtLeast(f64),
    /// This, or less
    AtMost(f64),
}
use Bound::{AtLeast, AtMost};
use Measure::{Ours, Ratio, Share};

/// An aim, with another that will do instead.
pub struct Target {
    /// What is looked at
    pub measure: Measure,
    /// What it should be
    pub bound: Bound,
    /// A share of the gemm rate that is as good: who is there cannot be beaten by much
    pub or_share: Option<f64>,
}

/// Every aim.
pub const TARGETS: [Target; 13] = [
    only(Ratio("PyTorch", "train-lstm-32"), AtLeast(1.6)),
    only(Ratio("Keras", "train-lstm-32"), AtLeast(3.5)),
    only(Share("train-lstm-32"), AtLeast(0.6)),
    or_share(Ratio("PyTorch", "train-lstm-256"), AtLeast(1.3), 0.75),
    or_share(Ratio("PyTorch", "train-gru-32"), AtLeast(1.3), 0.75),
    or_share(Ratio("PyTorch", "train-rnn-32"), AtLeast(1.3), 0.75),
    or_share(Ratio("PyTorch", "train-stack-32"), AtLeast(1.3), 0.75),
    or_share(Ratio("PyTorch", "train-char-2x512"), AtLeast(1.3), 0.75),
    only(Ratio("PyTorch", "generate-1"), AtLeast(3.0)),
    only(Ratio("PyTorch", "generate-64"), AtLeast(2.0)),
    only(Ours("prepare"), AtLeast(60.0)),
    only(Ours("peak-memory"), AtMost(150.0)),
    only(Ours("first-token"), AtMost(60.0)),
];

const fn only(measure: Measure, bound: Bound) -> Target {
    Target { measure, bound, or_share: None }
}

const fn or_share(measure: Measure, bound: Bound, share: f64) -> Target {
    Target { measure, bound, or_share: Some(share) }
}

impl Target {
    /// What was found, if it was measured.
    pub fn found(&self, results: &Results) -> Option<f64> {
        match self.measure {
            // The aims were set for processors.
            _ if results.are_of_graphics() => None,
            Ratio(peer, work) => Some(results.ratio(peer, work)?.median),
            Share(work) => results.share(work),
            // The aim was set for the seed's own text; memory grows with the text.
            Ours("peak-memory") if results.done("peak-memory")?.on != AESOP => None,
            Ours(work) => Some(results.ours(work)?.median),
        }
    }

    /// The share of the gemm rate that was found, where it would do instead.
    pub fn found_share(&self, results: &Results) -> Option<f64> {
        self.or_share.and_then(|_| results.share(self.work()))
    }

    /// Whether a run got there; nothing if it did not measure enough to tell.
    pub fn met(&self, results: &Results) -> Option<bool> {
        let found = self.found(results).map(|found| match self.bound {
            AtLeast(bound) => found >= bound,
            AtMost(bound) => found <= bound,
        });
        let share = self.or_share.zip(self.found_share(results));
        let share = share.map(|(wanted, found)| found >= wanted);
        match (found, share) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (found, _) => found,
        }
    }

    /// The same in a word, or in two: company slows programs down unequally.
    pub fn verdict(&self, results: &Results) -> &'static str {
        let disturbed = results.done(self.work()).is_some_and(Done::is_disturbed);
        match (self.met(results), disturbed) {
            (Some(true), false) => "met",
            (Some(false), false) => "missed",
            (Some(true), true) => "met, disturbed",
            (Some(false), true) => "missed, disturbed",
            (None, _) => "not measured",
        }
    }

    /// The work that the aim is about.
    pub fn work(&self) -> &'static str {
        match self.measure {
            Ratio(_, work) | Share(work) | Ours(work) => work,
        }
    }

    /// What is looked at, in words.
    pub fn what(&self) -> String {
        match self.measure {
            Ratio(peer, _) => format!("time of {peer} / ours"),
            Share(_) => "share of the gemm rate".into(),
            Ours(work) => {
                super::works::WORKS.iter().find(|w| w.name == work).map_or(work, |w| w.quantity())
            }
            .into(),
        }
    }

    /// The unit of what is looked at, and the number to multiply with for it.
    pub fn unit(&self) -> (&'static str, f64) {
        match self.measure {
            Ratio(..) => ("times", 1.0),
            Share(_) => ("%", 100.0),
            Ours(work) => {
                let work = super::works::WORKS.iter().find(|w| w.name == work);
                (work.map_or("", |work| work.unit()), 1.0)
            }
        }
    }

    /// The aim's number, in its unit.
    pub fn number(&self) -> f64 {
        let (AtLeast(bound) | AtMost(bound)) = self.bound;
        bound * self.unit().1
    }

    /// The aim in words, as in `at least 1.3 times, or 75 % of gemm`.
    pub fn aim(&self) -> String {
        let side = match self.bound {
            AtLeast(_) => "at least",
            AtMost(_) => "at most",
        };
        let share = self.or_share.map(|share| format!(" or {:.0} % of gemm", 100.0 * share));
        format!("{side} {} {}{}", self.number(), self.unit().0, share.unwrap_or_default())
    }

    /// What was found in words, as in `1.234 times and 70 % of gemm`.
    pub fn told(&self, results: &Results) -> String {
        let (unit, factor) = self.unit();
        let found =
            self.found(results).map(|found| format!("{} {unit}", digits(found * factor, 3)));
        let share = self.found_share(results);
        let share = share.map(|share| format!("{:.0} % of gemm", 100.0 * share));
        let told: Vec<String> = found.into_iter().chain(share).collect();
        told.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::example;
    use super::super::works::WORKS;
    use super::*;

    #[test]
    fn every_target_is_about_a_work_that_exists() {
        for target in TARGETS {
            assert!(WORKS.iter().any(|work| work.name == target.work()), "{}", target.work());
        }
    }

    #[test]
    fn targets_are_met_missed_or_not_measured() {
        let results = example();
        let met = |measure, bound| only(measure, bound).met(&results);
        assert_eq!(met(Ratio("PyTorch", "train-lstm-32"), AtLeast(1.8)), Some(true));
        assert_eq!(met(Ratio("PyTorch", "train-lstm-32"), AtLeast(1.9)), Some(false));
        assert_eq!(met(Ratio("PyTorch", "generate-64"), AtLeast(2.0)), None);
        assert_eq!(met(Share("train-lstm-32"), AtLeast(0.8)), Some(true));
        assert_eq!(met(Ours("peak-memory"), AtMost(150.0)), Some(false));
        assert_eq!(met(Ours("first-token"), AtMost(60.0)), None);
    }

    #[test]
    fn a_share_of_gemm_will_do_instead() {
        let met = |share| or_share(Ratio("PyTorch", "train-lstm-32"), AtLeast(9.0), share);
        assert_eq!(met(0.8).met(&example()), Some(true));
        assert_eq!(met(0.9).met(&example()), Some(false));
        assert_eq!(met(0.9).aim(), "at least 9 times or 90 % of gemm");
        assert_eq!(met(0.9).told(&example()), "1.80 times and 80 % of gemm");
        // Without the other program, too little of gemm proves nothing.
        let alone = |share| or_share(Ratio("JAX", "train-lstm-32"), AtLeast(9.0), share);
        assert_eq!(alone(0.8).met(&example()), Some(true));
        assert_eq!(alone(0.9).met(&example()), None);
    }

    #[test]
    fn what_was_disturbed_is_no_proof() {
        let mut results = example();
        let target = only(Ratio("PyTorch", "train-lstm-32"), AtLeast(1.8));
        assert_eq!(target.verdict(&results), "met");
        results.works[1].others = Some(0.5);
        assert_eq!(target.verdict(&results), "met, disturbed");
    }

    #[test]
    fn memory_is_judged_on_the_text_it_was_set_for() {
        let mut results = example();
        results.works.last_mut().unwrap().on = super::super::outside::FABLES;
        assert_eq!(only(Ours("peak-memory"), AtMost(150.0)).verdict(&results), "not measured");
    }
}
