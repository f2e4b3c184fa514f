//! From what is written to what is meant: everything checked, the text opened and prepared.

use std::path::Path;

use models::LanguageModelConfig;
use seqdata::{Fractions, Prepared, Recipe};
use text_prep::{Characters, Cleaner, Source, Splitter, Words};
use trainer::TrainConfig;

use super::{Config, TokenKind};
use crate::corpus::Dataset;
use crate::error::{Error, Result};

/// A configuration with its text.
pub struct Resolved {
    /// What was written, paths made absolute.
    pub config: Config,
    /// The text, cut and counted.
    pub prepared: Prepared,
    /// The network.
    pub model: LanguageModelConfig,
    /// How it learns.
    pub train: TrainConfig,
    /// What the user should know before going on.
    pub warnings: Vec<String>,
}

impl Resolved {
    /// Checks `config` and prepares its text.
    pub fn new(mut config: Config) -> Result<Self> {
        let train = train_config(&config);
        train.check()?;
        let recipe = recipe(&config)?;
        let mut warnings = Vec::new();
        if config.tokens.stem.is_some() {
            warnings.push(
                "`tokens.stem` cuts words to their stems: fit for counting and matching, but a \
                 model trained on stems writes stems"
                    .to_string(),
            );
        }
        let mut model = LanguageModelConfig {
            vocabulary: 1,
            embedding: config.model.embedding,
            layers: config.model.layers.clone(),
            dropout: config.model.dropout,
        };
        // What can be refused without the text is refused before it is read.
        model.check()?;
        let text = text(&mut config)?;
        let prepared = Prepared::new(&text, recipe)?;
        model.vocabulary = prepared.tokenizer.vocabulary.len();
        if let Some(mark) = &config.clean.story_mark
            && prepared.tokenizer.story_mark_id().is_none()
        {
            warnings.push(format!("the story mark `{mark}` does not occur in the cleaned text"));
        }
        Ok(Self { config, prepared, model, train, warnings })
    }

    /// The configuration as TOML, complete.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.config).expect("a configuration is plain data")
    }
}

fn train_config(config: &Config) -> TrainConfig {
    let train = &config.train;
    TrainConfig {
        seed: config.seed,
        epochs: train.epochs,
        batch_size: train.batch_size,
        learning_rate: train.learning_rate,
        optimizer: train.optimizer,
        look_every: config.samples.every_steps,
    }
}

/// How the configuration's text becomes ids.
fn recipe(config: &Config) -> Result<Recipe> {
    let clean = &config.clean;
    let cleaner = match (&clean.preset, &clean.rules) {
        (Some(_), Some(_)) => {
            return Err(Error::new(
                "`clean.preset` and `clean.rules` are both given; expected one of them",
            ));
        }
        (None, Some(rules)) => Cleaner::new(rules.clone()),
        (preset, None) => Cleaner::preset(preset.as_deref().unwrap_or("prose"))?,
    };
    cleaner.validate()?;
    if config.vocabulary.min_count == 0 {
        return Err(Error::new("`vocabulary.min_count` is 0; expected 1 or more"));
    }
    if config.windows.step == 0 || !(1..=65_536).contains(&config.windows.length) {
        let (length, step) = (config.windows.length, config.windows.step);
        return Err(Error::new(format!(
            "`windows.length` is {length} and `windows.step` is {step}; expected 1 to 65536 and 1 \
             or more"
        )));
    }
    if config.samples.tokens == 0 {
        return Err(Error::new("`samples.tokens` is 0; expected 1 or more"));
    }
    Ok(Recipe {
        cleaner,
        splitter: splitter(config)?,
        story_mark: clean.story_mark.clone(),
        counted_on: config.vocabulary.counted_on,
        min_count: config.vocabulary.min_count,
        rare: config.vocabulary.rare,
        fractions: Fractions {
            valid: config.split.valid_fraction,
            test: config.split.test_fraction,
        },
        length: config.windows.length,
        step: config.windows.step,
    })
}

fn splitter(config: &Config) -> Result<Splitter> {
    let tokens = &config.tokens;
    let misplaced = match tokens.kind {
        TokenKind::Words => tokens.capitals.map(|_| ("capitals", "characters")),
        TokenKind::Characters => [
            tokens.punctuation.map(|_| "punctuation"),
            tokens.lower_case.map(|_| "lower_case"),
            tokens.stem.as_ref().map(|_| "stem"),
        ]
        .into_iter()
        .flatten()
        .next()
        .map(|key| (key, "words")),
    };
    if let Some((key, kind)) = misplaced {
        return Err(Error::new(format!(
            "`tokens.{key}` is given, which only `tokens.kind = \"{kind}\"` has; leave it out or \
             change the kind"
        )));
    }
    let splitter = match tokens.kind {
        TokenKind::Words => Splitter::Words(Words {
            punctuation: tokens.punctuation.unwrap_or_default(),
            lower_case: tokens.lower_case.unwrap_or_default(),
            stem: tokens.stem.clone(),
        }),
        TokenKind::Characters => {
            Splitter::Characters(Characters { capitals: tokens.capitals.unwrap_or_default() })
        }
    };
    splitter.validate()?;
    Ok(splitter)
}

/// Reads the text; a path is made absolute, so that the run finds it again from elsewhere.
fn text(config: &mut Config) -> Result<String> {
    let text = &mut config.text;
    match (&text.dataset, &text.path) {
        (Some(_), Some(_)) => {
            Err(Error::new("`text.dataset` and `text.path` are both given; expected one of them"))
        }
        (None, None) => Err(Error::new(
            "no text is given; expected `text.dataset = \"fables\"`, `text.path = \"my.txt\"` or \
             `--text my.txt`",
        )),
        (Some(name), None) => {
            let of_path = [
                ("encoding", text.encoding.is_some()),
                ("excerpt", text.excerpt.is_some()),
                ("strip_gutenberg", text.strip_gutenberg),
            ];
            if let Some((key, _)) = of_path.iter().find(|(_, given)| *given) {
                return Err(Error::new(format!(
                    "`text.{key}` is given beside `text.dataset`, whose dataset.toml says how it is \
                     read; leave it out or use `text.path`"
                )));
            }
            Dataset::find(name)?.text(name)
        }
        (None, Some(path)) => {
            let source = Source {
                encoding: text.encoding.clone(),
                excerpt: text.excerpt.clone(),
                strip_gutenberg: text.strip_gutenberg,
            };
            let read = source.read(path)?;
            let path = absolute(path)?;
            if path.to_str().is_none() {
                return Err(Error::new(format!(
                    "the path {} is not UTF-8, and a run must be able to write it down: rename it",
                    path.display()
                )));
            }
            text.path = Some(path);
            Ok(read)
        }
    }
}

fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    std::path::absolute(path).map_err(Error::io(path, "found"))
}
