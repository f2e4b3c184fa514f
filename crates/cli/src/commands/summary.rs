//! `summary`: prints a table of the model's layers, as Keras does.

use args::Summary as Args;
use models::Summary;

use crate::config::read;
use crate::error::Result;
use crate::output::{print, print_json, warn};
use crate::run::init::inspected_experiment;

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (config, _) = read(&args.config)?;
    let experiment = inspected_experiment(config)?;
    warn(&experiment.warnings);
    let summary = Summary::new(&experiment.model, experiment.config.windows.context_len);
    if args.json { print_json(&summary) } else { print(&format!("{summary}\n")) }
}
