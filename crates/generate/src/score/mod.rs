//! What a written question or a chosen answer is worth beside those that people gave.
//!
//! Everything here counts words that are already split and lowered; answers are judged as text.
//! What it does not know: models, files, how a text becomes words.

pub mod answers;
pub mod baselines;
pub mod bleu;
pub mod copying;
pub mod rouge;

pub use answers::Answers;
pub use baselines::{AnswerRule, QuestionRule};
pub use bleu::Bleu;
pub use copying::{Asked, Copying};
pub use rouge::RougeL;

/// Words as slices of text, which can be compared and hashed whoever owns them.
fn borrowed<S: AsRef<str>>(words: &[S]) -> Vec<&str> {
    words.iter().map(AsRef::as_ref).collect()
}
