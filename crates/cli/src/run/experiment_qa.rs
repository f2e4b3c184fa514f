//! Training of a question generation model: answer extraction, question generation and question answering.

use burn::tensor::Device;
use models::{Metadata, Network};
use qa::QuestionModel;
use qa::QuestionModelConfig;
use qa::data::QaDataset;
use qa::generate::{QaPipeline, QgOptions};
use text_prep::{Tokenizer, Vocabulary};
use trainer::{Outcome, StopReason, TrainConfig};

use crate::config::QaExperiment;
use crate::error::Result;
use crate::observers::sampling::{SampleCache, SampleSource};
use crate::output::status;
use crate::report::{question_scores, write_score};
use crate::run::experiment::{Experiment, RunContext, model_label};
use crate::run::provenance::InputHashes;
use crate::run::word_vectors;

impl Experiment for QaExperiment {
    type Network = QuestionModel;
    type Baselines = ();

    fn data(&self) -> &QaDataset {
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

    fn sample_cache(&self) -> SampleCache<QuestionModel> {
        // The first sentences of the validation data; their number is configured.
        let passages = self.valid.iter().flat_map(|document| &document.passages);
        let text: Vec<String> = passages
            .flat_map(|passage| {
                text_prep::spans::sentences(&passage.text).into_iter().map(|range| passage.text[range].to_owned())
            })
            .take(self.config.samples.sentences)
            .collect();
        SampleCache::new(QuestionSampler {
            text: text.join(" "),
            vocabulary: self.dataset.tokenizer.vocabulary.clone(),
        })
    }

    fn baselines(&self) {}

    fn chart_baselines(_baselines: &()) -> Vec<(String, f64)> {
        Vec::new()
    }

    fn report_results(&self, context: &RunContext, outcome: &Outcome<QuestionModel>, _baselines: &()) -> Result<()> {
        let loss = outcome.best.metadata.valid_loss().unwrap_or(f64::NAN);
        status(&format!("{}: validation loss {loss:.3} nats per word or answer", model_label(outcome)));
        if !matches!(outcome.stop_reason, StopReason::Requested { .. }) {
            let evaluation = question_scores::evaluate(&outcome.best, &self.valid, self.valid_found)?;
            write_score(context.run, &question_scores::markdown(&evaluation), &evaluation)?;
            status(question_scores::table(&evaluation).trim_end());
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
        let mut model = self.model.init(self.config.seed, device)?;
        let vocabulary = &self.dataset.tokenizer.vocabulary;
        let Some(path) = &self.config.model.vectors.path else { return Ok(model) };
        let vectors = word_vectors::read(path, vocabulary, self.model.embedding_dim)?;
        let known = vocabulary.num_words() as f64;
        status(&format!("word vectors cover {:.1} % of the vocabulary", 100.0 * vectors.len() as f64 / known));
        model.embedding = vectors.fill(model.embedding)?;
        Ok(model)
    }
}

/// Generates questions about a few held-out sentences. Holds everything but the weights.
struct QuestionSampler {
    text: String,
    vocabulary: Vocabulary,
}

impl SampleSource<QuestionModel> for QuestionSampler {
    fn sample(&self, model: &QuestionModel, _temperature: f64) -> Result<String> {
        let pipeline = QaPipeline::from_parts(model.clone(), self.vocabulary.clone());
        // Also questions of low confidence, to show what the model generates.
        let all = QgOptions::default().max_per_sentence(1).min_confidence(0.0);
        match pipeline.ask(&self.text, &all) {
            // The next step's loss reports a divergence; and held-out passages may begin without a sentence.
            Err(qa::Error::NotFinite | qa::Error::NoSentences) => Ok(String::new()),
            questions => {
                let shown = questions?.into_iter().map(|one| format!("{} ({})", one.question, one.answer));
                Ok(shown.collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// Questions are found by beam search and not sampled.
    fn temperatures(&self) -> &'static [f64] {
        &[0.0]
    }
}
