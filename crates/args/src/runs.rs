//! Arguments of the commands that create runs or read them: `train`, `runs`, `compare`, `reproduce`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::parse::minutes;
use crate::{BackendArgs, ConfigArgs, LaunchArgs};

/// Arguments of `train`.
#[derive(Args, Clone, Debug, Default)]
pub struct Train {
    /// The configuration file and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The run directory [default: a new one under runs/]; rejected if it exists
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Resume a run from its last checkpoint, on its backend and device unless others are named [default: the newest
    /// unfinished run]
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["config", "text", "TextArgs", "label"])]
    pub resume: Option<Option<PathBuf>>,
    /// Start from the weights, tokenizer and configuration of a trained model, usually to train on another text, which
    /// has the encoding of the model's text unless another is named; with `--config`, only data, training and dropout
    /// follow the configuration. `base` is the built-in model
    #[arg(long, alias = "from", value_name = "DIR", conflicts_with = "resume")]
    pub init_from: Option<PathBuf>,
    /// With `--init-from`: what to do with tokens that are not in the model's vocabulary [default: error]
    #[arg(long, alias = "vocabulary", value_enum, value_name = "POLICY", requires = "init_from")]
    pub new_tokens: Option<NewTokens>,
    /// The time for training, in minutes: the number of steps is chosen so that the run ends after about this time
    /// [default: 3 if the configuration is chosen for the text, otherwise the epochs of the configuration]
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Without a configuration: train a new model, and do not try to start from the built-in base, a model of English prose
    #[arg(long, conflicts_with_all = ["config", "init_from", "resume"])]
    pub no_base: bool,
    /// Print the configuration of the run, with the reasons for what was chosen, and do not train
    #[arg(long, conflicts_with_all = ["resume", "out", "view_svg"])]
    pub dry_run: bool,
    /// Print plain lines instead of the full-screen view, even on a terminal
    #[arg(long, alias = "plain")]
    pub no_tui: bool,
    /// Write the full-screen view to this SVG file at each sample, with or without a terminal
    #[arg(long, value_name = "FILE")]
    pub view_svg: Option<PathBuf>,
    /// The processes that the launcher starts.
    #[command(flatten)]
    pub launch: LaunchArgs,
}

/// What to do with tokens of a text that are not in the vocabulary of a trained model.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewTokens {
    /// Stop with an error that lists the most frequent ones
    #[value(alias = "refuse")]
    Error,
    /// Map them to the unknown token
    #[value(alias = "keep")]
    Unk,
    /// Add them to the vocabulary; if it has subwords, which can write any text, merge more of them
    Extend,
}

/// Arguments of `runs`.
#[derive(Args, Clone, Debug, Default)]
pub struct Runs {
    /// The folder that holds the runs [default: runs]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `compare`.
#[derive(Args, Clone, Debug)]
pub struct Compare {
    /// The run directories
    #[arg(value_name = "DIR", required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// The SVG file to write [default: compare.svg next to the first run, usually runs/compare.svg]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `reproduce`.
#[derive(Args, Clone, Debug)]
pub struct Reproduce {
    /// The finished run
    #[arg(value_name = "DIR")]
    pub run: PathBuf,
    /// The directory of the second run [default: a new one under runs/]; rejected if it exists
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Backend and device [default: those of the run].
    #[command(flatten)]
    pub backend: BackendArgs,
}
