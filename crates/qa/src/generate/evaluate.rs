//! How good a network's answers and questions are beside people's, and beside what rules give that learned
//! nothing.

use std::ops::Range;

use crate::data::{Document, Located, Sentence, locate};
use serde::Serialize;
use text_prep::passage::{Word, words};

use super::beam::Search;
use super::network::Asker;
use crate::error::{Error, Result};
use eval::{Answers, Bleu, RougeL};

use crate::baselines::{AnswerRule, QuestionRule};
use crate::copy_rate::{Asked, Copying};

/// How answers were scored, in words that stand beside the numbers.
const ANSWER_PROTOCOL: &str = "one span a sentence, found without the question; each question scores the \
     span of its sentence by SQuAD's exact match and F1 (the best of its answers)";
/// The same of answers given the question.
const ANSWERED_PROTOCOL: &str =
    "one span a question, the likeliest in its sentence given the question";
/// The same of questions.
const QUESTION_PROTOCOL: &str = "the true answer given; the best of a beam; lower-cased words and marks; \
     corpus BLEU without smoothing (as sacreBLEU's with tokenize none), ROUGE-L's F-measure, mean over \
     questions";

/// How good one way to find answers is; shares in per cent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerRow {
    /// The network, or a rule.
    pub name: String,
    /// Answers that are a true one to the letter.
    pub exact_match: f64,
    /// The mean overlap with the best true answer.
    pub f1: f64,
}

/// How good one way to ask is; all in per cent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionRow {
    /// The network, or a rule.
    pub name: String,
    /// BLEU-1 to BLEU-4.
    pub bleu: [f64; 4],
    /// ROUGE-L.
    pub rouge_l: f64,
    /// Questions whose first word is the true one's.
    pub begun_right: f64,
    /// Words that stand in the sentence.
    pub copied: f64,
    /// Questions that hold their answer.
    pub leaked: f64,
}

/// What a network was found to be worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionEvaluation {
    /// Questions found.
    pub questions: usize,
    /// Those that were predicted and scored; the others have no answer, or one that is cut out of a word, or
    /// stand there twice.
    pub scored: usize,
    /// Those whose answer is cut out of a word of its sentence.
    pub unmapped: usize,
    /// Different sentences that hold their answers.
    pub sentences: usize,
    /// How answers were scored.
    pub answer_protocol: String,
    /// Answers without their questions: the network first, then the rules.
    pub answers: Vec<AnswerRow>,
    /// How answers to questions were scored; none where the network does not read questions.
    pub answered_protocol: Option<String>,
    /// Answers to the true questions.
    pub answered: Option<AnswerRow>,
    /// How questions were scored.
    pub question_protocol: String,
    /// Questions about the true answers: the network first, then the rules.
    pub written: Vec<QuestionRow>,
    /// A few questions to read, drawn by a seed and not picked.
    pub drawn: Vec<Drawn>,
}

/// A question beside the one that a person asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawn {
    /// The sentence.
    pub sentence: String,
    /// The true answer.
    pub answer: String,
    /// What the network asks.
    pub question: String,
    /// What a person asked.
    pub truth: String,
}

/// Everything of one question.
struct Case<'a> {
    located: Located<'a>,
    sentence: Sentence,
    /// The true question.
    truth: Vec<Word>,
    held: Vec<bool>,
    /// The question that the network asks.
    asked: Vec<String>,
}

impl Case<'_> {
    fn keys(&self) -> Vec<String> {
        self.located.words.iter().map(|word| word.key.clone()).collect()
    }

    /// What stands in the text from the first to the last of these words.
    fn text(&self, span: &Range<usize>) -> &str {
        match &self.located.words[span.clone()] {
            [] => "",
            [first, .., last] => &self.located.text[first.range.start..last.range.end],
            [only] => &self.located.text[only.range.clone()],
        }
    }

    fn score(&self, answers: &mut Answers, span: &Range<usize>) {
        answers.add(self.text(span), &self.located.truths);
    }
}

