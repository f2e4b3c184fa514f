//! Every Rust file starts with a `//!` module doc.

use std::path::Path;

use super::report::{Problem, Report};
use super::sources;

/// Reads the first line of every Rust file.
pub fn check(root: &Path) -> Result<Report, String> {
    let sources = sources::rust_files(root)?;
    let inspected = format!("{} files", sources.len());
    let problems = sources
        .iter()
        .filter(|source| !has_module_doc(&source.text))
        .map(|source| {
            let message = "expected a module doc in the first line, `//! What this file contains.`";
            Problem::at(&source.path, Some(1), message)
        })
        .collect();
    Ok(Report { problems, inspected })
}

fn has_module_doc(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_module_doc_is_reported() {
        let root = sources::tree(&[
            ("crates/a/src/lib.rs", "//! A crate.\n"),
            ("crates/a/src/bare.rs", "use std::fmt;\n//! Too late.\n"),
            ("xtask/src/empty.rs", ""),
            ("xtask/src/blank.rs", "//!\n//! Second line only.\n"),
        ]);
        let report = check(root.path()).unwrap();
        let files: Vec<_> = report.problems.iter().map(|p| p.location.as_str()).collect();
        assert_eq!(files, ["crates/a/src/bare.rs", "xtask/src/blank.rs", "xtask/src/empty.rs"]);
        assert_eq!(report.inspected, "4 files");
    }
}
