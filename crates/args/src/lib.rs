//! The command line of Pastiche: commands, options and their help texts.
//!
//! The launcher (`xtask`) and the binary (`pastiche`) both use these structs, so that
//! `cargo xtask train --help` builds only this crate. It does not depend on Burn, and it reads no file
//! except `backend.toml`.

mod adapt;
mod ask;
mod backend;
mod base;
mod color;
mod escapes;
mod evaluate;
mod launch;
#[cfg(test)]
mod old_spellings;
mod page;
mod parse;
mod program;
mod runs;
mod sampling;
mod serve;
mod texts;
mod weights;

use std::path::PathBuf;

pub use adapt::{Adapt, CacheArgs, DynamicArgs, DynamicRule};
pub use ask::{Ask, AskFormat};
pub use backend::{BACKEND_FILE, BACKEND_VARIABLE, Backend, BackendFile, RANK_TIMEOUT_VARIABLE, SIMD_VARIABLE};
pub use base::Base;
use clap::{Args, Subcommand, ValueEnum};
pub use color::{ColorArgs, ColorChoice};
pub use escapes::{unescape, visible};
pub use evaluate::{Evaluate, HeldOutPart};
pub use launch::LaunchArgs;
pub use page::{Page, PageWeights};
pub use parse::parse;
pub use program::{Completions, Doctor, Man, Shell};
pub use runs::{Compare, NewTokens, Reproduce, Runs, Train};
pub use sampling::SamplingArgs;
pub use serve::Serve;
pub use texts::{DocumentUnit, TextArgs};
pub use weights::{Export, ExportFormat, Import, Layout};

/// The commands of `pastiche`.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Train a model on a text; it prints samples during training
    Train(Train),
    /// Generate new text in the style of the training text
    Generate(Generate),
    /// Clean, tokenize, count and split a text as a configuration says, and print statistics of the data
    Prepare(Prepare),
    /// Print the model's layers, output shapes and parameters
    Summary(Summary),
    /// Evaluate a trained model on held-out text, or on questions and answers
    Evaluate(Evaluate),
    /// Generate questions with answers from the sentences of a text
    Ask(Ask),
    /// Answer requests over HTTP with one or more models, as OpenAI's API does
    Serve(Serve),
    /// Measure and plot how far back in time gradients reach
    #[command(alias = "probe")]
    Gradients(Gradients),
    /// List all runs: progress, best loss, age, size
    Runs(Runs),
    /// Plot the losses of several runs and print their results and settings side by side
    Compare(Compare),
    /// Repeat a finished run from its saved configuration, on the same backend unless `--backend` is given, and
    /// compare the results
    Reproduce(Reproduce),
    /// Download a known corpus and check its hash and counts; of a benchmark, which cannot be downloaded, check the files
    Fetch(Fetch),
    /// Make a model directory from the weights of a PyTorch or Keras program
    Import(Import),
    /// Write a model's weights for a PyTorch or Keras program, or the whole model as an ONNX file
    Export(Export),
    /// Write a page that is a model: one HTML file that writes text in a browser, offline, opened from disk
    Page(Page),
    /// Train a base model, from which runs on other texts can start, and write it with a model card
    Base(Base),
    /// Print what this machine and this build can do, what would be fastest, and what is wrong
    Doctor(Doctor),
    /// Print a script with which a shell completes commands and options
    Completions(Completions),
    /// Write the manual pages of all commands
    Man(Man),
}

/// The configuration file and its overrides.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// The configuration to read [default: `train` chooses one for the text; `base` reads configs/base.toml and other
    /// commands configs/lstm.toml, or their built-in copies]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting, as in `--set train.epochs=3`; may be given several times. In `train`, `--set ngrams.order=best`
    /// mixes the model with the n-grams of its training text, also without a configuration
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Use this text instead of the configuration's: a file, a folder with all its files, or a pattern in quotes, such as
    /// "poems/*.txt"; may be given several times; `-` is standard input
    #[arg(long, value_name = "PATH")]
    pub text: Vec<PathBuf>,
    /// How it is read.
    #[command(flatten)]
    pub read: TextArgs,
    /// The column with the labels of the documents, or `folder` for the name of the folder that a file is in
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
}

