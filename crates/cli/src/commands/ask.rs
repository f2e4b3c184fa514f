//! `ask`: generates questions with answers from the sentences of a text.

use std::collections::HashSet;

use args::{Ask as AskArgs, AskFormat};
use models::{ModelBundle, Network};
use qa::formats::single_line;
use qa::generate::{
    AskProgress, AskReport, BeamOptions, CutSentence, LeftOut, LongWord, MAX_SENTENCE_LEN, MAX_WORD_LEN, QgOptions,
};
use qa::{QuestionFormat, QuestionFormatter, QuestionModel};
use text_prep::FoundControlCharacters;
use text_prep::source::{BYTE_ORDER_MARK, decode, reject_other_formats};
use text_prep::spans::line_number;

use super::load_model;
use super::train::CONFIG;
use crate::config::Data;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::input;
use crate::long_task::LongTask;
use crate::output::{print, print_raw, status, warn};
use crate::report::question_scores;
use crate::run::directory;
use crate::view::format::{counted, short_name, short_number, thousands};

/// The maximum number of cut sentences, and of those left out because of a long word, whose places are printed.
const LISTED_SENTENCES: usize = 3;

/// Runs the command.
pub fn run(args: &AskArgs, backend: &BackendSelection) -> Result<()> {
    check(args)?;
    let device = backend.open()?;
    let (pipeline, encoding) = if args.no_network {
        (question_scores::pipeline_by_rules(&device)?, None)
    } else {
        let hint = "`--no-network` asks by rules alone, without a model";
        let directory = directory::find_model(args.model.as_deref(), Some(QuestionModel::KIND))
            .map_err(|error| error.with_hint(Some(hint)))?;
        let bundle: ModelBundle<QuestionModel> = load_model(&directory, backend, &device)?;
        (question_scores::pipeline(&bundle)?, Data::of_model(&directory, CONFIG).encoding)
    };
    let text = text(args, encoding)?;
    let options = QgOptions::default()
        .max_per_sentence(args.per_sentence)
        .beam(BeamOptions::default().beam_size(args.beam))
        .min_confidence(args.min_confidence)
        .rules(!args.no_rules);
    let task = LongTask::start("generating questions");
    let done = task.fraction();
    let print = if args.raw { print_raw } else { print };
    let mut formatter = QuestionFormatter::new(question_format(args.format));
    let mark = if args.bom { BYTE_ORDER_MARK.to_string() } else { String::new() };
    // Printed with the first report of progress, so that a text without sentences gets only its error.
    let mut start = Some(mark + &formatter.start());
    let mut printed = Ok(());
    let mut explained = Explained { text: &text, byte: 0, line: 1 };
    let show = |progress: AskProgress| {
        done.set(progress.fraction);
        if args.explain {
            progress.left_out.iter().for_each(|one| status(&explained.next(one)));
        }
        let part = start.take().unwrap_or_default() + &formatter.next(progress.questions);
        printed = if part.is_empty() { Ok(()) } else { print(&part) };
        printed.is_ok()
    };
    let report = pipeline.ask_while(&text, &options, show)?;
    printed?;
    let report = report.expect("nothing else cuts it off");
    drop(task);
    print(&formatter.end(&text, &input::name(&args.text), &report.questions))?;
    if let Some(message) = cut_sentences(&text, &report.cut_sentences) {
        status(&message);
    }
    if let Some(message) = long_words(&text, &report.long_words) {
        status(&message);
    }
    if report.questions.is_empty() {
        status(&no_question(&report));
    } else if let Some(message) = without_question(&report) {
        status(&message);
    }
    Ok(())
}

/// How many sentences were cut, and the places of the first ones, if there are any.
fn cut_sentences(text: &str, all: &[CutSentence]) -> Option<String> {
    let places = places(all, |one| format!("line {} ({} words)", line_number(text, one.bytes.start), one.words));
    let (sentences, they_are) = match all.len() {
        0 => return None,
        1 => ("1 sentence has".to_owned(), "it is"),
        count => (format!("{count} sentences have"), "they are"),
    };
    Some(format!(
        "{sentences} more than {MAX_SENTENCE_LEN} words and neither line ends nor semicolons to be divided at, so that \
         {they_are} cut into parts: {places}"
    ))
}

/// How many sentences were left out because of a long word, and the places of the first ones, if there are any.
fn long_words(text: &str, all: &[LongWord]) -> Option<String> {
    let places = places(all, |one| {
        format!("line {} ({} characters)", line_number(text, one.sentence_bytes.start), thousands(one.characters))
    });
    let (sentences, they_are) = match all.len() {
        0 => return None,
        1 => ("1 sentence has".to_owned(), "it is"),
        count => (format!("{count} sentences have"), "they are"),
    };
    Some(format!("{sentences} a word of more than {MAX_WORD_LEN} characters, so that {they_are} left out: {places}"))
}

