//! Evaluates a model's answers and questions against references, and compares them with heuristic baselines.

use std::ops::Range;

use eval::{Bleu, RougeL, SquadScores};
use serde::Serialize;
use text_prep::Segmentation;
use text_prep::spans::words;

use super::beam::BeamOptions;
use super::cases::{Case, CaseQuestion, Cases, keys};
use super::drafts::SourceSentence;
use super::pipeline::QaPipeline;
use crate::baselines::{AnswerBaseline, QuestionBaseline};
use crate::copy_rate::{ComparedQuestion, CopyRate};
use crate::data::{Document, LocatedQuestion};
use crate::error::Result;
use crate::ranking::{CoverageRow, Ranking, ReliabilityRow, precision_at_coverage, reliability};

/// How answer extraction is evaluated, for reports.
const EXTRACTION_PROTOCOL: &str = "one span per sentence, predicted without the question; each question scores \
     the span of its sentence by SQuAD's exact match and F1 (best reference answer)";
/// The same for question answering.
const ANSWERING_PROTOCOL: &str = "one span per question, the most probable one in its sentence given the question";
/// The same for question generation.
const GENERATION_PROTOCOL: &str = "given the reference answer; best hypothesis of a beam search; lower-cased \
     words and punctuation marks; corpus BLEU without smoothing (as sacreBLEU's with tokenize none), mean \
     ROUGE-L F-measure of the questions";

/// The same for the ranking.
const RANKING_PROTOCOL: &str = "the most confident question of the model and of rules about each reference answer; good if its \
     ROUGE-L with the reference question and the F1 of their rarer words are at least 0.5, so that many correct questions \
     in other words count as bad";

/// The name of the model in reports.
const MODEL: &str = "the model";
/// The same for the questions of the highest confidence.
const BEST: &str = "the model or a rule, by confidence";

/// The scores of the model or a baseline in answer extraction or question answering, in percent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerRow {
    /// The model or a baseline.
    pub name: String,
    /// The fraction of answers that equal a reference answer.
    pub exact_match: f64,
    /// The mean F1 over words with the best reference answer.
    pub f1: f64,
}

/// The scores of the model or a baseline in question generation, in percent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionRow {
    /// The model or a baseline.
    pub name: String,
    /// BLEU-1 to BLEU-4.
    pub bleu: [f64; 4],
    /// ROUGE-L.
    pub rouge_l: f64,
    /// The fraction of questions with the first word of the reference.
    #[serde(rename = "begun_right")]
    pub first_word_correct: f64,
    /// The fraction of words that occur in the sentence.
    pub copied: f64,
    /// The fraction of questions that contain their answer.
    pub leaked: f64,
}

/// The evaluation of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionEvaluation {
    /// The number of questions in the data.
    pub questions: usize,
    /// The number of evaluated questions; the others have no answer, have an answer that begins or ends within a
    /// word, or are duplicates.
    #[serde(rename = "scored")]
    pub evaluated: usize,
    /// The number of questions whose answer begins or ends within a word of its sentence.
    pub unmapped: usize,
    /// The number of different sentences with answers.
    pub sentences: usize,
    /// How answer extraction is evaluated.
    #[serde(rename = "answer_protocol")]
    pub extraction_protocol: String,
    /// Answer extraction without the question: the model, then the baselines.
    #[serde(rename = "answers")]
    pub answer_extraction: Vec<AnswerRow>,
    /// How question answering is evaluated; `None` if the model does not support it.
    #[serde(rename = "answered_protocol")]
    pub answering_protocol: Option<String>,
    /// The model's answers to the reference questions.
    #[serde(rename = "answered")]
    pub question_answering: Option<AnswerRow>,
    /// How question generation is evaluated.
    #[serde(rename = "question_protocol")]
    pub generation_protocol: String,
    /// Questions about the reference answers: the model, the best of the model and of rules, then the baselines.
    #[serde(rename = "written")]
    pub question_generation: Vec<QuestionRow>,
    /// The ranking.
    pub ranking: RankingEvaluation,
    /// A random sample of the model's questions.
    #[serde(rename = "drawn")]
    pub samples: Vec<SampleQuestion>,
}

/// A generated question with its reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampleQuestion {
    /// The sentence.
    pub sentence: String,
    /// The reference answer.
    pub answer: String,
    /// The question of the model.
    pub question: String,
    /// The most confident question of the model and of rules.
    pub best: String,
    /// Its confidence.
    pub confidence: f64,
    /// The reference question.
    #[serde(rename = "truth")]
    pub reference: String,
}

