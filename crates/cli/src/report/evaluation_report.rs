//! The evaluation report at the end of a run: the loss compared with baselines, how much of a sample is copied from the
//! training text, and the number of parameters against the number of training tokens. Printed, and written to
//! `score.md` and `score.json`.

use burn::module::Module;
use eval::{Memorization, TrainingText};
use generate::{Sample, bits_per_byte};
use models::{LmBundle, StateMode};
use seqdata::TextDataset;
use serde::Serialize;
use text_prep::PreTokenizer;

use crate::error::Result;
use crate::observers::sampling::{TEMPERATURE, sample_document};
use crate::report::baselines::{Baselines, NGRAM, train_ids, valid_ids};
use crate::view::format::thousands;

/// Losses that differ by no more than this count as equal: the best epochs of `configs/keras-baseline.toml` with three
/// seeds lie within 0.02 of each other.
const TIE: f64 = 0.03;
/// Sample length of a character model: about 400 English words, so that 1 % is still four of them.
const CHARACTERS: usize = 2_000;
/// Sample length of a word model.
const WORDS: usize = 500;

/// The evaluation of a language model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// The number of contiguous held-out tokens that were predicted.
    pub tokens: usize,
    /// The losses of the model (first) and of the baselines.
    pub rows: Vec<Row>,
    /// The overlap of the sample with the training text.
    pub copied: Overlap,
    /// The overlap of held-out text of the same length with the training text.
    pub copied_by_held_out_text: Overlap,
    /// The number of parameters.
    pub parameters: usize,
    /// The number of training tokens.
    pub training_tokens: usize,
}

/// The loss of a model or baseline on the held-out text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The name of the model or baseline.
    pub name: String,
    /// The mean of −ln p over all tokens.
    pub loss_nats_per_token: f64,
    /// exp(loss).
    pub perplexity: f64,
    /// The total loss in bits divided by the bytes of the text; `None` if it has unknown tokens.
    pub bits_per_byte: Option<f64>,
}

/// How much of a text also occurs in the training text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overlap {
    /// The number of tokens in the text.
    pub tokens: usize,
    /// The length in tokens of the longest copied run.
    pub longest_run: usize,
    /// That run as text.
    pub longest_run_text: String,
    /// The fraction of n-grams that do not occur in the training text, for n = 2, 3, …, 8; `None` if the text has
    /// fewer than n tokens.
    pub novel_ngrams: Vec<(usize, Option<f64>)>,
}

/// A longer sample of the trained model, on which the report is based.
///
/// # Errors
/// If the model's outputs are not finite.
pub fn final_sample(best: &LmBundle) -> Result<Sample> {
    let max_tokens = match best.tokenizer.pre_tokenizer {
        PreTokenizer::Characters(_) => CHARACTERS,
        PreTokenizer::Words(_) | PreTokenizer::Spans(_) => WORDS,
    };
    let sample = sample_document(best.clone(), best.metadata.state_mode(), TEMPERATURE, max_tokens, || true)?;
    Ok(sample.expect("nothing cuts it off"))
}

impl EvaluationReport {
    /// Evaluates `best`, which was trained on `dataset` and generated `sample`.
    pub fn new(dataset: &TextDataset, best: &LmBundle, baselines: &Baselines, sample: &Sample) -> Self {
        let valid = valid_ids(dataset);
        let window = dataset.context_len();
        let row = |name: &str, loss: f64| Row {
            name: name.into(),
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            bits_per_byte: bits_per_byte(&dataset.tokenizer, &valid, window, loss)
                .filter(|_| dataset.valid_dropped == 0),
        };
        let metadata = &best.metadata;
        let mut losses = [("carried", metadata.valid_loss_carried), ("by window", metadata.valid_loss_window)];
        // The state mode that `generate` uses by default comes first.
        if metadata.state_mode() == StateMode::Window {
            losses.reverse();
        }
        let losses = losses.into_iter().filter_map(|(how, loss)| Some(row(&format!("this model, {how}"), loss?)));
        let mut rows: Vec<Row> = losses.collect();
        rows.extend(baselines.named().map(|(name, loss)| row(name, loss)));

        // Document separators are not generated text.
        let separator = dataset.tokenizer.document_separator_id();
        let without_separators =
            |ids: &[u32]| -> Vec<u32> { ids.iter().copied().filter(|&id| Some(id) != separator).collect() };
        let training_text = TrainingText::new(without_separators(&train_ids(dataset)));
        let overlap = |ids: &[u32]| {
            let Memorization { longest, ngrams } = training_text.compare(ids);
            let run = &ids[longest.in_sample..longest.in_sample + longest.length];
            Overlap {
                tokens: ids.len(),
                longest_run: longest.length,
                longest_run_text: dataset.tokenizer.decode(run),
                novel_ngrams: ngrams
                    .iter()
                    .map(|ngrams| (ngrams.n, (ngrams.total > 0).then(|| ngrams.novel_fraction())))
                    .collect(),
            }
        };
        let written = without_separators(&sample.ids);
        let held_out = without_separators(&valid);
        // Two texts of equal length.
        let length = held_out.len().min(written.len());
        let (written, held_out) = (&written[..length], &held_out[..length]);
        Self {
            tokens: valid.len() - window,
            rows,
            copied: overlap(written),
            copied_by_held_out_text: overlap(held_out),
            parameters: best.model.num_params(),
            training_tokens: dataset.split.train.len(),
        }
    }

