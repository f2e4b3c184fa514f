//! The evaluation report at the end of a run: the loss compared with baselines, how much of a sample is copied from the
//! training text, and the number of parameters against the number of training tokens. Written to `score.md` and
//! `score.json`; two of its sentences are printed.

use burn::module::Module;
use eval::TrainingText;
use generate::{Evaluation, LabelEvaluation};
use models::StateMode;
use seqdata::Part;
use serde::Serialize;
use trainer::{Outcome, StopReason};

use crate::config::LmExperiment;
use crate::report::advice::{Evidence, TIE};
use crate::report::baselines::{Baselines, COUNTING, NGRAM, train_ids, valid_ids};
use crate::report::copied_words::CopiedWords;
use crate::report::counting::CountingScore;
use crate::report::final_sample::{DocumentNovelty, FinalSample};
use crate::report::held_out::HeldOut;
use crate::report::mixture_report::{MixtureReport, RunMixture};
use crate::report::overlap::{self, Overlap};
use crate::report::terms::HOW_TO_READ;
use crate::report::test_part;
use crate::view::format::{counted, decimals, short_name, thousands};

/// The evaluation of a language model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// The number of contiguous held-out tokens that were predicted.
    pub tokens: usize,
    /// The number of held-out documents, if the text consists of documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<usize>,
    /// The epoch whose weights are evaluated.
    pub best_epoch: usize,
    /// How the losses of the model are computed, in words.
    pub protocols: Vec<String>,
    /// The losses of the model (first) and of the baselines.
    pub rows: Vec<Row>,
    /// The comparison with the best Kneser–Ney model of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counting: Option<CountingScore>,
    /// The losses of the model by label, if documents have labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelEvaluation>,
    /// The evaluation on the test part, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Evaluation>,
    /// The mixture of the model with n-grams, if it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixture: Option<MixtureReport>,
    /// How many generated documents are new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty: Option<DocumentNovelty>,
    /// The overlap of the sample with the training text.
    pub copied: Overlap,
    /// The overlap of held-out text of the same length with the training text.
    pub copied_by_held_out_text: Overlap,
    /// The sequences of words of the sample that are copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_words: Option<CopiedWords>,
    /// The number of parameters.
    pub parameters: usize,
    /// The number of training tokens.
    pub training_tokens: usize,
    /// What to do for a lower loss.
    pub advice: String,
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
    /// The total loss in bits divided by the bytes of the text; `None` if tokens are left out of it.
    pub bits_per_byte: Option<f64>,
}