/// The ranking of the questions of the model and of rules about the same answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankingEvaluation {
    /// When a question counts as good, and what the ranking was fitted on.
    pub protocol: String,
    /// The number of answers that a rule made a question about.
    pub by_rules: usize,
    /// The lowest confidence of the questions that are printed by default.
    pub threshold: f64,
    /// The precision of the most confident question about each answer.
    pub coverage: Vec<CoverageRow>,
    /// The share of good ones among these questions, by confidence.
    pub reliability: Vec<ReliabilityRow>,
}

/// The questions that are sampled for a report, and the constant baseline.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions<'a> {
    /// The question of the constant baseline.
    pub constant_question: &'a str,
    /// The number of sampled questions.
    pub num_samples: usize,
    /// The random seed of the sample.
    pub seed: u64,
}

/// Evaluates a model on `documents`: answer extraction, question answering, question generation about the reference answers,
/// and its ranking. `questions` is the number of questions in the data, including unusable ones.
///
/// # Errors
/// If no question can be evaluated, or the model's results are not finite.
pub fn evaluate_questions(
    pipeline: &QaPipeline,
    documents: &[Document],
    questions: usize,
    options: ReportOptions,
) -> Result<QuestionEvaluation> {
    let cases = Cases::new(pipeline, documents, questions, BeamOptions::default())?;
    let fitted = match pipeline.ranking.answers {
        0 => "weights and threshold of the default ranking, because the model has no fitted one".into(),
        answers => format!("weights fitted on {answers} held-out answers of its run"),
    };
    evaluate_cases(pipeline, &cases, questions, options, (&pipeline.ranking, &fitted))
}

/// As [`evaluate_questions`], with a ranking that is fitted on `documents`, which were held out from the training of the
/// model. Its evaluation is a cross-validation.
///
/// # Errors
/// As [`evaluate_questions`].
pub fn fit_and_evaluate(
    pipeline: &QaPipeline,
    documents: &[Document],
    questions: usize,
    options: ReportOptions,
) -> Result<(Ranking, QuestionEvaluation)> {
    let mut cases = Cases::new(pipeline, documents, questions, BeamOptions::default())?;
    let ranking = cases.fit_ranking();
    let fitted = "weights fitted on the questions about other passages of the same data";
    let evaluation = evaluate_cases(pipeline, &cases, questions, options, (&ranking, fitted))?;
    Ok((ranking, evaluation))
}

/// `fitted` says what the weights of the ranking were fitted on.
fn evaluate_cases(
    pipeline: &QaPipeline,
    Cases { all: cases, sentences, unmapped }: &Cases,
    questions: usize,
    options: ReportOptions,
    (ranking, fitted): (&Ranking, &str),
) -> Result<QuestionEvaluation> {
    let answer_extraction = evaluate_extraction(pipeline, cases, sentences)?;
    let question_answering = if pipeline.supports_answering() {
        let inputs = cases.iter().zip(sentences);
        let inputs: Vec<_> =
            inputs.map(|(case, sentence)| (&sentence.encoded, Some(case.in_question.as_slice()))).collect();
        let scores = pipeline.score_spans(&inputs)?;
        Some(AnswerRow::new(MODEL, cases, |at| scores[at].best()))
    } else {
        None
    };
    let mut different: Vec<(*const u8, usize)> =
        cases.iter().map(|case| (case.located.sentence.as_ptr(), case.located.sentence.len())).collect();
    different.sort_unstable();
    different.dedup();
    let order = seqdata::Random::keyed(options.seed, "drawn questions", &[]).permutation(cases.len());
    let sample = |&at: &u32| {
        let case = &cases[at as usize];
        let text = |question: Option<&CaseQuestion>| question.map(|one| one.text.clone()).unwrap_or_default();
        SampleQuestion {
            sentence: case.located.sentence.to_owned(),
            answer: case.located.text(&case.located.answer).to_owned(),
            question: text(case.generated()),
            best: text(case.best()),
            confidence: case.best().map_or(0.0, |best| best.confidence),
            reference: case.located.question.to_owned(),
        }
    };
    Ok(QuestionEvaluation {
        questions,
        evaluated: cases.len(),
        unmapped: *unmapped,
        sentences: different.len(),
        extraction_protocol: EXTRACTION_PROTOCOL.into(),
        answer_extraction,
        answering_protocol: question_answering.is_some().then(|| ANSWERING_PROTOCOL.into()),
        question_answering,
        generation_protocol: GENERATION_PROTOCOL.into(),
        question_generation: evaluate_generation(cases, options.constant_question),
        ranking: evaluate_ranking(cases, ranking.threshold, fitted),
        samples: order.iter().take(options.num_samples).map(sample).collect(),
    })
}

