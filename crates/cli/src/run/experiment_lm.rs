//! The course of a network that writes: what comes next in a text.

use burn::tensor::Device;
use models::{About, Context, LanguageModel};
use seqdata::Prepared;
use text_prep::Tokenizer;
use trainer::{Ended, Method, Outcome, TrainConfig};

use crate::config::Resolved;
use crate::error::Result;
use crate::observers::sampling::{Speaker, Writing};
use crate::observers::tensorboard_log;
use crate::output::tell;
use crate::report::baselines::Baselines;
use crate::report::evaluation_report::{ScoreCard, closing_sample};
use crate::report::invented_words_report;
use crate::run::experiment::{Course, Place, behind};
use crate::run::provenance::Hashes;

/// A text of more tokens than this is counted long enough to say so.
const LONG: usize = 1_000_000;

impl Course for Resolved {
    type Network = LanguageModel;
    type Baselines = Baselines;

    fn data(&self) -> &Prepared {
        &self.prepared
    }

    fn train(&self) -> &TrainConfig {
        &self.train
    }

    fn to_toml(&self) -> String {
        Resolved::to_toml(self)
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.prepared.tokenizer
    }

    fn about(&self) -> About {
        let Self { config, prepared, model, .. } = self;
        let (window, valid) = (config.windows.length, prepared.valid_sha256());
        About::new(model.clone(), window, config.seed, valid)
    }

    fn hashes(&self) -> Hashes {
        let prepared = &self.prepared;
        Hashes {
            seed: self.config.seed,
            text_sha256: prepared.text_sha256.clone(),
            train_sha256: prepared.train_sha256(),
            valid_sha256: prepared.valid_sha256(),
        }
    }

    fn speaker(&self, device: &Device) -> Speaker<LanguageModel> {
        Speaker::new(Writing {
            tokenizer: self.prepared.tokenizer.clone(),
            about: self.about(),
            context: match self.train.method {
                Method::EveryStep { .. } => Context::Carried,
                Method::Windows | Method::Examples => Context::Window,
            },
            device: device.clone(),
            tokens: self.config.samples.tokens,
        })
    }

    fn baselines(&self) -> Baselines {
        if self.prepared.split.train.len() > LONG {
            tell("counting 5-grams, to compare with");
        }
        Baselines::of(&self.prepared)
    }

    fn drawn(baselines: &Baselines) -> Vec<(String, f64)> {
        baselines.drawn()
    }

    fn conclude(&self, place: &Place, outcome: &Outcome, baselines: &Baselines) -> Result<()> {
        let about = &outcome.best.about;
        let losses =
            [("by window", about.valid_loss_window), ("carried", about.valid_loss_carried)];
        let losses: Vec<String> = losses
            .iter()
            .filter_map(|(how, loss)| loss.map(|loss| format!("{loss:.3} {how}")))
            .collect();
        let unigram = baselines.unigram;
        tell(&format!(
            "{}: validation loss {} nats a token; guessing by token counts alone costs {unigram:.3}",
            behind(outcome),
            losses.join(", ")
        ));
        if !matches!(outcome.ended, Ended::Stopped { .. }) {
            self.judge(place, outcome, baselines)?;
        }
        let choice = match about.context() {
            Context::Carried => "carried",
            Context::Window => "window",
        };
        tell(&format!("`generate` will use `--context {choice}`"));
        let model = place.run.display();
        tell(&format!("write with: cargo xtask generate --model {model} (or pastiche generate …)"));
        Ok(())
    }
}

impl Resolved {
    /// What is counted and compared at the end of a run.
    fn judge(&self, place: &Place, outcome: &Outcome, baselines: &Baselines) -> Result<()> {
        let (prepared, best, run) = (&self.prepared, &outcome.best, place.run);
        tensorboard_log::project(run, best)?;
        let sample = closing_sample(best, place.device)?;
        if let Some(said) = invented_words_report::judge(prepared, best, &sample, run)? {
            tell(&said);
        }
        let card = ScoreCard::new(prepared, best, baselines, &sample);
        card.write(run)?;
        for said in [card.verdict(), card.copying(), card.size()] {
            tell(&said);
        }
        Ok(())
    }
}
