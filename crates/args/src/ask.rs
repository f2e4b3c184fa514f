//! Arguments of `ask`, which generates questions about a text.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::BackendArgs;

/// Arguments of `ask`.
#[derive(Args, Clone, Debug)]
pub struct Ask {
    /// The model directory [default: the newest question generation model of a run]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// The text to ask about; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub text: PathBuf,
    /// The encoding of the text by its label [default: that of the model's data, usually UTF-8]
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
    /// The largest number of questions per sentence
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub per_sentence: usize,
    /// The beam width of the search
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub beam: usize,
    /// Leave out questions with a lower confidence, from 0 to 1 [default: that of the model, chosen for precision]
    #[arg(long, value_name = "P")]
    pub min_confidence: Option<f64>,
    /// Ask only what the network generates, without the rules for English sentences
    #[arg(long)]
    pub no_rules: bool,
    /// Ask only by the rules for English sentences, without a model
    #[arg(long, conflicts_with_all = ["model", "no_rules", "beam"])]
    pub no_network: bool,
    /// Tell on standard error why each other question was left out
    #[arg(long)]
    pub explain: bool,
    /// The output format
    #[arg(long, value_enum, default_value_t = AskFormat::Jsonl)]
    pub format: AskFormat,
    /// Begin the table (csv, tsv) with a byte order mark, by which spreadsheet programs recognise UTF-8
    #[arg(long)]
    pub bom: bool,
    /// Write control characters unchanged, also on a terminal, where they can change colours or the window title
    #[arg(long)]
    pub raw: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// The output format of `ask`.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskFormat {
    /// One JSON object per line, with offsets in bytes and characters
    Jsonl,
    /// Plain text: each sentence with its questions and answers
    Text,
    /// A table for spreadsheets, with commas
    Csv,
    /// The same table with tabs
    Tsv,
    /// SQuAD 1.1, for research
    Squad,
    /// Flash cards that Anki imports
    Anki,
}
