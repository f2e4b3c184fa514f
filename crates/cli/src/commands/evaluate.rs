//! `evaluate`: evaluates a language model on held-out text, or a question model on questions and answers.

use std::path::{Path, PathBuf};

use args::{Evaluate, HeldOutPart};
use burn::tensor::Device;
use generate::{Evaluation, EvaluationMode, Generator, LabelChoice, LabelEvaluation, Mixture};
use models::bundle::read_metadata;
use models::{LanguageModel, LmBundle, ModelBundle, Network, StateMode, Summary};
use qa::data::ReadOptions;
use qa::ranking::RANKING;
use qa::{QuestionModel, Ranking};
use seqdata::{Documents, EvaluationText, Part, TextDataset};
use serde::Serialize;
use text_prep::{InputError, PreTokenizer, TextFiles};
use trainer::Checkpoints;

use super::adapted::{AdaptOptions, Scored, Scoring};
use super::generate::{int8, label, state_mode};
use super::own_text::{OTHER_TEXT, own_text};
use super::train::CONFIG;
use super::{load_model, mix, text_surprise};
use crate::base;
use crate::config::{
    Config, Data, DocumentKind, DocumentSettings, FOLDER, OpenInput, QaExperiment, QuestionsConfig, Text,
    left_out_questions, parse_config, reject_pipe_among, unknown_labels_warning,
};
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::input::{self, is_standard_input, reject_repeated_pipes};
use crate::long_task::LongTask;
use crate::output::{columns, print, print_json, status, warn};
use crate::report::held_out::HeldOut;
use crate::report::terms::LOSSES;
use crate::report::{mixture_report, question_scores};
use crate::run::changed_text;
use crate::run::directory;
use crate::run::init::check_questions;
use crate::run::provenance::Provenance;
use crate::surprise::Painter;
use crate::view::format::{decimals, short_name, thousands};

/// Runs the command.
pub fn run(args: &Evaluate, backend: &BackendSelection) -> Result<()> {
    let read = &args.read;
    if let Some(option) = read.given().filter(|_| args.text.is_empty() && args.data.is_none()) {
        bail!("`{option}` is given without `--text` or `--data`, which it says how to read; leave it out");
    }
    let painter = text_surprise::painter(args)?;
    let adapt = AdaptOptions::of(args)?;
    let for_data = args.data.is_some().then_some(QuestionModel::KIND);
    let has_labels = args.label.is_some() || args.no_label;
    let is_for_text = !args.text.is_empty()
        || args.int8
        || has_labels
        || args.part.is_some()
        || args.every_token
        || args.adapt.is_some();
    let for_text = is_for_text.then_some(LanguageModel::KIND);
    let directory = directory::find_model(args.model.as_deref(), for_data.or(for_text))?;
    let device = backend.open()?;
    // An unreadable directory is reported when the model is loaded.
    let is_question_model = !base::is_base(&directory)
        && read_metadata(&directory).is_ok_and(|metadata| metadata.kind == QuestionModel::KIND);
    let has_text_options = is_for_text || args.state.is_some() || args.mix.is_some();
    if args.data.is_some() || (is_question_model && !has_text_options) {
        return evaluate_questions(args, &directory, backend, &device);
    }
    let generator = Generator::new(mix::load_model(args.mix, &directory, backend, &device)?);
    let generator = if args.int8 { int8(generator)? } else { generator };
    let bundle = generator.bundle();
    let mode = if args.every_token {
        check_line_end(bundle)?;
        EvaluationMode::EveryToken
    } else {
        EvaluationMode::Exact(state_mode(args.state, bundle))
    };
    let label = label(args.label.as_deref(), &generator)?;
    let labels = match &label {
        _ if args.no_label => LabelChoice::Without,
        Some(label) => LabelChoice::All(label),
        None => LabelChoice::Own,
    };
    let scoring = Scoring { bundle, directory: &directory, labels, mode, adapt };
    let mut scored = if args.text.is_empty() {
        evaluate_own_text(args, &scoring)?
    } else {
        evaluate_files(args, &scoring, painter)?
    };
    if args.int8 {
        scored.evaluation.protocol.push_str("; weights in eight bits");
    }
    status(&format!("model {}", directory.display()));
    if args.json {
        let parameters = Summary::new(&bundle.metadata.config, bundle.metadata.window).total_parameters;
        let vocabulary = bundle.tokenizer.vocabulary.num_words();
        return print_json(&WithSizes { scored, parameters, vocabulary });
    }
    status(LOSSES);
    print(&table(&scored))
}

