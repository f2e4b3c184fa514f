//! Arguments of `import` and `export`, which exchange weights with other programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{BackendArgs, ConfigArgs};

/// The program whose tensor names and gate order a weight file uses.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `state_dict` of a module with the attributes `embedding`, `rnn` and `output`
    Pytorch,
    /// Variables by path, as in `lstm/lstm_cell/kernel`
    Keras,
}

/// Arguments of `import`.
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// The safetensors file
    pub weights: PathBuf,
    /// The layout of the file
    #[arg(long, value_enum)]
    pub layout: Layout,
    /// Replace the prefix FROM of tensor names by TO, as in `--rename encoder=embedding`
    #[arg(long, value_name = "FROM=TO")]
    pub rename: Vec<String>,
    /// Take tokenizer and sizes from this model instead of the configuration and its text
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "text", "TextArgs", "label"])]
    pub like: Option<PathBuf>,
    /// The configuration file with the text and sizes, and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The model directory [default: a new one under runs/]; rejected if it exists
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// Arguments of `export`.
#[derive(Args, Clone, Debug)]
pub struct Export {
    /// The file to write; rejected if it exists
    pub weights: PathBuf,
    /// The layout of the file
    #[arg(long, value_enum)]
    pub layout: Layout,
    /// The model directory; `base` is the built-in base model [default: the newest model of a run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}
