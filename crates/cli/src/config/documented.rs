//! Tests that `docs/config.md` lists every key of the structs, no other key, and the true defaults.

use models::Activation;
use text_prep::{ControlCharacters, Excerpt};
use toml::{Table, Value};

use super::documents::DocumentKind;
use super::*;

/// Collects the dotted path of every key of a table.
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
    (full.text.dataset, full.text.edition) = (Some(String::new()), Some(1));
    let path = Paths::from(Path::new("a"));
    (full.text.path, full.text.valid, full.text.test) = (Some(path.clone()), Some(path.clone()), Some(path));
    full.text.copy = true;
    (full.text.column, full.text.label) = (Some(String::new()), Some(String::new()));
    (full.data.documents, full.data.separator) = (Some(DocumentKind::None), Some(String::new()));
    full.data.max_document_len = Some(1);
    full.text.encoding = Some(String::new());
    full.text.excerpt = Some(Excerpt { from: String::new(), to: String::new() });
    full.text.control_characters = Some(ControlCharacters::Keep);
    full.init.from = Some(PathBuf::new());
    let schedule = &mut full.train.schedule;
    (schedule.factor, schedule.every_epochs, schedule.patience) = (Some(0.5), Some(1), Some(1));
    full.clean.preset = Some(String::new());
    full.clean.rules = Some(Vec::new());
    full.clean.document_separator = Some(String::new());
    full.tokens.punctuation = Some(Punctuation::Keep);
    full.tokens.lower_case = Some(false);
    full.tokens.stem = Some(String::new());
    full.tokens.segmentation = Some(SegmentationKind::Auto);
    full.tokens.newlines = Some(Newlines::Space);
    full.tokens.unit = Some(CharacterUnit::Scalars);
    full.tokens.capitals = Some(Capitals::Keep);
    full.tokens.jamo = Some(false);
    full.tokens.path = Some(PathBuf::new());
    full.vocabulary.size = Some(512);
    full.ngrams.order = Some(ngrams::NgramOrder(generate::NgramOrder::Best));
    full.model.vectors.path = Some(PathBuf::new());
    full.model.layers[0].activation = Some(Activation::Tanh);
    full.model.layers[0].reset_after = Some(true);
    full.model.layers[0] = full.model.layers[0].clone().cell_norm(true).mogrifier_rounds(5).mogrifier_rank(8);
    let optimizer = &mut full.train.optimizer;
    for number in [
        &mut optimizer.epsilon,
        &mut optimizer.rho,
        &mut optimizer.momentum,
        &mut optimizer.beta_1,
        &mut optimizer.beta_2,
        &mut optimizer.weight_decay,
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

    // The document lists no key that does not exist.
    let rows = || document.lines().take_while(|line| !line.starts_with("## "));
    check_no_other_keys(rows(), &found);
    let compared = check_defaults(rows(), &Table::try_from(Config::default()).unwrap());
    assert!(compared > 10, "only {compared} defaults were compared");
}

#[test]
fn every_key_of_question_models_is_documented_with_its_true_default() {
    let document = include_str!("../../../../docs/config.md");
    let rows = || {
        let lines = document.lines().skip_while(|line| *line != "## Questions").skip(1);
        lines.take_while(|line| !line.starts_with("## "))
    };
    let mut full = QuestionsConfig::default();
    full.data.dataset = Some(String::new());
    full.data.path = Some(PathBuf::new());
    (full.data.copy, full.data.valid_copy) = (true, true);
    full.data.valid = Some(PathBuf::new());
    full.data.encoding = Some(String::new());
    full.tokens.segmentation = Some(SegmentationKind::Auto);
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
    check_no_other_keys(rows(), &found);
    let defaults = Table::try_from(QuestionsConfig::default()).unwrap();
    let compared = check_defaults(rows(), &defaults);
    assert!(compared > 10, "only {compared} defaults were compared");
}

/// Every row is about an existing key.
fn check_no_other_keys<'a>(rows: impl Iterator<Item = &'a str>, found: &[String]) {
    for row in rows.filter(|line| line.starts_with("| `")) {
        let key = row.split('`').nth(1).unwrap();
        assert!(found.iter().any(|known| known.starts_with(key)), "there is no `{key}`");
    }
}

/// Checks the numbers in the last column against the defaults; returns how many there are.
fn check_defaults<'a>(rows: impl Iterator<Item = &'a str>, defaults: &Table) -> usize {
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

#[test]
fn every_committed_configuration_has_only_current_keys() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let folders = ["configs", "benchmarks/recipes"].map(|folder| format!("{root}/{folder}"));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut count = 0;
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        let (text, file) = (std::fs::read_to_string(&path).unwrap(), path.display().to_string());
        // Unlike `parse_config`, `parse` rejects the old names of keys.
        if text.parse::<Table>().unwrap().contains_key("task") {
            read::parse::<QuestionsConfig>(&text, &file).unwrap();
        } else {
            read::parse::<Config>(&text, &file).unwrap();
        }
        count += 1;
    }
    assert!(count > 15, "only {count} configurations were found");
}
