//! The evaluation report as Markdown, and its sentences.

use crate::report::advice::TIE;
use crate::report::baselines::NGRAM;
use crate::report::copied_words::CopiedWords;
use crate::report::counting::CountingScore;
use crate::report::evaluation_report::EvaluationReport;
use crate::report::final_sample::DocumentNovelty;
use crate::report::mixture_report::MixtureReport;
use crate::report::terms::HOW_TO_READ;
use crate::report::test_part;
use crate::view::format::{counted, decimals, short_name, thousands};

impl EvaluationReport {
    /// The report as Markdown.
    pub fn to_markdown(&self) -> String {
        let held_out = match self.documents {
            None => counted(self.tokens, "contiguous held-out token"),
            Some(documents) => {
                format!("{} of {}", counted(self.tokens, "token"), counted(documents, "held-out document"))
            }
        };
        let mut text = format!(
            "# Evaluation report\n\n{held_out}, not used for training (but for choosing the best epoch, {}):\n\n\
             | | nats/token | perplexity | bits per byte |\n|---|---|---|---|\n",
            self.best_epoch
        );
        let cells = |loss: f64, perplexity: f64, bits: Option<f64>| {
            let (loss, bits) = (decimals(loss, 3), bits.map_or("–".into(), |bits| decimals(bits, 3)));
            format!("{loss} | {perplexity:.1} | {bits} |\n")
        };
        for row in &self.rows {
            let cells = cells(row.loss_nats_per_token, row.perplexity, row.bits_per_byte);
            text += &format!("| {} | {cells}", row.name);
        }
        if !self.labels.is_empty() {
            text += "\n| label | tokens | nats/token | perplexity | bits per byte |\n|---|---|---|---|---|\n";
        }
        for row in &self.labels {
            let name = row.label.as_ref().map_or("(none)".into(), |label| short_name(label).replace('|', "\\|"));
            let cells = cells(row.loss_nats_per_token, row.perplexity, row.bits_per_byte);
            text += &format!("| {name} | {} | {cells}", thousands(row.tokens));
        }
        if self.rows.iter().any(|row| row.bits_per_byte.is_none()) {
            text += "\nBits per byte are not defined because some held-out tokens are left out.\n";
        }
        for protocol in &self.protocols {
            text += &format!("\n{protocol}.\n");
        }
        for sentence in self.sentences() {
            text += &format!("\n{sentence}\n");
        }
        text + HOW_TO_READ
    }

