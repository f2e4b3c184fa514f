//! Which crates may depend on which, and where Burn and its backends may be used.

use std::path::Path;

use serde_json::Value;

use super::metadata::{elements, query, text};
use super::report::{Problem, Report};

/// The crates of the workspace and those that each may depend on.
const ALLOWED: [(&str, &[&str]); 17] = [
    ("args", &[]),
    ("durable", &[]),
    ("kernels", &[]),
    ("page", &[]),
    ("question-rules", &[]),
    ("ranks", &[]),
    ("text-prep", &["durable"]),
    ("seqdata", &["text-prep"]),
    ("models", &["durable", "kernels", "seqdata", "text-prep"]),
    ("trainer", &["durable", "kernels", "models", "ranks", "seqdata", "text-prep"]),
    ("generate", &["eval", "kernels", "models", "seqdata", "text-prep"]),
    ("eval", &[]),
    (
        "qa",
        &[
            "durable",
            "eval",
            "generate",
            "kernels",
            "models",
            "question-rules",
            "ranks",
            "seqdata",
            "text-prep",
            "trainer",
        ],
    ),
    (
        "pastiche",
        &["durable", "eval", "generate", "kernels", "models", "qa", "ranks", "seqdata", "text-prep", "trainer"],
    ),
    ("serve", &["durable", "eval", "generate", "kernels", "page", "qa", "text-prep"]),
    ("cli", &LIBRARIES),
    ("xtask", &["args"]),
];
/// Every library of the workspace.
const LIBRARIES: [&str; 15] = [
    "args",
    "durable",
    "eval",
    "generate",
    "kernels",
    "models",
    "page",
    "pastiche",
    "qa",
    "question-rules",
    "ranks",
    "seqdata",
    "serve",
    "text-prep",
    "trainer",
];

/// Crates that do not depend on Burn, not even in their tests.
const WITHOUT_BURN: [&str; 7] = ["durable", "page", "question-rules", "ranks", "text-prep", "args", "xtask"];
/// The only external dependencies of the launcher and the command line: they build in seconds.
const LAUNCHER_DEPENDENCIES: [&str; 7] = ["clap", "serde_json", "sha2", "signal-hook", "spdx", "tempfile", "toml"];
/// The crate that selects the backend.
const BACKEND_SELECTOR: &str = "pastiche";
/// The crate with kernels for particular backends, which therefore depends on them.
const KERNELS: &str = "kernels";
/// Burn's features that enable a backend.
const BACKENDS: [&str; 12] =
    ["ndarray", "flex", "wgpu", "vulkan", "metal", "webgpu", "cuda", "rocm", "cpu", "tch", "remote", "candle"];

/// Compares every crate's dependencies with the tables above.
pub fn check(root: &Path) -> Result<Report, String> {
    let mut report = inspect(&query(root, &["--no-deps"])?);
    report.problems.iter_mut().for_each(|problem| problem.locate(root));
    Ok(report)
}

/// The problems of a crate: the word to look for in its manifest, and a message.
type Findings<'a> = Vec<(&'a str, String)>;

fn inspect(metadata: &Value) -> Report {
    let root = text(&metadata["workspace_root"]);
    let packages: Vec<&Value> = elements(&metadata["packages"]).collect();
    let names: Vec<&str> = packages.iter().map(|package| name_of(package)).collect();
    let mut report = Report { inspected: format!("{} crates", packages.len()), ..Report::default() };
    for package in packages {
        let manifest = text(&package["manifest_path"]);
        let path = manifest.strip_prefix(root).unwrap_or(manifest).replace('\\', "/");
        let mut findings = disallowed_dependencies(package, &names);
        findings.extend(disallowed_burn(package));
        findings.extend(disallowed_backends(package));
        let problem = |(word, message)| Problem::at(path.trim_start_matches('/'), None, format!("`{word}`: {message}"));
        report.problems.extend(findings.into_iter().map(problem));
    }
    report
}

/// Dependencies, other than for tests, that [`ALLOWED`] does not contain.
fn disallowed_dependencies<'a>(package: &'a Value, ours: &[&str]) -> Findings<'a> {
    let name = name_of(package);
    let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
        return vec![("name", format!("add the crate {name} to `ALLOWED` in xtask/src/tidy/layering.rs"))];
    };
    let mut findings = Vec::new();
    for dependency in elements(&package["dependencies"]).filter(|d| text(&d["kind"]) != "dev") {
        let word = name_of(dependency);
        if ours.contains(&word) && !allowed.contains(&word) {
            let list = if allowed.is_empty() { "none".into() } else { allowed.join(", ") };
            findings.push((word, format!("{name} may not depend on it; allowed of this workspace: {list}")));
        } else if !ours.contains(&word) && ["args", "xtask"].contains(&name) && !LAUNCHER_DEPENDENCIES.contains(&word) {
            let list = LAUNCHER_DEPENDENCIES.join(", ");
            findings.push((word, format!("the launcher may depend only on {list}")));
        }
    }
    findings
}

fn disallowed_burn(package: &Value) -> Findings<'_> {
    let name = name_of(package);
    let dependencies = elements(&package["dependencies"]).map(name_of);
    let disallowed = dependencies.filter(|word| WITHOUT_BURN.contains(&name) && is_burn(word));
    disallowed.map(|word| (word, format!("{name} builds and is tested without Burn"))).collect()
}

