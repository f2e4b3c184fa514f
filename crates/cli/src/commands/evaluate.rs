//! `evaluate`: how well a trained model predicts text that it never saw, or finds answers and asks questions.

use std::path::Path;

use args::Evaluate;
use burn::tensor::Device;
use generate::{Evaluation, Voice, evaluate_ids, evaluate_text};
use models::artifact::about_any;
use models::{Artifact, Precision, Purpose, Trained};
use qa::QuestionModel;
use qa::generate::beam::Search;
use qa::generate::{Asker, evaluate_questions};

use super::generate::{check_int8, context};
use super::train::CONFIG;
use crate::config::{Config, Known, Resolved, ResolvedQuestions, parse};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::output::{print, print_json, tell};
use crate::report::question_scores::{self, CONSTANT, DRAWN};
use crate::run::directory;

/// Runs the command.
pub fn run(args: &Evaluate, choice: &Choice) -> Result<()> {
    let of_data = args.data.is_some().then_some(Purpose::Asking);
    let of_text = (args.text.is_some() || args.int8).then_some(Purpose::Writing);
    let directory = directory::model(args.model.as_deref(), of_data.or(of_text))?;
    let device = choice.open()?;
    // A directory that cannot be read is told by whoever reads all of it.
    let asks = about_any(&directory).is_ok_and(|about| about.purpose == Purpose::Asking);
    let is_for_writing = args.text.is_some() || args.int8 || args.context.is_some();
    if args.data.is_some() || (asks && !is_for_writing) {
        return questions(args, &directory, &device);
    }
    let mut artifact = Artifact::load(&directory, &device)?;
    if args.int8 {
        // What cannot be written with is not scored either.
        check_int8(&Voice::new(&artifact.model, &device, Precision::Int8))?;
        artifact.model = models::reader::rounded(artifact.model);
    }
    let context = context(args.context, &artifact);
    let mut evaluation = match &args.text {
        Some(path) => {
            let mut text = text_prep::Source::default().open(path)?;
            evaluate_text(&artifact, &mut text, context, &device)?
        }
        None => {
            let prepared = own_text(&artifact)?.prepared;
            let (range, left_out) = (prepared.split.valid.clone(), prepared.valid_dropped);
            evaluate_ids(&artifact, prepared.ids.clone(), range, left_out, context, &device)?
        }
    };
    if args.int8 {
        evaluation.protocol.push_str("; weights in eight bits");
    }
    tell(&format!("model {}", directory.display()));
    match args.json {
        true => print_json(&evaluation),
        false => print(&table(&evaluation)),
    }
}

/// Scores a network that asks.
fn questions(args: &Evaluate, directory: &Path, device: &Device) -> Result<()> {
    let trained = Trained::<QuestionModel>::load(directory, device)?;
    let (documents, found) = match &args.data {
        Some(path) => {
            let read = qa::data::read(path)?;
            (read.documents, read.counts.found)
        }
        None => {
            let resolved = own_questions(&trained)?;
            (resolved.valid, resolved.valid_found)
        }
    };
    let (asker, search) = (Asker::new(&trained, device), Search::default());
    let seed = trained.about.seed;
    let evaluation =
        evaluate_questions(&asker, &documents, found, CONSTANT, search, (DRAWN, seed))?;
    tell(&format!("model {}", directory.display()));
    match args.json {
        true => print_json(&evaluation),
        false => print(&question_scores::table(&evaluation)),
    }
}

/// Prepares the run's own questions again and makes sure that they are the same.
fn own_questions(trained: &Trained<QuestionModel>) -> Result<ResolvedQuestions> {
    let text = trained.extra.get(CONFIG).ok_or_else(|| {
        Error::new(
            "the model holds no config.toml, so its validation part is not known: name a file with \
             `--data`",
        )
    })?;
    let resolved = ResolvedQuestions::new(parse(&String::from_utf8_lossy(text), CONFIG)?)?;
    match resolved.prepared.valid_sha256 == trained.about.valid_sha256 {
        true => Ok(resolved),
        false => Err(Error::new(
            "the run's questions have changed since training (its validation part is another): restore \
             them, or name a file with `--data`",
        )),
    }
}

/// Prepares the run's own text again and makes sure that it is the same.
pub(super) fn own_text(artifact: &Artifact) -> Result<Resolved> {
    let text = artifact.extra.get(CONFIG).ok_or_else(|| {
        Error::new(
            "the model holds no config.toml, so its validation text is not known: name a \
                    text with `--text`",
        )
    })?;
    let config: Config = parse(&String::from_utf8_lossy(text), CONFIG)?;
    let resolved = match config.from.model {
        None => Resolved::new(config)?,
        // Its vocabulary is partly that of the model it began with.
        Some(_) => Resolved::known(config, &Known::of(artifact))?,
    };
    let prepared = &resolved.prepared;
    // Ids say the same of two texts whose words are exchanged one for one: both must agree.
    let same_ids = prepared.valid_sha256() == artifact.about.valid_sha256;
    if !same_ids || prepared.tokenizer != artifact.tokenizer {
        return Err(Error::new(
            "the run's text has changed since training (its validation split or its vocabulary is \
             another): restore it, or name a text with `--text`",
        ));
    }
    Ok(resolved)
}

fn table(evaluation: &Evaluation) -> String {
    let bits = evaluation
        .bits_per_byte
        .map_or("none, for some tokens are unknown".to_string(), |bits| format!("{bits:.3}"));
    let rows = [
        ("protocol", evaluation.protocol.clone()),
        ("tokens", evaluation.tokens.to_string()),
        ("loss", format!("{:.4} nats a token", evaluation.loss_nats_per_token)),
        ("perplexity", format!("{:.2}", evaluation.perplexity)),
        ("accuracy", format!("{:.2} %", 100.0 * evaluation.accuracy)),
        ("unknown", format!("{:.2} %", 100.0 * evaluation.unknown_share)),
        ("bits a byte", bits),
    ];
    rows.iter().map(|(name, value)| format!("{name:<14}{value}\n")).collect()
}
