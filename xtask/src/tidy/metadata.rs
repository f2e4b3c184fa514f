//! The output of `cargo metadata`.

use std::path::Path;

use serde_json::Value;

use crate::cargo::{cargo, not_started};

/// Runs `cargo metadata` with these further arguments.
pub fn query(root: &Path, arguments: &[&str]) -> Result<Value, String> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1"]).args(arguments).current_dir(root);
    let output = command.output().map_err(|error| not_started(&command, &error))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let reason = reason.lines().find(|line| line.starts_with("error")).unwrap_or_default();
        return Err(format!("cargo metadata {} failed: {reason}", arguments.join(" ")));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("the output of cargo metadata is not JSON: {error}"))
}

/// The elements of an array; none for any other value.
pub fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A string, or the empty one for any other value.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
