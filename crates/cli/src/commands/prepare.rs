//! `prepare`: prints statistics of the training data.

use std::collections::BTreeMap;

use args::Prepare;
use qa::data::{ExampleCounts, QaDataset};
use seqdata::Part;
use serde::Serialize;

use crate::config::{AnyConfig, Config, LmExperiment, QaExperiment, QuestionsConfig, read_any};
use crate::error::Result;
use crate::output::{print, print_json, status, warn};
use crate::run::init::inspected_experiment;
use crate::run::word_vectors::PretrainedVectors;
use crate::view::format::{counted, decimals, short_name, thousands};

/// Statistics of a text: counts as in the Keras baseline, and the windows and streams of the run.
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
    /// The tokens of training, validation and test, document tokens included.
    tokens_of_parts: [usize; 3],
    /// The size of the model's vocabulary.
    model_vocabulary: usize,
    /// The fraction of the validation tokens that are not in it.
    unknown_in_validation: f64,
    tokens_in_no_window: usize,
    bytes_per_id: usize,
    unigram_valid_loss_nats_per_token: f64,
    most_frequent: Vec<String>,
    /// Of subwords: how many characters one stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    characters_per_token: Option<f64>,
    /// With truncated BPTT: the streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    train_streams: Option<TrainStreams>,
    /// Of a text of documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<DocumentsReport>,
    /// The fractions of the vocabulary and of the training tokens that have a pretrained vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    vector_coverage: Option<[f64; 2]>,
}

/// Streams of the training text.
#[derive(Serialize)]
struct TrainStreams {
    streams: usize,
    tokens_in_each: usize,
    chunks: usize,
    tokens_in_no_stream: usize,
}

/// The documents of a text.
#[derive(Serialize)]
struct DocumentsReport {
    /// All documents, and those of the parts of the split.
    count: usize,
    train: usize,
    valid: usize,
    test: usize,
    /// Documents with the same tokens as one before them.
    duplicates: usize,
    /// Training documents with the same tokens as one in separate files for validation or a test.
    also_held_out: usize,
    /// Documents whose label the model does not have.
    unknown_labels: usize,
    /// Documents without text, which are left out.
    empty: usize,
    /// Documents that were split because they are too long.
    split: usize,
    /// The lengths of the documents in tokens.
    shortest: usize,
    median: usize,
    mean: f64,
    longest: usize,
    /// The number of documents with each label, and without one.
    labels: BTreeMap<String, usize>,
    unlabelled: usize,
}

impl DocumentsReport {
    fn new(experiment: &LmExperiment) -> Option<Self> {
        let (documents, read) = (experiment.dataset.documents.as_ref()?, experiment.documents.as_ref()?);
        let all = 0..documents.len();
        let lengths = documents.lengths(all.clone())?;
        let [train, valid, test] = [Part::Train, Part::Valid, Part::Test].map(|part| documents.of(part).len());
        let counts = documents.label_counts(all);
        Some(Self {
            count: documents.len(),
            train,
            valid,
            test,
            duplicates: documents.duplicates,
            also_held_out: documents.also_held_out,
            unknown_labels: documents.unknown_labels.iter().sum(),
            empty: read.empty + documents.empty,
            split: read.split,
            shortest: lengths.min,
            median: lengths.median,
            mean: lengths.mean,
            longest: lengths.max,
            labels: documents.label_names.iter().cloned().zip(counts[1..].iter().copied()).collect(),
            unlabelled: counts[0],
        })
    }

    /// The rows of the table.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let [train, valid, test] = [self.train, self.valid, self.test].map(thousands);
        let parts = format!("{train} for training, {valid} for validation, {test} for a test");
        let [shortest, median, longest] = [self.shortest, self.median, self.longest].map(thousands);
        let mut rows = vec![
            ("documents", format!("{}: {parts}", thousands(self.count))),
            (
                "tokens in a document",
                format!("{shortest} to {longest}, median {median}, mean {}", decimals(self.mean, 1)),
            ),
            ("equal to an earlier one", thousands(self.duplicates)),
            ("without text, left out", thousands(self.empty)),
            ("split, because too long", thousands(self.split)),
        ];
        if !self.labels.is_empty() {
            let labels =
                self.labels.iter().map(|(label, &count)| format!("{} {}", short_name(label), thousands(count)));
            let labels = labels.take(12).collect::<Vec<_>>().join("  ");
            let more =
                if self.labels.len() > 12 { format!("  and {} more", self.labels.len() - 12) } else { String::new() };
            rows.push(("labels", format!("{labels}{more}  (none {})", thousands(self.unlabelled))));
        }
        let counts = [("also held out", self.also_held_out), ("with an unknown label", self.unknown_labels)];
        rows.extend(counts.into_iter().filter(|&(_, count)| count > 0).map(|(name, count)| (name, thousands(count))));
        rows
    }
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
    if args.config.config.is_none() {
        status(
            "prepared as configs/lstm.toml says, because no configuration is given; `train` without one chooses its own: \
             `train --dry-run` with the same options prints it",
        );
    }
    match read_any(&args.config)?.0 {
        AnyConfig::LanguageModel(config) => text(args, *config),
        AnyConfig::Questions(config) => questions(args, *config),
    }
}

