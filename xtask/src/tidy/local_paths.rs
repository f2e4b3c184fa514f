//! The project speaks of itself alone: no tracked file names a folder of somebody's machine or the
//! host of a package registry.

use std::path::Path;
use std::process::Command;

use super::{Problem, Report};

/// Absolute folders of one machine; put together here so that this file does not name them.
const FOLDERS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
/// Hosts that an installation's own settings choose.
const HOSTS: [&str; 5] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
];

/// Reads every tracked text file.
pub fn check(root: &Path) -> Result<Report, String> {
    let Some(paths) = tracked(root) else {
        return Ok(Report { seen: "skipped: not a git checkout".into(), ..Report::default() });
    };
    let mut report = Report::default();
    let mut files = 0;
    for path in paths {
        // A file that was just removed, a link or something binary speaks of nothing.
        let Ok(text) = std::fs::read_to_string(root.join(&path)) else { continue };
        files += 1;
        report.problems.append(&mut judge(&path, &text));
    }
    report.seen = format!("{files} files");
    Ok(report)
}

fn judge(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let folders = FOLDERS.iter().filter(|folder| begins_a_path(line, folder));
        let hosts = HOSTS.iter().filter(|host| line.contains(**host));
        for found in folders.chain(hosts) {
            let what = format!("names `{found}`, which means nothing elsewhere");
            problems.push(Problem::at(path, Some(index + 1), what));
        }
    }
    problems
}

/// Whether the folder stands at the beginning of a path rather than within a longer one.
fn begins_a_path(line: &str, folder: &str) -> bool {
    let inside = |letter: char| letter.is_alphanumeric() || "._-~}".contains(letter);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(inside))
}

/// The files that git knows, or nothing where there is no git or no checkout of its own.
fn tracked(root: &Path) -> Option<Vec<String>> {
    if !root.join(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found_and_others_left_alone() {
        let [work, root, home] = FOLDERS;
        let text = format!(
            "see {work}notes\nthe ..{work}x, a.b{root}x, ${{HOME}}{root}\n\"{home}me\" and ({root}x)\n"
        );
        let lines: Vec<_> = judge("README.md", &text).iter().map(|p| p.line).collect();
        assert_eq!(lines, [Some(1), Some(3), Some(3)]);
    }

    #[test]
    fn registry_hosts_are_found_but_the_lock_may_name_its_source() {
        let text = format!("source = \"registry+https://{}/x\"\n", "github.com/crates.io-index");
        assert!(judge("Cargo.lock", &text).is_empty());
        for host in HOSTS {
            assert_eq!(judge("a.toml", &format!("url = \"https://{host}\"")).len(), 1, "{host}");
        }
    }

    #[test]
    fn a_folder_without_git_is_skipped() {
        let report = check(tempfile::tempdir().unwrap().path()).unwrap();
        assert!(report.problems.is_empty() && report.seen.contains("skipped"));
    }
}
