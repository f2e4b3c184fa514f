//! `cargo xtask tidy`: checks of the source tree that the compiler does not make, one per file.
//!
//! A check inspects a root folder and returns a report; this file runs all checks and prints the problems.

mod file_length;
mod import_cycles;
mod layering;
mod licences;
mod local_paths;
mod metadata;
mod module_docs;
mod phrases;
mod report;
mod sources;

use std::path::Path;
use std::process::ExitCode;

use self::report::{Problem, Report};
use crate::cargo::root;
use crate::output;

/// Inspects the folder; an error means that the check could not be made.
type Check = fn(&Path) -> Result<Report, String>;

const CHECKS: [(&str, Check); 7] = [
    ("module docs", module_docs::check),
    ("file length", file_length::check),
    ("layering", layering::check),
    ("import cycles", import_cycles::check),
    ("licences", licences::check),
    ("local paths", local_paths::check),
    ("phrases", phrases::check),
];

/// Runs every check; fails if one found a problem.
pub fn run() -> Result<ExitCode, String> {
    Ok(if passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs every check and prints a line for each check and each problem.
pub fn passes() -> bool {
    let mut passes = true;
    for (name, check) in CHECKS {
        let report = check(root()).unwrap_or_else(|error| Report {
            problems: vec![Problem::at("not checked", None, error)],
            inspected: String::new(),
        });
        if report.problems.is_empty() {
            output::print(format_args!("{name}: ok ({})", report.inspected));
        } else {
            passes = false;
            output::print(format_args!("{name}: {} problems", report.problems.len()));
        }
        for problem in report.problems {
            output::print(format_args!("  {problem}"));
        }
    }
    passes
}