/// Rejects a model of running text without line ends before its text is read.
fn check_line_end(bundle: &LmBundle) -> Result<()> {
    if bundle.metadata.config.document_id.is_none() && bundle.tokenizer.line_end_id().is_none() {
        let reason = generate::Error::NoLineEnd;
        let other = match bundle.tokenizer.pre_tokenizer {
            PreTokenizer::Words(_) => "train a model with `tokens.newlines = \"keep\"`",
            _ => "train a model on a text with line ends",
        };
        bail!("`--every-token`: {reason}: leave it out, or {other}");
    }
    Ok(())
}

/// The metrics, with the sizes of the model that tables of results have.
#[derive(Serialize)]
struct WithSizes {
    #[serde(flatten)]
    scored: Scored,
    /// Trainable parameters.
    parameters: usize,
    /// Tokens of the vocabulary, without the reserved ids.
    vocabulary: usize,
}

/// Evaluates a model on a held-out part of its own text.
fn evaluate_own_text(args: &Evaluate, scoring: &Scoring) -> Result<Scored> {
    let Scoring { bundle, directory, labels, mode, .. } = *scoring;
    let dataset = own_text(bundle, directory, OTHER_TEXT)?.dataset;
    let (part, dropped) = match args.part.unwrap_or(HeldOutPart::Valid) {
        HeldOutPart::Valid => (Part::Valid, dataset.valid_dropped),
        HeldOutPart::Test if !dataset.has_test_part() => bail!(
            "the text of {} has no test part: give one for training with `text.test` or `split.test_fraction`, or leave \
             `--part` out",
            directory.display()
        ),
        HeldOutPart::Test => {
            let run = Checkpoints::run_of(directory);
            let before = Provenance::read(run.as_deref().unwrap_or(directory)).map(|run| run.inputs.text_sha256);
            if before.is_ok_and(|before| before != dataset.text_sha256) {
                bail!("the run's text has changed since training: restore it, or give a text with `--text`");
            }
            (Part::Test, dataset.test_dropped)
        }
    };
    warn_of_labels(dataset.documents.as_deref(), part, labels);
    let sequence = dataset.sequence(part);
    let mixture = mixture(args, scoring, Some(&dataset))?;
    let mut scored = scoring.score(&sequence, dropped, mixture.as_ref(), Some(&dataset))?;
    if part == Part::Valid && scored.evaluation.bits_per_byte.is_none() {
        spell_unknown_tokens(&mut scored.evaluation, &dataset, mode);
    }
    Ok(scored)
}

/// The mixture with n-grams that is evaluated, if there is one and the model does not adapt. `own` is the run's own text, if it
/// is in memory.
fn mixture(args: &Evaluate, scoring: &Scoring, own: Option<&TextDataset>) -> Result<Option<Mixture>> {
    let Scoring { bundle, directory, .. } = *scoring;
    if scoring.adapts() {
        return Ok(None);
    }
    mix::for_evaluation(args.mix, bundle, directory, own, state_mode(args.state, bundle))
}

/// Completes the bits per byte of an evaluation on the validation text, with unknown tokens spelled as in the evaluation
/// report of a run, unless tokens are left out of the text.
fn spell_unknown_tokens(evaluation: &mut Evaluation, dataset: &TextDataset, mode: EvaluationMode) {
    let _task = LongTask::start("spelling unknown tokens");
    let context_len = match mode {
        EvaluationMode::EveryToken if dataset.documents.is_none() => 0,
        EvaluationMode::Exact(StateMode::Window) | EvaluationMode::InParallel(StateMode::Window) => {
            dataset.context_len()
        }
        _ => dataset.valid_context_len(),
    };
    let Some(held_out) = HeldOut::new(dataset, context_len) else { return };
    evaluation.bits_per_byte = Some(held_out.bits_per_byte(evaluation.loss_nats_per_token));
    if let Some(mixture) = &mut evaluation.mixture {
        mixture_report::spell_unknown_tokens(mixture, &held_out);
    }
    if let Some(protocol) = held_out.protocol(dataset) {
        evaluation.protocol.push_str(&format!("; {protocol}"));
    }
}

