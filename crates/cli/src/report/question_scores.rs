//! What a network that asks is worth, set out beside what rules give: for the terminal, and as `score.md`.

use std::fmt::Write as _;

use qa::generate::{AnswerRow, QuestionEvaluation, QuestionRow};

use crate::output::columns;

/// What to ask about everything: of openings and endings of frequent questions, a combination that shares
/// much with most of them.
pub const CONSTANT: &str = "what is the name of the ?";
/// How many questions of a score are shown.
pub const DRAWN: usize = 50;

/// The table, with how it was measured.
pub fn table(evaluation: &QuestionEvaluation) -> String {
    let mut text = format!("{}\n\nanswers: {}\n", head(evaluation), evaluation.answer_protocol);
    let answers = std::iter::once(strings(ANSWERS)).chain(evaluation.answers.iter().map(answer));
    text.push_str(&columns(answers));
    if let (Some(row), Some(protocol)) = (&evaluation.answered, &evaluation.answered_protocol) {
        let _ = write!(text, "\nanswers to the true questions: {protocol}\n");
        text.push_str(&columns([strings(ANSWERS), answer(row)]));
    }
    let _ = write!(text, "\nquestions: {}\n", evaluation.question_protocol);
    let written =
        std::iter::once(strings(QUESTIONS)).chain(evaluation.written.iter().map(question));
    text.push_str(&columns(written));
    text
}

/// The same as a page, with questions to read.
pub fn markdown(evaluation: &QuestionEvaluation) -> String {
    let mut text = format!("# Score\n\n{}\n", head(evaluation));
    let _ = write!(text, "\n## Answers\n\n{}.\n\n", evaluation.answer_protocol);
    rows(&mut text, ANSWERS, evaluation.answers.iter().map(answer));
    if let (Some(row), Some(protocol)) = (&evaluation.answered, &evaluation.answered_protocol) {
        let _ = write!(text, "\n## Answers to the true questions\n\n{protocol}.\n\n");
        rows(&mut text, ANSWERS, std::iter::once(answer(row)));
    }
    let _ = write!(text, "\n## Questions\n\n{}.\n\n", evaluation.question_protocol);
    rows(&mut text, QUESTIONS, evaluation.written.iter().map(question));
    let drawn = evaluation.drawn.len();
    let _ = write!(text, "\n## {drawn} questions, drawn by seed and not picked\n");
    for one in &evaluation.drawn {
        let _ = write!(
            text,
            "\n> {}\n\nAnswer: {}  \nThe network asks: {}  \nA person asked: {}\n",
            one.sentence, one.answer, one.question, one.truth
        );
    }
    text
}

const ANSWERS: [&str; 3] = ["by", "exact match %", "F1 %"];
const QUESTIONS: [&str; 9] = [
    "by",
    "BLEU-1",
    "BLEU-2",
    "BLEU-3",
    "BLEU-4",
    "ROUGE-L",
    "first word right %",
    "copied %",
    "leaked %",
];

fn head(evaluation: &QuestionEvaluation) -> String {
    let QuestionEvaluation { questions, scored, unmapped, sentences, .. } = evaluation;
    let left_out = match unmapped {
        0 => String::new(),
        unmapped => format!("; {unmapped} answers are cut out of a word of their sentence"),
    };
    format!(
        "{scored} of {questions} questions scored, about {sentences} different sentences{left_out}"
    )
}

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

fn answer(row: &AnswerRow) -> Vec<String> {
    vec![row.name.clone(), format!("{:.1}", row.exact_match), format!("{:.1}", row.f1)]
}

fn question(row: &QuestionRow) -> Vec<String> {
    let numbers = row.bleu.into_iter().map(|bleu| format!("{bleu:.2}"));
    let shares = [row.rouge_l, row.begun_right, row.copied, row.leaked];
    let shares = shares.into_iter().map(|share| format!("{share:.1}"));
    std::iter::once(row.name.clone()).chain(numbers).chain(shares).collect()
}

fn rows<const N: usize>(
    text: &mut String,
    heading: [&str; N],
    rows: impl Iterator<Item = Vec<String>>,
) {
    let _ = writeln!(text, "| {} |\n|{}", heading.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}
