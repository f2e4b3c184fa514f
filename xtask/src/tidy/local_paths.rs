//! No tracked file contains an absolute path of one machine or the host of a package registry.

use std::path::Path;

use super::report::{Problem, Report};
use super::sources;

/// Absolute folders of one machine; assembled here so that this file does not contain them.
const FOLDERS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
/// Registry hosts, which each installation configures for itself.
const HOSTS: [&str; 5] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
];

/// Reads every tracked text file.
pub fn check(root: &Path) -> Result<Report, String> {
    let Some(sources) = sources::tracked_files(root) else {
        return Ok(Report::skipped_without_git());
    };
    let problems = sources.iter().flat_map(|source| problems(&source.path, &source.text)).collect();
    Ok(Report { problems, inspected: format!("{} files", sources.len()) })
}

fn problems(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let folders = FOLDERS.iter().filter(|folder| starts_a_path(line, folder));
        let hosts = HOSTS.iter().filter(|host| line.contains(**host));
        for found in folders.chain(hosts) {
            let message = format!("contains `{found}`, which is specific to one machine");
            problems.push(Problem::at(path, Some(index + 1), message));
        }
    }
    problems
}

/// Whether the folder is the start of a path rather than part of a longer one.
fn starts_a_path(line: &str, folder: &str) -> bool {
    let is_path_part = |c: char| c.is_alphanumeric() || "._-~}".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(is_path_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found_and_relative_ones_allowed() {
        let [work, root, home] = FOLDERS;
        let text = format!("see {work}notes\nthe ..{work}x, a.b{root}x, ${{HOME}}{root}\n\"{home}me\" and ({root}x)\n");
        let lines: Vec<_> = problems("README.md", &text).iter().map(|p| p.line).collect();
        assert_eq!(lines, [Some(1), Some(3), Some(3)]);
    }

    #[test]
    fn registry_hosts_are_found_but_cargo_lock_may_contain_its_source() {
        let text = format!("source = \"registry+https://{}/x\"\n", "github.com/crates.io-index");
        assert!(problems("Cargo.lock", &text).is_empty());
        for host in HOSTS {
            assert_eq!(problems("a.toml", &format!("url = \"https://{host}\"")).len(), 1, "{host}");
        }
    }

    #[test]
    fn a_folder_without_git_is_skipped() {
        let report = check(tempfile::tempdir().unwrap().path()).unwrap();
        assert!(report.problems.is_empty() && report.inspected.contains("skipped"));
    }
}