/// Evaluates a model on other texts, which are read as those of the model, as far as no option says how.
fn evaluate_files(args: &Evaluate, scoring: &Scoring, painter: Painter) -> Result<Scored> {
    let Scoring { bundle, directory, labels, .. } = *scoring;
    let mixture = mixture(args, scoring, None)?;
    reject_repeated_pipes(args.text.iter().map(PathBuf::as_path))?;
    if args.text.len() > 1 {
        reject_pipe_among(args.text.iter().cloned(), "the only text")?;
    }
    let Config { text: of_model, data, .. } = Config::of_model(directory, CONFIG);
    let options = of_model.options_for_other_text(args.read.encoding.as_deref());
    let has_column = of_model.column.is_some() && args.read.column.is_none() && args.read.documents.is_none();
    let hint = has_column.then_some(
        "`--column` names another column than that of the model's text, and `--documents lines` (or `files`, `paragraphs`, \
         `sections`, `separator`) reads files that are no tables",
    );
    let (text, data) = read_like(args, of_model, data);
    let files = match &args.text[..] {
        [path] if is_standard_input(path) => TextFiles::default().reader(input::name(path), std::io::stdin()),
        paths => TextFiles::new(paths),
    };
    let in_text = |error: Error| error.about_text(None);
    let mut input = text.open_files(files.options(options.clone()), &data).map_err(in_text)?;
    let known = &bundle.metadata.config.labels;
    let text = EvaluationText::read(input.input(), &bundle.tokenizer, known).map_err(|error| {
        use seqdata::Error::Text;
        use text_prep::Error::Input;
        let is_other = matches!(&error, Text(Input(InputError::NoColumn { .. } | InputError::NoTable { .. })));
        in_text(error.into()).with_hint(hint.filter(|_| is_other))
    })?;
    warn(&input.warnings(&options, ""));
    warn_of_labels(text.documents.as_deref(), Part::Valid, labels);
    // An error of reading the run's own text has its advice already.
    let mut scored = scoring.score(&text.sequence, text.unmapped, mixture.as_ref(), None).map_err(in_text)?;
    if painter.has_colour() {
        text_surprise::print_text(scoring, &text.sequence, mixture.as_ref(), painter)?;
    }
    if text.documents.is_some() && matches!(input, OpenInput::Text(_)) {
        scored.evaluation.protocol.push_str("; the text is one document");
    }
    Ok(scored)
}

/// Warns of documents of `part` whose own labels the model does not have, if it is evaluated with them.
fn warn_of_labels(documents: Option<&Documents>, part: Part, labels: LabelChoice) {
    if let Some(documents) = documents.filter(|_| labels == LabelChoice::Own) {
        warn(unknown_labels_warning(documents.unknown_labels[part as usize], "evaluated").as_slice());
    }
}

/// How the files of `--text` are read: as the options say, and else as the text of the model, with what suits them.
fn read_like(args: &Evaluate, of_model: Text, mut data: DocumentSettings) -> (Text, DocumentSettings) {
    let read = &args.read;
    let has_documents = of_model.column.is_some() || of_model.label.is_some();
    data.replace(read);
    // Where `--documents` says what a document is, the files are not the tables that the model was trained on.
    let column = read.column.clone().or(of_model.column.filter(|_| read.documents.is_none()));
    let is_used = |label: &String| match data.documents {
        // No document needs its own label.
        _ if args.no_label || args.label.is_some() => false,
        Some(DocumentKind::None) => false,
        _ => label == FOLDER || column.is_some(),
    };
    let label = args.label_column.clone().or(of_model.label.filter(is_used));
    if has_documents {
        // Also without the column or the label that said so.
        data.documents.get_or_insert(DocumentKind::Files);
    }
    (Text { column, label, ..Text::default() }, data)
}

