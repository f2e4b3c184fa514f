//! Question generation: questions with answers from the sentences of a text.
//!
//! | module | contents |
//! |---|---|
//! | [`data`] | SQuAD, NewsQA and JSON Lines; documents, examples and batches |
//! | [`model`] | encoders, answer extraction, attention, and the decoder with its copy mechanism |
//! | [`pretrain`](mod@pretrain) | a language model of the passages, with whose weights the question model begins |
//! | `train` | the training task: `trainer` trains the model of this crate |
//! | [`generate`](mod@generate) | answer candidates, beam search, round-trip filtering, questions by rules, evaluation |
//! | [`ranking`] | one calibrated confidence for the questions of the network and of rules |
//! | [`formats`] | questions as JSON Lines, tables, flash cards and SQuAD |
//! | [`baselines`] | heuristic baselines of answer extraction and question generation |
//! | [`copy_rate`] | rates of copied words, leaked answers and correct first words |
//! | [`error`] | errors of question generation and its evaluation |

pub mod baselines;
pub mod copy_rate;
pub mod data;
pub mod error;
pub mod formats;
pub mod generate;
pub mod model;
pub mod pretrain;
pub mod ranking;
mod train;

pub use data::{QaDataset, QaDatasetConfig};
pub use error::{Error, Result};
pub use formats::{QuestionFormat, QuestionFormatter};
pub use generate::{AskProgress, AskReport, CutSentence, GeneratedQuestion, LeftOut, LongWord, QaPipeline, QgOptions};
pub use model::{QuestionModel, QuestionModelConfig};
pub use ranking::{Fluency, Ranking};
