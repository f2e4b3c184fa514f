//! `cargo xtask parity`: computes the fixtures anew with the real PyTorch and Keras and compares them
//! with the committed ones.
//!
//! The tests read the committed files alone and need no Python.

use std::process::ExitCode;

use crate::{cargo, python};

/// The program that runs all others.
const PROGRAM: &str = "xtask/parity/parity.py";

/// Runs the comparison, or writes the fixtures if `write`.
pub fn run(write: bool) -> Result<ExitCode, String> {
    let root = cargo::root();
    let mut command = python::program(&python::environment(root)?, root, PROGRAM);
    command.args(write.then_some("--write"));
    // Keras's tokenizer writes the elements of a set in Python's order.
    command.env("PYTHONHASHSEED", "0");
    cargo::hand_over(command)
}
