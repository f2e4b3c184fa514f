//! Who may know whom: the arrows between crates, and where Burn and its backends may be named.

use std::path::Path;

use serde_json::Value;

use super::metadata::{ask, list, text};
use super::{Problem, Report};

/// The crates of the workspace and those they may depend on.
const ARROWS: [(&str, &[&str]); 10] = [
    ("durable", &[]),
    ("text-prep", &[]),
    ("seqdata", &["text-prep"]),
    ("kernels", &[]),
    ("models", &["durable", "kernels", "seqdata", "text-prep"]),
    ("trainer", &["durable", "kernels", "models", "seqdata", "text-prep"]),
    ("generate", &["kernels", "models", "seqdata", "text-prep"]),
    ("args", &[]),
    (
        "cli",
        &["args", "durable", "generate", "kernels", "models", "seqdata", "text-prep", "trainer"],
    ),
    ("xtask", &["args"]),
];

/// Crates that have never seen a tensor, not even in their tests.
const WITHOUT_BURN: [&str; 4] = ["durable", "text-prep", "args", "xtask"];
/// All that the launcher and the command line may use from elsewhere: they build in seconds.
const LAUNCHER_NEEDS: [&str; 3] = ["clap", "serde_json", "toml"];
/// The crate that chooses the backend.
const CHOOSER: &str = "cli";
/// The crate that computes on the memory of some backends, and so knows them by name.
const KERNELS: &str = "kernels";
/// Burn's features that bring a backend.
const BACKENDS: [&str; 12] = [
    "ndarray", "flex", "wgpu", "vulkan", "metal", "webgpu", "cuda", "rocm", "cpu", "tch", "remote",
    "candle",
];

/// Asks cargo for every crate's dependencies and compares them with the plan.
pub fn check(root: &Path) -> Result<Report, String> {
    let metadata = ask(root, &["--no-deps"])?;
    let mut report = judge(&metadata);
    for problem in &mut report.problems {
        problem.locate(root);
    }
    Ok(report)
}

/// The crate that a problem is about, and the word to look for in its manifest.
struct Finding<'a> {
    package: &'a Value,
    word: &'a str,
    what: String,
}

fn judge(metadata: &Value) -> Report {
    let root = text(&metadata["workspace_root"]);
    let packages: Vec<&Value> = list(&metadata["packages"]).collect();
    let names: Vec<&str> = packages.iter().map(|package| text(&package["name"])).collect();
    let mut findings = Vec::new();
    for package in &packages {
        unplanned(package, &names, &mut findings);
        burn_where_it_must_not_be(package, &mut findings);
        backends_outside_the_chooser(package, &mut findings);
    }
    let problems = findings
        .into_iter()
        .map(|Finding { package, word, what }| {
            let manifest = text(&package["manifest_path"]);
            let place = manifest.strip_prefix(root).unwrap_or(manifest).replace('\\', "/");
            Problem::at(place.trim_start_matches('/'), None, format!("`{word}`: {what}"))
        })
        .collect();
    Report { problems, seen: format!("{} crates", packages.len()) }
}

/// Dependencies, other than for tests, that the plan does not hold.
fn unplanned<'a>(package: &'a Value, ours: &[&str], findings: &mut Vec<Finding<'a>>) {
    let name = text(&package["name"]);
    let Some((_, allowed)) = ARROWS.iter().find(|(planned, _)| *planned == name) else {
        let what = format!("the crate {name} has no place in the plan, xtask/src/tidy/arrows.rs");
        findings.push(Finding { package, word: "name", what });
        return;
    };
    for dependency in list(&package["dependencies"]).filter(|d| text(&d["kind"]) != "dev") {
        let word = text(&dependency["name"]);
        let known = if allowed.is_empty() { "none".into() } else { allowed.join(", ") };
        if ours.contains(&word) {
            if !allowed.contains(&word) {
                let what = format!("{name} may not know it; of this workspace it may know {known}");
                findings.push(Finding { package, word, what });
            }
        } else if ["args", "xtask"].contains(&name) && !LAUNCHER_NEEDS.contains(&word) {
            let what = format!("the launcher may use only {}", LAUNCHER_NEEDS.join(", "));
            findings.push(Finding { package, word, what });
        }
    }
}

fn burn_where_it_must_not_be<'a>(package: &'a Value, findings: &mut Vec<Finding<'a>>) {
    let name = text(&package["name"]);
    if !WITHOUT_BURN.contains(&name) {
        return;
    }
    for dependency in list(&package["dependencies"]).filter(|d| is_burn(text(&d["name"]))) {
        let what = format!("{name} builds and is tested without Burn");
        findings.push(Finding { package, word: text(&dependency["name"]), what });
    }
}

