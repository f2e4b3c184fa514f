//! Question generation with a trained model: extract answer candidates from each sentence, search for questions
//! about them, and keep those that the model answers with the candidate (round-trip consistency).
//!
//! Positions in the text are given in bytes and in characters; the text itself is never changed.

mod beam;
mod candidates;
mod evaluate;
mod pipeline;
mod question_generation;
mod top_k;

pub use beam::{BeamOptions, Hypothesis};
pub use candidates::{Candidate, FoundBy};
pub use evaluate::{AnswerRow, QuestionEvaluation, QuestionRow, SampleQuestion, evaluate_questions};
pub use pipeline::{QaPipeline, SpanScores};
pub use question_generation::{AskProgress, AskReport, CutSentence, GeneratedQuestion, MAX_SENTENCE_LEN, QgOptions};
