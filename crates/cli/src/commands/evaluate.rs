//! `evaluate`: evaluates a language model on held-out text, or a question model on questions and answers.

use std::path::Path;

use args::Evaluate;
use burn::tensor::Device;
use generate::{Evaluation, Generator, evaluate_ids, evaluate_text};
use models::bundle::read_metadata;
use models::{LanguageModel, LmBundle, ModelBundle, Network};
use qa::QuestionModel;
use qa::data::ReadOptions;
use seqdata::Part;
use text_prep::TextSource;

use super::generate::{int8, state_mode};
use super::load_model;
use super::train::CONFIG;
use crate::config::{
    Config, Data, LmExperiment, PretrainedModel, QaExperiment, QuestionsConfig, Text, control_characters_warning,
    left_out_questions, parse_config,
};
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::input::{self, open_text};
use crate::output::{print, print_json, status, warn};
use crate::report::question_scores;
use crate::run::changed_text;
use crate::run::directory;
use crate::run::init::{check_questions, check_text};
use crate::view::format::decimals;

/// Runs the command.
pub fn run(args: &Evaluate, backend: &BackendSelection) -> Result<()> {
    if args.encoding.is_some() && args.text.is_none() && args.data.is_none() {
        bail!("`--encoding` is given without `--text` or `--data`, whose encoding it names; leave it out");
    }
    let for_data = args.data.is_some().then_some(QuestionModel::KIND);
    let for_text = (args.text.is_some() || args.int8).then_some(LanguageModel::KIND);
    let directory = directory::find_model(args.model.as_deref(), for_data.or(for_text))?;
    let device = backend.open()?;
    // An unreadable directory is reported when the model is loaded.
    let is_question_model = read_metadata(&directory).is_ok_and(|metadata| metadata.kind == QuestionModel::KIND);
    let has_text_options = args.text.is_some() || args.int8 || args.state.is_some();
    if args.data.is_some() || (is_question_model && !has_text_options) {
        return evaluate_questions(args, &directory, backend, &device);
    }
    let generator = Generator::new(load_model(&directory, backend, &device)?);
    let generator = if args.int8 { int8(generator)? } else { generator };
    let bundle = generator.bundle();
    let state_mode = state_mode(args.state, bundle);
    let mut evaluation = match &args.text {
        Some(path) => {
            let options = Text::of_model(&directory, CONFIG).options_for_other_text(args.encoding.as_deref());
            let in_text = |error: Error| error.about_text(None);
            let mut text = open_text(path, &options).map_err(in_text)?;
            let evaluation =
                evaluate_text(bundle, &mut text, None, state_mode).map_err(|error| in_text(error.into()))?;
            let name = input::name(path);
            warn(control_characters_warning(&name, text.control_characters(), &options).as_slice());
            evaluation
        }
        None => {
            let dataset = own_text(bundle, &directory)?.dataset;
            evaluate_ids(bundle, dataset.sequence(Part::Valid), dataset.valid_dropped, None, state_mode)?
        }
    };
    if args.int8 {
        evaluation.protocol.push_str("; weights in eight bits");
    }
    status(&format!("model {}", directory.display()));
    if args.json { print_json(&evaluation) } else { print(&table(&evaluation)) }
}

fn evaluate_questions(args: &Evaluate, directory: &Path, backend: &BackendSelection, device: &Device) -> Result<()> {
    let bundle: ModelBundle<QuestionModel> = load_model(directory, backend, device)?;
    let (documents, found) = match &args.data {
        Some(path) => {
            let encoding = args.encoding.clone().or_else(|| Data::of_model(directory, CONFIG).encoding);
            let options = ReadOptions { strict: args.strict, encoding };
            let data = if input::is_standard_input(path) {
                options.read_bytes(input::name(path), input::read(path)?)
            } else {
                options.read(path)
            };
            let data = data.map_err(|error| Error::from(error).about_text(None))?;
            warn(left_out_questions(path, &data.counts).as_slice());
            (data.documents, data.counts.found)
        }
        None => own_questions(&bundle, directory).map(|experiment| (experiment.valid, experiment.valid_found))?,
    };
    let evaluation = question_scores::evaluate(&bundle, &documents, found)?;
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

/// Reads the run's own text again and checks that it has not changed.
pub(super) fn own_text(bundle: &LmBundle, directory: &Path) -> Result<LmExperiment> {
    let text = bundle.extra_files.get(CONFIG).ok_or_else(|| {
        Error::new("the model has no config.toml, so its validation text is unknown: give a text with `--text`")
    })?;
    let config: Config = parse_config(&String::from_utf8_lossy(text), CONFIG)?;
    let config = config.saved_in(directory);
    check_text("the model", &config, "or give a text with `--text`")?;
    // The vocabulary depends on that of the model that the run started from.
    let pretrained = config.init.from.is_some().then(|| PretrainedModel::of(bundle));
    let own = config.text.clone();
    let experiment = LmExperiment::new(config, pretrained.as_ref());
    let experiment = changed_text::explain(experiment, directory, &own, ", or give a text with `--text`")?;
    let dataset = &experiment.dataset;
    // Texts that differ by a one-to-one exchange of words have equal ids, so compare the tokenizers, too.
    let same_ids = dataset.valid_sha256() == bundle.metadata.valid_sha256;
    if !same_ids || dataset.tokenizer != bundle.tokenizer {
        bail!(
            "the run's text has changed since training (the validation split or the vocabulary differs): \
             restore it, or give a text with `--text`"
        );
    }
    Ok(experiment)
}

fn table(evaluation: &Evaluation) -> String {
    let bits =
        evaluation.bits_per_byte.map_or("none, because some tokens are unknown".to_string(), |bits| decimals(bits, 3));
    let rows = [
        ("protocol", evaluation.protocol.clone()),
        ("tokens", evaluation.tokens.to_string()),
        ("loss", format!("{} nats/token", decimals(evaluation.loss_nats_per_token, 4))),
        ("perplexity", format!("{:.2}", evaluation.perplexity)),
        ("accuracy", format!("{:.2} %", 100.0 * evaluation.accuracy)),
        ("unknown", format!("{:.2} %", 100.0 * evaluation.unknown_fraction)),
        ("bits per byte", bits),
    ];
    rows.iter().map(|(name, value)| format!("{name:<14}{value}\n")).collect()
}
