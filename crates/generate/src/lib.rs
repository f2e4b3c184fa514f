//! From a model directory to new text, and to an honest score of held-out text.
//!
//! Lives here: how a token is chosen, how the past is read, how a prompt begins, how pieces become
//! text, how a text is scored and what counting alone would score, how much of a sample is the
//! model's own, and what a written question or a chosen answer is worth. Never trains; one model
//! directory is all it needs.

pub mod error;
pub mod evaluate;
pub mod prompt;
pub mod sampler;
pub mod sampling;
pub mod session;
pub mod voice;
mod write;

pub use error::{Error, Result};
pub use evaluate::{Evaluation, bits_per_byte, evaluate_ids, evaluate_text};
pub use prompt::{Prompt, prompt};
pub use sampler::Sampler;
pub use sampling::Sampling;
pub use session::Session;
pub use voice::Voice;
pub use write::{Request, Sample, Writer, write_sample, write_samples};
