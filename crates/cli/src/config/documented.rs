//! The table of all keys, `docs/config.md`, held against the structs: every key, no other, true defaults.

use models::Activation;
use toml::{Table, Value};

use super::*;

/// Every key of a table by its dotted path.
fn keys(table: &Table, path: &str, found: &mut Vec<String>) {
    for (key, value) in table {
        let path = format!("{path}{key}");
        match value {
            Value::Table(table) => keys(table, &format!("{path}."), found),
            Value::Array(entries) if entries.iter().all(Value::is_table) => {
                found.push(path.clone());
                for entry in entries.iter().filter_map(Value::as_table) {
                    keys(entry, &format!("{path}[]."), found);
                }
            }
            _ => found.push(path),
        }
    }
}

#[test]
fn every_key_is_documented_with_its_true_default() {
    let document = include_str!("../../../../docs/config.md");
    let mut full = Config::default();
    full.text.dataset = Some(String::new());
    full.text.path = Some(PathBuf::new());
    full.text.encoding = Some(String::new());
    full.text.excerpt = Some(Excerpt { from: String::new(), to: String::new() });
    full.from.model = Some(PathBuf::new());
    let schedule = &mut full.train.schedule;
    (schedule.factor, schedule.every_epochs, schedule.patience) = (Some(0.5), Some(1), Some(1));
    full.clean.preset = Some(String::new());
    full.clean.rules = Some(Vec::new());
    full.clean.story_mark = Some(String::new());
    full.tokens.punctuation = Some(Punctuation::Keep);
    full.tokens.lower_case = Some(false);
    full.tokens.stem = Some(String::new());
    full.tokens.unit = Some(Unit::Scalars);
    full.tokens.capitals = Some(Capitals::Keep);
    full.tokens.jamo = Some(false);
    full.model.vectors.path = Some(PathBuf::new());
    full.model.layers[0].activation = Some(Activation::Tanh);
    full.model.layers[0].reset_after = Some(true);
    let optimizer = &mut full.train.optimizer;
    for number in [
        &mut optimizer.epsilon,
        &mut optimizer.rho,
        &mut optimizer.momentum,
        &mut optimizer.beta_1,
        &mut optimizer.beta_2,
    ] {
        *number = Some(0.0);
    }
    optimizer.centered = Some(false);
    full.train.clip = Clip { value: Some(1.0), tensor_norm: Some(1.0), global_norm: Some(1.0) };
    let mut found = Vec::new();
    keys(&Table::try_from(&full).unwrap(), "", &mut found);
    assert!(found.contains(&"train.optimizer.rho".to_string()), "{found:?}");
    for key in &found {
        assert!(document.contains(&format!("`{key}`")), "docs/config.md lacks `{key}`");
    }

    // Nor is anything documented that does not exist.
    let rows = || document.lines().take_while(|line| !line.starts_with("## "));
    nothing_else(rows(), &found);
    let compared = true_defaults(rows(), &Table::try_from(Config::default()).unwrap());
    assert!(compared > 10, "only {compared} defaults were compared");
}

#[test]
fn every_key_about_questions_is_documented_with_its_true_default() {
    let document = include_str!("../../../../docs/config.md");
    let rows = || {
        let lines = document.lines().skip_while(|line| *line != "## Questions").skip(1);
        lines.take_while(|line| !line.starts_with("## "))
    };
    let mut full = QuestionsConfig::default();
    full.data.dataset = Some(String::new());
    full.data.path = Some(PathBuf::new());
    full.data.valid = Some(PathBuf::new());
    full.model.vectors.path = Some(PathBuf::new());
    let mut found = Vec::new();
    keys(&Table::try_from(&full).unwrap(), "", &mut found);
    let text: String = rows().collect();
    let elsewhere = ["seed", "train.", "checkpoints."];
    for key in found.iter().filter(|key| !elsewhere.iter().any(|table| key.starts_with(table))) {
        // The keys of a layer are those of every layer.
        let layer = key.contains("[].");
        assert!(layer || text.contains(&format!("`{key}`")), "docs/config.md lacks `{key}`");
    }
    nothing_else(rows(), &found);
    let defaults = Table::try_from(QuestionsConfig::default()).unwrap();
    let compared = true_defaults(rows(), &defaults);
    assert!(compared > 10, "only {compared} defaults were compared");
}

/// No row is about a key that does not exist.
fn nothing_else<'a>(rows: impl Iterator<Item = &'a str>, found: &[String]) {
    for row in rows.filter(|line| line.starts_with("| `")) {
        let key = row.split('`').nth(1).unwrap();
        assert!(found.iter().any(|known| known.starts_with(key)), "there is no `{key}`");
    }
}

/// Numbers in the last column are the defaults that a file without the key gets; how many there are.
fn true_defaults<'a>(rows: impl Iterator<Item = &'a str>, defaults: &Table) -> usize {
    let mut compared = 0;
    for row in rows.filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let key = cells[1].trim_matches('`');
        let value = key.split('.').try_fold(Value::Table(defaults.clone()), |value, part| {
            value.as_table().and_then(|table| table.get(part)).cloned()
        });
        let number = value.and_then(|v| v.as_float().or(v.as_integer().map(|i| i as f64)));
        let Some(number) = number else { continue };
        assert_eq!(cells[3].parse::<f64>().ok(), Some(number), "{key}");
        compared += 1;
    }
    compared
}
