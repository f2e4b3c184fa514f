//! `ask`: generates questions with answers from the sentences of a text.

use std::io::Read;

use args::Ask as AskArgs;
use models::{ModelBundle, Network};
use qa::QuestionModel;
use qa::generate::{BeamOptions, QaPipeline, QgOptions};

use super::load_model;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::long_task::LongTask;
use crate::output::{print, status};
use crate::report::question_formats;
use crate::run::directory;

/// Runs the command.
pub fn run(args: &AskArgs, backend: &BackendSelection) -> Result<()> {
    check(args)?;
    let directory = directory::find_model(args.model.as_deref(), Some(QuestionModel::KIND))?;
    let device = backend.open()?;
    let bundle: ModelBundle<QuestionModel> = load_model(&directory, backend, &device)?;
    let text = text(args)?;
    let options = QgOptions::default()
        .max_per_sentence(args.per_sentence)
        .beam(BeamOptions::default().beam_size(args.beam))
        .min_confidence(args.min_confidence);
    let task = LongTask::start("generating questions");
    let done = task.fraction();
    let show = |fraction| {
        done.set(fraction);
        true
    };
    let questions = QaPipeline::new(bundle).ask_while(&text, &options, show)?.unwrap_or_default();
    drop(task);
    if questions.is_empty() {
        status(&format!("no question has a confidence of {} or more: lower `--min-confidence`", args.min_confidence));
    }
    print(&question_formats::write(args.format, &text, &name(args), &questions))
}

fn check(args: &AskArgs) -> Result<()> {
    for (option, found, range) in [("--per-sentence", args.per_sentence, 1..=20), ("--beam", args.beam, 1..=100)] {
        if !range.contains(&found) {
            let (min, max) = (range.start(), range.end());
            bail!("`{option}` is {found}; expected {min} to {max}");
        }
    }
    let min_confidence = args.min_confidence;
    if !(0.0..=1.0).contains(&min_confidence) {
        bail!("`--min-confidence` is {min_confidence}; expected 0 to 1");
    }
    Ok(())
}

/// The text without any cleaning, because the offsets of the output refer to it.
fn text(args: &AskArgs) -> Result<String> {
    let path = &args.text;
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().read_to_end(&mut bytes);
        read.map_err(Error::io("standard input", "read"))?;
        bytes
    } else {
        std::fs::read(path).map_err(Error::io(path, "read"))?
    };
    String::from_utf8(bytes).map_err(|error| {
        Error::new(format!(
            "{} is not UTF-8: byte {} starts an invalid sequence; save it as UTF-8",
            name(args),
            error.utf8_error().valid_up_to()
        ))
    })
}

/// The name of the text in messages and output.
fn name(args: &AskArgs) -> String {
    if args.text.as_os_str() == "-" { "standard input".into() } else { args.text.display().to_string() }
}
