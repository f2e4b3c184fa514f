//! Training of a question generation model: answer extraction, question generation and question answering.

use burn::tensor::Device;
use models::word_vectors::WordVectors;
use models::{Metadata, Network};
use qa::QuestionModel;
use qa::QuestionModelConfig;
use qa::data::QaDataset;
use qa::generate::{GeneratedQuestion, QaPipeline, QgOptions};
use qa::ranking::RANKING;
use text_prep::{Segmentation, Tokenizer, Vocabulary};
use trainer::{Outcome, StopFlag, StopReason, TrainConfig};

use crate::config::{QaExperiment, RunLength};
use crate::error::Result;
use crate::input::KeptInput;
use crate::long_task::LongTask;
use crate::observers::sampling::{SampleCache, SampleSource};
use crate::output::{status, warn};
use crate::report::{question_scores, too_short, write_score};
use crate::run::experiment::{Experiment, RunContext, model_label};
use crate::run::provenance::InputHashes;
use crate::run::{pretraining, word_vectors};
use crate::view::format::decimals;

impl Experiment for QaExperiment {
    type Network = QuestionModel;
    type Baselines = ();

    fn data(&self) -> &QaDataset {
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
        (self.config.data.copy, self.config.data.valid_copy) = (false, false);
    }

    fn kept_inputs(&self) -> &[KeptInput] {
        &self.kept
    }

    fn to_toml(&self) -> String {
        toml::to_string(&self.config).expect("a configuration is plain data")
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.dataset.tokenizer
    }

    fn metadata(&self) -> Metadata<QuestionModelConfig> {
        let QaExperiment { config, dataset, model, .. } = self;
        let (longest, valid) = (dataset.max_sentence_len, dataset.valid_sha256.clone());
        Metadata::untrained(QuestionModel::KIND, model.clone(), longest, config.seed, valid)
    }

    fn input_hashes(&self) -> InputHashes {
        let dataset = &self.dataset;
        InputHashes {
            seed: self.config.seed,
            text_sha256: dataset.text_sha256.clone(),
            train_sha256: dataset.train_sha256.clone(),
            valid_sha256: dataset.valid_sha256.clone(),
        }
    }

    fn pretrain(&self, model: QuestionModel, context: &RunContext) -> Result<Option<QuestionModel>> {
        pretraining::pretrain(self, model, context)
    }

    fn sample_cache(&self, stop: &StopFlag) -> SampleCache<QuestionModel> {
        // The first sentences of the validation data; their number is configured.
        let passages = self.valid.iter().flat_map(|document| &document.passages);
        let text: Vec<String> = passages
            .flat_map(|passage| {
                text_prep::spans::sentences(&passage.text).into_iter().map(|range| passage.text[range].to_owned())
            })
            .take(self.config.samples.sentences)
            .collect();
        let Tokenizer { vocabulary, pre_tokenizer, .. } = self.dataset.tokenizer.clone();
        let segmentation = pre_tokenizer.segmentation();
        SampleCache::new(QuestionSampler { text: text.join(" "), vocabulary, segmentation }, stop)
    }

    fn baselines(&self) {}

    fn chart_baselines(_baselines: &()) -> Vec<(String, f64)> {
        Vec::new()
    }

    fn report_results(&self, context: &RunContext, outcome: &Outcome<QuestionModel>, _baselines: &()) -> Result<()> {
        let loss = outcome.best.metadata.valid_loss();
        let loss = loss.map_or("unknown".into(), |loss| format!("{} nats per word or answer", decimals(loss, 3)));
        status(&format!("{}: validation loss {loss}", model_label(outcome)));
        if !matches!(outcome.stop_reason, StopReason::Requested { .. }) {
            let _task = LongTask::start("evaluating the model");
            let (ranking, evaluation) =
                question_scores::fit_and_evaluate(&outcome.best, &self.valid, self.valid_found)?;
            context.lock.check()?;
            let mut best = outcome.best.clone();
            best.extra_files.insert(RANKING.into(), ranking.to_bytes());
            best.save(context.run)?;
            write_score(context.run, &question_scores::markdown(&evaluation), &evaluation)?;
            status(question_scores::table(&evaluation).trim_end());
            warn(too_short::few_steps(outcome.progress.steps, false).as_slice());
        }
        let model = context.run.display();
        status(&format!("generate questions with: cargo xtask ask --model {model} --text FILE (or pastiche ask …)"));
        Ok(())
    }
}

impl QaExperiment {
    /// A newly initialized model, with pretrained word vectors if the configuration has them.
    ///
    /// # Errors
    /// If the vectors cannot be read.
    pub fn init_model(&self, device: &Device) -> Result<QuestionModel> {
        let task = LongTask::start("initializing the weights");
        let mut model = self.model.init(self.config.seed, device)?;
        drop(task);
        if let Some(vectors) = self.word_vectors()? {
            model.embedding = vectors.fill(model.embedding)?;
        }
        Ok(model)
    }

    /// The pretrained word vectors that the configuration names, if any. Prints how many words they cover.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn word_vectors(&self) -> Result<Option<WordVectors>> {
        let Some(path) = &self.config.model.vectors.path else { return Ok(None) };
        let vocabulary = &self.dataset.tokenizer.vocabulary;
        let task = LongTask::start("reading the word vectors");
        let vectors = word_vectors::read(path, vocabulary, self.model.embedding_dim)?;
        drop(task);
        let known = vocabulary.num_words() as f64;
        status(&format!("word vectors cover {:.1} % of the vocabulary", 100.0 * vectors.len() as f64 / known));
        Ok(Some(vectors))
    }
}

/// Generates questions about a few held-out sentences. Holds everything but the weights.
struct QuestionSampler {
    text: String,
    vocabulary: Vocabulary,
    segmentation: Segmentation,
}

impl SampleSource<QuestionModel> for QuestionSampler {
    fn sample(
        &self,
        model: &QuestionModel,
        _temperature: f64,
        keep_going: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<String>> {
        let pipeline = QaPipeline::from_parts(model.clone(), self.vocabulary.clone(), self.segmentation);
        // Also questions of low confidence, and none by rules, to show what the model generates.
        let all = QgOptions::default().max_per_sentence(1).min_confidence(0.0).rules(false);
        match pipeline.ask_while(&self.text, &all, |_| keep_going()) {
            // The next step's loss reports a divergence; and held-out passages may begin without a sentence.
            Err(qa::Error::NotFinite | qa::Error::NoSentences | qa::Error::OnlyLongWords) => Ok(Some(String::new())),
            questions => {
                let show = |one: GeneratedQuestion| format!("{} ({})", one.question, one.answer);
                Ok(questions?.map(|report| report.questions.into_iter().map(show).collect::<Vec<_>>().join(" ")))
            }
        }
    }

    /// Questions are found by beam search and not sampled.
    fn temperatures(&self) -> &'static [f64] {
        &[0.0]
    }
}
