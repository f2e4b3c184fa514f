//! Runs scripts of the crate `page` with Node.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// Runs a script of `crates/page/tests`, which must succeed. Without Node, it says so, and fails only in continuous integration.
pub fn run_node(script: &str, arguments: &[impl AsRef<OsStr>]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../page/tests").join(script);
    let output = match Command::new("node").arg(path).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "node cannot be run: {error}");
            eprintln!("skipped: node cannot be run ({error})");
            return;
        }
    };
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{script}: {stdout}{stderr}");
}
