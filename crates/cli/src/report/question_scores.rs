//! The evaluation of a question generation model and of heuristic baselines, for the terminal and for `score.md`.

use std::fmt::Write as _;

use qa::generate::{AnswerRow, QuestionEvaluation, QuestionRow};

use crate::output::columns;

/// The question of the constant baseline: a frequent opening and a frequent ending of questions, which overlap with
/// most of them.
pub const CONSTANT_QUESTION: &str = "what is the name of the ?";
/// The number of generated questions shown in a report.
pub const NUM_SAMPLE_QUESTIONS: usize = 50;

/// The scores as text tables, with the protocols.
pub fn table(evaluation: &QuestionEvaluation) -> String {
    let mut text = format!("{}\n\nanswers: {}\n", head(evaluation), evaluation.extraction_protocol);
    let answers = std::iter::once(strings(ANSWERS)).chain(evaluation.answer_extraction.iter().map(answer));
    text.push_str(&columns(answers));
    if let (Some(row), Some(protocol)) = (&evaluation.question_answering, &evaluation.answering_protocol) {
        let _ = write!(text, "\nanswers to the reference questions: {protocol}\n");
        text.push_str(&columns([strings(ANSWERS), answer(row)]));
    }
    let _ = write!(text, "\nquestions: {}\n", evaluation.generation_protocol);
    let written = std::iter::once(strings(QUESTIONS)).chain(evaluation.question_generation.iter().map(question));
    text.push_str(&columns(written));
    text
}

/// The scores as Markdown, with sample questions.
pub fn markdown(evaluation: &QuestionEvaluation) -> String {
    let mut text = format!("# Score\n\n{}\n", head(evaluation));
    let _ = write!(text, "\n## Answers\n\n{}.\n\n", evaluation.extraction_protocol);
    rows(&mut text, ANSWERS, evaluation.answer_extraction.iter().map(answer));
    if let (Some(row), Some(protocol)) = (&evaluation.question_answering, &evaluation.answering_protocol) {
        let _ = write!(text, "\n## Answers to the reference questions\n\n{protocol}.\n\n");
        rows(&mut text, ANSWERS, std::iter::once(answer(row)));
    }
    let _ = write!(text, "\n## Questions\n\n{}.\n\n", evaluation.generation_protocol);
    rows(&mut text, QUESTIONS, evaluation.question_generation.iter().map(question));
    let samples = evaluation.samples.len();
    let _ = write!(text, "\n## {samples} questions, drawn at random and not selected\n");
    for one in &evaluation.samples {
        let _ = write!(
            text,
            "\n> {}\n\nAnswer: {}  \nGenerated: {}  \nReference: {}\n",
            one.sentence, one.answer, one.question, one.reference
        );
    }
    text
}

const ANSWERS: [&str; 3] = ["by", "exact match %", "F1 %"];
const QUESTIONS: [&str; 9] =
    ["by", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "first word correct %", "copied %", "leaked %"];

fn head(evaluation: &QuestionEvaluation) -> String {
    let QuestionEvaluation { questions, evaluated, unmapped, sentences, .. } = evaluation;
    let left_out = match unmapped {
        0 => String::new(),
        unmapped => format!("; {unmapped} answers do not start and end at token boundaries of their sentence"),
    };
    format!("{evaluated} of {questions} questions evaluated, about {sentences} different sentences{left_out}")
}

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

fn answer(row: &AnswerRow) -> Vec<String> {
    vec![row.name.clone(), format!("{:.1}", row.exact_match), format!("{:.1}", row.f1)]
}

fn question(row: &QuestionRow) -> Vec<String> {
    let bleu = row.bleu.into_iter().map(|bleu| format!("{bleu:.2}"));
    let percentages = [row.rouge_l, row.first_word_correct, row.copied, row.leaked];
    let percentages = percentages.into_iter().map(|value| format!("{value:.1}"));
    std::iter::once(row.name.clone()).chain(bleu).chain(percentages).collect()
}

fn rows<const N: usize>(text: &mut String, heading: [&str; N], rows: impl Iterator<Item = Vec<String>>) {
    let _ = writeln!(text, "| {} |\n|{}", heading.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}
