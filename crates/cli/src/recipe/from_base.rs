//! Chooses the settings of a run that starts from the built-in base, with a table of `table.rs`.

use seqdata::NewTokens;

use super::Choice;
use super::choices::Choices;
use super::given::Given;
use super::look::Found;
use super::sizes::Sizes;
use super::table::Row;
use crate::base;
use crate::config::{Config, Init, PretrainedModel};

/// The most passes over a text: the base can write already, and soon memorises a short text.
const MOST_PASSES: f64 = 4.0;

/// A configuration for a run of `minutes` on `ranks` processes that starts from the base, which is `model`, without a number of
/// steps, and the reasons. The base determines tokens and sizes, so there are none to choose from.
pub fn choose(
    found: &Found,
    given: &Given,
    minutes: f64,
    ranks: usize,
    model: &PretrainedModel,
) -> (Config, Vec<Choice>, Sizes) {
    let init = Init { from: Some(base::NAME.into()), new_tokens: NewTokens::Error };
    let Config { clean, tokens, vocabulary, model: sizes, .. } = model.config();
    let config = Config { init, clean, tokens, vocabulary, model: sizes, ..given.config.clone() };
    let mut choices = Choices { found, config, choices: Vec::new() };
    choices.documents(given);
    choices.document_token(model.tokenizer.vocabulary.len());
    choices.samples(choices.config.tokens.kind);
    choices.split();
    let row = Row::of_fine_tuning(found.profile.bytes, minutes);
    choices.dropout(row);
    choices.training(row, given, ranks);
    choices.remove_given(given);
    (choices.config, choices.choices, Sizes { units: row.units, passes: row.passes, most_passes: MOST_PASSES })
}

impl Choices<'_> {
    /// For documents, extends the vocabulary of the base, which has so many ids, by their token and no subword.
    fn document_token(&mut self, vocabulary: usize) {
        if self.config.data.unit(&self.config.text).is_ok_and(|unit| unit.is_some()) {
            self.config.init.new_tokens = NewTokens::Extend;
            self.config.vocabulary.size = Some(vocabulary + 1);
            let reason = "extend: the base was trained on running text, so the token between documents is new to it";
            self.add(&["init.new_tokens", "vocabulary.size"], reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use args::ConfigArgs;
    use text_prep::TextProfiler;

    use super::*;
    use crate::config::{DocumentKind, ModeKind, OptimizerKind, TokenKind};

    fn base_model() -> PretrainedModel {
        PretrainedModel::read(Path::new(base::NAME)).unwrap()
    }

    fn found(text: &str) -> Found {
        let mut profiler = TextProfiler::default();
        profiler.push(text);
        Found { profile: profiler.finish(), files: 1, strips_gutenberg: false }
    }

    fn given(set: &[&str]) -> Given {
        let set = set.iter().map(|change| change.to_string()).collect();
        Given::new(&ConfigArgs { set, text: vec!["my.txt".into()], ..ConfigArgs::default() }).unwrap()
    }

    #[test]
    fn the_base_determines_tokens_and_sizes_and_the_table_the_rest() {
        let (model, list) = (base_model(), (0..300).map(|n| format!("Item number {n}\n")).collect::<String>());
        let (config, choices, sizes) = choose(&found(&list), &given(&[]), 3.0, 1, &model);
        assert!(sizes.units.is_empty());
        assert_eq!(config.init.from.as_deref(), Some(Path::new(base::NAME)));
        let size = |layer: &models::LayerConfig| (layer.cell, layer.units);
        assert!(config.model.layers.iter().map(size).eq(model.model.layers.iter().map(size)));
        let (own, of_base) = (&config.model, &model.model);
        assert_eq!((own.embedding_dim, own.projection), (of_base.embedding_dim, of_base.projection_dim));
        assert_eq!((own.tie_weights, config.tokens.kind), (of_base.tie_weights, TokenKind::Subwords));
        let row = Row::of_fine_tuning(list.len() as u64, 3.0);
        assert!(config.model.layers.iter().all(|layer| layer.recurrent_dropout == row.recurrent_dropout));
        assert_eq!((config.model.dropout, config.train.layer_decay), (row.dropout, 1.0));
        assert_eq!((config.train.mode, config.train.optimizer.kind), (ModeKind::Tbptt, OptimizerKind::Adam));
        assert_eq!(config.data.documents, Some(DocumentKind::Lines));
        let is_chosen = |key: &str| choices.iter().any(|choice| choice.keys.contains(&key));
        assert!(
            ["data.documents", "model.dropout", "train.batch_size", "train.learning_rate"].map(is_chosen) == [true; 4]
        );
        assert!(!is_chosen("tokens.kind") && !is_chosen("model.layers"));
        // The base has no token between documents.
        let size = Some(model.tokenizer.vocabulary.len() + 1);
        assert_eq!((config.init.new_tokens, config.vocabulary.size), (NewTokens::Extend, size));
        assert!(is_chosen("init.new_tokens"));
        let running = given(&["data.documents=none"]);
        let (config, choices, _) = choose(&found(&list), &running, 3.0, 1, &model);
        assert_eq!((config.init.new_tokens, config.vocabulary.size), (NewTokens::Error, None));
        assert!(!choices.iter().any(|choice| choice.key() == "init.new_tokens"), "{choices:?}");
    }

    #[test]
    fn what_is_given_has_no_reason_and_stays() {
        let given = given(&["model.dropout=0.6", "train.batch_size=4", "train.learning_rate=0.01"]);
        let (config, choices, _) = choose(&found(&"The fox saw a crow.\n".repeat(90)), &given, 3.0, 1, &base_model());
        let config = given.apply(config).unwrap();
        assert_eq!((config.model.dropout, config.train.batch_size), (0.6, 4));
        assert_eq!(config.train.learning_rate, 0.01);
        let keys: Vec<&str> = choices.iter().map(Choice::key).collect();
        assert!(!["model.dropout", "train.batch_size", "train.learning_rate"].iter().any(|key| keys.contains(key)));
    }
}