/// Backends in `[dependencies]` or forwarded by `[features]`; tests may use one.
fn disallowed_backends(package: &Value) -> Findings<'_> {
    let mut findings = Vec::new();
    if [BACKEND_SELECTOR, KERNELS].contains(&name_of(package)) {
        return findings;
    }
    for dependency in elements(&package["dependencies"]).filter(|d| text(&d["kind"]) != "dev") {
        let word = name_of(dependency);
        let features = elements(&dependency["features"]).map(text);
        let enabled = features.chain(word.strip_prefix("burn-")).filter(|f| BACKENDS.contains(f));
        for backend in enabled.filter(|_| is_burn(word)) {
            findings.push((word, format!("enables the backend {backend}; only {BACKEND_SELECTOR} may do so")));
        }
    }
    for (feature, members) in package["features"].as_object().into_iter().flatten() {
        for member in elements(members).map(text) {
            let Some((word, backend)) = member.split_once('/') else { continue };
            if is_burn(word.trim_end_matches('?')) && BACKENDS.contains(&backend) {
                findings.push((feature, format!("forwards {member}; only {BACKEND_SELECTOR} selects a backend")));
            }
        }
    }
    findings
}

/// The name of a package or dependency, for our own packages without the prefix `pastiche-`: the crate's folder.
fn name_of(package: &Value) -> &str {
    let name = text(&package["name"]);
    name.strip_prefix("pastiche-").unwrap_or(name)
}

fn is_burn(name: &str) -> bool {
    name == "burn" || name.starts_with("burn-") || name.starts_with("cubecl")
}

impl Problem {
    /// Sets the line: the one in the manifest that starts with the first word in backticks of the message.
    fn locate(&mut self, root: &Path) {
        let Ok(manifest) = std::fs::read_to_string(root.join(&self.location)) else { return };
        let word = self.message.split('`').nth(1).unwrap_or_default();
        let starts = |line: &str| line.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
        self.line = manifest.lines().position(starts).map(|index| index + 1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(packages: Value) -> Vec<String> {
        let metadata = json!({ "workspace_root": "/workspace", "packages": packages });
        inspect(&metadata).problems.iter().map(ToString::to_string).collect()
    }

    fn package(name: &str, dependencies: Value) -> Value {
        let manifest = format!("/workspace/crates/{name}/Cargo.toml");
        json!({ "name": name, "manifest_path": manifest, "dependencies": dependencies })
    }

    #[test]
    fn the_allowed_dependencies_themselves_pass() {
        let mut packages = Vec::new();
        for (name, allowed) in ALLOWED {
            let dependencies: Vec<_> = allowed.iter().map(|name| json!({ "name": name })).collect();
            packages.push(package(name, json!(dependencies)));
        }
        assert_eq!(problems(json!(packages)), [""; 0]);
    }

    #[test]
    fn every_crate_but_the_binaries_is_a_library() {
        let crates = ALLOWED.iter().map(|(name, _)| *name);
        let mut libraries: Vec<&str> = crates.filter(|name| !["cli", "xtask"].contains(name)).collect();
        libraries.sort_unstable();
        assert_eq!(libraries, LIBRARIES);
    }

    #[test]
    fn a_reversed_dependency_is_found_unless_it_is_for_tests() {
        let reversed = package("seqdata", json!([{ "name": "models" }]));
        let test = package("text-prep", json!([{ "name": "models", "kind": "dev" }]));
        let found = problems(json!([reversed, test, package("models", json!([]))]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/seqdata/Cargo.toml: `models`: seqdata"), "{found:?}");
    }

    #[test]
    fn an_unknown_crate_and_a_heavy_launcher_are_found() {
        let found = problems(json!([
            package("attic", json!([])),
            package("xtask", json!([{ "name": "clap" }, { "name": "tokio" }])),
        ]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("attic") && found[1].contains("tokio"), "{found:?}");
    }

    #[test]
    fn burn_is_rejected_in_crates_without_tensors() {
        let dev = json!([{ "name": "burn", "kind": "dev" }]);
        let found = problems(json!([package("text-prep", dev)]));
        assert!(found.len() == 1 && found[0].contains("without Burn"), "{found:?}");
    }

    #[test]
    fn a_backend_is_enabled_only_by_the_selector_and_by_tests() {
        let flex = json!([{ "name": "burn", "features": ["train", "flex"] }]);
        let dev = json!([{ "name": "burn", "features": ["flex"], "kind": "dev" }]);
        let mut forwarding = package("models", json!([{ "name": "burn-ndarray" }]));
        forwarding["features"] = json!({ "gpu": ["burn?/wgpu"], "fast": ["burn/simd"] });
        let found = problems(json!([
            package("pastiche", flex.clone()),
            package("trainer", flex),
            package("generate", dev),
            package("kernels", json!([{ "name": "burn", "features": ["flex"] }])),
            forwarding,
        ]));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("trainer") && found[0].contains("flex"), "{found:?}");
        assert!(found[1].contains("backend ndarray") && found[2].contains("burn?/wgpu"));
    }

    #[test]
    fn a_problem_gets_its_line() {
        let manifest = "[package]\nname = \"a\"\n\n[dependencies]\nburn-x = 1\nburn.workspace = true\n";
        let root = super::super::sources::tree(&[("crates/a/Cargo.toml", manifest)]);
        let mut problem = Problem::at("crates/a/Cargo.toml", None, "`burn`: not here");
        problem.locate(root.path());
        assert_eq!(problem.line, Some(6));
    }
}
