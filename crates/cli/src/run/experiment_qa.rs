//! The course of a network that asks: questions about sentences, and their answers.

use burn::tensor::Device;
use durable::write_atomically;
use models::{AboutNetwork, Purpose, Trained};
use qa::QuestionModel;
use qa::QuestionModelConfig;
use qa::data::PreparedQuestions;
use qa::generate::beam::Search;
use qa::generate::{Ask, Asker, QuestionEvaluation, ask, evaluate_questions};
use text_prep::{Tokenizer, Vocabulary};
use trainer::{Ended, Outcome, TrainConfig};

use crate::config::ResolvedQuestions;
use crate::error::Result;
use crate::observers::sampling::{Speaker, Speech};
use crate::output::tell;
use crate::report::question_scores::{self, CONSTANT, DRAWN};
use crate::run::experiment::{Course, Place, behind};
use crate::run::provenance::Hashes;
use crate::run::word_vectors;

impl Course for ResolvedQuestions {
    type Network = QuestionModel;
    type Baselines = ();

    fn data(&self) -> &PreparedQuestions {
        &self.prepared
    }

    fn train(&self) -> &TrainConfig {
        &self.train
    }

    fn to_toml(&self) -> String {
        ResolvedQuestions::to_toml(self)
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.prepared.tokenizer
    }

    fn about(&self) -> AboutNetwork<QuestionModelConfig> {
        let Self { config, prepared, model, .. } = self;
        let (longest, valid) = (prepared.longest_sentence, prepared.valid_sha256.clone());
        AboutNetwork::untrained(Purpose::Asking, model.clone(), longest, config.seed, valid)
    }

    fn hashes(&self) -> Hashes {
        let prepared = &self.prepared;
        Hashes {
            seed: self.config.seed,
            text_sha256: prepared.text_sha256.clone(),
            train_sha256: prepared.train_sha256.clone(),
            valid_sha256: prepared.valid_sha256.clone(),
        }
    }

    fn speaker(&self, device: &Device) -> Speaker<QuestionModel> {
        // One passage after another has sentences to ask about; how many is in the configuration.
        let passages = self.valid.iter().flat_map(|document| &document.passages);
        let text: Vec<String> = passages
            .flat_map(|passage| {
                text_prep::passage::sentences(&passage.text)
                    .into_iter()
                    .map(|range| passage.text[range].to_owned())
            })
            .take(self.config.samples.sentences)
            .collect();
        Speaker::new(Asking {
            text: text.join(" "),
            vocabulary: self.prepared.tokenizer.vocabulary.clone(),
            device: device.clone(),
        })
    }

    fn baselines(&self) {}

    fn drawn(_baselines: &()) -> Vec<(String, f64)> {
        Vec::new()
    }

    fn conclude(
        &self,
        place: &Place,
        outcome: &Outcome<QuestionModel>,
        _baselines: &(),
    ) -> Result<()> {
        let loss = outcome.best.about.valid_loss().unwrap_or(f64::NAN);
        tell(&format!("{}: validation loss {loss:.3} nats a word or answer", behind(outcome)));
        if !matches!(outcome.ended, Ended::Stopped { .. }) {
            let evaluation = self.evaluate(&outcome.best, place.device)?;
            let card = question_scores::markdown(&evaluation);
            write_atomically(&place.run.join("score.md"), card.as_bytes())?;
            let json = serde_json::to_string_pretty(&evaluation).expect("plain data") + "\n";
            write_atomically(&place.run.join("score.json"), json.as_bytes())?;
            tell(question_scores::table(&evaluation).trim_end());
        }
        let model = place.run.display();
        tell(&format!("ask with: cargo xtask ask --model {model} --text FILE (or pastiche ask …)"));
        Ok(())
    }
}

impl ResolvedQuestions {
    /// The network as the seed draws it, with pretrained vectors where the configuration names them.
    ///
    /// # Errors
    /// If the vectors cannot be read.
    pub fn fresh(&self, device: &Device) -> Result<QuestionModel> {
        let model = self.model.init(self.config.seed, device)?;
        let vocabulary = &self.prepared.tokenizer.vocabulary;
        let Some(path) = &self.config.model.vectors.path else { return Ok(model) };
        let vectors = word_vectors::read(path, vocabulary, self.model.embedding)?;
        let known = vocabulary.words() as f64;
        tell(&format!(
            "word vectors cover {:.1} % of the vocabulary",
            100.0 * vectors.len() as f64 / known
        ));
        let mut model = model;
        model.embedding = vectors.fill(model.embedding)?;
        Ok(model)
    }

    /// Scores a network on the documents that are judged by.
    fn evaluate(
        &self,
        trained: &Trained<QuestionModel>,
        device: &Device,
    ) -> Result<QuestionEvaluation> {
        let asker = Asker::new(trained, device);
        let search = Search::default();
        Ok(evaluate_questions(
            &asker,
            &self.valid,
            self.valid_found,
            CONSTANT,
            search,
            (DRAWN, self.config.seed),
        )?)
    }
}

/// Asking: questions about a few held-out sentences. Knows all but the weights.
struct Asking {
    text: String,
    vocabulary: Vocabulary,
    device: Device,
}

impl Speech<QuestionModel> for Asking {
    fn speak(&self, model: &QuestionModel, _temperature: f64) -> Result<String> {
        let asker = Asker { model, vocabulary: &self.vocabulary, device: &self.device };
        // All that it asks, also what it is not sure of: that is what there is to see.
        let all = Ask { per_sentence: 1, search: Search::default(), min_confidence: 0.0 };
        match ask(&asker, &self.text, &all) {
            // The loss of the next step will tell; and held-out passages may begin with what is no sentence.
            Err(qa::Error::NotFinite | qa::Error::NoSentences) => Ok(String::new()),
            asked => {
                let said =
                    asked?.into_iter().map(|one| format!("{} ({})", one.question, one.answer));
                Ok(said.collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// The likeliest question is asked; there is nothing to draw.
    fn temperatures(&self) -> &'static [f64] {
        &[0.0]
    }
}