    /// The findings, one sentence each.
    fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![self.comparison(), self.copied.sentence(&self.copied_by_held_out_text)];
        sentences.extend(self.copied_words.as_ref().map(CopiedWords::sentence));
        sentences.extend([self.size(), self.advice.clone()]);
        if let Some(novelty) = &self.novelty {
            sentences.insert(1, novelty.sentence());
        }
        sentences.splice(1..1, self.test.as_ref().map(test_part::sentence));
        sentences.extend(self.mixture.iter().flat_map(MixtureReport::sentences));
        sentences
    }

    /// How much of the sample is copied, in one sentence: the shortest finding that there is.
    pub fn copies(&self) -> String {
        let words = self.copied_words.as_ref().map(CopiedWords::sentence);
        let found = words.or_else(|| self.novelty.as_ref().map(DocumentNovelty::sentence));
        found.unwrap_or_else(|| self.copied.sentence(&self.copied_by_held_out_text))
    }

    /// Compares the model with counting, and also with the n-gram baseline if that is better than the model; without counting,
    /// with the n-gram baseline alone.
    pub fn comparison(&self) -> String {
        let loss = |name: &str| {
            let row = self.rows.iter().find(|row| row.name == name);
            row.map_or(f64::NAN, |row| row.loss_nats_per_token)
        };
        let (best, ngram) = (self.rows[0].loss_nats_per_token, loss(NGRAM));
        let unigram = loss("unigram");
        let baseline = format!("an interpolated Kneser–Ney {NGRAM} model of the same text ({})", decimals(ngram, 3));
        if let Some(CountingScore { sentence, .. }) = &self.counting {
            let best_loss = decimals(best, 3);
            let also = format!(" The network's loss of {best_loss} nats/token is higher than that of {baseline}.");
            return if best - ngram > TIE { sentence.clone() + &also } else { sentence.clone() };
        }
        let verdict = match best - ngram {
            d if d < -TIE => format!("is {} better than {baseline}", decimals(-d, 2)),
            d if d <= TIE => format!("is about as good as {baseline}"),
            _ if best >= unigram => format!("is not better than the unigram baseline ({})", decimals(unigram, 3)),
            d => format!("is {} worse than {baseline}", decimals(d, 2)),
        };
        format!("The model has a validation loss of {} nats/token; it {verdict}.", decimals(best, 3))
    }

    /// Compares the number of parameters with the number of training tokens, in one sentence.
    fn size(&self) -> String {
        let ratio = self.parameters as f64 / self.training_tokens.max(1) as f64;
        let meaning = match ratio {
            r if r > 1.0 => {
                "enough to memorise the text, so that only the validation loss shows what the model has learned"
            }
            r if r > 0.05 => "model and text are of similar size",
            _ => "the text is large for this model",
        };
        format!(
            "{} parameters and {} training tokens, {} parameters per token: {meaning}.",
            thousands(self.parameters),
            thousands(self.training_tokens),
            match ratio {
                r if r >= 10.0 => format!("{r:.0}"),
                r => format!("{r:.2}"),
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use generate::LabelEvaluation;

    use super::*;
    use crate::report::counting::Counting;
    use crate::report::evaluation_report::tests::report;

    #[test]
    fn the_comparison_names_the_better_model() {
        assert!(report(4.44).comparison().contains("about as good"), "{}", report(4.44).comparison());
        assert!(report(4.2).comparison().contains("is 0.22 better"), "{}", report(4.2).comparison());
        assert!(report(4.6).comparison().contains("is 0.18 worse"), "{}", report(4.6).comparison());
        assert!(report(5.7).comparison().contains("not better than the unigram"), "{}", report(5.7).comparison());
        // A text of one character: every model is certain of it.
        let mut certain = report(-0.0);
        certain.rows.iter_mut().for_each(|row| row.loss_nats_per_token = -0.0);
        let comparison = certain.comparison();
        let expected = "loss of 0.000 nats/token; it is about as good as an interpolated Kneser–Ney 5-gram model";
        assert!(comparison.contains(expected) && !comparison.contains("-0"), "{comparison}");
    }

    #[test]
    fn an_ngram_model_of_the_tokens_that_is_better_is_named_beside_counting() {
        let counting = Counting::default();
        let score = CountingScore { counting, network_bits_per_byte: 1.4, sentence: "It is better.".into() };
        let comparison = |model| EvaluationReport { counting: Some(score.clone()), ..report(model) }.comparison();
        assert_eq!(comparison(4.44), "It is better.");
        let expected = "better. The network's loss of 4.600 nats/token is higher than that of an interpolated Kneser–Ney \
                        5-gram model of the same text (4.420).";
        assert!(comparison(4.6).ends_with(expected), "{}", comparison(4.6));
    }

    #[test]
    fn documents_are_reported_with_their_labels_and_how_many_are_new() {
        let of_label = |label: Option<&str>, loss: f64| LabelEvaluation {
            label: label.map(String::from),
            tokens: 1_200,
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            accuracy: 0.5,
            bits_per_byte: Some(2.0),
        };
        let novelty = DocumentNovelty {
            documents: 100,
            new: 83,
            in_training_text: 12,
            repeated: 5,
            ..DocumentNovelty::default()
        };
        let labels = vec![of_label(None, 3.0), of_label(Some("a|b"), 2.5)];
        let report = EvaluationReport { documents: Some(150), labels, novelty: Some(novelty), ..report(4.4) };
        assert_eq!(report.copies(), novelty.sentence());
        let text = report.to_markdown();
        for part in [
            "5,022 tokens of 150 held-out documents, not used for training (but for choosing the best epoch, 3):",
            "| label | tokens |",
            "| (none) | 1,200 | 3.000 | 20.1 | 2.000 |",
            "| a\\|b | 1,200 | 2.500 | 12.2 | 2.000 |",
            "83 are new, 12 are in the training text and 5 repeat an earlier one",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
    }

    #[test]
    fn the_report_names_copied_text_and_sizes() {
        let text = report(4.4).to_markdown();
        for part in [
            "| this model | 4.400 | 81.5 | – |",
            "25 % of the 8-grams",
            "12 tokens (in held-out text 7): “the fox said”",
            "1,853,901 parameters and 45,394 training tokens, 41 parameters per token",
            "enough to memorise the text",
            "\nTrain longer.\n",
            "\n## How to read this\n",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
        assert!(!text.contains("sequences of 8 words"), "{text}");
        let copied = CopiedWords {
            checked: 90,
            in_training_text: 2,
            checked_in_base_text: Some(20),
            in_base_text: Some(1),
            has_unknown_text: false,
        };
        let text = EvaluationReport { copied_words: Some(copied), ..report(4.4) }.to_markdown();
        let expected = "\nOf 90 sequences of 8 words of the sample, 2 stand in the training text; of 20 that could be";
        assert!(text.contains(expected), "{text}");
    }
}