impl EvaluationReport {
    /// Evaluates the best model of `outcome`, which was trained as `experiment` says, validated as `protocols` says,
    /// generated `sample`, and has these losses by label and on the test part and this mixture. `is_planned`: by `--minutes`.
    pub fn new(
        mut protocols: Vec<String>,
        experiment: &LmExperiment,
        outcome: &Outcome,
        baselines: &Baselines,
        FinalSample { sample, novelty, copied_words }: &FinalSample,
        (labels, test, mixture): (Vec<LabelEvaluation>, Option<Evaluation>, Option<&RunMixture>),
        is_planned: bool,
    ) -> Self {
        let (dataset, best) = (&experiment.dataset, &outcome.best);
        let context_len = dataset.valid_context_len();
        // In windows, the first documents are context.
        let [carried, windows] = [context_len, dataset.context_len()].map(|length| HeldOut::new(dataset, length));
        protocols.extend(carried.and_then(|held_out| held_out.protocol(dataset)).map(String::from));
        protocols.extend(baselines.protocol());
        let row = |name: &str, loss: f64, held_out: Option<HeldOut>| Row {
            name: name.into(),
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            bits_per_byte: held_out.map(|held_out| held_out.bits_per_byte(loss)),
        };
        let metadata = &best.metadata;
        let mut losses = [
            ("this model, carried", metadata.valid_loss_carried, carried),
            ("this model, by window", metadata.valid_loss_window, windows),
        ];
        // The state mode that `generate` uses by default comes first.
        if metadata.state_mode() == StateMode::Window {
            losses.reverse();
        }
        let mut rows: Vec<Row> =
            losses.into_iter().filter_map(|(name, loss, held_out)| Some(row(name, loss?, held_out))).collect();
        let named = baselines.named();
        rows.extend(
            named
                .iter()
                .map(|&(name, loss)| row(name, loss, if name == COUNTING { baselines.held_out } else { carried })),
        );

        let without_separators = |ids: &[u32]| overlap::without_separators(ids, &dataset.tokenizer);
        let document = dataset.tokenizer.vocabulary.document_id();
        let training_text = TrainingText::new(without_separators(&train_ids(dataset)), document);
        let overlap = |ids: &[u32]| Overlap::new(&training_text, ids, &dataset.tokenizer);
        let held_out = without_separators(&valid_ids(dataset));
        // Two texts of equal length.
        let overlaps = |written: &[u32]| {
            let written = without_separators(written);
            let length = held_out.len().min(written.len());
            [&written, &held_out].map(|ids| overlap(&ids[..length]))
        };
        let [copied, copied_by_held_out_text] = overlaps(&sample.ids);
        let (parameters, training_tokens) = (best.model.num_params(), dataset.split.train.len());
        let lowest_baseline = named.iter().map(|&(_, loss)| loss).fold(f64::INFINITY, f64::min);
        let progress = &outcome.progress;
        let counting_held_out = baselines.counting.as_ref().zip(baselines.held_out);
        let evidence = Evidence {
            epochs: &progress.epochs,
            passes: progress.steps as f64 / progress.steps_per_pass.max(1) as f64,
            schedule: progress.config.schedule,
            is_planned,
            stopped_early: outcome.stop_reason == StopReason::EarlyStopping,
            parameters_per_token: parameters as f64 / training_tokens.max(1) as f64,
            is_worse_than_baseline: rows[0].loss_nats_per_token > lowest_baseline + TIE,
            starts_from_model: experiment.config.init.from.is_some(),
            splits_characters: dataset.tokenizer.vocabulary.is_subwords()
                && counting_held_out.is_some_and(|(counting, held_out)| held_out.targets > counting.characters),
        };
        let counting = baselines.counting.as_ref().zip(rows[0].bits_per_byte);
        let counting = counting.map(|(counting, bits)| counting.compare(bits, evidence.why_worse()));
        Self {
            tokens: dataset.split.valid.len() - context_len,
            documents: dataset.documents.as_ref().map(|documents| documents.of(Part::Valid).len()),
            best_epoch: metadata.epochs,
            protocols,
            rows,
            counting,
            labels,
            test,
            mixture: mixture.map(|mixture| mixture.report(overlaps(&mixture.sample.sample.ids))),
            novelty: *novelty,
            copied,
            copied_by_held_out_text,
            copied_words: copied_words.clone(),
            parameters,
            training_tokens,
            advice: evidence.advice(),
        }
    }

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
            "{} parameters trained on {} tokens, {} per token: {meaning}.",
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
pub mod tests {
    use super::*;
    use crate::report::counting::Counting;

    /// The report on a model with this loss.
    pub fn report(model: f64) -> EvaluationReport {
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
            documents: None,
            best_epoch: 3,
            counting: None,
            labels: Vec::new(),
            test: None,
            mixture: None,
            novelty: None,
            protocols: vec!["carried: each token from all before it".into()],
            rows: vec![row("this model", model), row("5-gram", 4.42), row("unigram", 5.6)],
            copied: overlap(12, 0.25),
            copied_by_held_out_text: overlap(7, 0.75),
            copied_words: None,
            parameters: 1_853_901,
            training_tokens: 45_394,
            advice: "Train longer.".into(),
        }
    }

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
        let novelty = DocumentNovelty { documents: 100, new: 83, in_training_text: 12, repeated: 5, cut_off: 0 };
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
            "1,853,901 parameters trained on 45,394 tokens, 41 per token",
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
