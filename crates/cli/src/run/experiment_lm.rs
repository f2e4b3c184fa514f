//! Training of a language model.

use models::{LanguageModel, LmMetadata, StateMode};
use seqdata::TextDataset;
use text_prep::Tokenizer;
use trainer::{Outcome, StopReason, TrainConfig, TrainMode};

use crate::config::LmExperiment;
use crate::error::Result;
use crate::observers::sampling::{LmSampler, SampleCache};
use crate::observers::tensorboard_log;
use crate::output::status;
use crate::report::baselines::Baselines;
use crate::report::evaluation_report::{EvaluationReport, final_sample};
use crate::report::{invented_words_report, write_score};
use crate::run::experiment::{Experiment, RunContext, model_label};
use crate::run::provenance::InputHashes;

/// For a text of more tokens than this, a message says that n-grams are being counted.
const LONG_TEXT: usize = 1_000_000;

impl Experiment for LmExperiment {
    type Network = LanguageModel;
    type Baselines = Baselines;

    fn data(&self) -> &TextDataset {
        &self.dataset
    }

    fn train_config(&self) -> &TrainConfig {
        &self.train
    }

    fn to_toml(&self) -> String {
        toml::to_string(&self.config).expect("a configuration is plain data")
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.dataset.tokenizer
    }

    fn metadata(&self) -> LmMetadata {
        let LmExperiment { config, dataset, model, .. } = self;
        let (window, valid) = (config.windows.context_len, dataset.valid_sha256());
        LmMetadata::new(model.clone(), window, config.seed, valid)
    }

    fn input_hashes(&self) -> InputHashes {
        let dataset = &self.dataset;
        InputHashes {
            seed: self.config.seed,
            text_sha256: dataset.text_sha256.clone(),
            train_sha256: dataset.train_sha256(),
            valid_sha256: dataset.valid_sha256(),
        }
    }

    fn sample_cache(&self) -> SampleCache<LanguageModel> {
        SampleCache::new(LmSampler {
            tokenizer: self.dataset.tokenizer.clone(),
            metadata: self.metadata(),
            state_mode: match self.train.mode {
                TrainMode::Tbptt { .. } => StateMode::Carry,
                TrainMode::Windows | TrainMode::Examples => StateMode::Window,
            },
            max_tokens: self.config.samples.max_tokens,
        })
    }

    fn baselines(&self) -> Baselines {
        if self.dataset.split.train.len() > LONG_TEXT {
            status("counting 5-grams for the n-gram baseline");
        }
        Baselines::compute(&self.dataset)
    }

    fn chart_baselines(baselines: &Baselines) -> Vec<(String, f64)> {
        baselines.for_chart()
    }

    fn report_results(&self, context: &RunContext, outcome: &Outcome, baselines: &Baselines) -> Result<()> {
        let metadata = &outcome.best.metadata;
        let losses = [("by window", metadata.valid_loss_window), ("carried", metadata.valid_loss_carried)];
        let losses: Vec<String> =
            losses.iter().filter_map(|(how, loss)| loss.map(|loss| format!("{loss:.3} {how}"))).collect();
        let unigram = baselines.unigram;
        status(&format!(
            "{}: validation loss {} nats/token; the unigram baseline has {unigram:.3}",
            model_label(outcome),
            losses.join(", ")
        ));
        if !matches!(outcome.stop_reason, StopReason::Requested { .. }) {
            write_reports(self, context, outcome, baselines)?;
        }
        let mode = match metadata.state_mode() {
            StateMode::Carry => "carry",
            StateMode::Window => "window",
        };
        status(&format!("`generate` will use `--state {mode}`"));
        let model = context.run.display();
        status(&format!("generate text with: cargo xtask generate --model {model} (or pastiche generate …)"));
        Ok(())
    }
}

/// Writes and prints the reports on a finished run.
fn write_reports(
    experiment: &LmExperiment,
    context: &RunContext,
    outcome: &Outcome,
    baselines: &Baselines,
) -> Result<()> {
    let (dataset, best, run) = (&experiment.dataset, &outcome.best, context.run);
    tensorboard_log::write_embeddings(run, best)?;
    let sample = final_sample(best)?;
    if let Some(summary) = invented_words_report::write(dataset, best, &sample, run)? {
        status(&summary);
    }
    let report = EvaluationReport::new(dataset, best, baselines, &sample);
    write_score(run, &report.to_markdown(), &report)?;
    for sentence in [report.comparison(), report.memorization(), report.size()] {
        status(&sentence);
    }
    Ok(())
}
