//! The evaluation of a question generation model and of heuristic baselines, for the terminal and for `score.md`.

use burn::tensor::Device;
use models::ModelBundle;
use qa::data::Document;
use qa::generate::{
    AnswerRow, QaPipeline, QuestionEvaluation, QuestionRow, RankingEvaluation, ReportOptions, evaluate_questions,
};
use qa::ranking::{CoverageRow, ReliabilityRow};
use qa::{Fluency, QuestionModel, Ranking};

use crate::base;
use crate::error::Result;
use crate::output::columns;
use crate::view::format::{counted, thousands};

/// The question of the constant baseline: a frequent opening and a frequent ending of questions, which overlap with
/// most of them.
const CONSTANT_QUESTION: &str = "what is the name of the ?";
/// The number of generated questions shown in a report.
const NUM_SAMPLE_QUESTIONS: usize = 50;

/// The pipeline of a model, with the built-in base as the language model of its ranking.
///
/// # Errors
/// If the ranking of the model is not valid, or the base cannot be loaded.
pub fn pipeline(bundle: &ModelBundle<QuestionModel>) -> Result<QaPipeline> {
    let fluency = Fluency::new(base::load(&bundle.model.device())?);
    Ok(QaPipeline::new(bundle.clone())?.with_fluency(fluency))
}

/// The pipeline of rules alone, ranked as [`pipeline`] ranks.
///
/// # Errors
/// If the base cannot be loaded.
pub fn pipeline_by_rules(device: &Device) -> Result<QaPipeline> {
    Ok(QaPipeline::by_rules().with_fluency(Fluency::new(base::load(device)?)))
}

/// Evaluates a model on documents in which `found` questions were found, including unusable ones.
///
/// # Errors
/// As [`evaluate_questions`] and [`pipeline`].
pub fn evaluate(
    bundle: &ModelBundle<QuestionModel>,
    documents: &[Document],
    found: usize,
) -> Result<QuestionEvaluation> {
    Ok(evaluate_questions(&pipeline(bundle)?, documents, found, options(bundle))?)
}

/// Evaluates a model on documents that were held out from its training, and fits its ranking on them.
///
/// # Errors
/// As [`evaluate`].
pub fn fit_and_evaluate(
    bundle: &ModelBundle<QuestionModel>,
    documents: &[Document],
    found: usize,
) -> Result<(Ranking, QuestionEvaluation)> {
    Ok(qa::generate::fit_and_evaluate(&pipeline(bundle)?, documents, found, options(bundle))?)
}

fn options(bundle: &ModelBundle<QuestionModel>) -> ReportOptions<'static> {
    let (num_samples, seed) = (NUM_SAMPLE_QUESTIONS, bundle.metadata.seed);
    ReportOptions { constant_question: CONSTANT_QUESTION, num_samples, seed }
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
            "\n> {}\n\nAnswer: {}  \nGenerated: {}  \nMost confident ({:.2}): {}  \nReference: {}\n",
            one.sentence, one.answer, one.question, one.confidence, one.best, one.reference
        );
    }
    text
}

/// The title, the protocol and the table of each part; the first row is the heading.
fn sections(evaluation: &QuestionEvaluation) -> Vec<(&'static str, String, Vec<Vec<String>>)> {
    let answers = |rows: &[AnswerRow]| std::iter::once(strings(ANSWERS)).chain(rows.iter().map(answer)).collect();
    let mut sections =
        vec![("Answers", evaluation.extraction_protocol.clone(), answers(&evaluation.answer_extraction))];
    if let (Some(row), Some(protocol)) = (&evaluation.question_answering, &evaluation.answering_protocol) {
        sections.push(("Answers to the reference questions", protocol.clone(), answers(std::slice::from_ref(row))));
    }
    let questions = std::iter::once(strings(QUESTIONS)).chain(evaluation.question_generation.iter().map(question));
    sections.push(("Questions", evaluation.generation_protocol.clone(), questions.collect()));
    let RankingEvaluation { protocol, by_rules, threshold, coverage, reliability } = &evaluation.ranking;
    let coverage = std::iter::once(strings(COVERAGE)).chain(coverage.iter().map(covered));
    sections.push(("Precision at coverage", protocol.clone(), coverage.collect()));
    let reliability = std::iter::once(strings(RELIABILITY)).chain(reliability.iter().map(reliable));
    let by_rules = counted(*by_rules, "answer");
    let about = format!(
        "the same questions by confidence; a rule has a question about {by_rules}; `ask` prints questions from {threshold:.3} on"
    );
    sections.push(("Reliability", about, reliability.collect()));
    sections
}

const ANSWERS: [&str; 3] = ["by", "exact match %", "F1 %"];
const QUESTIONS: [&str; 9] =
    ["by", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "first word correct %", "copied %", "leaked %"];

const COVERAGE: [&str; 4] = ["coverage %", "questions", "confidence from", "good %"];
const RELIABILITY: [&str; 4] = ["confidence", "questions", "mean confidence %", "good %"];

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

fn covered(row: &CoverageRow) -> Vec<String> {
    let CoverageRow { coverage, questions, min_confidence, precision } = row;
    vec![format!("{coverage}"), thousands(*questions), format!("{min_confidence:.3}"), format!("{precision:.1}")]
}

fn reliable(row: &ReliabilityRow) -> Vec<String> {
    let ReliabilityRow { range: [from, to], questions, confidence, good } = row;
    vec![format!("{from} to {to}"), thousands(*questions), format!("{confidence:.1}"), format!("{good:.1}")]
}
