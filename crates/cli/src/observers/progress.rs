//! Tells a person how a run goes in plain lines, on standard error.

use std::time::{Duration, Instant};

use models::summary::thousands;
use trainer::{EpochReport, Heard, Method, Observer, Plan, Retreat, StepReport};

use crate::observers::sampling::{Speaker, TEMPERATURE};
use crate::output::tell;
use crate::view::format::duration;

/// Time between two lines within an epoch.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The observer that people read.
pub struct Progress<M> {
    speaker: Speaker<M>,
    epochs: usize,
    last_line: Instant,
}

impl<M> Progress<M> {
    /// Lets the model speak by `speaker`.
    pub fn new(speaker: Speaker<M>) -> Self {
        Self { speaker, epochs: 0, last_line: Instant::now() }
    }

    /// Knows how many epochs there will be.
    pub fn plan_for(&mut self, epochs: usize) {
        self.epochs = epochs;
    }
}

impl<M> Observer<M> for Progress<M> {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.plan_for(plan.epochs);
        tell(&size(plan));
        Ok(())
    }

    fn timed(&mut self, seconds_per_epoch: f64) -> Heard {
        tell(&format!("an epoch will take about {}", duration(seconds_per_epoch)));
        Ok(())
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        if self.last_line.elapsed() < LINE_EVERY {
            return Ok(());
        }
        self.last_line = Instant::now();
        let StepReport {
            epoch,
            steps,
            loss_nats_per_token: loss,
            tokens_per_second: speed,
            learning_rate: rate,
            ..
        } = *step;
        tell(&format!(
            "epoch {epoch}/{} step {}/{steps} loss {loss:.3} rate {rate:.2e} {} tokens/s, epoch ends in {}",
            self.epochs,
            step.step,
            thousands(speed as usize),
            duration(step.seconds_left_in_epoch())
        ));
        Ok(())
    }

    fn look(&mut self, step: &StepReport, model: &M) -> Heard {
        let text = self.speaker.speak_once(model, TEMPERATURE, step.step_of_run)?;
        tell(&format!("  after step {}: {text}", step.step));
        Ok(())
    }

    fn epoch_ended(&mut self, report: &EpochReport, model: &M) -> Heard {
        tell(&verdict(report, self.epochs));
        let text = self.speaker.speak_once(model, TEMPERATURE, report.step)?;
        tell(&format!("  it writes: {text}"));
        Ok(())
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        tell(&setback(retreat));
        Ok(())
    }
}

/// How large a run is.
pub fn size(plan: &Plan) -> String {
    let what = match plan.method {
        Method::Windows => "windows",
        Method::EveryStep { .. } => "pieces of streams",
        Method::Examples => "examples",
    };
    format!(
        "{} parameters; {} training and {} validation {what}, {} steps an epoch; about {} of \
         memory",
        thousands(plan.parameters),
        thousands(plan.train_items),
        thousands(plan.valid_items),
        thousands(plan.steps_per_epoch),
        megabytes(plan.memory_bytes)
    )
}

/// What an epoch came to.
pub fn verdict(report: &EpochReport, epochs: usize) -> String {
    format!(
        "epoch {}/{epochs}: train loss {:.3}, valid loss {:.3} (perplexity {:.1}, accuracy {:.1} %), {}",
        report.epoch,
        report.train_loss_nats_per_token,
        report.valid_loss_nats_per_token,
        report.valid_perplexity(),
        100.0 * report.valid_accuracy,
        duration(report.seconds)
    )
}

/// That the run went back, and what it goes on with.
pub fn setback(retreat: &Retreat) -> String {
    format!(
        "warning: {}; back to step {}, and on with half the learning rate ({:.2e}; halved {} of 3 times)",
        retreat.reason, retreat.step, retreat.learning_rate, retreat.halvings
    )
}

/// Bytes in megabytes of a million.
pub fn megabytes(bytes: usize) -> String {
    format!("{} MB", thousands(bytes.div_ceil(1_000_000)))
}
