//! `ask`: questions about the sentences of a text, with their answers.

use std::io::Read;

use args::Ask as Arguments;
use models::{Purpose, Trained};
use qa::QuestionModel;
use qa::generate::beam::Search;
use qa::generate::{Ask, Asker, ask};

use crate::device::Choice;
use crate::error::{Error, Result};
use crate::output::{print, tell};
use crate::report::question_formats;
use crate::run::directory;

/// Runs the command.
pub fn run(args: &Arguments, choice: &Choice) -> Result<()> {
    check(args)?;
    let directory = directory::model(args.model.as_deref(), Some(Purpose::Asking))?;
    let device = choice.open()?;
    let trained = Trained::<QuestionModel>::load(&directory, &device)?;
    let text = text(args)?;
    let wanted = Ask {
        per_sentence: args.per_sentence,
        search: Search { beam: args.beam, ..Search::default() },
        min_confidence: args.min_confidence,
    };
    let asked = ask(&Asker::new(&trained, &device), &text, &wanted)?;
    if asked.is_empty() {
        tell(&format!(
            "no question reaches a confidence of {}: try a lower `--min-confidence`",
            args.min_confidence
        ));
    }
    print(&question_formats::write(args.format, &text, &name(args), &asked))
}

fn check(args: &Arguments) -> Result<()> {
    for (option, found, range) in
        [("--per-sentence", args.per_sentence, 1..=20), ("--beam", args.beam, 1..=100)]
    {
        if !range.contains(&found) {
            let (least, most) = (range.start(), range.end());
            return Err(Error::new(format!("`{option}` is {found}; expected {least} to {most}")));
        }
    }
    match (0.0..=1.0).contains(&args.min_confidence) {
        true => Ok(()),
        false => Err(Error::new(format!(
            "`--min-confidence` is {}; expected 0 to 1",
            args.min_confidence
        ))),
    }
}

/// The text that is asked about, as it is: offsets count in it.
fn text(args: &Arguments) -> Result<String> {
    let path = &args.text;
    let bytes = match path.as_os_str() == "-" {
        true => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().read_to_end(&mut bytes);
            read.map_err(Error::io("standard input", "read"))?;
            bytes
        }
        false => std::fs::read(path).map_err(Error::io(path, "read"))?,
    };
    String::from_utf8(bytes).map_err(|error| {
        Error::new(format!(
            "{} is not UTF-8: byte {} begins no character; save it as UTF-8",
            name(args),
            error.utf8_error().valid_up_to()
        ))
    })
}

/// What the text is called.
fn name(args: &Arguments) -> String {
    match args.text.as_os_str() == "-" {
        true => "standard input".into(),
        false => args.text.display().to_string(),
    }
}
