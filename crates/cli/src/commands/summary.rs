//! `summary`: Keras's table of layers.

use args::Summary as Args;
use models::Summary;

use crate::config::{Resolved, read};
use crate::error::Result;
use crate::output::{print, print_json, warn};

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (config, _) = read(&args.config)?;
    let resolved = Resolved::new(config)?;
    warn(&resolved.warnings);
    let summary = Summary::new(&resolved.model, resolved.config.windows.length);
    match args.json {
        true => print_json(&summary),
        false => print(&format!("{summary}\n")),
    }
}
