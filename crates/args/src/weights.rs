//! The arguments of what exchanges weights with other programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{BackendArgs, ConfigArgs};

/// Whose names and orders a file of weights keeps to.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `state_dict` of a module with `embedding`, `rnn` and `output` as attributes
    Pytorch,
    /// Variables by their paths, as in `lstm/lstm_cell/kernel`
    Keras,
}

/// Arguments of `import`.
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// The safetensors file
    pub weights: PathBuf,
    /// Whose layout it keeps to
    #[arg(long, value_enum)]
    pub layout: Layout,
    /// Call tensors whose names begin with FROM by TO instead, as in `--rename encoder=embedding`
    #[arg(long, value_name = "FROM=TO")]
    pub rename: Vec<String>,
    /// Take tokenizer and sizes from this model instead of from the configuration and its text
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "text"])]
    pub like: Option<PathBuf>,
    /// The configuration that names text and sizes, and its changes.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The model's directory [default: a new one under runs/]; refused if it exists
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// Arguments of `export`.
#[derive(Args, Clone, Debug)]
pub struct Export {
    /// The file to write; refused if it exists
    pub weights: PathBuf,
    /// Whose layout it shall keep to
    #[arg(long, value_enum)]
    pub layout: Layout,
    /// The model directory [default: the newest finished run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}
