//! Question generation: from sentences to questions with their answers.
//!
//! | module | contents |
//! |---|---|
//! | [`data`] | SQuAD, NewsQA and JSON lines; documents, examples and batches |
//! | [`model`] | encoder, span extraction, attention and the decoder with its copy mechanism |
//! | `train` | the training task: `trainer` trains the model of this crate |
//! | [`generate`](mod@generate) | answer candidates, beam search, round-trip filtering, evaluation |
//! | [`baselines`], [`copy_rate`] | heuristic baselines; how much questions copy from their sentence |

pub mod baselines;
pub mod copy_rate;
pub mod data;
pub mod error;
pub mod generate;
pub mod model;
mod train;

pub use error::{Error, Result};
pub use model::{QuestionModel, QuestionModelConfig};

/// Words as string slices, which compare and hash alike whatever type owns them.
fn borrowed<S: AsRef<str>>(words: &[S]) -> Vec<&str> {
    words.iter().map(AsRef::as_ref).collect()
}
