//! No Rust file is longer than a reader's patience.

use std::path::Path;

use super::{Problem, Report, sources};

/// The longest that a file may be, in lines.
const LIMIT: usize = 400;

/// Counts the lines of every Rust file.
pub fn check(root: &Path) -> Result<Report, String> {
    let sources = sources::all(root)?;
    let longest = sources.iter().map(|source| source.text.lines().count()).max().unwrap_or(0);
    let problems = sources
        .iter()
        .filter_map(|source| {
            let lines = source.text.lines().count();
            let what = format!("{lines} lines, at most {LIMIT} expected; split it by what it does");
            (lines > LIMIT).then(|| Problem::at(&source.path, Some(LIMIT + 1), what))
        })
        .collect();
    Ok(Report { problems, seen: format!("the longest of {} has {longest} lines", sources.len()) })
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
        assert_eq!(report.problems[0].place, "crates/a/over.rs");
        assert!(report.problems[0].what.contains("401 lines"), "{report:?}");
    }
}
