//! The evaluation of a question generation model and of heuristic baselines, for the terminal and for `score.md`.

use models::ModelBundle;
use qa::QuestionModel;
use qa::data::Document;
use qa::generate::{AnswerRow, BeamOptions, QaPipeline, QuestionEvaluation, QuestionRow, evaluate_questions};

use crate::error::Result;
use crate::output::columns;
use crate::view::format::{counted, thousands};

/// The question of the constant baseline: a frequent opening and a frequent ending of questions, which overlap with
/// most of them.
const CONSTANT_QUESTION: &str = "what is the name of the ?";
/// The number of generated questions shown in a report.
const NUM_SAMPLE_QUESTIONS: usize = 50;

/// Evaluates a model on documents in which `found` questions were found, including unusable ones.
///
/// # Errors
/// As [`evaluate_questions`].
pub fn evaluate(
    bundle: &ModelBundle<QuestionModel>,
    documents: &[Document],
    found: usize,
) -> Result<QuestionEvaluation> {
    let pipeline = QaPipeline::new(bundle.clone());
    let samples = (NUM_SAMPLE_QUESTIONS, bundle.metadata.seed);
    Ok(evaluate_questions(&pipeline, documents, found, CONSTANT_QUESTION, BeamOptions::default(), samples)?)
}

/// The scores as text tables, with the protocols.
pub fn table(evaluation: &QuestionEvaluation) -> String {
    let mut text = format!("{}\n", head(evaluation));
    for (title, protocol, rows) in sections(evaluation) {
        text += &format!("\n{}: {protocol}\n{}", title.to_lowercase(), columns(rows));
    }
    text
}

/// The scores as Markdown, with sample questions.
pub fn markdown(evaluation: &QuestionEvaluation) -> String {
    let mut text = format!("# Score\n\n{}\n", head(evaluation));
    for (title, protocol, rows) in sections(evaluation) {
        text += &format!("\n## {title}\n\n{protocol}.\n\n");
        for (at, row) in rows.iter().enumerate() {
            text += &format!("| {} |\n", row.join(" | "));
            if at == 0 {
                text += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
    }
    text += &format!("\n## {}, drawn at random and not selected\n", counted(evaluation.samples.len(), "question"));
    for one in &evaluation.samples {
        text += &format!(
            "\n> {}\n\nAnswer: {}  \nGenerated: {}  \nReference: {}\n",
            one.sentence, one.answer, one.question, one.reference
        );
    }
    text
}

/// The title, the protocol and the table of each part; the first row is the heading.
fn sections(evaluation: &QuestionEvaluation) -> Vec<(&'static str, &str, Vec<Vec<String>>)> {
    let answers = |rows: &[AnswerRow]| std::iter::once(strings(ANSWERS)).chain(rows.iter().map(answer)).collect();
    let mut sections = vec![("Answers", &*evaluation.extraction_protocol, answers(&evaluation.answer_extraction))];
    if let (Some(row), Some(protocol)) = (&evaluation.question_answering, &evaluation.answering_protocol) {
        sections.push(("Answers to the reference questions", protocol, answers(std::slice::from_ref(row))));
    }
    let questions = std::iter::once(strings(QUESTIONS)).chain(evaluation.question_generation.iter().map(question));
    sections.push(("Questions", &evaluation.generation_protocol, questions.collect()));
    sections
}

const ANSWERS: [&str; 3] = ["by", "exact match %", "F1 %"];
const QUESTIONS: [&str; 9] =
    ["by", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "first word correct %", "copied %", "leaked %"];

fn head(evaluation: &QuestionEvaluation) -> String {
    let QuestionEvaluation { questions, evaluated, unmapped, sentences, .. } = evaluation;
    let left_out = match unmapped {
        0 => String::new(),
        1 => "; 1 answer does not start and end at token boundaries of its sentence".into(),
        unmapped => format!("; {unmapped} answers do not start and end at token boundaries of their sentence"),
    };
    let (questions, sentences) = (counted(*questions, "question"), counted(*sentences, "different sentence"));
    format!("{} of {questions} evaluated, about {sentences}{left_out}", thousands(*evaluated))
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
