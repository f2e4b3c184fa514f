//! `prepare`: prints statistics of the training data.

use args::Prepare;
use qa::data::{ExampleCounts, QaDataset};
use seqdata::Streams;
use serde::Serialize;
use trainer::TrainMode;

use crate::config::{AnyConfig, Config, LmExperiment, QaExperiment, QuestionsConfig, read_any};
use crate::error::Result;
use crate::output::{print, print_json, warn};
use crate::run::word_vectors::PretrainedVectors;
use crate::view::format::thousands;

/// Statistics of a text: counts as in the Keras baseline, and the windows of the run.
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
    /// The fractions of the vocabulary and of the training tokens that have a pretrained vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    vector_coverage: Option<[f64; 2]>,
}

/// Statistics of questions and answers.
#[derive(Serialize)]
struct Questions {
    /// Training and validation questions whose answers consist of whole words.
    questions: usize,
    train: ExampleCounts,
    valid: ExampleCounts,
    /// The size of the vocabulary.
    vocabulary: usize,
    /// The size of the decoder's vocabulary.
    written: usize,
    /// The length of the longest training sentence, in words.
    longest_sentence: usize,
}

/// Runs the command.
pub fn run(args: &Prepare) -> Result<()> {
    match read_any(&args.config)?.0 {
        AnyConfig::LanguageModel(config) => text(args, *config),
        AnyConfig::Questions(config) => questions(args, *config),
    }
}

fn questions(args: &Prepare, config: QuestionsConfig) -> Result<()> {
    let experiment = QaExperiment::new(config)?;
    warn(&experiment.warnings);
    let QaDataset { train: examples, counts: [train, valid], max_sentence_len, .. } = experiment.dataset;
    let report = Questions {
        questions: train.questions + valid.questions,
        vocabulary: examples.vocab_sizes.input,
        written: examples.vocab_sizes.output,
        longest_sentence: max_sentence_len,
        train,
        valid,
    };
    if args.json {
        return print_json(&report);
    }
    let part = |used: &ExampleCounts| {
        format!(
            "{} examples of {} questions; {} in too long sentences, {} with answers that start or end within a \
             word, {} with answers too long to be extracted",
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
        ("of them in the decoder", thousands(report.written)),
        ("words in the longest sentence", max_sentence_len.to_string()),
    ];
    print(&rows.iter().map(|(name, value)| format!("{name:<32}{value}\n")).collect::<String>())
}

fn text(args: &Prepare, config: Config) -> Result<()> {
    let experiment = LmExperiment::new(config, None)?;
    warn(&experiment.warnings);
    let streams = match experiment.train.mode {
        TrainMode::Windows | TrainMode::Examples => None,
        TrainMode::Tbptt { bptt_len } => Some(experiment.dataset.train_streams(experiment.train.batch_size, bptt_len)?),
    };
    let vectors = PretrainedVectors::read(&experiment)?;
    let stats = experiment.dataset.stats;
    let context_len = experiment.config.windows.context_len;
    let windows = stats.tokens.saturating_sub(context_len);
    let report = Report {
        characters: stats.characters,
        tokens: stats.tokens,
        words: stats.distinct_tokens,
        vocabulary: stats.vocab_size(),
        windows,
        x_shape: [windows, context_len],
        y_shape: [windows, stats.vocab_size()],
        train_windows: experiment.dataset.train_windows().len(),
        valid_windows: experiment.dataset.valid_windows().len(),
        vector_coverage: vectors.as_ref().map(|vectors| [vectors.vocabulary_coverage, vectors.training_coverage]),
    };
    if args.json { print_json(&report) } else { print(&table(&experiment, &report, streams, vectors.as_ref())) }
}

fn table(
    experiment: &LmExperiment,
    report: &Report,
    streams: Option<Streams>,
    vectors: Option<&PretrainedVectors>,
) -> String {
    let dataset = &experiment.dataset;
    let vocabulary = &dataset.tokenizer.vocabulary;
    let shape = |[rows, columns]: [usize; 2]| format!("[{rows}, {columns}]");
    let shown = |token: &str| if token.trim().is_empty() { format!("{token:?}") } else { token.to_owned() };
    let frequent: Vec<String> = (0..vocabulary.len() as u32)
        .filter(|&id| !vocabulary.is_reserved(id))
        .filter_map(|id| vocabulary.token(id).map(shown))
        .take(10)
        .collect();
    let unused = dataset.train_windows().unused_ids() + dataset.valid_windows().unused_ids();
    let held_out = dataset.split.valid.clone();
    let unknown = held_out.clone().filter(|&at| Some(dataset.ids.get(at)) == vocabulary.unknown_id());
    let unknown = (unknown.count() + dataset.valid_dropped) as f64;
    let unknown = unknown / (held_out.len() + dataset.valid_dropped) as f64;
    let mut rows = vec![
        ("characters", thousands(report.characters)),
        ("tokens", thousands(report.tokens)),
        ("distinct tokens", thousands(report.words)),
        ("vocabulary of the whole text", thousands(report.vocabulary)),
        ("vocabulary of the model", thousands(vocabulary.len())),
        ("unknown in validation", format!("{:.2} %", 100.0 * unknown)),
        ("X, the windows", shape(report.x_shape)),
        ("y, one-hot", shape(report.y_shape)),
        ("training windows", thousands(report.train_windows)),
        ("validation windows", thousands(report.valid_windows)),
        ("tokens in no window", thousands(unused)),
        ("bytes per id", dataset.ids.width().to_string()),
        ("unigram validation loss", format!("{:.3} nats", dataset.unigram_nats_per_token())),
        ("most frequent", frequent.join("  ")),
    ];
    if let Some(streams) = streams {
        let (count, length) = (thousands(streams.count()), thousands(streams.stream_len()));
        let chunks = thousands(streams.chunks());
        rows.push(("training streams", format!("{count} of {length} tokens, in {chunks} chunks")));
        rows.push(("training tokens in no stream", thousands(streams.unused_ids())));
    }
    if let Some(vectors) = vectors {
        rows.push(("with a word vector", vectors.coverage()));
    }
    rows.iter().map(|(name, value)| format!("{name:<30}{value}\n")).collect()
}
