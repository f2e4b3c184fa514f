//! The arguments of asking questions about a text.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::BackendArgs;

/// Arguments of `ask`.
#[derive(Args, Clone, Debug)]
pub struct Ask {
    /// The model directory [default: the newest finished run that asks questions]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// The text to ask about, UTF-8; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub text: PathBuf,
    /// How many questions to ask about a sentence at the most
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub per_sentence: usize,
    /// How many beginnings of a question are kept while it is searched for
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub beam: usize,
    /// Leave out questions of less confidence, from 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.4, allow_negative_numbers = true)]
    pub min_confidence: f64,
    /// What to write
    #[arg(long, value_enum, default_value_t = AskFormat::Jsonl)]
    pub format: AskFormat,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// How questions are written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskFormat {
    /// One JSON object a line, with places in bytes and characters
    Jsonl,
    /// To read: each sentence and what is asked about it
    Text,
    /// A table for spreadsheets
    Csv,
    /// SQuAD 1.1, for researchers
    Squad,
    /// Cards that Anki imports, for learners
    Anki,
}
