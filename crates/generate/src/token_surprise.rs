//! The surprise of each token of a text that a model reads.

use text_prep::{Detokenizer, Vocabulary};

use crate::error::{Error, Result};
use crate::evaluation_plan::EvaluationPlan;
use crate::mixture::Mixture;

/// Evaluates all targets of `plan`, which is one [in order](EvaluationPlan::in_order), and calls `each` with every piece of the
/// text and its surprise, −ln p in nats under the model, or under its mixture with n-grams if one is given. What is read before
/// the first target has none. A piece is what a token writes; the surprise of tokens that write nothing by themselves, such as
/// a part of a syllable, is added to that of the next one. The end of a document is a line end.
///
/// # Errors
/// If a loss is not finite, or the device fails.
pub fn each_surprise(
    plan: &EvaluationPlan,
    mixture: Option<&Mixture>,
    each: impl FnMut(&str, Option<f64>),
) -> Result<()> {
    let tokenizer = &plan.bundle().tokenizer;
    let detokenizer = tokenizer.detokenizer();
    let mut pieces = Pieces { vocabulary: &tokenizer.vocabulary, detokenizer, surprise: None, each };
    for id in plan.sequence().ids(0..plan.context_len()) {
        pieces.push(id, None);
    }
    let context_len = mixture.map_or(0, |mixture| mixture.ngrams().order() - 1);
    let mut is_finite = true;
    let target = |nats: f64, context: &[u32], id: u32| {
        let nats = mixture.map_or(nats, |mixture| -mixture.probability((-nats).exp(), context, id).ln());
        is_finite &= nats.is_finite();
        pieces.push(id, Some(nats));
    };
    models::each_target(&plan.bundle().model, plan.loader(), plan.label(), context_len, target)?;
    pieces.finish();
    if is_finite { Ok(()) } else { Err(Error::NotFinite) }
}

/// The text of tokens, piece by piece.
struct Pieces<'a, F> {
    vocabulary: &'a Vocabulary,
    detokenizer: Detokenizer,
    /// That of the tokens since the last piece.
    surprise: Option<f64>,
    each: F,
}

impl<F: FnMut(&str, Option<f64>)> Pieces<'_, F> {
    fn push(&mut self, id: u32, nats: Option<f64>) {
        let Self { vocabulary, detokenizer, surprise, each } = self;
        if let Some(nats) = nats {
            *surprise = Some(surprise.unwrap_or(0.0) + nats);
        }
        let is_end = vocabulary.document_id() == Some(id);
        let is_start = is_end && detokenizer.text().is_empty();
        let text = if is_end { detokenizer.end_document() } else { detokenizer.push(vocabulary.written(id)) };
        if !text.is_empty() || (is_end && !is_start) {
            each(&format!("{text}{}", if is_end { "\n" } else { "" }), surprise.take());
        }
    }

    fn finish(mut self) {
        let rest = self.detokenizer.finish();
        if !rest.is_empty() {
            (self.each)(rest, self.surprise);
        }
    }
}

#[cfg(test)]
mod tests {
    use models::StateMode;
    use seqdata::{DatasetInput, EvaluationText};

    use crate::test_model::{JAMO, WORDS, document_generator, generator, subword_generator};
    use crate::{Generator, LabelChoice, Mixture, NgramOrder, evaluate_sequence};

    use super::*;

    /// The pieces of `text` with their surprise, and the mean surprise of a target of its evaluation.
    fn pieces(generator: &Generator, input: DatasetInput, mode: StateMode) -> (Vec<(String, Option<f64>)>, f64) {
        let bundle = generator.bundle();
        let text = EvaluationText::read(input, &bundle.tokenizer, &bundle.metadata.config.labels).unwrap();
        let plan = EvaluationPlan::in_order(bundle, &text.sequence, 0, LabelChoice::Own, mode, 4).unwrap();
        let mut pieces = Vec::new();
        each_surprise(&plan, None, |text, nats| pieces.push((text.to_owned(), nats))).unwrap();
        let evaluation = evaluate_sequence(bundle, &text.sequence, 0, LabelChoice::Own, mode).unwrap();
        (pieces, evaluation.loss_nats_per_token * evaluation.tokens as f64)
    }

    #[test]
    fn the_pieces_join_to_the_text_and_their_surprise_is_the_loss() {
        for (generator, text) in [
            (generator(WORDS, None), "a é a . a a é . a ."),
            (generator(JAMO, None), "a a 한하.é 하한"),
            (subword_generator(), " the fox the 🦊é fox the"),
        ] {
            for mode in [StateMode::Carry, StateMode::Window] {
                let (pieces, total) = pieces(&generator, DatasetInput::whole_text(text), mode);
                let joined: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
                let ids = generator.tokenizer().encode(text, text_prep::OovPolicy::Unknown).unwrap().ids;
                assert_eq!(joined, generator.tokenizer().decode(&ids));
                let sum: f64 = pieces.iter().filter_map(|(_, nats)| *nats).sum();
                assert!((sum - total).abs() < 1e-4, "{sum} {total} {pieces:?}");
                assert!(pieces[0].1.is_none() && pieces.last().unwrap().1.is_some(), "{pieces:?}");
            }
        }
    }

    #[test]
    fn the_end_of_a_document_is_a_line_end() {
        let documents = [("a . a", None), ("é .", Some("two"))];
        let generator = document_generator();
        let (pieces, total) = pieces(&generator, DatasetInput::documents(&documents[..]), StateMode::Carry);
        let joined: String = pieces.iter().map(|(text, _)| text.as_str()).collect();
        let tokenizer = generator.tokenizer();
        let text = |text| tokenizer.decode(&tokenizer.encode(text, text_prep::OovPolicy::Error).unwrap().ids);
        assert_eq!(joined, format!("{}\n{}\n", text("a . a"), text("é .")));
        let sum: f64 = pieces.iter().filter_map(|(_, nats)| *nats).sum();
        assert!((sum - total).abs() < 1e-4, "{sum} {total}");
    }

    #[test]
    fn the_surprise_of_a_mixture_is_its_loss() {
        let generator = generator(WORDS, None);
        let bundle = generator.bundle();
        let input = || DatasetInput::whole_text("a é a . a a é . a . a é a . a a é .");
        let text = EvaluationText::read(input(), &bundle.tokenizer, &[]).unwrap();
        let training: Vec<u32> = text.sequence.ids(0..text.sequence.len()).collect();
        let mode = StateMode::Carry;
        let mixture = Mixture::fit(bundle, &training, &text.sequence, NgramOrder::Tokens(3), mode).unwrap();
        let found = mixture.evaluate(bundle, &text.sequence, 0, LabelChoice::Own, mode).unwrap();
        let plan = EvaluationPlan::in_order(bundle, &text.sequence, 0, LabelChoice::Own, mode, 4).unwrap();
        let (mut sum, mut targets) = (0.0, 0);
        each_surprise(&plan, Some(&mixture), |_, nats| {
            sum += nats.unwrap_or(0.0);
            targets += usize::from(nats.is_some());
        })
        .unwrap();
        let expected = found.mixture.unwrap().mixture.loss_nats_per_token;
        assert!((sum / targets as f64 - expected).abs() < 1e-5, "{sum} {targets} {expected}");
    }
}