fn evaluate_ranking(cases: &[Case], threshold: f64, fitted: &str) -> RankingEvaluation {
    let best: Vec<&CaseQuestion> = cases.iter().filter_map(Case::best).collect();
    let best: Vec<(f64, bool)> = best.into_iter().map(|one| (one.confidence, one.labelled.is_good)).collect();
    RankingEvaluation {
        protocol: format!("{RANKING_PROTOCOL}; {fitted}"),
        by_rules: cases.iter().filter(|case| case.questions.iter().any(|one| one.is_by_rule)).count(),
        threshold,
        coverage: precision_at_coverage(&best),
        reliability: reliability(&best),
    }
}

/// The model and the baselines, which extract answers without the question.
fn evaluate_extraction(pipeline: &QaPipeline, cases: &[Case], sentences: &[SourceSentence]) -> Result<Vec<AnswerRow>> {
    let inputs: Vec<_> = sentences.iter().map(|sentence| (&sentence.encoded, None)).collect();
    let scores = pipeline.score_spans(&inputs)?;
    let mut rows = vec![AnswerRow::new(MODEL, cases, |at| scores[at].min_bayes_risk())];
    for (baseline, name) in ANSWER_BASELINES {
        let extract = |at: usize| {
            let LocatedQuestion { sentence, words, .. } = &cases[at].located;
            let words: Vec<&str> = words.iter().map(|word| &sentence[word.range.clone()]).collect();
            baseline.answer(&words)
        };
        rows.push(AnswerRow::new(name, cases, extract));
    }
    Ok(rows)
}

/// The model and the baselines, which generate questions about the reference answers.
fn evaluate_generation(cases: &[Case], constant_question: &str) -> Vec<QuestionRow> {
    let keys = |question: Option<&CaseQuestion>| question.map(|one| one.keys.clone()).unwrap_or_default();
    let mut rows = vec![
        QuestionRow::new(MODEL, cases, |case| keys(case.generated())),
        QuestionRow::new(BEST, cases, |case| keys(case.best())),
    ];
    let constant = words(constant_question, Segmentation::Spaces).into_iter().map(|word| word.key).collect();
    for (baseline, name) in [
        (QuestionBaseline::LongestClause, "the longest clause and \u{201c}?\u{201d}"),
        (QuestionBaseline::Constant(constant), "the same question always"),
        (QuestionBaseline::Sentence, "the sentence itself"),
    ] {
        let generate = |case: &Case| baseline.question(&case.keys()).into_iter().map(str::to_owned).collect();
        rows.push(QuestionRow::new(name, cases, generate));
    }
    rows
}

/// The baselines of answer extraction and their names in reports.
const ANSWER_BASELINES: [(AnswerBaseline, &str); 5] = [
    (AnswerBaseline::Sentence, "the whole sentence"),
    (AnswerBaseline::LastClause, "its last clause"),
    (AnswerBaseline::LastThreeWords, "its last three words"),
    (AnswerBaseline::Capitalised, "its longest capitalised run"),
    (AnswerBaseline::NumberElseCapitalised, "its first number, else that run"),
];

impl AnswerRow {
    fn new(name: &str, cases: &[Case], answer: impl Fn(usize) -> Range<usize>) -> Self {
        let mut scores = SquadScores::default();
        for (at, case) in cases.iter().enumerate() {
            scores.add(case.located.text(&answer(at)), &case.located.gold_answers);
        }
        Self { name: name.into(), exact_match: scores.exact_match(), f1: scores.f1() }
    }
}

impl QuestionRow {
    fn new(name: &str, cases: &[Case], question: impl Fn(&Case) -> Vec<String>) -> Self {
        let (mut bleu, mut rouge) = (Bleu::default(), RougeL::default());
        let mut copy_rate = CopyRate::default();
        for case in cases {
            let (question, source, reference) = (question(case), case.keys(), keys(&case.reference));
            bleu.add(&question, std::slice::from_ref(&reference));
            rouge.add(&question, std::slice::from_ref(&reference));
            copy_rate.add(ComparedQuestion {
                question: &question,
                answer: &source[case.located.answer.clone()],
                source: &source,
                reference: &reference,
            });
        }
        Self {
            name: name.into(),
            bleu: [1, 2, 3, 4].map(|order| bleu.score(order)),
            rouge_l: rouge.score(),
            first_word_correct: 100.0 * copy_rate.first_word_accuracy(),
            copied: 100.0 * copy_rate.copied_fraction(),
            leaked: 100.0 * copy_rate.leaked_fraction(),
        }
    }
}
