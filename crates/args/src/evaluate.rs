//! The command line of `evaluate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{Adapt, BackendArgs, CacheArgs, ColorArgs, DynamicArgs, Mix, StateMode, TextArgs};

/// A held-out part of the text of a run.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldOutPart {
    /// The validation part, by which the best epoch was chosen
    Valid,
    /// The test part: `text.test` or `split.test_fraction`
    Test,
}

/// Arguments of `evaluate`.
#[derive(Args, Clone, Debug, Default)]
pub struct Evaluate {
    /// The model directory; `base` is the built-in base model [default: the newest model of a run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Evaluate on this text: a file, a folder or a pattern; may be given several times; `-` is standard input [default:
    /// the run's own validation split]
    #[arg(long, value_name = "PATH", conflicts_with = "data")]
    pub text: Vec<PathBuf>,
    /// Evaluate a question model on these questions and answers (SQuAD .json, NewsQA .csv, .jsonl); `-` is standard
    /// input [default: the run's own validation split]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["state", "int8", "column", "documents", "separator"])]
    pub data: Option<PathBuf>,
    /// How the text, or the encoding of the data, is read [default: as what the model was trained on].
    #[command(flatten)]
    pub read: TextArgs,
    /// Reject the file of `--data` at its first invalid item instead of leaving such items out
    #[arg(long, requires = "data")]
    pub strict: bool,
    /// Carry the state, or read the last window [default: the one with the lower validation loss]
    #[arg(long, alias = "context", value_enum)]
    pub state: Option<StateMode>,
    /// The column with the labels of the documents of `--text`, or `folder` for the name of the folder that a file is in
    #[arg(long, value_name = "NAME", requires = "text")]
    pub label_column: Option<String>,
    /// Evaluate all documents as if they had this label [default: each with its own]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["data", "no_label"])]
    pub label: Option<String>,
    /// The part of the run's own text to evaluate on [default: valid]
    #[arg(long, value_enum, conflicts_with_all = ["text", "data"])]
    pub part: Option<HeldOutPart>,
    /// Score every token once, the first from a line end, with the state kept over the whole text, as results on benchmarks
    /// such as Penn Treebank are given [default: the tokens of the first window of a running text are not scored]
    #[arg(long, conflicts_with_all = ["state", "data"])]
    pub every_token: bool,
    /// Evaluate all documents as if they had no label
    #[arg(long, conflicts_with = "data")]
    pub no_label: bool,
    /// Also evaluate the n-grams of the training text and the mixture of both (`ngram`), or the model alone (`none`) [default:
    /// ngram if the model has n-gram counts]
    #[arg(long, value_enum, conflicts_with = "data")]
    pub mix: Option<Mix>,
    /// Evaluate the 8-bit weights that `generate --int8` uses
    #[arg(long)]
    pub int8: bool,
    /// Let the model adapt to the text while it reads it; each token is evaluated before it is learned from. N-gram counts of
    /// the model are not used [default: not]
    #[arg(long, value_enum, value_name = "METHOD", conflicts_with = "data")]
    pub adapt: Option<Adapt>,
    /// Settings of `--adapt cache`.
    #[command(flatten)]
    pub cache: CacheArgs,
    /// Settings of `--adapt dynamic`.
    #[command(flatten)]
    pub dynamic: DynamicArgs,
    /// Surprise as colours, of the text of `--text`.
    #[command(flatten)]
    pub color: ColorArgs,
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}
