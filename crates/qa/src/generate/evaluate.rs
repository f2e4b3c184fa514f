//! Evaluates a model's answers and questions against references, and compares them with heuristic baselines.

use std::ops::Range;

use eval::{Bleu, RougeL, SquadScores};
use serde::Serialize;
use text_prep::Segmentation;
use text_prep::spans::{Word, join, words};

use super::beam::BeamOptions;
use super::pipeline::QaPipeline;
use crate::baselines::{AnswerBaseline, QuestionBaseline};
use crate::copy_rate::{ComparedQuestion, CopyRate};
use crate::data::{Document, EncodedSentence, LocatedQuestion, in_question, locate_answers};
use crate::error::{Error, Result};

/// How answer extraction is evaluated, for reports.
const EXTRACTION_PROTOCOL: &str = "one span per sentence, predicted without the question; each question scores \
     the span of its sentence by SQuAD's exact match and F1 (best reference answer)";
/// The same for question answering.
const ANSWERING_PROTOCOL: &str = "one span per question, the most probable one in its sentence given the question";
/// The same for question generation.
const GENERATION_PROTOCOL: &str = "given the reference answer; best hypothesis of a beam search; lower-cased \
     words and punctuation marks; corpus BLEU without smoothing (as sacreBLEU's with tokenize none), mean \
     ROUGE-L F-measure of the questions";

/// The name of the model in reports.
const MODEL: &str = "the model";

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
    /// Questions about the reference answers: the model, then the baselines.
    #[serde(rename = "written")]
    pub question_generation: Vec<QuestionRow>,
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
    /// The generated question.
    pub question: String,
    /// The reference question.
    #[serde(rename = "truth")]
    pub reference: String,
}

/// A reference question, prepared for the model, and the model's question.
struct Case<'a> {
    located: LocatedQuestion<'a>,
    encoded: EncodedSentence,
    reference: Vec<Word>,
    /// For each word of the sentence, whether it is in the reference question.
    in_question: Vec<bool>,
    /// The words of the model's question.
    generated: Vec<String>,
}

impl Case<'_> {
    fn keys(&self) -> Vec<String> {
        self.located.words.iter().map(|word| word.key.clone()).collect()
    }

    /// The text from the first to the last of these words.
    fn text(&self, span: &Range<usize>) -> &str {
        match &self.located.words[span.clone()] {
            [] => "",
            [first, .., last] => &self.located.sentence[first.range.start..last.range.end],
            [only] => &self.located.sentence[only.range.clone()],
        }
    }
}

/// Evaluates a model on `documents`: answer extraction, question answering, and question generation about the
/// reference answers. `questions` is the number of questions in the data, including unusable ones;
/// `constant_question` is the question of the constant baseline; `num_samples` questions are sampled with `seed`.
///
/// # Errors
/// If no question can be evaluated, or the model's results are not finite.
pub fn evaluate_questions(
    pipeline: &QaPipeline,
    documents: &[Document],
    questions: usize,
    constant_question: &str,
    beam: BeamOptions,
    (num_samples, seed): (usize, u64),
) -> Result<QuestionEvaluation> {
    let mut cases: Vec<Case> = Vec::new();
    let mut unmapped = 0;
    let segmentation = pipeline.segmentation;
    for passage in documents.iter().flat_map(|document| &document.passages) {
        unmapped += locate_answers(passage, segmentation, |located| {
            let reference = words(located.question, segmentation);
            let in_question = in_question(&located.words, &reference);
            let encoded = EncodedSentence::new(located.sentence, &located.words, &pipeline.vocabulary);
            cases.push(Case { located, encoded, reference, in_question, generated: Vec::new() });
        });
    }
    if cases.is_empty() {
        return Err(Error::NothingToEvaluate { questions, unmapped });
    }
    let answer_extraction = evaluate_extraction(pipeline, &cases)?;
    let question_answering = if pipeline.model.supports_answering() {
        let inputs: Vec<_> = cases.iter().map(|case| (&case.encoded, Some(case.in_question.as_slice()))).collect();
        let scores = pipeline.score_spans(&inputs)?;
        Some(AnswerRow::new(MODEL, &cases, |at| scores[at].best()))
    } else {
        None
    };
    let answers: Vec<_> = cases.iter().map(|case| (&case.encoded, case.located.answer.clone())).collect();
    let found = pipeline.search_questions(&answers, beam)?;
    for (case, found) in cases.iter_mut().zip(found) {
        let ids = found.into_iter().next().map(|best| best.words).unwrap_or_default();
        let word = |id: u32| match (id as usize).checked_sub(pipeline.vocabulary.len()) {
            Some(oov) => case.encoded.oov_words[oov].clone(),
            None => pipeline.vocabulary.token(id).unwrap_or_default().to_owned(),
        };
        case.generated = ids.into_iter().map(word).collect();
    }
    let mut sentences: Vec<(*const u8, usize)> =
        cases.iter().map(|case| (case.located.sentence.as_ptr(), case.located.sentence.len())).collect();
    sentences.sort_unstable();
    sentences.dedup();
    let order = seqdata::Random::keyed(seed, "drawn questions", &[]).permutation(cases.len());
    let sample = |&at: &u32| {
        let case = &cases[at as usize];
        SampleQuestion {
            sentence: case.located.sentence.to_owned(),
            answer: case.text(&case.located.answer).to_owned(),
            question: join(case.generated.iter().map(String::as_str), segmentation),
            reference: case.located.question.to_owned(),
        }
    };
    Ok(QuestionEvaluation {
        questions,
        evaluated: cases.len(),
        unmapped,
        sentences: sentences.len(),
        extraction_protocol: EXTRACTION_PROTOCOL.into(),
        answer_extraction,
        answering_protocol: question_answering.is_some().then(|| ANSWERING_PROTOCOL.into()),
        question_answering,
        generation_protocol: GENERATION_PROTOCOL.into(),
        question_generation: evaluate_generation(&cases, constant_question),
        samples: order.iter().take(num_samples).map(sample).collect(),
    })
}

/// The model and the baselines, which extract answers without the question.
fn evaluate_extraction(pipeline: &QaPipeline, cases: &[Case]) -> Result<Vec<AnswerRow>> {
    let inputs: Vec<_> = cases.iter().map(|case| (&case.encoded, None)).collect();
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
    let mut rows = vec![QuestionRow::new(MODEL, cases, |case| case.generated.clone())];
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
            scores.add(case.text(&answer(at)), &case.located.gold_answers);
        }
        Self { name: name.into(), exact_match: scores.exact_match(), f1: scores.f1() }
    }
}

impl QuestionRow {
    fn new(name: &str, cases: &[Case], question: impl Fn(&Case) -> Vec<String>) -> Self {
        let (mut bleu, mut rouge) = (Bleu::default(), RougeL::default());
        let mut copy_rate = CopyRate::default();
        for case in cases {
            let reference: Vec<String> = case.reference.iter().map(|word| word.key.clone()).collect();
            let (question, source) = (question(case), case.keys());
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