fn evaluate_questions(args: &Evaluate, directory: &Path, backend: &BackendSelection, device: &Device) -> Result<()> {
    let bundle: ModelBundle<QuestionModel> = load_model(directory, backend, device)?;
    let evaluation = match &args.data {
        Some(path) => {
            let encoding = args.read.encoding.clone().or_else(|| Data::of_model(directory, CONFIG).encoding);
            let options = ReadOptions { strict: args.strict, encoding };
            let data = if input::is_standard_input(path) {
                options.read_bytes(input::name(path), input::read(path)?)
            } else {
                options.read(path)
            };
            let data = data.map_err(|error| Error::from(error).about_text(None))?;
            warn(left_out_questions(path, &data.counts).as_slice());
            question_scores::evaluate(&bundle, &data.documents, data.counts.found)?
        }
        None => {
            let experiment = own_questions(&bundle, directory)?;
            let (valid, found) = (&experiment.valid, experiment.valid_found);
            match bundle.extra_files.get(RANKING).and_then(|bytes| Ranking::from_bytes(bytes)) {
                // The ranking was fitted on these questions, so that only a cross-validation tells how good it is.
                Some(own) => {
                    let (_, mut evaluation) = question_scores::fit_and_evaluate(&bundle, valid, found)?;
                    evaluation.ranking.threshold = own.threshold;
                    evaluation
                }
                None => question_scores::evaluate(&bundle, valid, found)?,
            }
        }
    };
    status(&format!("model {}", directory.display()));
    if args.json { print_json(&evaluation) } else { print(&question_scores::table(&evaluation)) }
}

/// Reads the run's own questions again and checks that they have not changed.
fn own_questions(bundle: &ModelBundle<QuestionModel>, directory: &Path) -> Result<QaExperiment> {
    let text = bundle.extra_files.get(CONFIG).ok_or_else(|| {
        Error::new("the model has no config.toml, so its validation questions are unknown: give a file with `--data`")
    })?;
    let config: QuestionsConfig = parse_config(&String::from_utf8_lossy(text), CONFIG)?;
    let config = config.saved_in(directory);
    check_questions("the model", &config, "or give a file with `--data`")?;
    let experiment =
        changed_text::explain_questions(QaExperiment::new(config), directory, ", or give a file with `--data`")?;
    if experiment.dataset.valid_sha256 != bundle.metadata.valid_sha256 {
        bail!(
            "the run's questions have changed since training (the validation questions differ): restore \
             them, or give a file with `--data`"
        );
    }
    Ok(experiment)
}

fn table(Scored { evaluation, adaptation }: &Scored) -> String {
    let bits =
        evaluation.bits_per_byte.map_or("none, because some tokens are unknown".to_string(), |bits| decimals(bits, 3));
    let without = adaptation.as_ref().map(|adaptation| adaptation.loss_without_nats_per_token);
    let rows = [
        ("protocol", evaluation.protocol.clone()),
        ("tokens", evaluation.tokens.to_string()),
        ("loss", format!("{} nats/token", decimals(evaluation.loss_nats_per_token, 4))),
        ("perplexity", format!("{:.2}", evaluation.perplexity)),
        ("accuracy", format!("{:.2} %", 100.0 * evaluation.accuracy)),
        ("unknown", format!("{:.2} %", 100.0 * evaluation.unknown_fraction)),
        ("bits per byte", bits),
    ];
    let without = without.map(|loss| ("not adapted", format!("{} nats/token", decimals(loss, 4))));
    let table: String = rows.iter().chain(&without).map(|(name, value)| format!("{name:<14}{value}\n")).collect();
    let table = table + &evaluation.mixture.as_ref().map_or(String::new(), mix::table);
    if evaluation.labels.is_empty() {
        return table;
    }
    let heading = ["label", "tokens", "nats/token", "perplexity", "accuracy", "bits per byte"].map(String::from);
    let of_label = |row: &LabelEvaluation| {
        [
            row.label.as_deref().map_or("(none)".into(), short_name),
            thousands(row.tokens),
            decimals(row.loss_nats_per_token, 4),
            format!("{:.2}", row.perplexity),
            format!("{:.2} %", 100.0 * row.accuracy),
            row.bits_per_byte.map_or("–".into(), |bits| decimals(bits, 3)),
        ]
    };
    format!("{table}\n{}", columns([heading].into_iter().chain(evaluation.labels.iter().map(of_label))))
}
