//! A trained model replaces the sections `model`, `clean` and `tokens` of a configuration.

use models::bundle::DOCUMENT_HASHES;
use models::{LanguageModelConfig, LmBundle};
use seqdata::{DocumentHashes, NewTokens};
use text_prep::{CharacterOptions, PreTokenizer, SubwordOptions, Tokenizer, WordOptions};

use super::{Clean, Config, Model, Newlines, TokenKind, Tokens, Vectors};

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

    /// Replaces the sections of `config` that the model determines.
    pub(super) fn replace_sections(&self, config: &mut Config) {
        let model = &self.model;
        config.model = Model {
            embedding_dim: model.embedding_dim,
            layers: model.layers.clone(),
            projection: model.projection_dim,
            tie_weights: model.tie_weights,
            init: model.init_scheme,
            vectors: Vectors { path: config.model.vectors.path.clone(), train: !model.frozen_embedding },
            dropout: model.dropout,
            layer_dropout: model.layer_dropout,
            embedding_dropout: model.embedding_dropout,
            locked_dropout: model.locked_dropout,
        };
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
