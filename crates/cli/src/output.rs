//! The only place that writes to standard output and standard error.

use std::io::Write;

use serde::Serialize;

use crate::error::{Error, Result};

/// Prints one JSON object on standard output.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|error| Error::new(error.to_string()))?;
    print(&format!("{text}\n"))
}

/// Prints on standard output.
pub fn print(text: &str) -> Result<()> {
    write(text).map_err(Error::io("standard output", "written"))
}

/// Writes to standard output at once. A reader that has seen enough, such as `head`, ends the program
/// quietly.
pub fn write(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    if written.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
    written
}

/// Says a line on standard error. A reader that went away is no reason to end.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Rows as columns of equal width, two spaces between them.
pub fn columns<R: IntoIterator<Item = String>>(rows: impl IntoIterator<Item = R>) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Tells people what a configuration's author should know.
pub fn warn(warnings: &[String]) {
    for warning in warnings {
        tell(&format!("warning: {warning}"));
    }
}
