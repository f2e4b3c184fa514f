//! The arguments of what makes runs, and of what looks at them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{BackendArgs, ConfigArgs};

/// Arguments of `train`.
#[derive(Args, Clone, Debug, Default)]
pub struct Train {
    /// The configuration and its changes.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The run's directory [default: a new one under runs/]; refused if it exists
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with a run from its last checkpoint, on the backend it was begun on if `--backend`
    /// names it [default: the run that was kept last]
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["config", "text"])]
    pub resume: Option<Option<PathBuf>>,
    /// Begin with a trained model, its tokens and its settings, mostly on another text
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "resume"])]
    pub from: Option<PathBuf>,
    /// With `--from`: what to do with tokens that the model does not know [default: refuse]
    #[arg(long, value_enum, value_name = "WHAT", requires = "from")]
    pub vocabulary: Option<NewTokens>,
    /// Plain lines instead of the full-screen view, also on a terminal
    #[arg(long)]
    pub plain: bool,
}

/// What to do with tokens of a text that a trained model does not know.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewTokens {
    /// Stop and name the most frequent
    Refuse,
    /// Read them as unknown
    Keep,
    /// Add them to the vocabulary
    Extend,
}

/// Arguments of `runs`.
#[derive(Args, Clone, Debug, Default)]
pub struct Runs {
    /// Where the runs lie
    #[arg(value_name = "DIR", default_value = "runs")]
    pub folder: PathBuf,
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
    /// The picture to draw
    #[arg(long, value_name = "FILE", default_value = "compare.svg")]
    pub out: PathBuf,
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
    /// Where the second run goes [default: a new directory under runs/]; refused if it exists
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Backend and device [default: those of the run].
    #[command(flatten)]
    pub backend: BackendArgs,
}
