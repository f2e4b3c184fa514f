//! Training of a language model.

use generate::{LabelChoice, carried_protocol, evaluate_sequence, window_protocol};
use models::bundle::DOCUMENT_HASHES;
use models::{LanguageModel, LmMetadata, StateMode};
use seqdata::{Part, TextDataset};
use text_prep::Tokenizer;
use trainer::{Outcome, StopFlag, StopReason, TrainConfig, TrainMode};

use crate::config::{LmExperiment, RunLength};
use crate::error::Result;
use crate::input::KeptInput;
use crate::long_task::LongTask;
use crate::observers::epoch_in_words::EpochInWords;
use crate::observers::sampling::{LmSampler, SampleCache};
use crate::observers::tensorboard_log;
use crate::output::{status, warn};
use crate::report::baselines::Baselines;
use crate::report::copied_words::EarlierTexts;
use crate::report::evaluation_report::EvaluationReport;
use crate::report::final_sample::FinalSample;
use crate::report::mixture_report::RunMixture;
use crate::report::{invented_words_report, test_part, too_short, write_score};
use crate::run::experiment::{Experiment, RunContext, model_label};
use crate::run::provenance::{InputHashes, Provenance};
use crate::view::format::decimals;

impl Experiment for LmExperiment {
    type Network = LanguageModel;
    type Baselines = Baselines;

    fn data(&self) -> &TextDataset {
        &self.dataset
    }

    fn train_config(&self) -> &TrainConfig {
        &self.train
    }

    fn set_length(&mut self, length: RunLength) {
        length.set(&mut self.config.train, &mut self.train);
    }

    fn length_warning(&self) -> Option<String> {
        self.short_epochs_warning()
    }

    fn remove_copies(&mut self) {
        self.config.text.copy = false;
    }

    fn kept_inputs(&self) -> &[KeptInput] {
        self.kept.as_slice()
    }

    fn to_toml(&self) -> String {
        toml::to_string(&self.config).expect("a configuration is plain data")
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.dataset.tokenizer
    }

    fn extra_files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let dataset = &self.dataset;
        let hashes = || {
            let _task = LongTask::start("hashing the training documents");
            (DOCUMENT_HASHES, dataset.training_documents().union(&self.earlier_documents).to_bytes())
        };
        dataset.documents.as_ref().map(|_| hashes()).into_iter().collect()
    }

    fn metadata(&self) -> LmMetadata {
        let LmExperiment { config, dataset, model, .. } = self;
        let (window, valid) = (config.windows.context_len, dataset.valid_sha256());
        let documents = dataset.documents.as_ref();
        let lengths = documents.and_then(|documents| documents.lengths(documents.of(Part::Train)));
        LmMetadata {
            document_len_p99: lengths.map(|lengths| lengths.p99),
            ..LmMetadata::new(model.clone(), window, config.seed, valid)
        }
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

    fn validation_protocols(&self) -> Vec<String> {
        let (dataset, window) = (&self.dataset, self.dataset.context_len());
        let streams = dataset.valid_streams(self.train.valid_streams).unwrap_or_else(|_| dataset.valid_stream());
        let carried = carried_protocol(&streams, window, dataset.documents.is_some());
        match self.train.mode {
            TrainMode::Tbptt { .. } => vec![carried],
            TrainMode::Windows | TrainMode::Examples => vec![window_protocol(window), carried],
        }
    }

    fn sample_cache(&self, stop: &StopFlag) -> SampleCache<LanguageModel> {
        let sampler = LmSampler {
            tokenizer: self.dataset.tokenizer.clone(),
            metadata: self.metadata(),
            state_mode: match self.train.mode {
                TrainMode::Tbptt { .. } => StateMode::Carry,
                TrainMode::Windows | TrainMode::Examples => StateMode::Window,
            },
            max_tokens: self.config.samples.max_tokens,
        };
        SampleCache::new(sampler, stop)
    }

    fn baselines(&self) -> Baselines {
        let _task = LongTask::start("counting n-grams for the baselines");
        let context_len = match self.train.mode {
            TrainMode::Tbptt { .. } => self.dataset.valid_context_len(),
            TrainMode::Windows | TrainMode::Examples => self.dataset.context_len(),
        };
        Baselines::compute(&self.dataset, context_len)
    }

    fn epochs_in_words(&self, baselines: &Baselines) -> EpochInWords {
        let _task = LongTask::start("reading the words of the training text");
        EpochInWords::new(&self.dataset, baselines)
    }

    fn chart_baselines(baselines: &Baselines) -> Vec<(String, f64)> {
        baselines.for_chart()
    }

    fn report_results(&self, context: &RunContext, outcome: &Outcome, baselines: &Baselines) -> Result<()> {
        if matches!(outcome.stop_reason, StopReason::Requested { .. }) {
            status(&format!("{}: {}", model_label(outcome), validation_loss(&outcome.best.metadata)));
        } else {
            write_reports(self, context, outcome, baselines)?;
        }
        let model = context.run.display();
        status(&format!("generate text with: cargo xtask generate --model {model} (or pastiche generate …)"));
        Ok(())
    }
}