/// A backend in `[dependencies]` or forwarded by `[features]`; tests may use one.
fn backends_outside_the_chooser<'a>(package: &'a Value, findings: &mut Vec<Finding<'a>>) {
    if [CHOOSER, KERNELS].contains(&text(&package["name"])) {
        return;
    }
    for dependency in list(&package["dependencies"]).filter(|d| text(&d["kind"]) != "dev") {
        let word = text(&dependency["name"]);
        let features = list(&dependency["features"]).map(text);
        let named = features.chain(word.strip_prefix("burn-")).filter(|f| BACKENDS.contains(f));
        for backend in named.filter(|_| is_burn(word)) {
            let what = format!("names the backend {backend}; only {CHOOSER} chooses one");
            findings.push(Finding { package, word, what });
        }
    }
    for (feature, members) in package["features"].as_object().into_iter().flatten() {
        for member in list(members).map(text) {
            let Some((word, backend)) = member.split_once('/') else { continue };
            if is_burn(word.trim_end_matches('?')) && BACKENDS.contains(&backend) {
                let what = format!("forwards {member}; only {CHOOSER} chooses a backend");
                findings.push(Finding { package, word: feature, what });
            }
        }
    }
}

fn is_burn(name: &str) -> bool {
    name == "burn" || name.starts_with("burn-") || name.starts_with("cubecl")
}

impl Problem {
    /// Finds the line of the manifest that begins with the word the problem begins with.
    fn locate(&mut self, root: &Path) {
        let Ok(manifest) = std::fs::read_to_string(root.join(&self.place)) else { return };
        let word = self.what.split('`').nth(1).unwrap_or_default();
        let begins = |line: &str| {
            line.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        };
        self.line = manifest.lines().position(begins).map(|index| index + 1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(packages: Value) -> Vec<String> {
        let metadata = json!({ "workspace_root": "/house", "packages": packages });
        judge(&metadata).problems.iter().map(ToString::to_string).collect()
    }

    fn package(name: &str, dependencies: Value) -> Value {
        let manifest = format!("/house/crates/{name}/Cargo.toml");
        json!({ "name": name, "manifest_path": manifest, "dependencies": dependencies })
    }

    #[test]
    fn the_plan_itself_is_in_order() {
        let mut packages = Vec::new();
        for (name, allowed) in ARROWS {
            let known: Vec<_> = allowed.iter().map(|name| json!({ "name": name })).collect();
            packages.push(package(name, json!(known)));
        }
        assert_eq!(problems(json!(packages)), [""; 0]);
    }

    #[test]
    fn an_arrow_that_points_back_is_found_but_tests_may_look_anywhere() {
        let back = package("seqdata", json!([{ "name": "models" }]));
        let test = package("text-prep", json!([{ "name": "models", "kind": "dev" }]));
        let found = problems(json!([back, test, package("models", json!([]))]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/seqdata/Cargo.toml: `models`: seqdata"), "{found:?}");
    }

    #[test]
    fn a_crate_outside_the_plan_and_a_heavy_launcher_are_found() {
        let found = problems(json!([
            package("attic", json!([])),
            package("xtask", json!([{ "name": "clap" }, { "name": "tokio" }])),
        ]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("attic") && found[1].contains("tokio"), "{found:?}");
    }

    #[test]
    fn burn_is_refused_where_no_tensor_was_ever_seen() {
        let dev = json!([{ "name": "burn", "kind": "dev" }]);
        let found = problems(json!([package("text-prep", dev)]));
        assert!(found.len() == 1 && found[0].contains("without Burn"), "{found:?}");
    }

    #[test]
    fn a_backend_is_named_only_by_the_front_door_and_by_tests() {
        let flex = json!([{ "name": "burn", "features": ["train", "flex"] }]);
        let dev = json!([{ "name": "burn", "features": ["flex"], "kind": "dev" }]);
        let mut forwarding = package("models", json!([{ "name": "burn-ndarray" }]));
        forwarding["features"] = json!({ "gpu": ["burn?/wgpu"], "fast": ["burn/simd"] });
        let found = problems(json!([
            package("cli", flex.clone()),
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
    fn a_problem_is_shown_at_its_line() {
        let manifest =
            "[package]\nname = \"a\"\n\n[dependencies]\nburn-x = 1\nburn.workspace = true\n";
        let root = super::super::sources::tree(&[("crates/a/Cargo.toml", manifest)]);
        let mut problem = Problem::at("crates/a/Cargo.toml", None, "`burn`: not here");
        problem.locate(root.path());
        assert_eq!(problem.line, Some(6));
    }
}
