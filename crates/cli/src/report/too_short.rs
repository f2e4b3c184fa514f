//! Warnings about a run that ended without an error, but whose model has learned hardly anything.

use crate::report::advice::TIE;
use crate::report::evaluation_report::EvaluationReport;
use crate::view::format::{counted, decimals};

/// With fewer steps no new model learns more than how frequent its tokens are, whatever the learning rate.
const FEW_STEPS: u64 = 10;

/// A warning about a run of so few steps. `starts_from_model`: it started from a trained one.
pub fn few_steps(steps: u64, starts_from_model: bool) -> Option<String> {
    let steps = (steps < FEW_STEPS).then(|| counted(steps as usize, "step"))?;
    let of_text = if starts_from_model { " of this text, and writes as the model that it started from" } else { "" };
    Some(format!(
        "after only {steps} the model has learned hardly anything{of_text}: train longer, with `--minutes N` or \
         `--set train.epochs=N`"
    ))
}

/// A warning that the model is no better than the unigram baseline, which knows only how frequent each token is. None if that
/// knows nearly every token, as in a text of one character.
pub fn no_better_than_unigram(report: &EvaluationReport) -> Option<String> {
    let unigram = report.rows.iter().find(|row| row.name == "unigram")?.loss_nats_per_token;
    let model = report.rows.first()?.loss_nats_per_token;
    (unigram > TIE && model > unigram - TIE).then(|| {
        format!(
            "the model predicts held-out text about as badly as the frequencies of the tokens do ({} against {} nats/token): train \
             longer, or with another learning rate",
            decimals(model, 3),
            decimals(unigram, 3)
        )
    })
}

/// A warning that the model has not learned where documents end: most of those that it wrote had to be cut off.
pub fn documents_without_end(report: &EvaluationReport) -> Option<String> {
    let novelty = report.novelty.as_ref()?;
    (2 * novelty.cut_off > novelty.documents).then(|| {
        format!(
            "{} of {} generated documents had no end: the model has not learned yet where documents end; train longer, with \
             `--minutes N`",
            novelty.cut_off, novelty.documents
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::evaluation_report::tests::report;
    use crate::report::final_sample::DocumentNovelty;

    #[test]
    fn a_run_of_a_few_steps_is_reported() {
        let expected = "after only 1 step the model has learned hardly anything: train longer, with `--minutes N` or `--set \
                        train.epochs=N`";
        assert_eq!(few_steps(1, false).unwrap(), expected);
        assert!(few_steps(1, true).unwrap().contains("hardly anything of this text, and writes as the model"));
        assert_eq!([9, 10].map(|steps| few_steps(steps, false).is_some()), [true, false]);
    }

    #[test]
    fn documents_without_an_end_are_reported() {
        let novelty = |cut_off| DocumentNovelty { documents: 100, new: 100, cut_off, ..DocumentNovelty::default() };
        let warning =
            |cut_off| documents_without_end(&EvaluationReport { novelty: Some(novelty(cut_off)), ..report(4.4) });
        assert_eq!((warning(50), documents_without_end(&report(4.4))), (None, None));
        assert!(warning(98).unwrap().starts_with("98 of 100 generated documents had no end: "));
    }

    #[test]
    fn a_model_that_knows_only_frequencies_is_reported() {
        // The unigram baseline has 5.6.
        for (model, is_reported) in [(4.4, false), (5.5, false), (5.6, true), (7.0, true), (f64::NAN, false)] {
            assert_eq!(no_better_than_unigram(&report(model)).is_some(), is_reported, "{model}");
        }
        let expected = "about as badly as the frequencies of the tokens do (7.000 against 5.600 nats/token)";
        assert!(no_better_than_unigram(&report(7.0)).unwrap().contains(expected));
        let mut certain = report(0.0);
        certain.rows.iter_mut().for_each(|row| row.loss_nats_per_token = 0.0);
        assert_eq!(no_better_than_unigram(&certain), None);
    }
}
