//! `cargo xtask tidy`: the order of the house, one check a file, every problem told.
//!
//! A check looks at a root folder and reports; this file runs them all and speaks.

mod arrows;
mod config_keys;
mod doorplates;
mod length;
mod licence_expression;
mod licences;
mod metadata;
mod seclusion;
mod sources;

use std::path::Path;
use std::process::ExitCode;

use crate::cargo::root;

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong; nothing, if all is well
    pub problems: Vec<Problem>,
    /// What was looked at, as in `42 files`
    pub seen: String,
}

/// One thing that is wrong.
#[derive(Debug, PartialEq)]
pub struct Problem {
    /// Where: a path under the root, or the name of a package
    pub place: String,
    /// The line in it, from one
    pub line: Option<usize>,
    /// What was found, and what was expected
    pub what: String,
}

/// Looks at the folder; an error means that the check could not be made.
type Check = fn(&Path) -> Result<Report, String>;

const CHECKS: [(&str, Check); 6] = [
    ("doorplates", doorplates::check),
    ("length", length::check),
    ("arrows", arrows::check),
    ("licences", licences::check),
    ("config keys", config_keys::check),
    ("seclusion", seclusion::check),
];

/// Runs every check and fails if one did.
pub fn run() -> Result<ExitCode, String> {
    Ok(if all_is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs every check, prints a line for each and a line for every problem.
pub fn all_is_well() -> bool {
    let mut well = true;
    for (name, check) in CHECKS {
        let report = check(root()).unwrap_or_else(|error| Report {
            problems: vec![Problem::at("not checked", None, error)],
            seen: String::new(),
        });
        if report.problems.is_empty() {
            println!("{name}: ok ({})", report.seen);
        } else {
            well = false;
            println!("{name}: {} wrong", report.problems.len());
        }
        for problem in report.problems {
            println!("  {problem}");
        }
    }
    well
}

impl Problem {
    fn at(place: impl Into<String>, line: Option<usize>, what: impl Into<String>) -> Self {
        Self { place: place.into(), line, what: what.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.place, self.what),
            None => write!(out, "{}: {}", self.place, self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line_that_an_editor_can_follow() {
        let problem = Problem::at("crates/a/src/lib.rs", Some(3), "no doorplate");
        assert_eq!(problem.to_string(), "crates/a/src/lib.rs:3: no doorplate");
        assert_eq!(Problem::at("docs", None, "missing").to_string(), "docs: missing");
    }
}
