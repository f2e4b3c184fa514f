//! What to do next for a lower loss: one piece of advice, from the validation losses of the epochs, so that no two
//! sentences of a report contradict each other.

use trainer::{EpochReport, Schedule};

use crate::view::format::decimals;

/// Losses that differ by no more than this count as equal: the best epochs of `configs/keras-baseline.toml` with three
/// seeds lie within 0.02 of each other.
pub(super) const TIE: f64 = 0.03;
/// From this accuracy on, a model has nothing left to learn from its text.
const PERFECT_ACCURACY: f64 = 0.9995;
/// Fewer parameters than this per training token leave room for a larger model.
const FEW_PARAMETERS: f64 = 0.05;
/// After fewer passes than this over the training text it is too early to judge a model.
const FEW_PASSES: f64 = 2.0;
/// From so many passes on, the number of passes is not what limits the model.
const MANY_PASSES: f64 = 100.0;

/// What the advice depends on.
pub struct Evidence<'a> {
    /// The epochs of the run.
    pub epochs: &'a [EpochReport],
    /// The passes over the training text.
    pub passes: f64,
    /// How the learning rate changed.
    pub schedule: Schedule,
    /// Whether the number of steps was chosen for a time.
    pub is_planned: bool,
    /// Whether the run ended before its last planned epoch because the loss no longer decreased.
    pub stopped_early: bool,
    /// Parameters per training token.
    pub parameters_per_token: f64,
    /// Whether a baseline has a lower loss than the model.
    pub is_worse_than_baseline: bool,
    /// Whether the run started from a trained model, which determines the sizes.
    pub starts_from_model: bool,
    /// Whether the held-out text has more subwords than characters, as in a script that the vocabulary spells in bytes.
    pub splits_characters: bool,
}

/// What the epochs show.
enum Finding {
    /// There is none.
    NoEpoch,
    /// Every held-out token is predicted.
    Perfect,
    /// The loss rose after its lowest value. The network is overfitted if the training loss is lower, although it is that with
    /// dropout, and of the whole epoch.
    Rising { best_epoch: usize, best: f64, last: f64, is_overfitted: bool },
    /// There was one validation, after hardly any training.
    Early,
    /// There was one validation, so that it is unknown how the loss changes.
    Single,
    /// The loss was falling when the run ended.
    Falling,
    /// The loss no longer falls, as the learning rate has fallen to zero at the planned end.
    Ended,
    /// The loss no longer falls.
    Level,
}

