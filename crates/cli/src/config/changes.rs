//! Which keys may change when a run is resumed or starts from a trained model. The errors name the others.

use serde::Serialize;
use toml::{Table, Value};

use super::Config;
use crate::error::{Result, bail};

/// Keys and sections that may change when a run is resumed.
const MAY_CHANGE: [&str; 5] = ["train.epochs", "train.early_stopping_patience", "ngrams", "samples", "checkpoints"];

/// Rejects changes that would make a resumed run another run.
///
/// # Errors
/// Names every key that may not change.
pub fn reject_changes<C: Serialize>(before: &C, now: &C, run: &str) -> Result<()> {
    let may_change = |key: &str| MAY_CHANGE.iter().any(|table| is_within(key, table));
    let Some(keys) = changed(before, now, |key| !may_change(key)) else { return Ok(()) };
    bail!(
        "{run} cannot be resumed with another {keys}: only {} may change; leave it as it was, or start a new run \
         (with `--init-from {run}` to start from its weights)",
        MAY_CHANGE.map(|key| format!("`{key}`")).join(", ")
    )
}

/// The sections that a trained model determines, but for its dropout rates and penalties, its output layer and how its
/// vocabulary is extended.
pub const SET_BY_MODEL: [&str; 4] = ["model", "tokens", "clean", "vocabulary"];

/// Keys in these sections that say which tokens a vocabulary is extended by.
const NEW_TOKENS: [&str; 2] = ["vocabulary.fit_on", "vocabulary.min_count"];

/// Rejects changes of keys that a trained model determines. With `extends`, a vocabulary of subwords is extended and may
/// get another size.
///
/// # Errors
/// Names every key that may not change.
pub fn reject_model_changes(before: &Config, now: &Config, model: &str, extends: bool) -> Result<()> {
    let now =
        Config { model: now.model.with_dropout_of(&before.model).with_output_layer_of(&before.model), ..now.clone() };
    let Some(keys) = changed(before, &now, |key| is_set_by_model(key, extends)) else { return Ok(()) };
    bail!(
        "a run that starts from {model} cannot have another {keys}: the model determines layers and tokens; only \
         dropout rates, activation regularisation, `model.projection`, `model.tie_weights`, `model.output` and, for \
         subwords with `--new-tokens extend`, `vocabulary.size` may change; leave it as it was, or start without \
         `--init-from` or `init.from`"
    )
}

/// The keys of the file `given` that have other values in the model's configuration, which determines them, if any. Dropout
/// rates are used.
pub fn unused_keys(of_model: &Config, now: &Config, given: &Table, extends: bool) -> Option<String> {
    let given = flatten(given);
    let now = Config { model: now.model.with_dropout_of(&of_model.model), ..now.clone() };
    changed(of_model, &now, |key| is_set_by_model(key, extends) && given.contains_key(key))
}

fn is_set_by_model(key: &str, extends: bool) -> bool {
    let may_change = NEW_TOKENS.contains(&key) || (extends && key == "vocabulary.size");
    SET_BY_MODEL.iter().any(|section| is_within(key, section)) && !may_change
}

/// The differing keys for which `is_relevant` holds, if any.
fn changed<C: Serialize>(before: &C, now: &C, is_relevant: impl Fn(&str) -> bool) -> Option<String> {
    let (before, now) = (flatten(before), flatten(now));
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let changed = keys.into_iter().filter(|&key| before.get(key) != now.get(key) && is_relevant(key));
    let changed: Vec<String> = changed.map(|key| format!("`{key}`")).collect();
    (!changed.is_empty()).then(|| changed.join(", "))
}

/// Whether `key` is `outer` or below it.
pub fn is_within(key: &str, outer: &str) -> bool {
    key.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// All values by dotted path.
pub fn flatten(config: &impl Serialize) -> Table {
    fn walk(table: Table, path: &str, into: &mut Table) {
        for (key, value) in table {
            let path = format!("{path}{key}");
            match value {
                Value::Table(table) => walk(table, &format!("{path}."), into),
                value => {
                    into.insert(path, value);
                }
            }
        }
    }
    let mut flattened = Table::new();
    walk(Table::try_from(config).expect("a configuration is plain data"), "", &mut flattened);
    flattened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::apply_changes;

    #[test]
    fn changes_that_make_another_run_are_rejected_by_name() {
        let before = Config::default();
        let change = |change: &str| {
            let now = apply_changes(before.clone(), &[change.to_string()]).unwrap();
            reject_changes(&before, &now, "runs/a")
        };
        for allowed in [
            "train.epochs=9",
            "train.early_stopping_patience=3",
            "ngrams.order=best",
            "samples.max_tokens=5",
            "checkpoints.keep=9",
        ] {
            change(allowed).unwrap();
        }
        for rejected in [
            "seed=2",
            "train.steps_per_epoch=9",
            "model.embedding_dim=7",
            "train.optimizer.rho=0.8",
            "windows.context_len=4",
        ] {
            let error = change(rejected).unwrap_err().to_string();
            let key = rejected.split('=').next().unwrap();
            assert!(error.contains(&format!("`{key}`")), "{error}");
            assert!(error.contains("only `train.epochs`"), "{error}");
        }
    }

    #[test]
    fn a_run_from_a_model_may_change_dropout_rates_and_the_output_layer() {
        let before = Config::default();
        let change = |change: &str, extends| {
            let now = apply_changes(before.clone(), &[change.to_string()]).unwrap();
            reject_model_changes(&before, &now, "runs/a", extends)
        };
        for allowed in [
            "model.dropout=0.5",
            "model.layer_dropout=0.1",
            "model.embedding_dropout=0.1",
            "model.locked_dropout=true",
            "model.input_dropout=0.1",
            "model.activation_regularization=2",
            "model.temporal_activation_regularization=1",
            "model.layers[0].recurrent_dropout=0.2",
            "model.projection=8",
            "model.tie_weights=true",
            "model.output=adaptive",
            "model.output_cutoffs=[9]",
            "train.layer_decay=0.5",
            "vocabulary.min_count=2",
            "vocabulary.fit_on=whole-text",
        ] {
            change(allowed, false).unwrap();
        }
        for (rejected, key) in [
            ("model.layers[0].units=8", "model.layers"),
            ("model.embedding_dim=8", "model.embedding_dim"),
            ("model.init=uniform", "model.init"),
            ("tokens.kind=characters", "tokens.kind"),
            ("clean.preset=prose", "clean.preset"),
            ("vocabulary.size=900", "vocabulary.size"),
        ] {
            let error = change(rejected, false).unwrap_err().to_string();
            assert!(error.contains(&format!("another `{key}`")) && error.contains("runs/a"), "{error}");
            assert!(error.contains("with `--new-tokens extend`, `vocabulary.size`"), "{error}");
        }
        change("vocabulary.size=900", true).unwrap();
    }
}
