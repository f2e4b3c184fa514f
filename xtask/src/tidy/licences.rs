//! Every package that we build on may be passed on under terms that we can keep.
//!
//! Cargo's list is a little longer than what is compiled: it holds every platform and the optional
//! parts of optional parts. Those are judged too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::licence_expression::satisfiable;
use super::metadata::{ask, list, text};
use super::{Problem, Report};

/// Licences that ask for no more than to be named or, as the MPL, for changes to their own files.
const ACCEPTED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages that name no licence in their manifest but bring its text, read by a person.
const READ_BY_HAND: [(&str, &str); 1] = [
    // LICENSE holds the Apache-2.0 notice. Known through turso_core, which we do not compile.
    ("cfg_block", "0.1.1"),
];

/// Asks cargo for all packages and judges the licence of each.
pub fn check(root: &Path) -> Result<Report, String> {
    Ok(judge(&ask(root, &["--locked", "--all-features"])?))
}

fn judge(metadata: &Value) -> Report {
    let reachable = reachable(metadata);
    let packages: Vec<&Value> = list(&metadata["packages"])
        .filter(|package| reachable.contains(text(&package["id"])))
        .collect();
    let problems = packages.iter().filter_map(|package| problem(package)).collect();
    Report { problems, seen: format!("{} packages", packages.len()) }
}

fn problem(package: &Value) -> Option<Problem> {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let what = match package["license"].as_str() {
        None if READ_BY_HAND.contains(&(name, version)) => return None,
        None => "names no licence; read its text and enter it in licences.rs, or do without".into(),
        Some(licence) => match satisfiable(licence, &ACCEPTED) {
            Ok(true) => return None,
            Ok(false) => format!("`{licence}` cannot be met with the licences that we accept"),
            Err(error) => format!("`{licence}` cannot be read: {error}"),
        },
    };
    Some(Problem::at(format!("{name} {version}"), None, what))
}

/// The packages that a walk from the workspace's own crates comes by.
fn reachable(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let mut waiting: Vec<&str> = list(&metadata["workspace_members"]).map(text).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if let Some(node) = nodes.get(id).filter(|_| reached.insert(id)) {
            waiting.extend(list(&node["deps"]).map(|dependency| text(&dependency["pkg"])));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(id: &str, version: &str, license: Value) -> Value {
        json!({ "id": id, "name": id, "version": version, "license": license })
    }

    #[test]
    fn only_reachable_packages_with_unmet_terms_are_named() {
        let (read, version) = READ_BY_HAND[0];
        let metadata = json!({
            "workspace_members": ["ours"],
            "packages": [
                package("ours", "0.1.0", json!("MIT OR Apache-2.0")),
                package("strict", "1.0.0", json!("AGPL-3.0-only")),
                package("silent", "2.0.0", json!(null)),
                package(read, version, json!(null)),
                package("unused", "1.0.0", json!("AGPL-3.0-only")),
            ],
            "resolve": { "nodes": [
                { "id": "ours", "deps": [{ "pkg": "strict" }, { "pkg": read }] },
                { "id": "strict", "deps": [{ "pkg": "silent" }, { "pkg": "ours" }] },
                { "id": "silent", "deps": [] },
                { "id": read, "deps": [] },
                { "id": "unused", "deps": [] },
            ] },
        });
        let report = judge(&metadata);
        let places: Vec<_> = report.problems.iter().map(|p| p.place.as_str()).collect();
        assert_eq!(places, ["strict 1.0.0", "silent 2.0.0"]);
        assert_eq!(report.seen, "4 packages");
    }

    #[test]
    fn a_text_read_once_counts_for_that_version_only() {
        let (read, _) = READ_BY_HAND[0];
        assert!(problem(&package(read, "99.0.0", json!(null))).is_some());
    }
}