fn questions(args: &Prepare, config: QuestionsConfig) -> Result<()> {
    let experiment = QaExperiment::new(config)?;
    warn(&experiment.warnings);
    experiment.word_vectors()?;
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
            "{} of {}; {} in too long sentences, {} with answers that start or end within a \
             word, {} with answers too long to be extracted",
            counted(used.examples, "example"),
            counted(used.questions, "question"),
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
    let experiment = inspected_experiment(config)?;
    warn(&experiment.warnings);
    let train_streams = experiment.train_streams()?.map(|streams| TrainStreams {
        streams: streams.count(),
        tokens_in_each: streams.stream_len(),
        chunks: streams.chunks(),
        tokens_in_no_stream: streams.unused_ids(),
    });
    // A trained model has its embedding.
    let vectors = if experiment.config.init.from.is_none() { PretrainedVectors::read(&experiment)? } else { None };
    let dataset = &experiment.dataset;
    let (stats, vocabulary) = (dataset.stats, &dataset.tokenizer.vocabulary);
    let context_len = experiment.config.windows.context_len;
    let windows = stats.tokens.saturating_sub(context_len);
    let (train_windows, valid_windows) = (dataset.train_windows(), dataset.valid_windows());
    let [_, unknown_in_validation] = dataset.unknown_fractions();
    let report = Report {
        characters: stats.characters,
        tokens: stats.tokens,
        words: stats.distinct_tokens,
        vocabulary: stats.vocab_size(),
        windows,
        x_shape: [windows, context_len],
        y_shape: [windows, stats.vocab_size()],
        train_windows: train_windows.len(),
        valid_windows: valid_windows.len(),
        tokens_of_parts: Part::ALL.map(|part| dataset.split.range(part).len()),
        model_vocabulary: vocabulary.len(),
        unknown_in_validation,
        tokens_in_no_window: train_windows.unused_ids() + valid_windows.unused_ids(),
        bytes_per_id: dataset.ids.width(),
        unigram_valid_loss_nats_per_token: dataset.unigram_nats_per_token(),
        most_frequent: vocabulary
            .by_frequency()
            .into_iter()
            .filter_map(|id| vocabulary.readable(id).map(String::from))
            .take(10)
            .collect(),
        characters_per_token: vocabulary.is_subwords().then(|| stats.characters as f64 / stats.tokens as f64),
        train_streams,
        documents: DocumentsReport::new(&experiment),
        vector_coverage: vectors.as_ref().map(|vectors| [vectors.vocabulary_coverage, vectors.training_coverage]),
    };
    if args.json { print_json(&report) } else { print(&table(&report, vectors.as_ref())) }
}

fn table(report: &Report, vectors: Option<&PretrainedVectors>) -> String {
    let shape = |[rows, columns]: [usize; 2]| format!("[{rows}, {columns}]");
    // A subword may begin with a space.
    let shown = |token: &String| if token.trim() == token { token.clone() } else { format!("{token:?}") };
    let frequent: Vec<String> = report.most_frequent.iter().map(shown).collect();
    let [train, valid, test] = report.tokens_of_parts.map(thousands);
    let parts = format!("{train} for training, {valid} for validation, {test} for a test");
    let mut rows = vec![
        ("characters", thousands(report.characters)),
        ("tokens", thousands(report.tokens)),
        ("tokens of the parts", parts),
        ("distinct tokens", thousands(report.words)),
        ("vocabulary of the whole text", thousands(report.vocabulary)),
        ("vocabulary of the model", thousands(report.model_vocabulary)),
        ("unknown in validation", format!("{:.2} %", 100.0 * report.unknown_in_validation)),
        ("X, the windows", shape(report.x_shape)),
        ("y, one-hot", shape(report.y_shape)),
        ("training windows", thousands(report.train_windows)),
        ("validation windows", thousands(report.valid_windows)),
        ("tokens in no window", thousands(report.tokens_in_no_window)),
        ("bytes per id", report.bytes_per_id.to_string()),
        ("unigram validation loss", format!("{} nats", decimals(report.unigram_valid_loss_nats_per_token, 3))),
        ("most frequent", frequent.join("  ")),
    ];
    if let Some(characters) = report.characters_per_token {
        rows.insert(3, ("characters per token", decimals(characters, 2)));
    }
    if let Some(TrainStreams { streams, tokens_in_each, chunks, tokens_in_no_stream }) = report.train_streams {
        let (count, length, chunks) = (thousands(streams), counted(tokens_in_each, "token"), counted(chunks, "chunk"));
        rows.push(("training streams", format!("{count} of {length}, in {chunks}")));
        rows.push(("training tokens in no stream", thousands(tokens_in_no_stream)));
    }
    rows.extend(report.documents.iter().flat_map(DocumentsReport::rows));
    if let Some(vectors) = vectors {
        rows.push(("with a word vector", vectors.coverage()));
    }
    rows.iter().map(|(name, value)| format!("{name:<30}{value}\n")).collect()
}
