//! `cargo xtask parity`: recomputes the test fixtures with PyTorch and Keras and compares them with the
//! committed ones.
//!
//! The tests read only the committed files and need no Python.

use std::process::ExitCode;

use args::Backend;

use crate::{build, cargo, python};

/// The Python program that computes all fixtures.
const PROGRAM: &str = "xtask/parity/parity.py";

/// Compares the fixtures, or writes them if `write`.
pub fn run(write: bool) -> Result<ExitCode, String> {
    let root = cargo::root();
    let program = match build::pastiche(Backend::Ndarray.name())? {
        Ok(path) => path,
        Err(status) => return Ok(cargo::exit_code(status)),
    };
    let mut command = python::program(&python::environment(root)?, root, PROGRAM);
    command.args(write.then_some("--write"));
    // The program whose server is asked.
    command.env("PASTICHE", program);
    // Keras's tokenizer writes the elements of a set in hash order.
    command.env("PYTHONHASHSEED", "0");
    cargo::replace_process(command)
}
