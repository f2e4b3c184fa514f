//! The command line of Pastiche as data: what can be asked for, not how it is done.
//!
//! The launcher (`xtask`) and the binary (`pastiche`) both read these structs, so that
//! `cargo xtask train --help` builds nothing but this crate. It knows neither Burn nor any file
//! but `backend.toml`.

mod asking;
mod backend;
mod runs;
mod weights;

use std::path::PathBuf;

pub use asking::{Ask, AskFormat};
pub use backend::{BACKEND_FILE, BACKEND_VARIABLE, Backend, BackendChoice};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
pub use runs::{Compare, NewTokens, Reproduce, Runs, Train};
pub use weights::{Export, Import, Layout};

/// What `pastiche` can be asked to do.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Train a network on a text; it speaks samples while it learns
    Train(Train),
    /// Write new text in the manner of the training text
    Generate(Generate),
    /// Clean, tokenize, count and cut a text, and show what the data looks like
    Prepare(Prepare),
    /// Print the model's layers, output shapes and parameters
    Summary(Summary),
    /// Score a trained model on held-out text, or on questions and answers
    Evaluate(Evaluate),
    /// Ask questions about the sentences of a text, with their answers
    Ask(Ask),
    /// Measure how much of the past a network still hears, and draw it
    Probe(Probe),
    /// List all runs: how far, how good, how old, how large
    Runs(Runs),
    /// Draw the losses of runs together and set their numbers side by side
    Compare(Compare),
    /// Train a run again from what it wrote down, on its own backend unless `--backend` names another,
    /// and compare the two
    Reproduce(Reproduce),
    /// Put a known corpus in place, checked by hash and counts
    Fetch(Fetch),
    /// Make a model of the weights of a PyTorch or Keras program
    Import(Import),
    /// Write a model's weights for a PyTorch or Keras program
    Export(Export),
}

/// Which configuration, and what to change in it.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The configuration to read [default: configs/lstm.toml, or its built-in copy]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting, as in `--set train.epochs=3`; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Use this text instead of the configuration's
    #[arg(long, value_name = "FILE")]
    pub text: Option<PathBuf>,
}

/// Where the arithmetic runs.
#[derive(Args, Clone, Debug, Default)]
pub struct BackendArgs {
    /// The backend [default: the one of backend.toml, or the first compiled in]
    #[arg(long, env = BACKEND_VARIABLE, value_enum)]
    pub backend: Option<Backend>,
    /// Which GPU: of wgpu `default`, `cpu` (software), `discrete:0`, `integrated:0`; of cuda its number
    #[arg(long, value_name = "D")]
    pub device: Option<String>,
}

/// How the network reads its past while it writes.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Carry the state from token to token: one step each
    Carried,
    /// Read the last window afresh for every token, as in training
    Window,
}

/// What to do with prompt words that the model never saw.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Stop and name them, with the nearest known words
    Error,
    /// Leave them out
    Skip,
    /// Read them as the unknown token
    Unknown,
}

