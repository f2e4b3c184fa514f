//! The loss on the test part of a run's text.

use generate::{Evaluation, LabelChoice, Mixture, evaluate_sequence};
use models::LmBundle;
use seqdata::{Part, TextDataset};

use crate::error::Result;
use crate::long_task::LongTask;
use crate::output::warn;
use crate::view::format::{counted, decimals};

/// The evaluation of the model on the test part, and of its mixture with n-grams, if there is one; `None` without a test part
/// that is long enough.
///
/// # Errors
/// If the device fails.
pub fn evaluate(best: &LmBundle, dataset: &TextDataset, mixture: Option<&Mixture>) -> Result<Option<Evaluation>> {
    if !dataset.has_test_part() {
        return Ok(None);
    }
    let _task = LongTask::start("evaluating on the test part");
    let (sequence, state_mode) = (dataset.sequence(Part::Test), best.metadata.state_mode());
    let (dropped, labels) = (dataset.test_dropped, LabelChoice::Own);
    match evaluate_sequence(best, &sequence, dropped, labels, state_mode) {
        // A few short documents are no reason to lose the other reports.
        Err(error @ generate::Error::TooShort { .. }) => {
            warn(&[format!("the test part is not evaluated: {error}")]);
            Ok(None)
        }
        evaluation => {
            let mixed = mixture.map(|mixture| mixture.evaluate(best, &sequence, dropped, labels, state_mode));
            Ok(Some(Evaluation { mixture: mixed.transpose()?, ..evaluation? }))
        }
    }
}

/// The loss on the test part, in one sentence.
pub fn sentence(test: &Evaluation) -> String {
    let in_bits =
        |bits: Option<f64>| bits.map_or(String::new(), |bits| format!(" ({} bits per byte)", decimals(bits, 3)));
    let mixture = test.mixture.as_ref().map_or(String::new(), |evaluation| {
        let losses = evaluation.mixture;
        let loss = decimals(losses.loss_nats_per_token, 3);
        format!(", and of its mixture with n-grams {loss}{}", in_bits(losses.bits_per_byte))
    });
    format!(
        "The test loss of the model is {} nats/token{}{mixture}, on {} not used for training or for choosing the best epoch.",
        decimals(test.loss_nats_per_token, 3),
        in_bits(test.bits_per_byte),
        counted(test.tokens, "token")
    )
}
