//! Metrics computed from sums over a step and over the epoch so far.

use std::sync::Arc;

use burn::tensor::TensorReadError;
use burn::train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry, SerializedEntry,
    format_float,
};
use models::EvalMetrics;

/// Sums over some steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// Losses and correct predictions of the targets.
    pub targets: EvalMetrics,
    /// Number of input tokens; 0 in validation.
    pub tokens: usize,
    /// Wall time of training; 0 in validation.
    pub seconds: f64,
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct StepNumbers {
    /// Of this step.
    pub step: Sums,
    /// Of the epoch up to and including this step; also of the steps before the run was resumed.
    pub epoch: Sums,
}

impl StepNumbers {
    /// Continues with the next step.
    pub fn add(&mut self, step: Sums) {
        let Sums { targets, tokens, seconds } = &mut self.epoch;
        targets.nats += step.targets.nats;
        targets.tokens += step.targets.tokens;
        targets.correct += step.targets.correct;
        *tokens += step.tokens;
        *seconds += step.seconds;
        self.step = step;
    }
}

/// A quantity that follows from [`Sums`]. Its value for an epoch is computed from the sums over the epoch, so that
/// every target or token has the same weight.
#[derive(Clone)]
pub(crate) struct StepMetric {
    name: MetricName,
    description: &'static str,
    unit: Option<&'static str>,
    higher_is_better: bool,
    value: fn(&Sums) -> f64,
    /// The last step.
    last: Option<StepNumbers>,
}

impl StepMetric {
    fn new(name: &str, description: &'static str, value: fn(&Sums) -> f64) -> Self {
        Self { name: Arc::new(name.into()), description, unit: None, higher_is_better: true, value, last: None }
    }

    pub fn loss() -> Self {
        let description = "mean cross-entropy of the targets";
        let loss = Self::new("Loss", description, |sums| sums.targets.nats_per_token());
        Self { unit: Some("nats/token"), higher_is_better: false, ..loss }
    }

    pub fn perplexity() -> Self {
        let perplexity = Self::new("Perplexity", "exp(loss)", |sums| sums.targets.perplexity());
        Self { higher_is_better: false, ..perplexity }
    }

    pub fn accuracy() -> Self {
        let description = "fraction of targets that had the highest probability";
        Self::new("Accuracy", description, |sums| sums.targets.accuracy())
    }

    pub fn tokens_per_second() -> Self {
        let description = "input tokens per second of training, without validation, observers and checkpoints";
        let speed = Self::new("Tokens per second", description, |sums| sums.tokens as f64 / sums.seconds);
        Self { unit: Some("tokens/s"), ..speed }
    }

    /// For the steps of `sums`, weighted by their targets.
    fn entry(&self, sums: &Sums) -> NumericEntry {
        NumericEntry::Aggregated { aggregated_value: (self.value)(sums), count: sums.targets.tokens }
    }

    /// The text for people, and `entry` as it is stored.
    fn serialized(&self, entry: &NumericEntry) -> SerializedEntry {
        let Some(StepNumbers { step, epoch }) = &self.last else {
            return SerializedEntry::not_available(self.unit);
        };
        let text = |sums| format_float((self.value)(sums), 3);
        let (epoch, step) = (text(epoch), text(step));
        let formatted = match self.unit {
            Some(unit) => format!("epoch {epoch} {unit} - batch {step} {unit}"),
            None => format!("epoch {epoch} - batch {step}"),
        };
        SerializedEntry::new(formatted, entry.serialize())
    }
}

impl Metric for StepMetric {
    type Input = StepNumbers;

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn description(&self) -> Option<String> {
        Some(self.description.into())
    }

    fn attributes(&self) -> MetricAttributes {
        let unit = self.unit.map(String::from);
        NumericAttributes { unit, higher_is_better: self.higher_is_better }.into()
    }

    fn update(&mut self, numbers: &StepNumbers, _: &MetricMetadata) -> Result<SerializedEntry, TensorReadError> {
        self.last = Some(*numbers);
        Ok(self.serialized(&self.entry(&numbers.step)))
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.serialized(&self.final_value()))
    }

    fn clear(&mut self) {
        self.last = None;
    }
}

impl Numeric for StepMetric {
    fn value(&self) -> Option<NumericEntry> {
        self.last.map(|numbers| self.entry(&numbers.step))
    }

    fn running_value(&self) -> Option<NumericEntry> {
        self.last.map(|numbers| self.entry(&numbers.epoch))
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.last.map_or(f64::NAN, |numbers| (self.value)(&numbers.epoch)))
    }
}
