//! Finds and reads files of the workspace for the checks.

use std::path::Path;
use std::process::Command;

/// A file: its path under the root, with `/` between the parts, and its text.
pub struct Source {
    /// As in `crates/args/src/lib.rs`
    pub path: String,
    /// The whole file
    pub text: String,
}

/// Every `.rs` file under `crates/` and `xtask/`, sorted by path.
pub fn rust_files(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(&root.join(folder), folder, &mut sources)?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// Every text file that git tracks; `None` if `root` is not a git checkout of its own.
pub fn tracked_files(root: &Path) -> Option<Vec<Source>> {
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().ok()?;
    let paths = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    // Files just removed, links to folders and binary files are skipped.
    let read = |path: &str| Some(Source { path: path.into(), text: std::fs::read_to_string(root.join(path)).ok()? });
    Some(paths.split_terminator('\0').filter_map(read).collect())
}

fn collect(folder: &Path, name: &str, sources: &mut Vec<Source>) -> Result<(), String> {
    if !folder.is_dir() {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("{name} cannot be read: {error}");
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file_name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{name}/{file_name}");
        if entry.file_type().map_err(failed)?.is_dir() {
            if file_name != "target" {
                collect(&entry.path(), &path, sources)?;
            }
        } else if file_name.ends_with(".rs") {
            let text =
                std::fs::read_to_string(entry.path()).map_err(|error| format!("{path} cannot be read: {error}"))?;
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

/// A temporary folder with these files.
#[cfg(test)]
pub fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_and_build_outputs_skipped() {
        let root = tree(&[
            ("xtask/src/main.rs", ""),
            ("crates/a/src/lib.rs", ""),
            ("crates/a/target/x.rs", ""),
            ("crates/a/notes.md", ""),
            ("elsewhere/b.rs", ""),
        ]);
        let paths: Vec<_> = rust_files(root.path()).unwrap().into_iter().map(|s| s.path).collect();
        assert_eq!(paths, ["crates/a/src/lib.rs", "xtask/src/main.rs"]);
    }

    #[test]
    fn a_folder_without_git_has_no_tracked_files() {
        assert!(tracked_files(tempfile::tempdir().unwrap().path()).is_none());
    }
}
