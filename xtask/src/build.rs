//! Building the program: in silence when nothing changed, with cargo's own progress otherwise.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::cargo::{cargo, not_started, root};

/// How a build ended.
pub enum Outcome {
    /// The program lies here
    Built(PathBuf),
    /// Cargo said why, and ended like this
    Failed(ExitStatus),
}

/// Builds the binary `pastiche` in release with these features, if it is not there already.
pub fn pastiche(features: &str) -> Result<Outcome, String> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", "cli", "--bin", "pastiche"]);
    command.args(["--no-default-features", "--features", features]);
    command.args(["--message-format", "json-render-diagnostics", "--manifest-path"]);
    command.arg(root().join("Cargo.toml"));
    if std::io::stderr().is_terminal() {
        keep_the_bar(&mut command);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());

    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take());
    let note = first_build_note(features);
    let speaker = std::thread::spawn(move || {
        speak_when_building(stderr.expect("piped"), std::io::stderr(), &note)
    });
    let executable =
        BufReader::new(stdout).lines().map_while(Result::ok).filter_map(program).last();
    let status = child.wait().map_err(|error| format!("cargo was lost: {error}"))?;
    let held = speaker.join().ok().and_then(Result::ok).unwrap_or_default();
    if !status.success() {
        // What was held back is all that cargo had to say; a closed stderr is nobody's loss.
        let _ = std::io::stderr().write_all(&held);
        return Ok(Outcome::Failed(status));
    }
    executable.map(Outcome::Built).ok_or_else(|| "cargo built no binary `pastiche`".into())
}

/// Cargo shows colours and a bar only on a terminal; it writes to a pipe of ours that ends in one.
fn keep_the_bar(command: &mut Command) {
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<u16>().ok());
    command.env("CARGO_TERM_PROGRESS_WHEN", "always");
    command.env("CARGO_TERM_PROGRESS_WIDTH", width.unwrap_or(80).to_string());
    if std::env::var_os("NO_COLOR").is_none() && std::env::var_os("CARGO_TERM_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
}

/// The line before a build that takes minutes; empty when an older program is there to improve.
fn first_build_note(features: &str) -> String {
    let target = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().find_map(std::env::var_os);
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    let program = target.join("release").join(format!("pastiche{}", std::env::consts::EXE_SUFFIX));
    if program.exists() {
        return String::new();
    }
    let backends = if features.contains(',') { "backends" } else { "backend" };
    let names = features.replace(',', ", ");
    format!("building pastiche with the {names} {backends}; the first build takes some minutes\n")
}

/// Copies cargo's words from the first line that tells of work; returns them all if none does.
fn speak_when_building(
    mut from: impl Read,
    mut to: impl Write,
    note: &str,
) -> std::io::Result<Vec<u8>> {
    let mut held = Vec::new();
    let mut speaking = false;
    let mut piece = [0; 4096];
    loop {
        let count = from.read(&mut piece)?;
        if count == 0 {
            return Ok(held);
        }
        held.extend_from_slice(&piece[..count]);
        if !speaking && tells_of_work(&held) {
            speaking = true;
            to.write_all(note.as_bytes())?;
        }
        if speaking {
            to.write_all(&held)?;
            to.flush()?;
            held.clear();
        }
    }
}

/// Whether a whole line says more than that cargo has finished.
fn tells_of_work(text: &[u8]) -> bool {
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let lines = String::from_utf8_lossy(&text[..whole]);
    lines.lines().any(|line| !line.trim().is_empty() && !line.contains("Finished"))
}

/// The path of the program, if this line of cargo's JSON tells it.
fn program(line: String) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(&line).ok()?;
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "pastiche";
    message["executable"].as_str().filter(|_| ours).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(words: &str) -> (String, String) {
        let mut out = Vec::new();
        let held = speak_when_building(words.as_bytes(), &mut out, "first\n").unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(held).unwrap())
    }

    #[test]
    fn a_fresh_program_starts_in_silence() {
        let words = "    Finished `release` profile [optimized] target(s) in 0.31s\n";
        assert_eq!(spoken(words), (String::new(), words.into()));
        let bar = format!("    Building [=====> ] 370/371\r\x1b[K{words}");
        assert_eq!(spoken(&bar), (String::new(), bar));
    }

    #[test]
    fn a_build_speaks_from_its_first_line() {
        let words = "   Compiling burn v0.22.1\n    Finished in 300s\n";
        assert_eq!(spoken(words), (format!("first\n{words}"), String::new()));
    }

    #[test]
    fn the_program_is_found_among_the_messages() {
        let line = |reason: &str, name: &str| {
            let target = serde_json::json!({ "name": name });
            let executable = "/target/release/pastiche";
            serde_json::json!({"reason": reason, "target": target, "executable": executable})
                .to_string()
        };
        let found = program(line("compiler-artifact", "pastiche"));
        assert_eq!(found, Some(PathBuf::from("/target/release/pastiche")));
        assert_eq!(program(line("compiler-artifact", "other")), None);
        assert_eq!(program(line("build-finished", "pastiche")), None);
        assert_eq!(program("not JSON".into()), None);
    }
}