/// Arguments of `generate`.
#[derive(Args, Clone, Debug)]
pub struct Generate {
    /// The model directory [default: the newest finished run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// The text to go on from
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file")]
    pub prompt: Option<String>,
    /// A file with the text to go on from; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub prompt_file: Option<PathBuf>,
    /// How many tokens to write
    #[arg(long, default_value_t = 200)]
    pub tokens: usize,
    /// Below 1 plays safe, above 1 takes risks, 0 always takes the likeliest token
    #[arg(long, default_value_t = 0.5, allow_negative_numbers = true)]
    pub temperature: f64,
    /// Choose among the K likeliest tokens only
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Choose among the likeliest tokens that together hold this probability
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub top_p: Option<f64>,
    /// Leave out tokens less likely than this share of the likeliest one
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub min_p: Option<f64>,
    /// Never write the same N tokens in a row twice
    #[arg(long, value_name = "N")]
    pub no_repeat: Option<usize>,
    /// The seed of the choices [default: a new one each time, shown at the start]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many samples to write
    #[arg(long, default_value_t = 1)]
    pub samples: usize,
    /// Stop at this token; `story` means the mark between stories
    #[arg(long, value_name = "TOKEN")]
    pub stop: Option<String>,
    /// How the past is read [default: what scored better on the run's validation text]
    #[arg(long, value_enum)]
    pub context: Option<Context>,
    /// What to do with prompt words that the model never saw
    #[arg(long, value_enum, default_value_t = Unseen::Error)]
    pub unseen: Unseen,
    /// Write with weights of eight bits: a quarter of the memory, a little less exact; `evaluate --int8` says
    /// what it costs
    #[arg(long)]
    pub int8: bool,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// Arguments of `prepare`.
#[derive(Args, Clone, Debug, Default)]
pub struct Prepare {
    /// The configuration and its changes.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `summary`.
#[derive(Args, Clone, Debug, Default)]
pub struct Summary {
    /// The configuration and its changes.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `evaluate`.
#[derive(Args, Clone, Debug, Default)]
pub struct Evaluate {
    /// The model directory [default: the newest finished run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Score this text [default: the run's own validation split]
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub text: Option<PathBuf>,
    /// Score a model that asks on these questions and answers (SQuAD .json, NewsQA .csv, .jsonl) [default: the
    /// run's own validation part]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["context", "int8"])]
    pub data: Option<PathBuf>,
    /// How the past is read [default: the run's recorded choice]
    #[arg(long, value_enum)]
    pub context: Option<Context>,
    /// Score the weights as `generate --int8` keeps them, in eight bits
    #[arg(long)]
    pub int8: bool,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// Arguments of `probe`.
#[derive(Args, Clone, Debug)]
pub struct Probe {
    /// Measure this trained model on its own held-out text; may be given several times [default:
    /// train an RNN, an LSTM and a GRU first]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "text"])]
    pub model: Vec<PathBuf>,
    /// How long to train the three, in all
    #[arg(long, value_name = "N", default_value_t = 120.0)]
    pub seconds: f64,
    /// Train for this many steps instead, the same ones every time: each of the three, and each cell
    /// at each gap of `--recall`
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    pub steps: Option<u64>,
    /// How many steps to look back
    #[arg(long, value_name = "K", default_value_t = 40)]
    pub back: usize,
    /// Also try how far each cell can carry one word, over growing gaps; takes about two minutes
    #[arg(long, conflicts_with = "model")]
    pub recall: bool,
    /// The picture to draw
    #[arg(long, value_name = "FILE", default_value = "probe.svg")]
    pub out: PathBuf,
    /// The configuration that names text and sizes, and its changes.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// Arguments of `fetch`.
#[derive(Args, Clone, Debug)]
pub struct Fetch {
    /// The corpus, a folder under datasets/
    pub name: String,
    /// Take it from this file instead of downloading it
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// Reads the command line of this process. A fault is told in one line, with exit code 2; help and
/// version are printed as clap prints them.
pub fn parse<P: Parser>() -> P {
    P::try_parse().unwrap_or_else(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => {
            eprintln!("{}", one_line(&error));
            std::process::exit(2)
        }
    })
}

/// What clap says, without its line breaks and its usage.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let told = text.lines().take_while(|line| !line.starts_with("Usage:"));
    let words: Vec<&str> = told.flat_map(str::split_whitespace).collect();
    let told = words.join(" ").replace(" For more information, try '--help'.", "");
    format!("{told} (--help tells more)")
}

impl Command {
    /// The backend and device asked for, for commands that compute.
    pub fn backend(&self) -> Option<&BackendArgs> {
        match self {
            Self::Train(args) => Some(&args.backend),
            Self::Generate(args) => Some(&args.backend),
            Self::Evaluate(args) => Some(&args.backend),
            Self::Ask(args) => Some(&args.backend),
            Self::Probe(args) => Some(&args.backend),
            Self::Import(args) => Some(&args.backend),
            Self::Export(args) => Some(&args.backend),
            Self::Reproduce(args) => Some(&args.backend),
            Self::Prepare(_)
            | Self::Summary(_)
            | Self::Runs(_)
            | Self::Compare(_)
            | Self::Fetch(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Front {
        #[command(subcommand)]
        command: Command,
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Front::command().debug_assert();
    }

    #[test]
    fn several_settings_are_kept_in_order() {
        let words = ["pastiche", "train", "--set", "train.epochs=3", "--set", "seed=2"];
        let Command::Train(train) = Front::try_parse_from(words).unwrap().command else {
            panic!("`train` was not read as train");
        };
        assert_eq!(train.config.set, ["train.epochs=3", "seed=2"]);
    }

    #[test]
    fn a_run_to_go_on_with_may_be_named_or_not() {
        let resume = |words: &[&str]| {
            let words = [&["pastiche", "train"], words].concat();
            let Command::Train(train) = Front::try_parse_from(words).unwrap().command else {
                panic!("`train` was not read as train");
            };
            train.resume
        };
        assert_eq!(resume(&[]), None);
        assert_eq!(resume(&["--resume"]), Some(None));
        assert_eq!(resume(&["--resume", "--plain"]), Some(None));
        assert_eq!(resume(&["--resume", "runs/a"]), Some(Some("runs/a".into())));
    }

    #[test]
    fn a_fault_is_told_in_one_line() {
        let words = ["pastiche", "train", "--backend", "tpu"];
        let error = Front::try_parse_from(words).err().map(|error| one_line(&error)).unwrap();
        assert!(error.starts_with("error: ") && error.contains("'tpu'"), "{error}");
        assert!(error.contains("ndarray, flex, wgpu, cuda"), "{error}");
    }

    #[test]
    fn two_prompts_are_refused() {
        let words = ["pastiche", "generate", "--prompt", "a", "--prompt-file", "-"];
        assert!(Front::try_parse_from(words).is_err());
    }
}
