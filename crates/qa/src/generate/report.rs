//! What question generation returns: questions, and what was left out with the reason.

use std::fmt;
use std::ops::Range;

pub use question_rules::Reason as RuleReason;
use question_rules::Rule;
use serde::Serialize;

/// What made a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundBy {
    /// The network.
    Network,
    /// A transformation rule.
    Rule,
}

/// A question with its answer and its position in the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GeneratedQuestion {
    /// The question.
    pub question: String,
    /// The answer as in the text.
    pub answer: String,
    /// The sentence as in the text.
    pub sentence: String,
    /// The probability that the question is good, from 0 to 1, by the [ranking](crate::ranking) of the model.
    pub confidence: f64,
    /// The geometric mean of the probabilities of the question's words; `None` if a rule made it.
    pub question_probability: Option<f64>,
    /// The probability that this span, or one close to it, is the answer to the question; `None` without a network.
    pub answer_probability: Option<f64>,
    /// What made the question.
    pub found_by: FoundBy,
    /// The rule, if a rule made it.
    pub rule: Option<Rule>,
    /// The range of the answer in bytes.
    pub answer_bytes: Range<usize>,
    /// The range of the answer in characters.
    pub answer_characters: Range<usize>,
    /// The range of the sentence in bytes.
    pub sentence_bytes: Range<usize>,
    /// The range of the sentence in characters.
    pub sentence_characters: Range<usize>,
}

/// A question that was left out, or an answer that a rule did not ask about.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// The question; `None` if a rule made none.
    pub question: Option<String>,
    /// The answer, or the sentence if a rule rejected it as a whole, in bytes of the text.
    pub bytes: Range<usize>,
    /// What made the question, or would have.
    pub found_by: FoundBy,
    /// Why it was left out.
    pub reason: LeftOutReason,
}

/// Why a question was left out.
#[derive(Clone, Debug, PartialEq)]
pub enum LeftOutReason {
    /// A rule made none.
    Rule(RuleReason),
    /// A rule's answer begins or ends within a word of the network.
    WithinWord,
    /// The network answers its own question with another span, in bytes of the text.
    Inconsistent(Range<usize>),
    /// The confidence is below the threshold; both are given.
    LowConfidence(f64, f64),
    /// A question with a higher confidence is the same, or is about the same words.
    Repeated,
    /// There are enough questions with a higher confidence about the sentence.
    Surplus,
}

impl LeftOutReason {
    /// The reason in words. `text` is the text that the question is about.
    pub fn in_words(&self, text: &str) -> String {
        match self {
            Self::Rule(reason) => reason.to_string(),
            Self::WithinWord => "the answer begins or ends within a word of the network".into(),
            Self::Inconsistent(answer) => {
                format!("the network answers it with \u{201c}{}\u{201d}", &text[answer.clone()])
            }
            Self::LowConfidence(confidence, min) => format!("its confidence of {confidence:.3} is below {min:.3}"),
            Self::Repeated => "a question with a higher confidence is the same or about the same words".into(),
            Self::Surplus => "the sentence has enough questions with a higher confidence".into(),
        }
    }
}

/// The questions about a text, and why there are no more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AskReport {
    /// The questions, in the order of the sentences; within a sentence the one with the highest confidence first.
    pub questions: Vec<GeneratedQuestion>,
    /// The number of sentences with a word, without those that are left out because of a long one.
    pub sentences: usize,
    /// The number of generated questions, by the network and by rules.
    pub generated: usize,
    /// Questions that the network answers with another span than the one it generated them about.
    pub inconsistent: usize,
    /// Other questions whose confidence is too low.
    pub low_confidence: usize,
    /// The highest confidence of these.
    pub highest_low_confidence: Option<f64>,
    /// The lowest confidence of questions that are not left out.
    pub min_confidence: f64,
    /// Sentences that were too long and could only be cut after a number of words.
    pub cut_sentences: Vec<CutSentence>,
    /// The long words for which sentences are left out, the longest one of each sentence.
    pub long_words: Vec<LongWord>,
}

/// How far [`QaPipeline::ask_while`](super::QaPipeline::ask_while) is.
#[derive(Clone, Copy, Debug)]
pub struct AskProgress<'a> {
    /// The fraction of the text that is done, from 0 to 1.
    pub fraction: f64,
    /// The questions that are ready since the last call, in their order.
    pub questions: &'a [GeneratedQuestion],
    /// What was left out since the last call, in the order of the sentences.
    pub left_out: &'a [LeftOut],
}

/// A sentence of more than [`MAX_SENTENCE_LEN`](super::MAX_SENTENCE_LEN) words without line ends and semicolons, which is cut
/// into parts of equal length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutSentence {
    /// Its range in bytes.
    pub bytes: Range<usize>,
    /// The number of its words.
    pub words: usize,
}

/// A word of more than [`MAX_WORD_LEN`](super::MAX_WORD_LEN) characters, about whose sentence there are no questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongWord {
    /// The range of its sentence in bytes.
    pub sentence_bytes: Range<usize>,
    /// The number of its characters.
    pub characters: usize,
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "network",
            Self::Rule => "rule",
        })
    }
}
