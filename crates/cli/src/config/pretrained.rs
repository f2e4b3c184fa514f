//! A trained model replaces the sections `model`, `clean` and `tokens` of a configuration, but for the dropout rates and
//! the output layer, which may differ.

use std::path::{Path, PathBuf};

use models::bundle::{DOCUMENT_HASHES, read_tokenizer};
use models::{AdaptiveSoftmax, LanguageModelConfig, LmBundle};
use seqdata::{DocumentHashes, NewTokens};
use text_prep::{CharacterOptions, PreTokenizer, SubwordOptions, Tokenizer, WordOptions};
use toml::{Table, Value};

use super::{
    Clean, Config, Model, Newlines, OutputKind, TokenKind, Tokens, Vectors, apply_changes, flatten, parse_changes,
    reject_model_changes,
};
use crate::base;
use crate::error::Result;

/// A key of the section `[model]`, and what takes its value from another section.
type ModelKey = (&'static str, fn(&mut Model, &Model));

/// The dropout rates and penalties, but for those of the layers; first those that every saved run gives.
const RATES: [ModelKey; 7] = [
    ("dropout", |model, from| model.dropout = from.dropout),
    ("layer_dropout", |model, from| model.layer_dropout = from.layer_dropout),
    ("embedding_dropout", |model, from| model.embedding_dropout = from.embedding_dropout),
    ("locked_dropout", |model, from| model.locked_dropout = from.locked_dropout),
    ("input_dropout", |model, from| model.input_dropout = from.input_dropout),
    ("activation_regularization", |model, from| model.activation_regularization = from.activation_regularization),
    ("temporal_activation_regularization", |model, from| {
        model.temporal_activation_regularization = from.temporal_activation_regularization;
    }),
];

/// The output layer; first those that every saved run gives.
const OUTPUT_LAYER: [ModelKey; 5] = [
    ("projection", |model, from| model.projection = from.projection),
    ("tie_weights", |model, from| model.tie_weights = from.tie_weights),
    ("output", |model, from| {
        // The clusters of one kind of layer mean nothing to another.
        if model.output != from.output {
            model.output = from.output;
            model.output_cutoffs = from.output_cutoffs.clone();
            model.output_division = from.output_division;
        }
    }),
    ("output_cutoffs", |model, from| model.output_cutoffs = from.output_cutoffs.clone()),
    ("output_division", |model, from| model.output_division = from.output_division),
];

/// A trained model that a run starts from, without its weights.
pub struct PretrainedModel {
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its sizes; the vocabulary size comes from the text.
    pub model: LanguageModelConfig,
    /// What to do with tokens that are not in its vocabulary.
    pub new_tokens: NewTokens,
    /// The documents that it was trained on, as far as they are known.
    pub documents: DocumentHashes,
}

impl PretrainedModel {
    /// The model of `bundle`, with its vocabulary unchanged.
    pub fn of(bundle: &LmBundle) -> Self {
        let hashes = bundle.extra_files.get(DOCUMENT_HASHES).and_then(|bytes| DocumentHashes::from_bytes(bytes));
        Self {
            tokenizer: bundle.tokenizer.clone(),
            model: bundle.metadata.config.clone(),
            new_tokens: NewTokens::Unk,
            documents: hashes.unwrap_or_default(),
        }
    }

    /// The built-in base or the model in a directory, whose weights and documents are not read.
    ///
    /// # Errors
    /// If it is not a language model.
    pub fn read(from: &Path) -> Result<Self> {
        let (metadata, tokenizer) =
            if base::is_base(from) { base::read()? } else { (LmBundle::read_metadata(from)?, read_tokenizer(from)?) };
        let documents = DocumentHashes::default();
        Ok(Self { tokenizer, model: metadata.config, new_tokens: NewTokens::Unk, documents })
    }

    /// A configuration with what the model determines, and defaults otherwise.
    pub fn config(&self) -> Config {
        let mut config = Config { model: section(&self.model, None), ..Config::default() };
        self.replace_sections(&mut config);
        config
    }

    /// The model's configuration with the dropout rates of a section `[model]`, and with its output layer if the section has
    /// the model's layers.
    pub(super) fn model_config(&self, wanted: &Model) -> LanguageModelConfig {
        let section = self.section(wanted);
        LanguageModelConfig {
            layers: section.layers,
            projection_dim: section.projection,
            tie_weights: section.tie_weights,
            // Follows from the vocabulary of the text.
            adaptive_softmax: None,
            dropout: section.dropout,
            layer_dropout: section.layer_dropout,
            embedding_dropout: section.embedding_dropout,
            locked_dropout: section.locked_dropout,
            input_dropout: section.input_dropout,
            activation_regularization: section.activation_regularization,
            temporal_activation_regularization: section.temporal_activation_regularization,
            ..self.model.clone()
        }
    }

    fn section(&self, wanted: &Model) -> Model {
        let own = section(&self.model, wanted.vectors.path.clone());
        let with_rates = own.with_dropout_of(wanted);
        // The output layer of a section with other layers is not meant for this model.
        if wanted.layers == with_rates.layers && wanted.embedding_dim == own.embedding_dim {
            with_rates.with_output_layer_of(wanted)
        } else {
            with_rates
        }
    }

    /// Replaces the sections of `config` that the model determines.
    pub(super) fn replace_sections(&self, config: &mut Config) {
        config.model = self.section(&config.model);
        let Tokenizer { cleaner, pre_tokenizer, document_separator, oov, .. } = &self.tokenizer;
        config.clean = Clean {
            preset: None,
            rules: Some(cleaner.rules().to_vec()),
            document_separator: document_separator.clone(),
        };
        config.vocabulary.oov = *oov;
        config.tokens = match pre_tokenizer.clone() {
            // No language model splits its text into spans; words are the closest kind.
            PreTokenizer::Spans(_) => Tokens { kind: TokenKind::Words, ..Tokens::default() },
            PreTokenizer::Subwords(SubwordOptions {}) => Tokens { kind: TokenKind::Subwords, ..Tokens::default() },
            PreTokenizer::Words(WordOptions { punctuation, lower_case, stem, segmentation }) => Tokens {
                kind: TokenKind::Words,
                punctuation: Some(punctuation),
                lower_case: Some(lower_case),
                stem,
                segmentation: Some(segmentation.into()),
                newlines: Some(if cleaner.keeps_line_ends() { Newlines::Keep } else { Newlines::Space }),
                ..Tokens::default()
            },
            PreTokenizer::Characters(CharacterOptions { unit, capitals, jamo }) => Tokens {
                kind: TokenKind::Characters,
                unit: Some(unit),
                capitals: Some(capitals),
                jamo: Some(jamo),
                ..Tokens::default()
            },
        };
    }
}

/// Completes the section `[model]` of a configuration that starts from a trained model: from `initial_model`, or from the
/// one that the keys `given` by its file, or the changes `set`, name.
///
/// # Errors
/// If a change has another form, or changes what the model that is named determines.
pub(super) fn complete_model(
    config: &mut Config,
    given: &Table,
    set: &[String],
    initial_model: Option<&Path>,
) -> Result<()> {
    let changes: Table = parse_changes(set)?.into_iter().flatten().collect();
    let changed = flatten(&changes).get("init.from").and_then(Value::as_str).map(PathBuf::from);
    let named = changed.or_else(|| config.init.from.clone());
    if let Some(model) = initial_model.or(named.as_deref()) {
        config.model = config.model.completed_from(model, &flatten(given), initial_model.is_none());
    }
    // Softmax has no clusters, whatever those of the trained model were.
    let changes = flatten(&changes);
    if changes.get("model.output").and_then(Value::as_str) == Some("softmax") {
        let default = Model::default();
        if !changes.contains_key("model.output_cutoffs") {
            config.model.output_cutoffs = default.output_cutoffs;
        }
        if !changes.contains_key("model.output_division") {
            config.model.output_division = default.output_division;
        }
    }
    match named {
        // Changes for another model are checked by who names it.
        Some(model) if initial_model.is_none() && !set.is_empty() => check_changes(config, set, &model),
        _ => Ok(()),
    }
}

/// Rejects changes of what the trained model at `from` determines. One that cannot be read is reported when it is loaded.
fn check_changes(config: &Config, set: &[String], from: &Path) -> Result<()> {
    let Ok(trained) = PretrainedModel::read(from) else { return Ok(()) };
    let mut before = config.clone();
    trained.replace_sections(&mut before);
    let changed = apply_changes(before.clone(), set)?;
    let extends = changed.init.new_tokens == NewTokens::Extend && trained.tokenizer.vocabulary.is_subwords();
    reject_model_changes(&before, &changed, &from.display().to_string(), extends)
}

/// The section `[model]` of a trained model, whose embedding began with the word vectors of this file, if any.
fn section(model: &LanguageModelConfig, vectors: Option<PathBuf>) -> Model {
    let output = match model.adaptive_softmax {
        Some(_) => OutputKind::Adaptive,
        None => OutputKind::Softmax,
    };
    let AdaptiveSoftmax { cutoffs, division } = model.adaptive_softmax.clone().unwrap_or_default();
    Model {
        embedding_dim: model.embedding_dim,
        layers: model.layers.clone(),
        projection: model.projection_dim,
        tie_weights: model.tie_weights,
        output,
        output_cutoffs: cutoffs,
        output_division: division,
        init: model.init_scheme,
        vectors: Vectors { path: vectors, train: !model.frozen_embedding },
        dropout: model.dropout,
        layer_dropout: model.layer_dropout,
        embedding_dropout: model.embedding_dropout,
        locked_dropout: model.locked_dropout,
        input_dropout: model.input_dropout,
        activation_regularization: model.activation_regularization,
        temporal_activation_regularization: model.temporal_activation_regularization,
    }
}

impl Model {
    /// This section with the dropout rates and penalties of `other`; with the rates of its recurrent weights if it has as
    /// many layers.
    pub(super) fn with_dropout_of(&self, other: &Self) -> Self {
        let mut layers = self.layers.clone();
        if layers.len() == other.layers.len() {
            for (layer, other) in layers.iter_mut().zip(&other.layers) {
                layer.recurrent_dropout = other.recurrent_dropout;
            }
        }
        let mut section = Self { layers, ..self.clone() };
        RATES.iter().for_each(|(_, take)| take(&mut section, other));
        section
    }

    /// This section with the output layer of `other`.
    pub(super) fn with_output_layer_of(&self, other: &Self) -> Self {
        let mut section = self.clone();
        OUTPUT_LAYER.iter().for_each(|(_, take)| take(&mut section, other));
        section
    }

    /// The section of a configuration that starts from the model at `from`. It has the dropout rates that are `given` in
    /// the configuration's file, those of recurrent weights if the file has the model's layers, and what else belongs to
    /// the model. If the file itself names the model, the file may give the output layer, too.
    ///
    /// A model that cannot be read is reported when it is loaded: until then the section stays as it is.
    pub(super) fn completed_from(&self, from: &Path, given: &Table, is_named: bool) -> Self {
        let has = |key: &str| given.contains_key(&format!("model.{key}"));
        // The configuration of a saved run, also of an earlier version, gives all of these, and the model may be gone.
        let of_saved_runs = RATES[..4].iter().chain(&OUTPUT_LAYER[..2]).map(|&(key, _)| key);
        if is_named && of_saved_runs.chain(["layers"]).all(has) {
            return self.clone();
        }
        let Ok(trained) = PretrainedModel::read(from) else { return self.clone() };
        let own = section(&trained.model, self.vectors.path.clone());
        let with_own_rates = self.with_dropout_of(&own);
        let mut section = own;
        for (_, take) in RATES.iter().filter(|(key, _)| has(key)) {
            take(&mut section, self);
        }
        if has("layers") && with_own_rates.layers == section.layers {
            section.layers = self.layers.clone();
        }
        for (_, take) in OUTPUT_LAYER.iter().filter(|(key, _)| is_named && has(key)) {
            take(&mut section, self);
        }
        section
    }
}
