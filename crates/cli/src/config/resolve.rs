//! From what is written to what is meant: everything checked, the text opened and prepared.

use std::path::Path;

use models::LanguageModelConfig;
use seqdata::{Fractions, Prepared, Recipe};
use text_prep::{Characters, Cleaner, Source, Splitter, Text, Words};
use trainer::TrainConfig;

use super::learning::{Learned, train_config};
use super::{Config, Known, Method, Model, TokenKind, Vectors};
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
    pub fn new(config: Config) -> Result<Self> {
        Self::with(config, None)
    }

    /// The same for a model that is trained already: what is known takes the place of the
    /// configuration's sections `model`, `clean` and `tokens`.
    pub fn known(config: Config, known: &Known) -> Result<Self> {
        Self::with(config, Some(known))
    }

    fn with(mut config: Config, known: Option<&Known>) -> Result<Self> {
        let train = train_config(&Learned {
            seed: config.seed,
            train: &config.train,
            method: match config.train.method {
                Method::Windows => trainer::Method::Windows,
                Method::EveryStep => trainer::Method::EveryStep { length: config.streams.length },
            },
            look_every: config.samples.every_steps,
            checkpoints: &config.checkpoints,
        })?;
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
        if config.model.tied && !config.model.vectors.train {
            warnings.push(
                "`model.tied` with `model.vectors.train = false` freezes the output layer's weights \
                 too: only its bias is trained"
                    .to_string(),
            );
        }
        let mut model = known.map_or_else(|| blueprint(&config.model), |known| known.model.clone());
        if known.is_none() {
            vectors(&mut config.model.vectors)?;
        }
        if let Some(origin) = &mut config.from.model {
            *origin = absolute(origin)?;
        }
        // What can be refused without the text is refused before it is read.
        model.check()?;
        let mut text = text(&mut config)?;
        let prepared = match known {
            None => Prepared::read(&mut *text, recipe, None)?,
            Some(known) => {
                known.describe(&mut config);
                Prepared::read(&mut *text, recipe, Some((&known.tokenizer, known.new)))?
            }
        };
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

/// The network, for a vocabulary that is not known yet.
fn blueprint(model: &Model) -> LanguageModelConfig {
    let Model {
        embedding,
        ref layers,
        projection,
        tied,
        ref vectors,
        dropout,
        layer_dropout,
        embedding_dropout,
        locked_dropout,
    } = *model;
    LanguageModelConfig {
        projection,
        tied,
        frozen_embedding: !vectors.train,
        dropout,
        layer_dropout,
        embedding_dropout,
        locked_dropout,
        ..LanguageModelConfig::new(1, embedding, layers.clone())
    }
}

/// Makes the path absolute, so that the run finds the file again from elsewhere.
pub(super) fn vectors(vectors: &mut Vectors) -> Result<()> {
    match &vectors.path {
        None if !vectors.train => Err(Error::new(
            "`model.vectors.train` is false without `model.vectors.path`: an embedding that nobody \
             trained would stay as it was drawn; name a file of word vectors, or leave it out",
        )),
        None => Ok(()),
        Some(path) => {
            vectors.path = Some(absolute(path)?);
            Ok(())
        }
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
        TokenKind::Words => [
            tokens.unit.map(|_| ("unit", "characters")),
            tokens.capitals.map(|_| ("capitals", "characters")),
            tokens.jamo.map(|_| ("jamo", "characters")),
        ],
        TokenKind::Characters => [
            tokens.punctuation.map(|_| ("punctuation", "words")),
            tokens.lower_case.map(|_| ("lower_case", "words")),
            tokens.stem.as_ref().map(|_| ("stem", "words")),
        ],
    };
    if let Some((key, kind)) = misplaced.into_iter().flatten().next() {
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
        TokenKind::Characters => Splitter::Characters(Characters {
            unit: tokens.unit.unwrap_or_default(),
            capitals: tokens.capitals.unwrap_or_default(),
            jamo: tokens.jamo.unwrap_or_default(),
        }),
    };
    splitter.validate()?;
    Ok(splitter)
}

/// Opens the text; a path is made absolute, so that the run finds it again from elsewhere.
fn text(config: &mut Config) -> Result<Box<dyn Text>> {
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
            let pieces = source.open(path)?;
            let path = absolute(path)?;
            text.path = Some(path);
            Ok(Box::new(pieces))
        }
    }
}

pub(super) fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    let path = std::path::absolute(path).map_err(Error::io(path, "found"))?;
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err(Error::new(format!(
            "the path {} is not UTF-8, and a run must be able to write it down: rename it",
            path.display()
        ))),
    }
}
