//! Question generation with a trained model and with rules: extract answer candidates from each sentence, search for
//! questions about them, keep those that the model answers with the candidate (round-trip consistency), add the questions
//! that rules make, and choose the best of both by one [ranking](crate::ranking).
//!
//! Positions in the text are given in bytes and in characters; the text itself is never changed.

mod beam;
mod candidates;
mod cases;
mod drafts;
mod evaluate;
mod pipeline;
mod question_generation;
mod report;
mod rules;
mod top_k;

pub use beam::{BeamOptions, Hypothesis};
pub use evaluate::{
    AnswerRow, QuestionEvaluation, QuestionRow, RankingEvaluation, ReportOptions, SampleQuestion, evaluate_questions,
    fit_and_evaluate,
};
pub use pipeline::{QaPipeline, SpanScores};
pub use question_generation::{MAX_SENTENCE_LEN, MAX_WORD_LEN, QgOptions};
pub use report::{
    AskProgress, AskReport, CutSentence, FoundBy, GeneratedQuestion, LeftOut, LeftOutReason, LongWord, RuleReason,
};
