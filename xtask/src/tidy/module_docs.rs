//! Every Rust file opens with a doorplate: `//!` and what lives here.

use std::path::Path;

use super::{Problem, Report, sources};

/// Looks at the first line of every Rust file.
pub fn check(root: &Path) -> Result<Report, String> {
    let sources = sources::all(root)?;
    let seen = format!("{} files", sources.len());
    let problems = sources
        .iter()
        .filter(|source| !has_doorplate(&source.text))
        .map(|source| {
            let what = "the first line should be a doorplate, `//! What lives here.`";
            Problem::at(&source.path, Some(1), what)
        })
        .collect();
    Ok(Report { problems, seen })
}

fn has_doorplate(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_doorplate_is_named() {
        let root = sources::tree(&[
            ("crates/a/src/lib.rs", "//! A room.\n"),
            ("crates/a/src/bare.rs", "use std::fmt;\n//! Too late.\n"),
            ("xtask/src/empty.rs", ""),
            ("xtask/src/mute.rs", "//!\n//! Second line only.\n"),
        ]);
        let report = check(root.path()).unwrap();
        let places: Vec<_> = report.problems.iter().map(|p| p.place.as_str()).collect();
        assert_eq!(places, ["crates/a/src/bare.rs", "xtask/src/empty.rs", "xtask/src/mute.rs"]);
        assert_eq!(report.seen, "4 files");
    }
}
