//! The ranking of questions by rules and by the network: one confidence for both, calibrated on held-out questions.
//!
//! A question is described by [`Features`], and its confidence is the probability of a logistic regression that it is as
//! good as the question of a person about the same answer. See [`Ranking`].

mod features;
mod fluency;
mod logistic;
mod model;
mod reliability;

pub use features::{Features, Measures, RuleMeasures};
pub use fluency::Fluency;
pub use model::{LabelledQuestion, RANKING, Ranking};
pub use reliability::{CoverageRow, ReliabilityRow, precision_at_coverage, reliability, threshold_for};
