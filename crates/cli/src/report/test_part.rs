//! The loss on the test part of a run's text.

use generate::{Evaluation, LabelChoice, Mixture, MixtureEvaluation, evaluate_sequence};
use models::LmBundle;
use seqdata::{Part, TextDataset};

use crate::error::Result;
use crate::long_task::LongTask;
use crate::output::warn;
use crate::report::terms::loss_in_words;
use crate::view::format::counted;

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
    let evaluation = match mixture {
        Some(mixture) => mixture.evaluate(best, &sequence, dropped, labels, state_mode),
        None => evaluate_sequence(best, &sequence, dropped, labels, state_mode),
    };
    match evaluation {
        // A few short documents are no reason to lose the other reports.
        Err(error @ generate::Error::TooShort { .. }) => {
            warn(&[format!("the test part is not evaluated: {error}")]);
            Ok(None)
        }
        evaluation => Ok(Some(evaluation?)),
    }
}

/// The loss on the test part, in one sentence.
pub fn sentence(test: &Evaluation) -> String {
    let mixture = test.mixture.as_ref().map_or(String::new(), |MixtureEvaluation { mixture, .. }| {
        let loss = loss_in_words(mixture.loss_nats_per_token, mixture.bits_per_byte);
        format!(", and of its mixture with n-grams {loss}")
    });
    format!(
        "The test loss of the model is {}{mixture}, on {} not used for training or for choosing the best epoch.",
        loss_in_words(test.loss_nats_per_token, test.bits_per_byte),
        counted(test.tokens, "token")
    )
}
