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

/// What `export` writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A safetensors file with the names of a PyTorch module that has the attributes `embedding`, `rnn` and `output`
    Pytorch,
    /// A safetensors file with Keras's variables by path, as in `lstm/lstm_cell/kernel`
    Keras,
    /// A whole model for ONNX programs, with its tokenizer; a `tokenizer.json` beside it is for Hugging Face's tokenizers
    Onnx,
}

/// Arguments of `import`.
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// A safetensors file; a file of `torch.save`: a state dict, a checkpoint or a whole module; or one of Keras: `.keras`, `.h5`,
    /// `.hdf5`
    pub weights: PathBuf,
    /// The layout of the file [default: that of the program that wrote it, except for safetensors]
    #[arg(long, value_enum)]
    pub layout: Option<Layout>,
    /// Use only the tensors under this key of the file, as in `--key state_dict`
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// Replace the prefix FROM of tensor names by TO, as in `--rename encoder=embedding`
    #[arg(long, value_name = "FROM=TO")]
    pub rename: Vec<String>,
    /// The network has no embedding and reads one-hot vectors: their matrix becomes an embedding of one dimension for each token of
    /// `tokens.path`
    #[arg(long, conflicts_with = "like")]
    pub one_hot: bool,
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
    /// What to write [default: onnx for a file name that ends in .onnx]
    #[arg(long, value_enum)]
    pub layout: Option<ExportFormat>,
    /// The model directory; `base` is the built-in base model [default: the newest model of a run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}