/// The places of the first ones, and how many more there are. Each is found by reading the text from its beginning.
fn places<T>(all: &[T], place: impl Fn(&T) -> String) -> String {
    let mut places = all.iter().take(LISTED_SENTENCES).map(place).collect::<Vec<_>>().join(", ");
    if all.len() > LISTED_SENTENCES {
        places.push_str(&format!(" and {} more", all.len() - LISTED_SENTENCES));
    }
    places
}

/// Says of each question in the order of the text why it was left out.
struct Explained<'a> {
    text: &'a str,
    /// A place before the next question, and its line.
    byte: usize,
    line: usize,
}

impl Explained<'_> {
    fn next(&mut self, LeftOut { question, bytes, found_by, reason }: &LeftOut) -> String {
        if bytes.start > self.byte {
            self.line += line_number(&self.text[self.byte..], bytes.start - self.byte) - 1;
            self.byte = bytes.start;
        }
        let (line, reason) = (self.line, reason.in_words(self.text));
        let answer = short_name(&single_line(&self.text[bytes.clone()]));
        match question {
            Some(question) => format!("left out (line {line}, {found_by}): {question} {answer}: {reason}"),
            None => format!("left out (line {line}, {found_by}): no question about {answer}: {reason}"),
        }
    }
}

/// How many sentences have no question, if some have one and others none.
fn without_question(report: &AskReport) -> Option<String> {
    let asked: HashSet<usize> = report.questions.iter().map(|question| question.sentence_bytes.start).collect();
    let (count, sentences) = (report.sentences.saturating_sub(asked.len()), report.sentences);
    let have = if count == 1 { "has" } else { "have" };
    let message = || {
        format!("{} of {} {have} no question (`--explain` says why)", thousands(count), counted(sentences, "sentence"))
    };
    (count > 0).then(message)
}

/// Why there is no question.
fn no_question(report: &AskReport) -> String {
    let AskReport { sentences, generated, inconsistent, low_confidence, .. } = report;
    if *generated == 0 {
        return format!("no question: none was generated about any of the text's sentences ({sentences})");
    }
    let mut reasons = Vec::new();
    if *inconsistent > 0 {
        reasons.push(format!("the model answers {inconsistent} with another span than the one they are about"));
    }
    if let Some(highest) = report.highest_low_confidence {
        reasons.push(format!(
            "the confidence of {low_confidence} is below {:.3}, the highest {highest:.3} (lower `--min-confidence`)",
            report.min_confidence
        ));
    }
    format!("no question: of {generated} generated, {} (`--explain` lists them)", reasons.join(", and "))
}

fn check(args: &AskArgs) -> Result<()> {
    for (option, found, range) in [("--per-sentence", args.per_sentence, 1..=20), ("--beam", args.beam, 1..=100)] {
        if !range.contains(&found) {
            let (min, max) = (range.start(), range.end());
            bail!("`{option}` is {found}; expected {min} to {max}");
        }
    }
    if args.bom && !matches!(args.format, AskFormat::Csv | AskFormat::Tsv) {
        bail!("`--bom` is given, which is for spreadsheets; expected `--format csv` or `--format tsv`");
    }
    if let Some(min_confidence) = args.min_confidence.filter(|min| !(0.0..=1.0).contains(min)) {
        bail!("`--min-confidence` is {}; expected 0 to 1", short_number(min_confidence));
    }
    Ok(())
}

/// The library's format.
fn question_format(format: AskFormat) -> QuestionFormat {
    match format {
        AskFormat::Jsonl => QuestionFormat::Jsonl,
        AskFormat::Text => QuestionFormat::Text,
        AskFormat::Csv => QuestionFormat::Csv,
        AskFormat::Tsv => QuestionFormat::Tsv,
        AskFormat::Squad => QuestionFormat::Squad,
        AskFormat::Anki => QuestionFormat::Anki,
    }
}