    /// The report as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Evaluation report\n\n{} contiguous held-out tokens, not used for training (but for \
             choosing the best epoch):\n\n\
             | | nats/token | perplexity | bits per byte |\n|---|---|---|---|\n",
            thousands(self.tokens)
        );
        for row in &self.rows {
            let bits = row.bits_per_byte.map_or("–".into(), |bits| format!("{bits:.3}"));
            let (loss, perplexity) = (row.loss_nats_per_token, row.perplexity);
            text += &format!("| {} | {loss:.3} | {perplexity:.1} | {bits} |\n", row.name);
        }
        if self.rows.iter().any(|row| row.bits_per_byte.is_none()) {
            text += "\nBits per byte are not defined because some held-out tokens are unknown.\n";
        }
        format!("{text}\n{}\n\n{}\n\n{}\n", self.comparison(), self.memorization(), self.size())
    }

    /// Compares the model with the n-gram baseline, in one sentence.
    pub fn comparison(&self) -> String {
        let loss = |name: &str| {
            let row = self.rows.iter().find(|row| row.name == name);
            row.map_or(f64::NAN, |row| row.loss_nats_per_token)
        };
        let (best, ngram) = (self.rows[0].loss_nats_per_token, loss(NGRAM));
        let unigram = loss("unigram");
        let baseline = format!("an interpolated Kneser–Ney {NGRAM} model of the same text ({ngram:.3})");
        let verdict = match best - ngram {
            _ if best >= unigram => {
                format!("is not better than the unigram baseline ({unigram:.3}): train longer, or on more text")
            }
            d if d > TIE => format!(
                "is {d:.2} worse than {baseline}: train longer, or regularise if the validation loss has started \
                 to rise"
            ),
            d if d < -TIE => format!("is {:.2} better than {baseline}", -d),
            _ => format!("is about as good as {baseline}"),
        };
        format!("The model has a validation loss of {best:.3} nats/token; it {verdict}.")
    }

    /// How much of the sample is copied from the training text, in one sentence.
    pub fn memorization(&self) -> String {
        let novel = |overlap: &Overlap, n: usize| {
            let found = overlap.novel_ngrams.iter().find(|&&(length, _)| length == n);
            let fraction = found.and_then(|&(_, fraction)| fraction);
            fraction.map_or("–".to_string(), |fraction| format!("{:.0} %", 100.0 * fraction))
        };
        let (own, held_out) = (&self.copied, &self.copied_by_held_out_text);
        let run = own.longest_run_text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!(
            "Of a sample of {} tokens at temperature {TEMPERATURE}, {} of the 4-grams and {} of \
             the 8-grams are not in the training text (for held-out text of the same length: {} and {}); \
             the longest copied run is {} tokens (in held-out text {}): “{run}”.",
            own.tokens,
            novel(own, 4),
            novel(own, 8),
            novel(held_out, 4),
            novel(held_out, 8),
            own.longest_run,
            held_out.longest_run,
        )
    }

    /// Compares the number of parameters with the number of training tokens, in one sentence.
    pub fn size(&self) -> String {
        let ratio = self.parameters as f64 / self.training_tokens.max(1) as f64;
        let advice = match ratio {
            r if r > 1.0 => {
                "the model can memorise its text: rely on the validation loss, not the training loss, and use \
                 dropout, early stopping or a smaller model"
            }
            r if r > 0.05 => "model and text are of similar size: check that the validation loss decreases",
            _ => "the text is large for this model: a larger model may reach a lower loss",
        };
        format!(
            "{} parameters trained on {} tokens, {} per token: {advice}.",
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
    use super::*;

    fn report(model: f64) -> EvaluationReport {
        let row = |name: &str, loss: f64| Row {
            name: name.into(),
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            bits_per_byte: None,
        };
        let overlap = |longest_run, fraction| Overlap {
            tokens: 500,
            longest_run,
            longest_run_text: "the\nfox said".into(),
            novel_ngrams: (2..=8).map(|n| (n, Some(fraction))).collect(),
        };
        EvaluationReport {
            tokens: 5_022,
            rows: vec![row("this model", model), row("5-gram", 4.42), row("unigram", 5.6)],
            copied: overlap(12, 0.25),
            copied_by_held_out_text: overlap(7, 0.75),
            parameters: 1_853_901,
            training_tokens: 45_394,
        }
    }

    #[test]
    fn the_comparison_names_the_better_model() {
        assert!(report(4.44).comparison().contains("about as good"), "{}", report(4.44).comparison());
        assert!(report(4.2).comparison().contains("is 0.22 better"), "{}", report(4.2).comparison());
        assert!(report(4.6).comparison().contains("is 0.18 worse"), "{}", report(4.6).comparison());
        assert!(report(5.7).comparison().contains("not better than the unigram"), "{}", report(5.7).comparison());
    }

    #[test]
    fn the_report_names_copied_text_and_sizes() {
        let text = report(4.4).to_markdown();
        for part in [
            "| this model | 4.400 | 81.5 | – |",
            "25 % of the 8-grams",
            "12 tokens (in held-out text 7): “the fox said”",
            "1,853,901 parameters trained on 45,394 tokens, 41 per token",
            "can memorise its text",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
    }
}