/// The backend and device to compute on.
#[derive(Args, Clone, Debug, Default)]
pub struct BackendArgs {
    /// The backend [default: the one in backend.toml, or the first one compiled in]
    #[arg(long, env = BACKEND_VARIABLE, value_enum)]
    pub backend: Option<Backend>,
    /// The GPU: `default`, `cpu` (software), `discrete:0` or `integrated:0` for wgpu; its index for cuda
    #[arg(long, value_name = "D")]
    pub device: Option<String>,
}

/// How the model uses the tokens before the next one.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateMode {
    /// Carry the state from token to token: one step per token
    #[value(alias = "carried")]
    Carry,
    /// Read the last window again for every token, from a zero state, as in training on windows
    Window,
}

/// What the model is mixed with.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// The n-grams of its training text
    Ngram,
    /// Nothing
    None,
}

/// What to do with out-of-vocabulary tokens of the prompt.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OovPolicy {
    /// Stop with an error that lists them and the most similar known tokens
    Error,
    /// Leave them out
    #[value(alias = "skip")]
    Drop,
    /// Map them to the unknown token
    Unknown,
}

/// Arguments of `generate`.
#[derive(Args, Clone, Debug)]
pub struct Generate {
    /// The model directory; `base` is the built-in base model [default: the newest model of a run, or the base if there is
    /// none]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// The text to continue
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file")]
    pub prompt: Option<String>,
    /// A file with the text to continue; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub prompt_file: Option<PathBuf>,
    /// The encoding of that file by its label [default: that of the model's text]
    // `requires` alone does not reject `--prompt`, as that conflicts with the file.
    #[arg(long, value_name = "LABEL", requires = "prompt_file", conflicts_with = "prompt")]
    pub encoding: Option<String>,
    /// The label of the documents to write, one of those in the training text [default: none]
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// The maximum number of tokens in a sample [default: 200; for a document twice the length that 99 % of the
    /// training documents do not exceed, and at most 2000]
    #[arg(long, alias = "tokens", value_name = "N")]
    pub max_tokens: Option<usize>,
    /// From which distribution tokens are sampled.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Raise the probability of words that occurred in the prompt or the text, by a continuous cache, so that names and topics
    /// come back
    #[arg(long)]
    pub cache: bool,
    /// Settings of `--cache`.
    #[command(flatten)]
    pub cache_settings: CacheArgs,
    /// The sampling seed [default: a new one each time, printed at the start]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The number of samples to generate
    #[arg(long, alias = "samples", value_name = "N", default_value_t = 1)]
    pub num_samples: usize,
    /// Generate N texts for each sample and keep the one whose tokens are the likeliest on average
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub best_of: usize,
    /// The number of whole documents to generate, with a model that was trained on documents; the same as
    /// `--num-samples` there. (`--documents` of `train` says what a document of the text is)
    #[arg(long, value_name = "N", conflicts_with = "num_samples")]
    pub documents: Option<usize>,
    /// Leave out documents that are in the training text or that were written already, and write others instead
    #[arg(long)]
    pub unique: bool,
    /// End a sample before this text, as in `--stop "said the"` or `--stop '\n'`; `story` is the end of a document; may
    /// be given several times
    #[arg(long, value_name = "TEXT", value_parser = escapes::stop_text)]
    pub stop: Vec<String>,
    /// Carry the state, or read the last window [default: the one with the lower validation loss]
    #[arg(long, alias = "context", value_enum)]
    pub state: Option<StateMode>,
    /// Mix the model with the n-grams of its training text, or with nothing [default: ngram if the model has n-gram counts,
    /// which `ngrams.order` keeps with it]
    #[arg(long, value_enum)]
    pub mix: Option<Mix>,
    /// What to do with prompt tokens that are not in the vocabulary
    #[arg(long, alias = "unseen", value_enum, default_value_t = OovPolicy::Error)]
    pub oov: OovPolicy,
    /// Use 8-bit weights: a quarter of the memory, slightly less accurate; `evaluate --int8` measures the loss
    #[arg(long)]
    pub int8: bool,
    /// Write control characters unchanged, also on a terminal, where they can change colours or the window title
    #[arg(long)]
    pub raw: bool,
    /// Surprise as colours.
    #[command(flatten)]
    pub color: ColorArgs,
    /// Write a text by hand: choose the next token from the likeliest ones, type words, go back and try others, and save
    /// the text; `/help` lists the commands, which are read line by line
    #[arg(long, conflicts_with_all = ["max_tokens", "num_samples", "documents", "best_of", "unique", "stop", "json"])]
    pub interactive: bool,
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
    /// The configuration file and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `summary`.
#[derive(Args, Clone, Debug, Default)]
pub struct Summary {
    /// The configuration file and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `gradients`.
#[derive(Args, Clone, Debug)]
pub struct Gradients {
    /// Measure this trained model on its own held-out text; may be given several times [default:
    /// train an RNN, an LSTM and a GRU first]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "text", "TextArgs", "label"])]
    pub model: Vec<PathBuf>,
    /// The total training time of the three models, in seconds
    #[arg(long, value_name = "N", default_value_t = 120.0)]
    pub seconds: f64,
    /// Train for this many steps instead, for reproducible results: each of the three models, and each cell at
    /// each gap of `--recall`
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    pub steps: Option<u64>,
    /// The largest lag, in time steps
    #[arg(long, alias = "back", value_name = "K", default_value_t = 40)]
    pub max_lag: usize,
    /// Also train each cell to recall one word over increasing gaps; takes about two minutes
    #[arg(long, conflicts_with = "model")]
    pub recall: bool,
    /// The SVG file to write
    #[arg(long, value_name = "FILE", default_value = "gradients.svg")]
    pub out: PathBuf,
    /// The configuration file with the text and sizes, and its overrides.
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
    /// Use this file instead of downloading the corpus
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

impl Command {
    /// The options for backend and device, for commands that compute.
    pub fn backend(&self) -> Option<&BackendArgs> {
        match self {
            Self::Train(args) => Some(&args.backend),
            Self::Generate(args) => Some(&args.backend),
            Self::Evaluate(args) => Some(&args.backend),
            Self::Ask(args) => Some(&args.backend),
            Self::Serve(args) => Some(&args.backend),
            Self::Gradients(args) => Some(&args.backend),
            Self::Import(args) => Some(&args.backend),
            Self::Export(args) => Some(&args.backend),
            Self::Page(args) => Some(&args.backend),
            Self::Base(args) => Some(&args.backend),
            Self::Reproduce(args) => Some(&args.backend),
            Self::Doctor(args) => Some(&args.backend),
            Self::Prepare(_) | Self::Summary(_) | Self::Runs(_) | Self::Compare(_) | Self::Fetch(_) => None,
            Self::Completions(_) | Self::Man(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    pub(crate) struct Cli {
        #[command(subcommand)]
        pub(crate) command: Command,
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn several_overrides_stay_in_order() {
        let words = ["pastiche", "train", "--set", "train.epochs=3", "--set", "seed=2"];
        let Command::Train(train) = Cli::try_parse_from(words).unwrap().command else {
            panic!("`train` was parsed as another command");
        };
        assert_eq!(train.config.set, ["train.epochs=3", "seed=2"]);
    }

    #[test]
    fn resume_takes_an_optional_directory() {
        let resume = |words: &[&str]| {
            let words = [&["pastiche", "train"], words].concat();
            let Command::Train(train) = Cli::try_parse_from(words).unwrap().command else {
                panic!("`train` was parsed as another command");
            };
            train.resume
        };
        assert_eq!(resume(&[]), None);
        assert_eq!(resume(&["--resume"]), Some(None));
        assert_eq!(resume(&["--resume", "--no-tui"]), Some(None));
        assert_eq!(resume(&["--resume", "runs/a"]), Some(Some("runs/a".into())));
    }

    #[test]
    fn an_encoding_is_that_of_a_prompt_file() {
        let encoded = ["pastiche", "generate", "--encoding", "utf-16le"];
        assert!(Cli::try_parse_from(encoded).is_err());
        assert!(Cli::try_parse_from([&encoded[..], &["--prompt", "a"]].concat()).is_err());
        assert!(Cli::try_parse_from([&encoded[..], &["--prompt-file", "a.txt"]].concat()).is_ok());
    }

    #[test]
    fn two_prompts_are_rejected() {
        let words = ["pastiche", "generate", "--prompt", "a", "--prompt-file", "-"];
        assert!(Cli::try_parse_from(words).is_err());
    }
}
