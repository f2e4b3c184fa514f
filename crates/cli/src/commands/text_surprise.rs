//! `evaluate --text F --color`: prints the text with the surprise of each token.

use args::Evaluate;
use generate::{EvaluationPlan, Mixture, each_surprise};
use seqdata::Sequence;

use super::adapted::Scoring;
use crate::error::{Error, Result};
use crate::output::{print, print_raw, status};
use crate::surprise::Painter;

/// Targets per batch.
const CHUNK: usize = 128;

/// What paints the text of `--text`.
///
/// # Errors
/// If there is no text to print, or another option does not go with it.
pub fn painter(args: &Evaluate) -> Result<Painter> {
    let painter = Painter::for_stdout(args.color.color, false);
    let reject = |reason: &str| Err(Error::new(format!("`--color` is given {reason}")));
    match painter.has_colour() {
        true if args.text.is_empty() => reject("without `--text`, the text to print: add it, or leave `--color` out"),
        true if args.json => reject("with `--json`, which prints no text to read: leave one of them out"),
        true if args.adapt.is_some() => {
            reject("with `--adapt`, but it shows the surprise of the model as it is: leave one of them out")
        }
        _ => Ok(painter),
    }
}

/// Prints the text that was evaluated with the surprise of each token as a colour.
///
/// # Errors
/// If the model cannot be evaluated on it, or standard output cannot be written.
pub fn print_text(scoring: &Scoring, sequence: &Sequence, mixture: Option<&Mixture>, painter: Painter) -> Result<()> {
    let Scoring { bundle, labels, mode, .. } = *scoring;
    let plan = EvaluationPlan::in_order(bundle, sequence, 0, labels, mode, CHUNK)?;
    status(&painter.legend().unwrap_or_default());
    let (mut printed, mut ends_line) = (Ok(()), true);
    each_surprise(&plan, mixture, |text, nats| {
        if printed.is_ok() {
            printed = print_raw(&painter.paint(text, nats));
            ends_line = text.ends_with('\n');
        }
    })?;
    printed?;
    print(if ends_line { "\n" } else { "\n\n" })
}