/// The validation losses of a model, in words.
fn validation_loss(metadata: &LmMetadata) -> String {
    let losses = [("by window", metadata.valid_loss_window), ("carried", metadata.valid_loss_carried)];
    let losses = losses.iter().filter_map(|(how, loss)| Some(format!("{} nats/token {how}", decimals((*loss)?, 3))));
    let losses: Vec<String> = losses.collect();
    if losses.is_empty() {
        "the validation loss is unknown".into()
    } else {
        format!("validation loss {}", losses.join(", "))
    }
}

/// Writes the reports on a finished run, and prints how good the model is, what it copies, and where the rest is.
fn write_reports(
    experiment: &LmExperiment,
    context: &RunContext,
    outcome: &Outcome,
    baselines: &Baselines,
) -> Result<()> {
    let (dataset, best, run) = (&experiment.dataset, &outcome.best, context.run);
    tensorboard_log::write_embeddings(run, best)?;
    let earlier = EarlierTexts::of(&experiment.config.init, run)?;
    let mixture = experiment.config.ngrams.order.map(|order| RunMixture::new(best, dataset, order.0, &earlier));
    let mixture = mixture.transpose()?;
    if let Some(mixture) = &mixture {
        context.lock.check()?;
        mixture.add_to(best).save(run)?;
    }
    let sample = FinalSample::new(best, None, dataset, &earlier)?;
    let words = invented_words_report::write(dataset, best, &sample.sample, run)?;
    let task = LongTask::start("evaluating by label");
    let sequence = dataset.sequence(Part::Valid);
    let labels = match &mixture {
        Some(mixture) => mixture.labels.clone(),
        None if sequence.has_labels() => {
            let (dropped, mode) = (dataset.valid_dropped, best.metadata.state_mode());
            evaluate_sequence(best, &sequence, dropped, LabelChoice::Own, mode)?.labels
        }
        None => Vec::new(),
    };
    drop(task);
    let test = test_part::evaluate(best, dataset, mixture.as_ref().map(|mixture| &mixture.mixture))?;
    let task = LongTask::start("comparing the sample with the training text");
    let protocols = experiment.validation_protocols();
    let is_planned = Provenance::read(run).is_ok_and(|run| run.planned_minutes.is_some());
    let evaluations = (labels, test, mixture.as_ref());
    let report = EvaluationReport::new(protocols, experiment, outcome, baselines, &sample, evaluations, is_planned);
    drop(task);
    write_score(run, &report.to_markdown(), &report)?;
    status(&report.comparison());
    if let Some(mixture) = &report.mixture {
        status(&mixture.losses());
    }
    if let Some(words) = words {
        status(&format!("In a sample, the network {words}"));
    }
    status(&report.copies());
    let warning = too_short::few_steps(outcome.progress.steps, experiment.config.init.from.is_some())
        .or_else(|| too_short::no_better_than_unigram(&report))
        .or_else(|| too_short::documents_without_end(&report));
    warn(warning.as_slice());
    status(&format!("all scores, and advice for the next run: {}", run.join("score.md").display()));
    Ok(())
}
