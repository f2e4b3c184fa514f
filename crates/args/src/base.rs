//! Arguments of `base`.

use std::path::PathBuf;

use clap::Args;

use crate::parse::minutes;
use crate::{BackendArgs, ConfigArgs};

/// Arguments of `base`.
#[derive(Args, Clone, Debug, Default)]
pub struct Base {
    /// The configuration file and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The directory of the base; rejected if it exists
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Make the base from this finished run, and do not train
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "text", "TextArgs", "label", "minutes"])]
    pub run: Option<PathBuf>,
    /// The time for training, in minutes [default: 90, or the epochs that `--set` gives]
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// What the text is, for the model card, such as "English novels of the 19th century"
    #[arg(long, value_name = "TEXT")]
    pub about: Option<String>,
    /// The licence of the text, for the model card, such as "public domain in the USA"
    #[arg(long, value_name = "TEXT")]
    pub licence: Option<String>,
    /// Print plain lines instead of the full-screen view, even on a terminal
    #[arg(long)]
    pub no_tui: bool,
}
