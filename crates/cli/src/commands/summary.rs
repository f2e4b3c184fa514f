//! `summary`: prints a table of the model's layers, as Keras does.

use args::Summary as Args;
use models::Summary;

use crate::config::{Resolved, read};
use crate::error::Result;
use crate::output::{print, print_json, warn};

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (config, _) = read(&args.config)?;
    let resolved = Resolved::new(config, None)?;
    warn(&resolved.warnings);
    let summary = Summary::new(&resolved.model, resolved.config.windows.context_len);
    if args.json { print_json(&summary) } else { print(&format!("{summary}\n")) }
}