/// Scores a network on `documents`: what it finds without and with the questions, and what it asks about
/// the true answers. `found` questions were found where the documents were read, those included that were of
/// no use. `constant` is what to ask about everything; `drawn` questions are shown, drawn by `seed`.
///
/// # Errors
/// If nothing can be scored, or the network gives no numbers.
pub fn evaluate_questions(
    asker: &Asker,
    documents: &[Document],
    found: usize,
    constant: &str,
    search: Search,
    (drawn, seed): (usize, u64),
) -> Result<QuestionEvaluation> {
    let mut cases: Vec<Case> = Vec::new();
    let mut unmapped = 0;
    for passage in documents.iter().flat_map(|document| &document.passages) {
        unmapped += locate(passage, |located| {
            let truth = words(located.question);
            let held = crate::data::held(&located.words, &truth);
            let sentence = Sentence::new(located.text, &located.words, asker.vocabulary);
            cases.push(Case { located, sentence, truth, held, asked: Vec::new() });
        });
    }
    if cases.is_empty() {
        return Err(Error::NothingToScore { questions: found, unmapped });
    }
    let plain: Vec<_> = cases.iter().map(|case| (&case.sentence, None)).collect();
    let heard = asker.hear(&plain)?;
    let mut answers = vec![AnswerRow::of("the network", &cases, |at| heard[at].named())];
    for (rule, name) in RULES {
        let find = |at: usize| {
            let Located { text, words, .. } = &cases[at].located;
            let words: Vec<&str> = words.iter().map(|word| &text[word.range.clone()]).collect();
            rule.answer(&words)
        };
        answers.push(AnswerRow::of(name, &cases, find));
    }
    let answered = match asker.model.heeds_questions() {
        false => None,
        true => {
            let asked: Vec<_> =
                cases.iter().map(|case| (&case.sentence, Some(case.held.as_slice()))).collect();
            let heard = asker.hear(&asked)?;
            Some(AnswerRow::of("the network", &cases, |at| heard[at].best()))
        }
    };
    let about: Vec<_> =
        cases.iter().map(|case| (&case.sentence, case.located.answer.clone())).collect();
    let best = asker.question(&about, search)?;
    for (case, best) in cases.iter_mut().zip(best) {
        let best = best.into_iter().next().map(|found| found.words).unwrap_or_default();
        let word = |id: u32| match (id as usize).checked_sub(asker.vocabulary.len()) {
            Some(further) => case.sentence.further[further].clone(),
            None => asker.vocabulary.token(id).unwrap_or_default().to_owned(),
        };
        case.asked = best.into_iter().map(word).collect();
    }
    let mut written = vec![QuestionRow::of("the network", &cases, |case| case.asked.clone())];
    let constant = words(constant).into_iter().map(|word| word.key).collect();
    for (rule, name) in [
        (QuestionRule::LongestClause, "the longest clause and \u{201c}?\u{201d}"),
        (QuestionRule::Constant(constant), "the same question always"),
        (QuestionRule::Sentence, "the sentence itself"),
    ] {
        let ask = |case: &Case| {
            let keys = case.keys();
            rule.question(&keys).into_iter().map(str::to_owned).collect()
        };
        written.push(QuestionRow::of(name, &cases, ask));
    }
    let mut sentences: Vec<(*const u8, usize)> =
        cases.iter().map(|case| (case.located.text.as_ptr(), case.located.text.len())).collect();
    sentences.sort_unstable();
    sentences.dedup();
    let order = seqdata::Random::keyed(seed, "drawn questions", &[]).permutation(cases.len());
    let show = |&at: &u32| {
        let case = &cases[at as usize];
        Drawn {
            sentence: case.located.text.to_owned(),
            answer: case.text(&case.located.answer).to_owned(),
            question: text_prep::passage::join(case.asked.iter().map(String::as_str)),
            truth: case.located.question.to_owned(),
        }
    };
    Ok(QuestionEvaluation {
        questions: found,
        scored: cases.len(),
        unmapped,
        sentences: sentences.len(),
        answer_protocol: ANSWER_PROTOCOL.into(),
        answers,
        answered_protocol: answered.is_some().then(|| ANSWERED_PROTOCOL.into()),
        answered,
        question_protocol: QUESTION_PROTOCOL.into(),
        written,
        drawn: order.iter().take(drawn).map(show).collect(),
    })
}

/// The rules that find answers, and what they are called.
const RULES: [(AnswerRule, &str); 5] = [
    (AnswerRule::Sentence, "the whole sentence"),
    (AnswerRule::LastClause, "its last clause"),
    (AnswerRule::LastThreeWords, "its last three words"),
    (AnswerRule::Capitalised, "its longest run of capitals"),
    (AnswerRule::NumberElseCapitalised, "its first number, else that run"),
];

impl AnswerRow {
    fn of(name: &str, cases: &[Case], find: impl Fn(usize) -> Range<usize>) -> Self {
        let mut answers = Answers::default();
        for (at, case) in cases.iter().enumerate() {
            case.score(&mut answers, &find(at));
        }
        Self { name: name.into(), exact_match: answers.exact_match(), f1: answers.f1() }
    }
}

impl QuestionRow {
    fn of(name: &str, cases: &[Case], ask: impl Fn(&Case) -> Vec<String>) -> Self {
        let (mut bleu, mut rouge) = (Bleu::default(), RougeL::default());
        let mut copying = Copying::default();
        for case in cases {
            let truth: Vec<String> = case.truth.iter().map(|word| word.key.clone()).collect();
            let (question, source) = (ask(case), case.keys());
            bleu.add(&question, std::slice::from_ref(&truth));
            rouge.add(&question, std::slice::from_ref(&truth));
            copying.add(Asked {
                question: &question,
                answer: &source[case.located.answer.clone()],
                source: &source,
                truth: &truth,
            });
        }
        Self {
            name: name.into(),
            bleu: [1, 2, 3, 4].map(|order| bleu.score(order)),
            rouge_l: rouge.score(),
            begun_right: 100.0 * copying.begun_right_share(),
            copied: 100.0 * copying.copied_share(),
            leaked: 100.0 * copying.leaked_share(),
        }
    }
}
