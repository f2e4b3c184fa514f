//! A model that is trained already takes the place of what a configuration says of model and tokens.

use models::{Artifact, LanguageModelConfig};
use seqdata::NewTokens;
use text_prep::{Characters, Splitter, Tokenizer, Words};

use super::{Clean, Config, Model, TokenKind, Tokens, Vectors};

/// What is known of a model that is trained already.
pub struct Known {
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its sizes; the vocabulary is the text's matter.
    pub model: LanguageModelConfig,
    /// What becomes of tokens that it does not know.
    pub new: NewTokens,
}

impl Known {
    /// What `artifact` knows, with its tokens as they are.
    pub fn of(artifact: &Artifact) -> Self {
        Self {
            tokenizer: artifact.tokenizer.clone(),
            model: artifact.about.model.clone(),
            new: NewTokens::Keep,
        }
    }

    /// Writes into `config` what takes the place of its own sections.
    pub(super) fn describe(&self, config: &mut Config) {
        let LanguageModelConfig {
            embedding,
            ref layers,
            projection,
            tied,
            frozen_embedding,
            dropout,
            layer_dropout,
            embedding_dropout,
            locked_dropout,
            ..
        } = self.model;
        let path = config.model.vectors.path.clone();
        config.model = Model {
            embedding,
            layers: layers.clone(),
            projection,
            tied,
            vectors: Vectors { path, train: !frozen_embedding },
            dropout,
            layer_dropout,
            embedding_dropout,
            locked_dropout,
        };
        let Tokenizer { cleaner, splitter, story_mark, rare, .. } = &self.tokenizer;
        config.clean = Clean {
            preset: None,
            rules: Some(cleaner.rules().to_vec()),
            story_mark: story_mark.clone(),
        };
        config.vocabulary.rare = *rare;
        config.tokens = match splitter.clone() {
            // No model that writes has passages for a splitter; what it reads are words.
            Splitter::Passage => Tokens { kind: TokenKind::Words, ..Tokens::default() },
            Splitter::Words(Words { punctuation, lower_case, stem }) => Tokens {
                kind: TokenKind::Words,
                punctuation: Some(punctuation),
                lower_case: Some(lower_case),
                stem,
                ..Tokens::default()
            },
            Splitter::Characters(Characters { unit, capitals, jamo }) => Tokens {
                kind: TokenKind::Characters,
                unit: Some(unit),
                capitals: Some(capitals),
                jamo: Some(jamo),
                ..Tokens::default()
            },
        };
    }
}
