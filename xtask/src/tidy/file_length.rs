//! No Rust file is longer than [`LIMIT`] lines.

use std::path::Path;

use super::report::{Problem, Report};
use super::sources;

/// The longest that a file may be, in lines.
const LIMIT: usize = 400;

/// Counts the lines of every Rust file.
pub fn check(root: &Path) -> Result<Report, String> {
    let sources = sources::rust_files(root)?;
    let mut problems = Vec::new();
    let mut longest = 0;
    for source in &sources {
        let lines = source.text.lines().count();
        longest = longest.max(lines);
        if lines > LIMIT {
            let message = format!("{lines} lines, expected at most {LIMIT}; split the file by topic");
            problems.push(Problem::at(&source.path, Some(LIMIT + 1), message));
        }
    }
    Ok(Report { problems, inspected: format!("{} files, the longest has {longest} lines", sources.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed() {
        let (full, over) = ("x\n".repeat(LIMIT), "x\n".repeat(LIMIT + 1));
        let root = sources::tree(&[("crates/a/full.rs", &full), ("crates/a/over.rs", &over)]);
        let report = check(root.path()).unwrap();
        assert_eq!(report.problems.len(), 1, "{report:?}");
        assert_eq!(report.problems[0].location, "crates/a/over.rs");
        assert!(report.problems[0].message.contains("401 lines"), "{report:?}");
    }
}
