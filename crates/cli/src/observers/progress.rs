//! Progress of a run in plain lines on standard error.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trainer::{EpochReport, Observer, ObserverResult, Plan, Rollback, StepReport, TrainConfig, TrainMode};

use crate::error::Result;
use crate::observers::epoch_in_words::EpochInWords;
use crate::observers::sampling::{SampleCache, TEMPERATURE};
use crate::output::status;
use crate::report::terms::{COUNTING, COUNTING_IN_VIEW, LOSSES, LOSSES_IN_VIEW};
use crate::view::format::{counted, decimals, duration, rate, thousands};

/// Minimum time between two step lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Said after the epoch whose validation loss makes averaging begin.
const AVERAGING_BEGINS: &str = "the validation loss no longer falls steadily: averaging begins, and from now on the mean of the \
    weights is evaluated and saved";

/// The observer that prints progress lines.
pub struct Progress<M> {
    samples: SampleCache<M>,
    in_words: Arc<EpochInWords>,
    config: TrainConfig,
    /// Whether the number of steps was planned for a time, with a better estimate of it than that of the first steps.
    is_planned: bool,
    epochs: usize,
    /// The validation losses of the epochs so far, on which averaging depends.
    valid_losses: Vec<f64>,
    last_line: Instant,
}

impl<M> Progress<M> {
    /// Prints samples from `samples`, and what `in_words` says about each epoch of a run with this configuration. `is_planned`:
    /// for a time.
    pub fn new(samples: SampleCache<M>, in_words: Arc<EpochInWords>, config: &TrainConfig, is_planned: bool) -> Self {
        let (config, valid_losses) = (config.clone(), Vec::new());
        Self { samples, in_words, config, is_planned, epochs: 0, valid_losses, last_line: Instant::now() }
    }

    /// Records an epoch, in the order of their numbers; those after a rollback are recorded again. Returns whether its
    /// validation loss is that of averaged weights.
    pub fn record(&mut self, epoch: &EpochReport) -> bool {
        self.valid_losses.truncate(epoch.epoch.saturating_sub(1));
        self.valid_losses.push(epoch.valid_loss_nats_per_token);
        self.averaged_after().is_some_and(|epochs| epochs < epoch.epoch)
    }

    fn averaged_after(&self) -> Option<usize> {
        self.config.averaged_after(&self.valid_losses)
    }

    /// What is said if averaging begins after the epoch that was recorded last.
    pub fn averaging_begins(&self) -> Option<&'static str> {
        let begins = self.averaged_after().is_some_and(|epochs| epochs > 0 && epochs == self.valid_losses.len());
        begins.then_some(AVERAGING_BEGINS)
    }

    /// The source of the samples.
    pub fn samples(&self) -> &SampleCache<M> {
        &self.samples
    }

    /// What an epoch achieved, in words; `None` if there is nothing to say.
    pub fn in_words(&self, epoch: &EpochReport, model: &M) -> Result<Option<String>> {
        let sample = self.samples.sample(model, TEMPERATURE, epoch.step)?;
        Ok(self.in_words.line(epoch.valid_loss_nats_per_token, &sample.unwrap_or_default()))
    }

    /// What the terms in its lines mean.
    pub fn terms(&self) -> String {
        let counting = if self.in_words.has_counting() { COUNTING } else { "" };
        format!("{LOSSES}{counting}")
    }

    /// The same for the full-screen view, in a line each.
    pub fn terms_in_view(&self) -> impl Iterator<Item = &'static str> {
        self.in_words.has_counting().then_some(COUNTING_IN_VIEW).into_iter().chain([LOSSES_IN_VIEW])
    }

    /// Sets the total number of epochs, which the lines show.
    pub fn set_epochs(&mut self, epochs: usize) {
        self.epochs = epochs;
    }
}

