//! What may change when a run is gone on with: keys are compared one by one, so that a refusal can name
//! them.

use serde::Serialize;
use toml::{Table, Value};

use super::Config;
use crate::error::{Error, Result};

/// Keys, or tables of keys, that a run bears to see changed.
const MAY_CHANGE: [&str; 4] = ["train.epochs", "train.patience", "samples", "checkpoints"];

/// Refuses changes that would make another run of it.
///
/// # Errors
/// Names every key that may not change.
pub fn refuse_changes<C: Serialize>(before: &C, now: &C, run: &str) -> Result<()> {
    let refused = changed(before, now, |key| !MAY_CHANGE.iter().any(|table| within(key, table)));
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Error::new(format!(
            "{run} cannot be resumed with another {}: only {} may change; leave it as it was, or start \
             anew (with `--from {run}` to begin with its weights)",
            refused.join(", "),
            MAY_CHANGE.map(|key| format!("`{key}`")).join(", ")
        ))),
    }
}

/// What a trained model brings along.
const BROUGHT: [&str; 4] = ["model", "tokens", "clean", "vocabulary.rare"];

/// Refuses changes of what a trained model brings along.
///
/// # Errors
/// Names every key that may not change.
pub fn refuse_others(before: &Config, now: &Config, model: &str) -> Result<()> {
    let refused = changed(before, now, |key| BROUGHT.iter().any(|table| within(key, table)));
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Error::new(format!(
            "a run that begins with {model} cannot have another {}: sizes and tokens are the model's; \
             leave it as it was, or start without `--from`",
            refused.join(", ")
        ))),
    }
}

/// The keys that differ, of those that `counts`.
fn changed<C: Serialize>(before: &C, now: &C, counts: impl Fn(&str) -> bool) -> Vec<String> {
    let (before, now) = (flat(before), flat(now));
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let changed = keys.into_iter().filter(|&key| before.get(key) != now.get(key) && counts(key));
    changed.map(|key| format!("`{key}`")).collect()
}

/// Whether `key` is `table` or in it.
fn within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Every key by its dotted path.
pub fn flat(config: &impl Serialize) -> Table {
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
    let mut flat = Table::new();
    walk(Table::try_from(config).expect("a configuration is plain data"), "", &mut flat);
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_another_run_is_refused_by_name() {
        let before = Config::default();
        let change = |change: &str| {
            let now = super::super::change(before.clone(), &[change.to_string()]).unwrap();
            refuse_changes(&before, &now, "runs/a")
        };
        for allowed in
            ["train.epochs=9", "train.patience=3", "samples.tokens=5", "checkpoints.keep=9"]
        {
            change(allowed).unwrap();
        }
        for refused in
            ["seed=2", "model.embedding=7", "train.optimizer.rho=0.8", "windows.length=4"]
        {
            let error = change(refused).unwrap_err().to_string();
            let key = refused.split('=').next().unwrap();
            assert!(error.contains(&format!("`{key}`")), "{error}");
            assert!(error.contains("only `train.epochs`"), "{error}");
        }
    }
}
