//! What to do next for a lower loss: one piece of advice, from the validation losses of the epochs, so that no two
//! sentences of a report contradict each other.

use trainer::EpochReport;

use crate::view::format::decimals;

/// Losses that differ by no more than this count as equal: the best epochs of `configs/keras-baseline.toml` with three
/// seeds lie within 0.02 of each other.
pub(super) const TIE: f64 = 0.03;
/// From this accuracy on, a model has nothing left to learn from its text.
const PERFECT_ACCURACY: f64 = 0.9995;
/// Fewer parameters than this per training token leave room for a larger model.
const FEW_PARAMETERS: f64 = 0.05;

/// What the advice depends on.
pub struct Evidence<'a> {
    /// The epochs of the run.
    pub epochs: &'a [EpochReport],
    /// Whether the run ended before its last planned epoch because the loss no longer decreased.
    pub stopped_early: bool,
    /// Parameters per training token.
    pub parameters_per_token: f64,
    /// Whether a baseline has a lower loss than the model.
    pub is_worse_than_baseline: bool,
}

impl Evidence<'_> {
    /// What to do next, in one sentence.
    pub fn advice(&self) -> String {
        let loss = |epoch: &EpochReport| epoch.valid_loss_nats_per_token;
        let best = self.epochs.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)));
        let (Some(best), Some(last)) = (best, self.epochs.last()) else {
            return "No epoch is complete, so the losses say little yet: train longer.".into();
        };
        let count = self.epochs.len();
        if best.valid_accuracy >= PERFECT_ACCURACY {
            return "The model predicts every held-out token: there is nothing left to learn from this text.".into();
        }
        if loss(last) - loss(best) > TIE {
            let (from, to) = (decimals(loss(best), 3), decimals(loss(last), 3));
            return format!(
                "The validation loss rose from {from} after epoch {} to {to} after epoch {count}, which is overfitting: \
                 for a lower loss use more text, more dropout or a smaller model, not more epochs.",
                best.epoch
            );
        }
        let previous = count.checked_sub(2).map(|at| &self.epochs[at]);
        let is_falling = best.epoch == last.epoch && previous.is_none_or(|previous| loss(previous) - loss(last) > TIE);
        if is_falling && !self.stopped_early {
            let so_far = if count == 1 {
                "After one epoch it is too early to judge the model"
            } else {
                "The validation loss was still falling"
            };
            return format!("{so_far}: train longer, with `train.epochs` above {count}.");
        }
        if self.parameters_per_token < FEW_PARAMETERS {
            return "The validation loss no longer falls, and the text is large for this model: a larger model may reach \
                    a lower loss."
                .into();
        }
        if self.is_worse_than_baseline {
            return "The validation loss no longer falls: for a lower loss use more text, or another learning rate or \
                    model."
                .into();
        }
        "The validation loss no longer falls: only more text is likely to lower it much further.".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(losses: &[f64], accuracy: f64, parameters_per_token: f64) -> String {
        let epochs: Vec<EpochReport> = (1..)
            .zip(losses)
            .map(|(epoch, &loss)| EpochReport {
                epoch,
                step: epoch as u64,
                train_loss_nats_per_token: loss,
                valid_loss_nats_per_token: loss,
                valid_accuracy: accuracy,
                learning_rate: 0.001,
                seconds: 1.0,
                tokens_per_second: 1.0,
            })
            .collect();
        let evidence =
            Evidence { epochs: &epochs, stopped_early: false, parameters_per_token, is_worse_than_baseline: true };
        evidence.advice()
    }

    #[test]
    fn a_run_gets_one_piece_of_advice_that_fits_its_losses() {
        for (losses, accuracy, ratio, expected, not) in [
            (&[0.0][..], 1.0, 40.0, "nothing left to learn", "train longer"),
            (&[2.0, 0.3], 1.0, 40.0, "nothing left to learn", "train longer"),
            (&[6.0], 0.1, 40.0, "train longer, with `train.epochs` above 1", "larger"),
            (&[6.0], 0.1, 0.01, "train longer, with `train.epochs` above 1", "larger"),
            (&[6.0, 5.0, 4.5], 0.1, 40.0, "still falling", "dropout"),
            (&[6.0, 5.0, 4.5], 0.1, 0.01, "train longer, with `train.epochs` above 3", "larger"),
            (&[6.0, 4.5, 5.0], 0.1, 0.01, "rose from 4.500 after epoch 2 to 5.000 after epoch 3", "train longer"),
            (&[6.0, 4.5, 4.51, 4.5], 0.1, 0.01, "a larger model may", "train longer"),
            (&[6.0, 4.5, 4.51, 4.5], 0.1, 40.0, "more text", "larger"),
            (&[], 0.0, 1.0, "train longer", "larger"),
        ] {
            let advice = advice(losses, accuracy, ratio);
            assert!(advice.contains(expected) && !advice.contains(not), "{losses:?}: {advice}");
        }
    }
}
