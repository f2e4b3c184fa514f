//! `prepare`: what the data looks like.

use args::Prepare;
use models::summary::thousands;
use qa::data::{PreparedQuestions, Used};
use seqdata::Streams;
use serde::Serialize;
use trainer::Method;

use crate::config::{Config, QuestionsConfig, Resolved, ResolvedQuestions, Written, read_any};
use crate::error::Result;
use crate::output::{print, print_json, warn};
use crate::run::word_vectors::Vectors;

/// The whole cleaned text by the seed's recipe, and how many windows the run gets of it.
#[derive(Serialize)]
struct Report {
    characters: usize,
    tokens: usize,
    words: usize,
    vocabulary: usize,
    windows: usize,
    x_shape: [usize; 2],
    y_shape: [usize; 2],
    train_windows: usize,
    valid_windows: usize,
    /// The shares of vocabulary and training tokens that have a pretrained vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    vector_coverage: Option<[f64; 2]>,
}

/// What the data about questions comes to.
#[derive(Serialize)]
struct Questions {
    /// Questions of both parts whose answers are whole words.
    questions: usize,
    train: Used,
    valid: Used,
    /// Ids of words that can be read.
    vocabulary: usize,
    /// Ids of words that can be chosen when a question is written.
    written: usize,
    /// Words in the longest sentence that is learned from.
    longest_sentence: usize,
}

/// Runs the command.
pub fn run(args: &Prepare) -> Result<()> {
    match read_any(&args.config)?.0 {
        Written::Writing(config) => text(args, *config),
        Written::Questions(config) => questions(args, *config),
    }
}

fn questions(args: &Prepare, config: QuestionsConfig) -> Result<()> {
    let resolved = ResolvedQuestions::new(config)?;
    warn(&resolved.warnings);
    let PreparedQuestions { train: examples, used: [train, valid], longest_sentence, .. } =
        resolved.prepared;
    let report = Questions {
        questions: train.questions + valid.questions,
        vocabulary: examples.known.read,
        written: examples.known.written,
        longest_sentence,
        train,
        valid,
    };
    if args.json {
        return print_json(&report);
    }
    let part = |used: &Used| {
        format!(
            "{} examples of {} questions; {} in too long sentences, {} cut out of a word, {} with answers \
             too long to be found",
            thousands(used.examples),
            thousands(used.questions),
            used.too_long,
            used.unmapped,
            used.long_answers
        )
    };
    let rows = [
        ("training", part(&report.train)),
        ("validation", part(&report.valid)),
        ("words with an id", thousands(report.vocabulary)),
        ("of them to write with", thousands(report.written)),
        ("words in the longest sentence", longest_sentence.to_string()),
    ];
    print(&rows.iter().map(|(name, value)| format!("{name:<32}{value}\n")).collect::<String>())
}

fn text(args: &Prepare, config: Config) -> Result<()> {
    let resolved = Resolved::new(config)?;
    warn(&resolved.warnings);
    let streams = match resolved.train.method {
        Method::Windows | Method::Examples => None,
        Method::EveryStep { length } => {
            Some(resolved.prepared.train_streams(resolved.train.batch_size, length)?)
        }
    };
    let vectors = Vectors::read(&resolved)?;
    let report = report(&resolved, vectors.as_ref());
    match args.json {
        true => print_json(&report),
        false => print(&table(&resolved, &report, streams, vectors.as_ref())),
    }
}

fn report(resolved: &Resolved, vectors: Option<&Vectors>) -> Report {
    let whole = resolved.prepared.whole;
    let length = resolved.config.windows.length;
    let windows = whole.tokens.saturating_sub(length);
    Report {
        characters: whole.characters,
        tokens: whole.tokens,
        words: whole.words,
        vocabulary: whole.vocabulary(),
        windows,
        x_shape: [windows, length],
        y_shape: [windows, whole.vocabulary()],
        train_windows: resolved.prepared.train_windows().len(),
        valid_windows: resolved.prepared.valid_windows().len(),
        vector_coverage: vectors.map(|vectors| [vectors.of_vocabulary, vectors.of_training]),
    }
}

fn table(
    resolved: &Resolved,
    report: &Report,
    streams: Option<Streams>,
    vectors: Option<&Vectors>,
) -> String {
    let prepared = &resolved.prepared;
    let vocabulary = &prepared.tokenizer.vocabulary;
    let shape = |[rows, columns]: [usize; 2]| format!("[{rows}, {columns}]");
    let frequent: Vec<&str> = (0..vocabulary.len() as u32)
        .filter(|&id| !vocabulary.is_reserved(id))
        .filter_map(|id| vocabulary.token(id))
        .take(10)
        .collect();
    let left_over = prepared.train_windows().left_over() + prepared.valid_windows().left_over();
    let held_out = prepared.split.valid.clone();
    let unknown =
        held_out.clone().filter(|&at| Some(prepared.ids.get(at)) == vocabulary.unknown_id());
    let unknown = (unknown.count() + prepared.valid_dropped) as f64;
    let unknown = unknown / (held_out.len() + prepared.valid_dropped) as f64;
    let mut rows = vec![
        ("characters", thousands(report.characters)),
        ("tokens", thousands(report.tokens)),
        ("different tokens", thousands(report.words)),
        ("vocabulary of the whole text", thousands(report.vocabulary)),
        ("vocabulary of the model", thousands(vocabulary.len())),
        ("unknown in validation", format!("{:.2} %", 100.0 * unknown)),
        ("X, the windows", shape(report.x_shape)),
        ("y, one-hot", shape(report.y_shape)),
        ("training windows", thousands(report.train_windows)),
        ("validation windows", thousands(report.valid_windows)),
        ("tokens in no window", thousands(left_over)),
        ("bytes an id takes", prepared.ids.width().to_string()),
        ("unigram validation loss", format!("{:.3} nats", prepared.unigram_nats_per_token())),
        ("most frequent", frequent.join("  ")),
    ];
    if let Some(streams) = streams {
        let (count, span) = (thousands(streams.count()), thousands(streams.span()));
        let pieces = thousands(streams.pieces());
        rows.push(("training streams", format!("{count} of {span} tokens, in {pieces} pieces")));
        rows.push(("training tokens in no stream", thousands(streams.left_over())));
    }
    if let Some(vectors) = vectors {
        rows.push(("with a word vector", vectors.coverage()));
    }
    rows.iter().map(|(name, value)| format!("{name:<30}{value}\n")).collect()
}
