//! Asks questions about a text with a trained network: answers are found sentence by sentence, a question is
//! searched for each, and answered again to see whether it asks for what it should.
//!
//! Every answer is a place in the text, in bytes and in characters; nothing here changes the text.

pub mod beam;
mod candidates;
mod evaluate;
mod network;
mod question_generation;
mod top_k;

pub use candidates::{Candidate, FoundBy};
pub use evaluate::{AnswerRow, QuestionEvaluation, QuestionRow, evaluate_questions};
pub use network::{Asker, Heard};
pub use question_generation::{Ask, Asked, ask};
