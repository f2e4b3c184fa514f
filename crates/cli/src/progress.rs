//! Tells a person how a run goes: a bar with ETA on a terminal, plain lines elsewhere. All of it
//! goes to standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use models::LanguageModel;
use models::summary::thousands;
use trainer::{EpochReport, Heard, Method, Observer, Plan, StepReport};

use crate::speaker::Speaker;

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The temperature of what is spoken in passing.
const TEMPERATURE: f64 = 0.5;

/// The observer that people see.
pub struct Progress {
    speaker: Speaker,
    bar: Option<ProgressBar>,
    epochs: usize,
    last_line: Instant,
}

impl Progress {
    /// A bar if standard error is a terminal and `plain` does not forbid it.
    pub fn new(speaker: Speaker, plain: bool) -> Self {
        let bar = (!plain && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style =
                ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} ETA {eta} {msg}");
            bar.set_style(style.expect("the template is fixed"));
            bar
        });
        Self { speaker, bar, epochs: 0, last_line: Instant::now() }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // A reader that went away is no reason to lose a run.
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    fn line(&mut self, step: &StepReport) {
        let StepReport {
            epoch, steps, loss_nats_per_token: loss, tokens_per_second: speed, ..
        } = *step;
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
            bar.set_length(steps as u64);
            bar.set_position(step.step as u64);
            bar.set_message(format!("loss {loss:.3} {} tokens/s", thousands(speed as usize)));
            return;
        }
        if self.last_line.elapsed() < LINE_EVERY {
            return;
        }
        self.last_line = Instant::now();
        let eta = step.seconds / step.step as f64 * (steps - step.step) as f64;
        self.say(&format!(
            "epoch {epoch}/{} step {}/{steps} loss {loss:.3} {} tokens/s, epoch ends in {}",
            self.epochs,
            step.step,
            thousands(speed as usize),
            duration(eta)
        ));
    }
}

impl Observer for Progress {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.epochs = plan.epochs;
        let what = match plan.method {
            Method::Windows => "windows",
            Method::EveryStep { .. } => "pieces of streams",
        };
        self.say(&format!(
            "{} parameters; {} training and {} validation {what}, {} steps an epoch; about {} of \
             memory",
            thousands(plan.parameters),
            thousands(plan.train_items),
            thousands(plan.valid_items),
            thousands(plan.steps_per_epoch),
            megabytes(plan.memory_bytes)
        ));
        Ok(())
    }

    fn timed(&mut self, seconds_per_epoch: f64) -> Heard {
        self.say(&format!("an epoch will take about {}", duration(seconds_per_epoch)));
        Ok(())
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        self.line(step);
        Ok(())
    }

    fn look(&mut self, step: &StepReport, model: &LanguageModel) -> Heard {
        let text = self.speaker.speak(model, TEMPERATURE)?;
        self.say(&format!("  after step {}: {text}", step.step));
        Ok(())
    }

    fn epoch_ended(&mut self, report: &EpochReport, model: &LanguageModel) -> Heard {
        self.say(&format!(
            "epoch {}/{}: train loss {:.3}, valid loss {:.3} (perplexity {:.1}, accuracy {:.1} %), \
             {}",
            report.epoch,
            self.epochs,
            report.train_loss_nats_per_token,
            report.valid_loss_nats_per_token,
            report.valid_perplexity(),
            100.0 * report.valid_accuracy,
            duration(report.seconds)
        ));
        let text = self.speaker.speak(model, TEMPERATURE)?;
        self.say(&format!("  it writes: {text}"));
        if let Some(bar) = &self.bar {
            bar.reset();
        }
        Ok(())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `75 s` or `3 min 20 s`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Bytes in megabytes of a million.
pub fn megabytes(bytes: usize) -> String {
    format!("{} MB", thousands(bytes.div_ceil(1_000_000)))
}