impl<M> Observer<M> for Progress<M> {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        self.set_epochs(plan.epochs);
        for epoch in &plan.reports {
            self.record(epoch);
        }
        status(&run_size(plan));
        status(&self.terms());
        Ok(())
    }

    fn on_estimate(&mut self, seconds_per_epoch: f64) -> ObserverResult {
        if !self.is_planned {
            status(&format!("an epoch will take about {}, validation included", duration(seconds_per_epoch)));
        }
        Ok(())
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if self.last_line.elapsed() < LINE_INTERVAL {
            return Ok(());
        }
        self.last_line = Instant::now();
        let StepReport { epoch, steps, loss_nats_per_token: loss, tokens_per_second: speed, learning_rate, .. } = *step;
        status(&format!(
            "epoch {epoch}/{} step {}/{steps} loss {} rate {} {} tokens/s, epoch ends in {}",
            self.epochs,
            step.step,
            decimals(loss, 3),
            rate(learning_rate),
            thousands(speed as usize),
            duration(step.seconds_left_in_epoch())
        ));
        Ok(())
    }

    fn on_sample(&mut self, step: &StepReport, model: &M) -> ObserverResult {
        if let Some(text) = self.samples.sample(model, TEMPERATURE, step.step_of_run)? {
            status(&format!("  sample after step {}: {text}", step.step));
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, report: &EpochReport, model: &M) -> ObserverResult {
        status(&epoch_summary(report, self.epochs));
        if let Some(words) = self.in_words(report, model)? {
            status(&format!("  {words}"));
        }
        self.record(report);
        if let Some(begins) = self.averaging_begins() {
            status(&format!("  {begins}"));
        }
        if let Some(text) = self.samples.sample(model, TEMPERATURE, report.step)? {
            status(&format!("  sample: {text}"));
        }
        Ok(())
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        status(&rollback_warning(rollback));
        Ok(())
    }
}

/// The size of the model, the data and the memory.
fn run_size(plan: &Plan) -> String {
    let unit = match plan.mode {
        TrainMode::Windows => "window",
        TrainMode::Tbptt { .. } => "stream segment",
        TrainMode::Examples => "example",
    };
    format!(
        "{}; {} training and {}, {}; about {} of memory",
        counted(plan.parameters, "parameter"),
        thousands(plan.train_items),
        counted(plan.valid_items, &format!("validation {unit}")),
        epoch_length(plan.steps_per_epoch, plan.steps_per_pass),
        megabytes(plan.memory_bytes)
    )
}

/// The steps of an epoch, and which part of a pass over the training data they are, unless an epoch is a pass.
pub fn epoch_length(steps: usize, steps_per_pass: usize) -> String {
    let length = format!("{} per epoch", counted(steps, "step"));
    if steps == steps_per_pass {
        return length;
    }
    match steps as f64 / steps_per_pass.max(1) as f64 {
        part if part < 0.995 => {
            let percent = decimals(100.0 * part, if part < 0.1 { 1 } else { 0 });
            format!("{length} ({percent} % of a pass over the training data)")
        }
        passes => format!("{length} ({} passes over the training data)", decimals(passes, 1)),
    }
}

/// The results of an epoch in one line.
pub fn epoch_summary(report: &EpochReport, epochs: usize) -> String {
    format!(
        "epoch {}/{epochs}: train loss {}, valid loss {} (perplexity {:.1}, accuracy {:.1} %), {}",
        report.epoch,
        decimals(report.train_loss_nats_per_token, 3),
        decimals(report.valid_loss_nats_per_token, 3),
        report.valid_perplexity(),
        100.0 * report.valid_accuracy,
        duration(report.seconds)
    )
}

/// The cause of a rollback, and how training continues.
pub fn rollback_warning(rollback: &Rollback) -> String {
    format!(
        "warning: {}; rolled back to step {}, continuing with half the learning rate ({}; halved {} of 3 times)",
        rollback.reason,
        rollback.step,
        rate(rollback.learning_rate),
        rollback.halvings
    )
}

/// `bytes` in units of 10^6 bytes, rounded up.
pub fn megabytes(bytes: usize) -> String {
    format!("{} MB", thousands(bytes.div_ceil(1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_is_no_pass_is_compared_with_one() {
        assert_eq!(epoch_length(3_188, 3_188), "3,188 steps per epoch");
        assert_eq!(epoch_length(1, 1), "1 step per epoch");
        assert_eq!(epoch_length(25, 64), "25 steps per epoch (39 % of a pass over the training data)");
        assert_eq!(epoch_length(25, 1_000), "25 steps per epoch (2.5 % of a pass over the training data)");
        assert_eq!(epoch_length(41, 11), "41 steps per epoch (3.7 passes over the training data)");
    }
}