/// The text without any cleaning, because the offsets of the output refer to it. Unless another encoding is named, it has
/// `encoding`, that of the questions that the model was trained on.
fn text(args: &AskArgs, encoding: Option<String>) -> Result<String> {
    let (path, name) = (&args.text, input::name(&args.text));
    let encoding = args.encoding.clone().or(encoding);
    let bytes = input::read(path)?;
    reject_other_formats(&name, &bytes)?;
    let text = decode(bytes, encoding.as_deref(), &name);
    let text = text.map_err(|error| Error::from(error).about_text(None))?;
    warn(FoundControlCharacters::of(&text).map(|found| format!("{name} has {found}; they are kept")).as_slice());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use qa::generate::{FoundBy, LeftOutReason, RuleReason};

    use super::*;

    #[test]
    fn the_places_of_the_first_cut_sentences_are_listed() {
        let text = "a\n".repeat(300);
        let cut = |line: usize| CutSentence { bytes: 2 * line - 2..2 * line, words: 200 + line };
        assert_eq!(cut_sentences(&text, &[]), None);
        let reason = "more than 200 words and neither line ends nor semicolons to be divided at";
        for (count, expected) in [
            (1, format!("1 sentence has {reason}, so that it is cut into parts: line 1 (201 words)")),
            (
                3,
                format!(
                    "3 sentences have {reason}, so that they are cut into parts: line 1 (201 words), line 2 (202 words), \
                     line 3 (203 words)"
                ),
            ),
            (
                300,
                format!(
                    "300 sentences have {reason}, so that they are cut into parts: line 1 (201 words), line 2 (202 \
                     words), line 3 (203 words) and 297 more"
                ),
            ),
        ] {
            assert_eq!(cut_sentences(&text, &(1..=count).map(cut).collect::<Vec<_>>()).unwrap(), expected);
        }
    }

    #[test]
    fn the_places_of_the_first_long_words_are_listed() {
        let text = "a\n".repeat(300);
        let one = |line: usize| LongWord { sentence_bytes: 2 * line - 2..2 * line, characters: 19_999 + line };
        assert_eq!(long_words(&text, &[]), None);
        assert_eq!(
            long_words(&text, &[one(1)]).unwrap(),
            "1 sentence has a word of more than 200 characters, so that it is left out: line 1 (20,000 characters)"
        );
        assert_eq!(
            long_words(&text, &(1..=5).map(one).collect::<Vec<_>>()).unwrap(),
            "5 sentences have a word of more than 200 characters, so that they are left out: line 1 (20,000 characters), \
             line 2 (20,001 characters), line 3 (20,002 characters) and 2 more"
        );
    }

    #[test]
    fn the_reason_for_no_question_is_the_true_one() {
        let report = |inconsistent, low_confidence, highest_low_confidence| AskReport {
            sentences: 3,
            generated: inconsistent + low_confidence,
            inconsistent,
            low_confidence,
            highest_low_confidence,
            min_confidence: 0.4,
            ..AskReport::default()
        };
        let inconsistent = "the model answers 4 with another span than the one they are about";
        let low = "the confidence of 2 is below 0.400, the highest 0.250 (lower `--min-confidence`)";
        let hint = " (`--explain` lists them)";
        for (report, expected) in [
            (report(0, 0, None), "none was generated about any of the text's sentences (3)".to_owned()),
            (report(4, 0, None), format!("of 4 generated, {inconsistent}{hint}")),
            (report(0, 2, Some(0.25)), format!("of 2 generated, {low}{hint}")),
            (report(4, 2, Some(0.25)), format!("of 6 generated, {inconsistent}, and {low}{hint}")),
        ] {
            assert_eq!(no_question(&report), format!("no question: {expected}"));
        }
    }

    #[test]
    fn what_was_left_out_has_its_line_and_the_reason() {
        let text = "A fox\nsaw a crow\r\nin a tree.";
        let mut explained = Explained { text, byte: 0, line: 1 };
        let one = |question: Option<&str>, answer: &str, found_by, reason| {
            let start = text.find(answer).unwrap();
            LeftOut { question: question.map(String::from), bytes: start..start + answer.len(), found_by, reason }
        };
        let answers = [
            one(None, "A fox\nsaw", FoundBy::Rule, LeftOutReason::Rule(RuleReason::Negation)),
            one(Some("Who saw?"), "a crow", FoundBy::Network, LeftOutReason::Inconsistent(0..5)),
            one(Some("Where?"), "a tree", FoundBy::Network, LeftOutReason::LowConfidence(0.25, 0.5)),
        ];
        let lines: Vec<String> = answers.iter().map(|one| explained.next(one)).collect();
        assert_eq!(
            lines,
            [
                "left out (line 1, rule): no question about A fox saw: contains a negation",
                "left out (line 2, network): Who saw? a crow: the network answers it with \u{201c}A fox\u{201d}",
                "left out (line 3, network): Where? a tree: its confidence of 0.250 is below 0.500",
            ]
        );
    }
}
