//! `novels`: writes the works that the built-in base model is trained on as files.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::output::{print, status};

/// The ranges of the works in a file with all of them, and its hash.
const TABLE: &str = include_str!("../../datasets/base/novels.toml");

/// Writes the works in `file` into `folder`, which must not exist.
pub fn run(file: &Path, folder: &Path) -> Result<ExitCode, String> {
    let text = fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let table: Table = TABLE.parse().map_err(|error| format!("datasets/base/novels.toml: {error}"))?;
    let works = works(&table, &text).map_err(|reason| format!("{}: {reason}", file.display()))?;
    if folder.exists() {
        return Err(format!("{} exists: name another folder, or delete it", folder.display()));
    }
    fs::create_dir_all(folder).map_err(|error| format!("{} cannot be created: {error}", folder.display()))?;
    for (name, work) in works {
        let path = folder.join(format!("{name}.txt"));
        fs::write(&path, work).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        print(path.display());
    }
    status(format_args!("source: {}; licence: {}", text_of(&table, "source")?, text_of(&table, "licence")?));
    Ok(ExitCode::SUCCESS)
}

/// The works of `table` in the file `text`, with their names.
fn works<'a>(table: &'a Table, text: &'a [u8]) -> Result<Vec<(&'a str, &'a [u8])>, String> {
    let (found, expected) = (sha256(text), text_of(table, "sha256")?);
    if found != expected {
        return Err(format!("its SHA-256 is {found}, expected {expected}: give the file that the table describes"));
    }
    let works = table.get("works").and_then(Value::as_array).ok_or("the table has no `works`")?;
    let mut found = Vec::with_capacity(works.len());
    for work in works {
        let work = work.as_table().ok_or("an entry of `works` is no table")?;
        let range = offset(work, "start")?..offset(work, "end")?;
        let bytes = text.get(range.clone()).ok_or(format!("it has no bytes {} to {}", range.start, range.end))?;
        found.push((text_of(work, "name")?, bytes));
    }
    Ok(found)
}

fn text_of<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    table.get(key).and_then(Value::as_str).ok_or(format!("the table has no text `{key}`"))
}

fn offset(work: &Table, key: &str) -> Result<usize, String> {
    let offset = work.get(key).and_then(Value::as_integer).and_then(|offset| usize::try_from(offset).ok());
    offset.ok_or(format!("a work has no offset `{key}`"))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"Notes. One work.\nAnother.\n";

    fn table(sha256: &str, end: usize) -> Table {
        let work = |name, start, end| format!("{{ name = '{name}', start = {start}, end = {end} }}");
        let works = [work("a", 7, 17), work("b", 17, end)].join(", ");
        format!("sha256 = '{sha256}'\nworks = [{works}]").parse().unwrap()
    }

    #[test]
    fn works_are_ranges_of_the_file_with_the_known_hash() {
        let known = sha256(TEXT);
        assert_eq!(works(&table(&known, 26), TEXT).unwrap(), [("a", &TEXT[7..17]), ("b", &TEXT[17..])]);
        let error = works(&table("other", 26), TEXT).unwrap_err();
        assert!(error.contains(&known) && error.contains("expected other"), "{error}");
        assert_eq!(works(&table(&known, 27), TEXT).unwrap_err(), "it has no bytes 17 to 27");
    }

    #[test]
    fn the_works_of_the_base_follow_one_another_behind_the_first_six_million_bytes() {
        let table: Table = TABLE.parse().unwrap();
        let works = table["works"].as_array().unwrap();
        let mut before = 6_000_000;
        for work in works.iter().map(|work| work.as_table().unwrap()) {
            let (start, end) = (offset(work, "start").unwrap(), offset(work, "end").unwrap());
            assert!(start >= before && end > start, "{work:?}");
            before = end;
        }
        let bytes = table["bytes"].as_integer().unwrap() as usize;
        assert!(works.len() == 7 && before <= bytes);
    }
}
