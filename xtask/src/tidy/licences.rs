//! The licence of every dependency is one that the program may be distributed with.
//!
//! Cargo's list is a little longer than what is compiled: it contains every platform and the optional
//! dependencies of optional dependencies. Those are checked too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use spdx::{Expression, ParseMode};

use super::metadata::{elements, query, text};
use super::report::{Problem, Report};

/// Licences that require only attribution, or as the MPL, publishing changes to their own files.
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

/// Packages that name no licence in their manifest but include its text, which a person has read.
const REVIEWED: [(&str, &str); 1] = [
    // LICENSE contains the Apache-2.0 notice. A dependency of turso_core, which is not compiled.
    ("cfg_block", "0.1.1"),
];

/// Checks the licence of every package that cargo resolves.
pub fn check(root: &Path) -> Result<Report, String> {
    Ok(inspect(&query(root, &["--locked", "--all-features"])?))
}

fn inspect(metadata: &Value) -> Report {
    let reachable = reachable(metadata);
    let packages: Vec<&Value> =
        elements(&metadata["packages"]).filter(|package| reachable.contains(text(&package["id"]))).collect();
    let problems = packages.iter().filter_map(|package| problem(package)).collect();
    Report { problems, inspected: format!("{} packages", packages.len()) }
}

fn problem(package: &Value) -> Option<Problem> {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let message = match package["license"].as_str() {
        None if REVIEWED.contains(&(name, version)) => return None,
        None => "names no licence; read its text and add it to `REVIEWED`, or remove it".into(),
        Some(licence) => match is_accepted(licence) {
            Ok(true) => return None,
            Ok(false) => format!("`{licence}` does not allow any of the accepted licences"),
            Err(error) => format!("`{licence}` is not an SPDX expression: {error}"),
        },
    };
    Some(Problem::at(format!("{name} {version}"), None, message))
}

/// Whether the terms of an SPDX expression can be met with accepted licences only.
fn is_accepted(licence: &str) -> Result<bool, spdx::ParseError> {
    // Lax: older manifests write `MIT/Apache-2.0`.
    let expression = Expression::parse_mode(licence, ParseMode::LAX)?;
    Ok(expression.evaluate(|term| ACCEPTED.contains(&term.to_string().as_str())))
}

/// The packages that the workspace's own crates depend on, directly or indirectly.
fn reachable(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> =
        elements(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let mut pending: Vec<&str> = elements(&metadata["workspace_members"]).map(text).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = pending.pop() {
        if let Some(node) = nodes.get(id).filter(|_| reached.insert(id)) {
            pending.extend(elements(&node["deps"]).map(|dependency| text(&dependency["pkg"])));
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
    fn only_reachable_packages_with_other_licences_are_reported() {
        let (reviewed, version) = REVIEWED[0];
        let metadata = json!({
            "workspace_members": ["ours"],
            "packages": [
                package("ours", "0.1.0", json!("MIT OR Apache-2.0")),
                package("strict", "1.0.0", json!("AGPL-3.0-only")),
                package("silent", "2.0.0", json!(null)),
                package(reviewed, version, json!(null)),
                package("unused", "1.0.0", json!("AGPL-3.0-only")),
            ],
            "resolve": { "nodes": [
                { "id": "ours", "deps": [{ "pkg": "strict" }, { "pkg": reviewed }] },
                { "id": "strict", "deps": [{ "pkg": "silent" }, { "pkg": "ours" }] },
                { "id": "silent", "deps": [] },
                { "id": reviewed, "deps": [] },
                { "id": "unused", "deps": [] },
            ] },
        });
        let report = inspect(&metadata);
        let packages: Vec<_> = report.problems.iter().map(|p| p.location.as_str()).collect();
        assert_eq!(packages, ["strict 1.0.0", "silent 2.0.0"]);
        assert_eq!(report.inspected, "4 packages");
    }

    #[test]
    fn a_review_is_valid_for_one_version() {
        let (reviewed, _) = REVIEWED[0];
        assert!(problem(&package(reviewed, "99.0.0", json!(null))).is_some());
    }

    #[test]
    fn expressions_of_every_form_are_evaluated() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT/GPL-3.0-only", true),
            ("GPL-3.0-only / MIT", true),
            ("GPL-3.0-only OR LGPL-2.1-or-later", false),
            ("(GPL-3.0-only OR MIT) AND Unicode-3.0", true),
            ("MIT AND GPL-3.0-only", false),
            // AND binds more tightly than OR.
            ("MIT OR MIT AND GPL-3.0-only", true),
            ("GPL-3.0-only AND MIT OR GPL-3.0-only", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
            ("MIT WITH LLVM-exception", false),
            ("((MIT))", true),
        ] {
            assert_eq!(is_accepted(expression), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn an_invalid_expression_is_rejected() {
        for expression in ["", "MIT OR", "(MIT", "MIT MIT", "AND MIT", "MIT WITH", "MIT)"] {
            assert!(is_accepted(expression).is_err(), "{expression}");
        }
    }
}
