//! Every key that a configuration uses stands in the table of all keys, `docs/config.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Problem, Report};

const TABLE: &str = "docs/config.md";

/// Compares the keys of `configs/*.toml` with the words in backticks in the table.
pub fn check(root: &Path) -> Result<Report, String> {
    let known = match std::fs::read_to_string(root.join(TABLE)) {
        Ok(text) => in_backticks(&text),
        Err(error) => {
            let what = format!("the table of all configuration keys cannot be read: {error}");
            let problems = vec![Problem::at(TABLE, None, what)];
            return Ok(Report { problems, seen: String::new() });
        }
    };
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for path in configurations(root)? {
        let name = format!("configs/{}", path.file_name().unwrap_or_default().display());
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{name} cannot be read: {error}"))?;
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map(|span| line_of(&text, span.start));
                problems.push(Problem::at(name, line, error.message()));
                continue;
            }
        };
        let mut keys = BTreeSet::new();
        gather(&table, "", &mut keys);
        for key in keys.difference(&known) {
            let what = format!("`{key}` is missing in {TABLE}");
            problems.push(Problem::at(&name, line_with(&text, key), what));
        }
        seen.append(&mut keys);
    }
    Ok(Report { problems, seen: format!("{} keys", seen.len()) })
}

/// The files `configs/*.toml` in the order of their names; none without the folder.
fn configurations(root: &Path) -> Result<Vec<PathBuf>, String> {
    let Ok(folder) = std::fs::read_dir(root.join("configs")) else { return Ok(Vec::new()) };
    let mut paths = Vec::new();
    for entry in folder {
        let path = entry.map_err(|error| format!("configs cannot be read: {error}"))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Adds the path of every value: `train.epochs`, `model.layers[].units`.
fn gather(table: &Table, above: &str, keys: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            Value::Table(inner) => gather(inner, &path, keys),
            Value::Array(items) if items.iter().any(Value::is_table) => {
                for inner in items.iter().filter_map(Value::as_table) {
                    gather(inner, &format!("{path}[]"), keys);
                }
            }
            _ => {
                keys.insert(path);
            }
        }
    }
}

/// What stands between two backticks of one line.
fn in_backticks(text: &str) -> BTreeSet<String> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// The first line that sets the last part of the key, however it is written.
fn line_with(text: &str, key: &str) -> Option<usize> {
    let last = key.rsplit('.').next()?;
    let sets = |line: &str| {
        let before = line.split('#').next().unwrap_or_default();
        before.match_indices(last).any(|(at, _)| {
            let free = before[..at].chars().next_back().is_none_or(|c| !is_key(c));
            free && before[at + last.len()..].trim_start().starts_with('=')
        })
    };
    text.lines().position(sets).map(|index| index + 1)
}

fn is_key(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-'
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::super::sources::tree;
    use super::*;

    const CONFIG: &str = "\
seed = 1
[train] # epochs = 0
epochs = 3
[[model.layers]]
kind = \"lstm\"
units = 100
[text]
clean = [{ rule = \"book\" }]
";

    #[test]
    fn keys_are_paths_and_arrays_of_tables_carry_brackets() {
        let mut keys = BTreeSet::new();
        gather(&CONFIG.parse().unwrap(), "", &mut keys);
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let expected = ["model.layers[].kind", "model.layers[].units", "seed", "text.clean[].rule"];
        assert_eq!(keys[..4], expected);
        assert_eq!(keys[4..], ["train.epochs"]);
    }

    #[test]
    fn a_key_outside_the_table_is_shown_at_its_line() {
        let docs = "| `seed` | 1 |\n| `model.layers[].kind`, `text.clean[].rule` | |\n";
        let root = tree(&[("configs/lstm.toml", CONFIG), (TABLE, docs)]);
        let report = check(root.path()).unwrap();
        let lines: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "configs/lstm.toml:6: `model.layers[].units` is missing in docs/config.md",
                "configs/lstm.toml:3: `train.epochs` is missing in docs/config.md",
            ]
        );
    }

    #[test]
    fn a_missing_table_and_a_broken_configuration_are_reported() {
        let root = tree(&[("configs/lstm.toml", CONFIG)]);
        let report = check(root.path()).unwrap();
        assert!(report.problems.len() == 1 && report.problems[0].place == TABLE, "{report:?}");
        let root = tree(&[("configs/lstm.toml", "a = 1\nb = \n"), (TABLE, "`a`")]);
        let report = check(root.path()).unwrap();
        assert!(report.problems.len() == 1 && report.problems[0].line == Some(2), "{report:?}");
    }
}
