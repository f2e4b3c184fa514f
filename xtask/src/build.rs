//! Builds the program: silently if nothing changed, otherwise with cargo's own progress output.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use args::Backend;
use serde_json::Value;

use crate::cargo::{cargo, not_started, root};
use crate::features::PROFILE;
use crate::output;

/// Builds the binary `pastiche` in release with these features, unless it is up to date. Returns its path, or the
/// status of cargo, which has printed the reason.
pub fn pastiche(features: &str) -> Result<Result<PathBuf, ExitStatus>, String> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", "pastiche-cli", "--bin", "pastiche"]);
    command.args(["--no-default-features", "--features", features]);
    command.args(profile_args(features));
    command.args(["--message-format", "json-render-diagnostics", "--manifest-path"]);
    command.arg(root().join("Cargo.toml"));
    if std::io::stderr().is_terminal() {
        keep_progress_bar(&mut command);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());

    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take());
    let note = first_build_note(features);
    let forwarder = std::thread::spawn(move || forward_when_building(stderr.expect("piped"), output::stderr(), &note));
    let executable = BufReader::new(stdout).lines().map_while(Result::ok).filter_map(executable).last();
    let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))?;
    let held_back = forwarder.join().ok().and_then(Result::ok).unwrap_or_default();
    if !status.success() {
        let _ = output::stderr().write_all(&held_back);
        return Ok(Err(status));
    }
    executable.map(Ok).ok_or_else(|| "cargo built no binary `pastiche`".into())
}

/// Cargo arguments that change the release profile: burn-train compiles the backend Flex into every build. Where the
/// program cannot select it, optimising it would be a fifth of the first build for code that never runs.
fn profile_args(features: &str) -> &'static [&'static str] {
    let selectable = features.split(',').any(|feature| feature == Backend::Flex.name());
    if selectable { &[] } else { &["--config", "profile.release.package.burn-flex.opt-level=0"] }
}

/// Cargo shows colours and a progress bar only on a terminal; here it writes to a pipe that ends in one.
fn keep_progress_bar(command: &mut Command) {
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<u16>().ok());
    command.env("CARGO_TERM_PROGRESS_WHEN", "always");
    command.env("CARGO_TERM_PROGRESS_WIDTH", width.unwrap_or(80).to_string());
    if std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("CARGO_TERM_COLOR").is_none()
    {
        command.env("CARGO_TERM_COLOR", "always");
    }
}

/// The line before a build that takes minutes; empty if an older build of the program exists.
fn first_build_note(features: &str) -> String {
    let target = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().find_map(std::env::var_os);
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    if target.join("release").join(format!("pastiche{}", std::env::consts::EXE_SUFFIX)).exists() {
        return String::new();
    }
    let names: Vec<&str> = features.split(',').filter(|&feature| feature != PROFILE).collect();
    let backends = if names.len() > 1 { "backends" } else { "backend" };
    let names = names.join(", ");
    let download = if names.contains("cuda") { ", and downloads LLVM from GitHub for cuda" } else { "" };
    format!("building pastiche with the {names} {backends}; the first build takes some minutes{download}\n")
}

/// Forwards cargo's output, beginning with the first line that reports work; returns all of it if none does.
fn forward_when_building(mut from: impl Read, mut to: impl Write, note: &str) -> std::io::Result<Vec<u8>> {
    let mut held_back = Vec::new();
    let mut forwarding = false;
    let mut buffer = [0; 4096];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(held_back);
        }
        held_back.extend_from_slice(&buffer[..count]);
        if !forwarding && reports_work(&held_back) {
            forwarding = true;
            to.write_all(note.as_bytes())?;
        }
        if forwarding {
            to.write_all(&held_back)?;
            to.flush()?;
            held_back.clear();
        }
    }
}

/// Whether a complete line reports more than that cargo has finished.
fn reports_work(text: &[u8]) -> bool {
    let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let lines = String::from_utf8_lossy(&text[..complete]);
    lines.lines().any(|line| !line.trim().is_empty() && !line.contains("Finished"))
}

/// The path of the program, if this line of cargo's JSON output contains it.
fn executable(line: String) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(&line).ok()?;
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "pastiche";
    message["executable"].as_str().filter(|_| ours).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded_and_held(text: &str) -> (String, String) {
        let mut out = Vec::new();
        let held = forward_when_building(text.as_bytes(), &mut out, "first\n").unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(held).unwrap())
    }

    #[test]
    fn flex_is_optimised_only_where_it_can_be_selected() {
        assert!(profile_args("ndarray,flex").is_empty());
        assert!(profile_args("flex").is_empty());
        assert_eq!(profile_args("ndarray")[0], "--config");
    }

    #[test]
    fn an_up_to_date_program_starts_silently() {
        let text = "    Finished `release` profile [optimized] target(s) in 0.31s\n";
        assert_eq!(forwarded_and_held(text), (String::new(), text.into()));
        let bar = format!("    Building [=====> ] 370/371\r\x1b[K{text}");
        assert_eq!(forwarded_and_held(&bar), (String::new(), bar));
    }

    #[test]
    fn a_build_is_shown_from_its_first_line() {
        let text = "   Compiling burn v0.22.1\n    Finished in 300s\n";
        assert_eq!(forwarded_and_held(text), (format!("first\n{text}"), String::new()));
    }

    #[test]
    fn the_program_is_found_among_the_messages() {
        let line = |reason: &str, name: &str| {
            let target = serde_json::json!({ "name": name });
            let path = "/target/release/pastiche";
            serde_json::json!({"reason": reason, "target": target, "executable": path}).to_string()
        };
        let found = executable(line("compiler-artifact", "pastiche"));
        assert_eq!(found, Some(PathBuf::from("/target/release/pastiche")));
        assert_eq!(executable(line("compiler-artifact", "other")), None);
        assert_eq!(executable(line("build-finished", "pastiche")), None);
        assert_eq!(executable("not JSON".into()), None);
    }
}
