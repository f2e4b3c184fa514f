//! Arguments of `page`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::BackendArgs;

/// The type of the weights in a page.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageWeights {
    /// 8 bits, as `generate --int8` uses them
    Int8,
    /// Half precision: twice the size, and nearly the accuracy of training
    F16,
}

/// Arguments of `page`.
#[derive(Args, Clone, Debug)]
pub struct Page {
    /// The HTML file to write; rejected if it exists
    pub file: PathBuf,
    /// The model directory; `base` is the built-in base model [default: the newest model of a run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// The type of the weights in the file
    #[arg(long, value_enum, default_value_t = PageWeights::Int8)]
    pub weights: PageWeights,
    /// Include the whole training text, by which the page finds copied passages; share the file only if you may share the text
    #[arg(long)]
    pub with_text: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}
