//! The only file of this crate that prints. Results go to standard output, everything else to standard error. Texts and
//! names can contain control characters: messages and what a terminal shows have escapes in their place.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use args::visible;
use serde::Serialize;

use crate::error::{Error, Result};

/// Prints on standard output; on a terminal with visible control characters.
///
/// # Errors
/// If standard output cannot be written.
pub fn print(text: &str) -> Result<()> {
    if std::io::stdout().is_terminal() { print_raw(&visible(text)) } else { print_raw(text) }
}

/// Prints on standard output what the user wants unchanged, also on a terminal.
///
/// # Errors
/// As [`print()`].
pub fn print_raw(text: &str) -> Result<()> {
    write(text).map_err(Error::io("standard output", "written"))
}

/// Prints one JSON object and a line break on standard output.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", to_json(value)?))
}

/// `value` as JSON in one line. What could control a terminal is escaped as JSON escapes it, so that the text is the same
/// for a program that reads it.
///
/// # Errors
/// If it has no JSON form.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(value).map_err(|error| Error::new(error.to_string()))?;
    Ok(escape_in_json(json))
}

fn escape_in_json(json: String) -> String {
    if matches!(visible(&json), Cow::Borrowed(_)) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match visible(c.encode_utf8(&mut [0; 4])) {
            Cow::Borrowed(_) => escaped.push(c),
            Cow::Owned(_) => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
    }
    escaped
}

/// Writes to standard output and flushes. If the reader closed the pipe, as `head` does, the program exits
/// quietly with code 0.
fn write(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
    written
}

/// Whether [`status`] prints nothing.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// From now on [`status`] prints nothing: of several processes that train together, one says what happens.
pub fn be_quiet() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

/// Prints a line on standard error, with visible control characters. A failure is ignored: a command does not depend on
/// its messages.
pub fn status(line: &str) {
    if IS_QUIET.load(Ordering::Relaxed) {
        return;
    }
    let _ = writeln!(std::io::stderr(), "{}", visible(line));
}

/// As [`status`], for a line whose control characters are visible already, except those of its colours.
pub fn status_raw(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Asks for a line on standard error, without a line end.
pub fn ask(prompt: &str) {
    let mut output = std::io::stderr();
    let _ = output.write_all(prompt.as_bytes()).and_then(|()| output.flush());
}

/// Prints each warning as a line on standard error.
pub fn warn(warnings: &[String]) {
    for warning in warnings {
        status(&format!("warning: {warning}"));
    }
}

/// Formats rows as left-aligned columns with two spaces between them.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_character_that_controls_a_terminal_and_the_same_meaning() {
        for text in ["a\tb\n\u{1b}[0m", "\u{7f}\u{9b}31m\u{202e}x\u{feff}", "한글 \u{200d} \\u{1b}"] {
            let json = to_json(&text).unwrap();
            assert!(matches!(visible(&json), Cow::Borrowed(_)), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