impl Evidence<'_> {
    fn finding(&self) -> Finding {
        let loss = |epoch: &EpochReport| epoch.valid_loss_nats_per_token;
        let best = self.epochs.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)));
        let (Some(best), Some(last)) = (best, self.epochs.last()) else {
            return Finding::NoEpoch;
        };
        if best.valid_accuracy >= PERFECT_ACCURACY {
            return Finding::Perfect;
        }
        if loss(last) - loss(best) > TIE {
            let is_overfitted = last.train_loss_nats_per_token < loss(last);
            return Finding::Rising { best_epoch: best.epoch, best: loss(best), last: loss(last), is_overfitted };
        }
        let previous = self.epochs.len().checked_sub(2).map(|at| &self.epochs[at]);
        let is_falling = |previous: &EpochReport| best.epoch == last.epoch && loss(previous) - loss(last) > TIE;
        match previous {
            _ if self.stopped_early => Finding::Level,
            None if self.passes < FEW_PASSES => Finding::Early,
            None => Finding::Single,
            Some(previous) if is_falling(previous) => Finding::Falling,
            Some(_) if self.schedule.depends_on_length() => Finding::Ended,
            Some(_) => Finding::Level,
        }
    }

    /// How to train longer: in a new run if the learning rates depend on the length of the run, or a time was given. Names
    /// what determined the length: the time and the epochs cannot both be given.
    fn longer(&self) -> String {
        let count = self.epochs.len();
        if self.is_planned {
            "train longer in a new run, with more `--minutes`".into()
        } else if self.schedule.depends_on_length() {
            format!("train longer in a new run, with `train.epochs` above {count}")
        } else {
            format!("train longer, with `train.epochs` above {count}")
        }
    }

    /// Whether the plan made as many passes as it may: from the base at most a few, however many minutes are given.
    fn has_all_passes(&self) -> bool {
        self.is_planned && self.starts_from_model && self.passes >= FEW_PASSES
    }

    fn has_few_parameters(&self) -> bool {
        self.parameters_per_token < FEW_PARAMETERS
    }

    /// Whether a larger model is a choice: a trained one has the size that it has.
    fn may_be_larger(&self) -> bool {
        self.has_few_parameters() && !self.starts_from_model
    }

    /// What helps against overfitting. A trained model is not made smaller, but changed less.
    fn against_overfitting(&self) -> &'static str {
        if self.starts_from_model {
            "fewer passes over the text, more dropout or a lower learning rate"
        } else {
            "more text, more dropout or a smaller model, not more epochs"
        }
    }

    /// What to do next, in one sentence.
    pub fn advice(&self) -> String {
        let count = self.epochs.len();
        match self.finding() {
            Finding::NoEpoch => "No epoch is complete, so the losses say little yet: train longer.".into(),
            Finding::Perfect => {
                "The model predicts every held-out token: there is nothing left to learn from this text.".into()
            }
            Finding::Rising { best_epoch, best, last, is_overfitted } => {
                let what = if is_overfitted {
                    format!("which is overfitting: for a lower loss use {}", self.against_overfitting())
                } else {
                    "although the training loss is not lower: for a lower loss use a lower learning rate".into()
                };
                format!(
                    "The validation loss rose from {} after epoch {best_epoch} to {} after epoch {count}, {what}.",
                    decimals(best, 3),
                    decimals(last, 3)
                )
            }
            Finding::Early => format!(
                "After fewer than two passes over the text it is too early to judge the model: {}.",
                self.longer()
            ),
            Finding::Single | Finding::Falling | Finding::Ended if self.has_all_passes() => {
                "More passes over this text would only make the model memorise it: for a lower loss use more text.".into()
            }
            Finding::Single => format!(
                "One validation does not show whether the loss still falls: to find out, {}.",
                self.longer()
            ),
            Finding::Falling => format!("The validation loss was still falling: {}.", self.longer()),
            Finding::Ended => {
                let other = if self.may_be_larger() { "a larger model" } else { "more text" };
                format!(
                    "The validation loss no longer falls, as the learning rate has fallen to zero: for a lower loss {}, \
                     or use {other}.",
                    self.longer()
                )
            }
            Finding::Level if self.may_be_larger() => {
                "The validation loss no longer falls, and the text is large for this model: a larger model may reach a \
                 lower loss."
                    .into()
            }
            Finding::Level if self.is_worse_than_baseline && self.starts_from_model => {
                "The validation loss no longer falls: for a lower loss use more text or another learning rate, or train a new \
                 model."
                    .into()
            }
            Finding::Level if self.is_worse_than_baseline => {
                "The validation loss no longer falls: for a lower loss use more text, or another learning rate or model."
                    .into()
            }
            Finding::Level => {
                "The validation loss no longer falls: only more text is likely to lower it much further.".into()
            }
        }
    }

    /// Why the model may have a higher loss than a baseline, as the rest of a sentence.
    pub fn why_worse(&self) -> &'static str {
        match self.finding() {
            _ if self.splits_characters => {
                "the subwords do not suit the script of this text, in which a character is several of them"
            }
            Finding::NoEpoch | Finding::Early if self.passes < 1.0 => "the network has not read the whole text yet",
            Finding::NoEpoch => "training ended before the first validation",
            Finding::Early => "training ended after fewer than two passes over the text",
            Finding::Falling => "training ended while the loss of the network was still falling",
            Finding::Rising { is_overfitted: true, .. } => "the network memorised the training text",
            Finding::Rising { is_overfitted: false, .. } => "training did not settle, with this learning rate",
            Finding::Perfect | Finding::Single | Finding::Ended | Finding::Level if self.has_few_parameters() => {
                "the network is small for this text"
            }
            Finding::Single | Finding::Ended if self.passes >= MANY_PASSES => {
                "the network is too small or the text too short"
            }
            Finding::Single | Finding::Ended => "the run or the text is too short for this network to learn more",
            Finding::Perfect | Finding::Level => "the text is too short for this network to learn more from it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The advice, and why the model is worse than a baseline, at a constant learning rate.
    fn advice(losses: &[f64], accuracy: f64, parameters_per_token: f64) -> (String, &'static str) {
        advice_with(Schedule::Constant, losses, accuracy, parameters_per_token)
    }

    /// The same with another schedule; an epoch is a pass.
    fn advice_with(
        schedule: Schedule,
        losses: &[f64],
        accuracy: f64,
        parameters_per_token: f64,
    ) -> (String, &'static str) {
        let epochs = epochs(losses, accuracy);
        let evidence = Evidence { schedule, parameters_per_token, ..evidence(&epochs, losses.len() as f64) };
        (evidence.advice(), evidence.why_worse())
    }

    /// A run with these epochs after so many passes.
    fn evidence(epochs: &[EpochReport], passes: f64) -> Evidence<'_> {
        Evidence {
            epochs,
            passes,
            schedule: Schedule::Constant,
            is_planned: false,
            stopped_early: false,
            parameters_per_token: 40.0,
            is_worse_than_baseline: true,
            starts_from_model: false,
            splits_characters: false,
        }
    }

    fn epochs(losses: &[f64], accuracy: f64) -> Vec<EpochReport> {
        (1..)
            .zip(losses)
            .map(|(epoch, &loss)| EpochReport {
                epoch,
                step: epoch as u64,
                train_loss_nats_per_token: loss - 0.5,
                valid_loss_nats_per_token: loss,
                valid_accuracy: accuracy,
                learning_rate: 0.001,
                seconds: 1.0,
                tokens_per_second: 1.0,
            })
            .collect()
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
            let (advice, _) = advice(losses, accuracy, ratio);
            assert!(advice.contains(expected) && !advice.contains(not), "{losses:?}: {advice}");
        }
    }

    #[test]
    fn a_run_whose_learning_rate_fell_to_zero_is_not_to_be_continued() {
        let in_new_run = "train longer in a new run, with `train.epochs` above";
        for (losses, ratio, parts) in [
            (&[6.0, 5.0, 4.5][..], 40.0, ["still falling", in_new_run]),
            (&[6.0, 4.5, 4.5, 4.5], 40.0, [in_new_run, "or use more text"]),
            (&[6.0, 4.5, 4.5, 4.5], 0.01, [in_new_run, "or use a larger model"]),
            (&[6.0, 4.5, 5.0], 40.0, ["overfitting", "not more epochs"]),
        ] {
            let (advice, _) = advice_with(Schedule::Cosine, losses, 0.1, ratio);
            assert!(parts.iter().all(|part| advice.contains(part)), "{losses:?}: {advice}");
        }
        let (_, why) = advice_with(Schedule::Cosine, &[6.0, 4.5, 4.5], 0.1, 40.0);
        assert!(why.contains("run or the text is too short"), "{why}");
    }

    #[test]
    fn a_loss_that_rises_without_a_lower_training_loss_is_no_overfitting() {
        let mut epochs = epochs(&[6.0, 4.5, 5.0], 0.1);
        assert_eq!(evidence(&epochs, 3.0).why_worse(), "the network memorised the training text");
        // The loss of training with dropout.
        epochs[2].train_loss_nats_per_token = 5.2;
        let evidence = evidence(&epochs, 3.0);
        assert_eq!(evidence.why_worse(), "training did not settle, with this learning rate");
        let advice = evidence.advice();
        assert!(advice.contains("rose from 4.500") && advice.ends_with("use a lower learning rate."), "{advice}");
    }

    #[test]
    fn one_validation_does_not_show_whether_the_loss_falls() {
        let epochs = epochs(&[6.0], 0.1);
        for (passes, expected, why) in [
            (0.4, "too early to judge", "not read the whole text"),
            (1.9, "too early to judge", "fewer than two passes"),
            (2.0, "does not show whether the loss still falls", "the run or the text is too short"),
            (300.0, "does not show whether the loss still falls", "the network is too small or the text too short"),
        ] {
            let evidence = evidence(&epochs, passes);
            assert!(evidence.advice().contains(expected), "{passes}: {}", evidence.advice());
            assert!(evidence.why_worse().contains(why), "{passes}: {}", evidence.why_worse());
        }
        let small = Evidence { parameters_per_token: 0.01, ..evidence(&epochs, 300.0) };
        assert_eq!(small.why_worse(), "the network is small for this text");
    }

    #[test]
    fn after_many_passes_the_run_is_not_too_short() {
        let epochs = epochs(&[6.0, 4.5, 4.5], 0.1);
        let evidence = Evidence { schedule: Schedule::Cosine, ..evidence(&epochs, 300.0) };
        assert_eq!(evidence.why_worse(), "the network is too small or the text too short");
    }

    #[test]
    fn a_run_that_was_planned_for_a_time_needs_more_minutes() {
        let epochs = epochs(&[6.0, 5.0], 0.1);
        for schedule in [Schedule::Constant, Schedule::Cosine] {
            let evidence = Evidence { schedule, is_planned: true, ..evidence(&epochs, 300.0) };
            let expected = "The validation loss was still falling: train longer in a new run, with more `--minutes`.";
            assert_eq!(evidence.advice(), expected);
            // Not one with so many steps per epoch by its configuration.
            let evidence = Evidence { is_planned: false, ..evidence };
            assert!(!evidence.advice().contains("--minutes"), "{}", evidence.advice());
            assert!(evidence.advice().contains("`train.epochs` above 2"), "{}", evidence.advice());
        }
    }

    #[test]
    fn a_run_from_a_trained_model_is_advised_to_change_it_less() {
        let started = |losses: &[f64]| {
            let epochs = epochs(losses, 0.1);
            let evidence = Evidence {
                schedule: Schedule::Cosine,
                is_planned: true,
                parameters_per_token: 0.01,
                starts_from_model: true,
                ..evidence(&epochs, 4.0)
            };
            evidence.advice()
        };
        let overfitted = started(&[3.0, 2.5, 2.75]);
        let expected = "for a lower loss use fewer passes over the text, more dropout or a lower learning rate.";
        assert!(overfitted.ends_with(expected), "{overfitted}");
        // More minutes do not make more passes.
        for losses in [&[2.5][..], &[3.0, 2.5], &[3.0, 2.5, 2.5]] {
            let advice = started(losses);
            assert!(advice.starts_with("More passes over this text would only make the model memorise it"), "{advice}");
            assert!(advice.ends_with("use more text."), "{advice}");
        }

        let epochs = epochs(&[3.0, 2.5, 2.5], 0.1);
        let level = Evidence { starts_from_model: true, ..evidence(&epochs, 3.0) };
        assert!(level.advice().ends_with("another learning rate, or train a new model."), "{}", level.advice());
    }

    #[test]
    fn a_model_that_is_worse_than_counting_gets_the_reason() {
        for (losses, ratio, expected) in [
            (&[6.0, 5.0, 4.5][..], 40.0, "still falling"),
            (&[6.0, 4.5, 5.0], 40.0, "memorised"),
            (&[6.0, 4.5, 4.51, 4.5], 0.01, "small for this text"),
            (&[6.0, 4.5, 4.51, 4.5], 40.0, "text is too short"),
            (&[], 40.0, "not read the whole text"),
        ] {
            let (_, why) = advice(losses, 0.1, ratio);
            assert!(why.contains(expected), "{losses:?}: {why}");
            // More training does not help tokens of another script.
            let epochs = epochs(losses, 0.1);
            let evidence = Evidence { splits_characters: true, ..evidence(&epochs, losses.len() as f64) };
            assert!(evidence.why_worse().contains("do not suit the script"), "{losses:?}");
        }
    }
}
