//! `evaluate`: how well a trained model predicts text that it never saw.

use args::Evaluate;
use generate::{Evaluation, evaluate_ids, evaluate_text};
use models::Artifact;

use super::generate::context;
use super::train::CONFIG;
use super::{print, print_json};
use crate::config::{Config, Known, Resolved, parse};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::run_dir;

/// Runs the command.
pub fn run(args: &Evaluate, choice: &Choice) -> Result<()> {
    let directory = run_dir::model(args.model.as_deref())?;
    let device = choice.open()?;
    let mut artifact = Artifact::load(&directory, &device)?;
    if args.int8 {
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
    eprintln!("model {}", directory.display());
    match args.json {
        true => print_json(&evaluation),
        false => print(&table(&evaluation)),
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
