//! Finding and reading the workspace's Rust files, for the checks that look at them all.

use std::path::Path;

/// A Rust file: its path under the root, with `/` between the parts, and its text.
pub struct Source {
    /// As in `crates/args/src/lib.rs`
    pub path: String,
    /// The whole file
    pub text: String,
}

/// Every `.rs` file under `crates/` and `xtask/`, in the order of their paths.
pub fn all(root: &Path) -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    for room in ["crates", "xtask"] {
        gather(&root.join(room), room, &mut sources)?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn gather(folder: &Path, name: &str, sources: &mut Vec<Source>) -> Result<(), String> {
    if !folder.is_dir() {
        return Ok(());
    }
    let unread = |error: std::io::Error| format!("{name} cannot be read: {error}");
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let inner = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{name}/{inner}");
        if entry.file_type().map_err(unread)?.is_dir() {
            if inner != "target" {
                gather(&entry.path(), &path, sources)?;
            }
        } else if inner.ends_with(".rs") {
            let text = std::fs::read_to_string(entry.path())
                .map_err(|error| format!("{path} cannot be read: {error}"))?;
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

/// A small tree for a check to look at.
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
    fn files_are_found_in_order_and_build_outputs_passed_over() {
        let root = tree(&[
            ("xtask/src/main.rs", ""),
            ("crates/a/src/lib.rs", ""),
            ("crates/a/target/x.rs", ""),
            ("crates/a/notes.md", ""),
            ("elsewhere/b.rs", ""),
        ]);
        let paths: Vec<_> = all(root.path()).unwrap().into_iter().map(|s| s.path).collect();
        assert_eq!(paths, ["crates/a/src/lib.rs", "xtask/src/main.rs"]);
    }
}
