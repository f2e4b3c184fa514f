//! The record of measured runs: a file with one JSON object per line, to which lines are only appended.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// The lines of the file and where it is.
pub struct Record {
    path: PathBuf,
    lines: Vec<Map<String, Value>>,
}

impl Record {
    /// Reads the file, if it exists. Removes an incomplete last line, that of a process that was killed.
    ///
    /// # Errors
    /// If it cannot be read, or a line is not a JSON object.
    pub fn open(path: &Path) -> Result<Self, String> {
        let cannot = |what: &str, error| format!("{} cannot be {what}: {error}", path.display());
        let mut bytes = match std::fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            bytes => bytes.map_err(|error| cannot("read", error))?,
        };
        let last = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if last < bytes.len() {
            match parse(&bytes[last..]) {
                Ok(_) => bytes.push(b'\n'),
                Err(_) => bytes.truncate(last),
            }
            std::fs::write(path, &bytes).map_err(|error| cannot("written", error))?;
        }
        let line = |(index, line): (usize, &[u8])| {
            parse(line).map_err(|error| {
                format!("{}, line {}, is not a JSON object; remove it: {error}", path.display(), index + 1)
            })
        };
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate().map(line).collect::<Result<_, _>>()?;
        Ok(Self { path: path.into(), lines })
    }

    /// The newest line that has all fields of `key`. A field that is null may be missing, as in the lines of earlier versions.
    pub fn find(&self, key: &Map<String, Value>) -> Option<&Map<String, Value>> {
        let has = |line: &Map<String, Value>, name: &str, value| line.get(name).unwrap_or(&Value::Null) == value;
        let has_all = |line: &&Map<String, Value>| key.iter().all(|(name, value)| has(line, name, value));
        self.lines.iter().rev().find(has_all)
    }

    /// Adds a line, at once in the file too.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(&mut self, line: Map<String, Value>) -> Result<(), String> {
        let cannot = |error| format!("{} cannot be written: {error}", self.path.display());
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(cannot)?;
        let text = serde_json::to_string(&line).expect("names are strings") + "\n";
        file.write_all(text.as_bytes()).map_err(cannot)?;
        self.lines.push(line);
        Ok(())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn parse(line: &[u8]) -> serde_json::Result<Map<String, Value>> {
    serde_json::from_slice(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::object;
    use super::*;

    fn key(config: &str, minutes: f64) -> Map<String, Value> {
        object(json!({"text": "a.txt", "text_sha256": null, "config": config, "minutes": minutes}))
    }

    fn line(config: &str, bits: f64) -> Map<String, Value> {
        let mut line = key(config, 3.0);
        line.insert("bits_per_byte".into(), json!(bits));
        line
    }

    #[test]
    fn recorded_runs_are_found_again_and_the_newest_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record/recipes.jsonl");
        let mut record = Record::open(&path).unwrap();
        assert!(record.find(&key("small", 3.0)).is_none());
        for (config, bits) in [("small", 2.0), ("large", 1.5), ("small", 1.0 / 3.0)] {
            record.append(line(config, bits)).unwrap();
        }
        let read = Record::open(&path).unwrap();
        for record in [&record, &read] {
            assert_eq!(record.find(&key("small", 3.0)), Some(&line("small", 1.0 / 3.0)));
            assert_eq!(record.find(&key("large", 3.0)), Some(&line("large", 1.5)));
            for other in [key("small", 0.5), key("medium", 3.0)] {
                assert!(record.find(&other).is_none());
            }
        }
        assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 3);
    }

    #[test]
    fn a_null_field_of_the_key_may_be_missing_and_another_may_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::open(&folder.path().join("recipes.jsonl")).unwrap();
        let with_jobs = |jobs: Value| {
            let mut key = key("small", 3.0);
            key.insert("jobs".into(), jobs);
            key
        };
        record.append(line("small", 2.0)).unwrap();
        assert_eq!(record.find(&with_jobs(Value::Null)), Some(&line("small", 2.0)));
        assert!(record.find(&with_jobs(json!(2))).is_none());
        record.append(with_jobs(json!(2))).unwrap();
        assert_eq!(record.find(&with_jobs(Value::Null)), Some(&line("small", 2.0)));
        assert_eq!(record.find(&with_jobs(json!(2))), Some(&with_jobs(json!(2))));
        assert!(record.find(&with_jobs(json!(3))).is_none());
    }

    #[test]
    fn an_invalid_line_is_reported_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipes.jsonl");
        for wrong in ["{\"text\": \"a\"", "[]"] {
            std::fs::write(&path, format!("{{}}\n{wrong}\n")).unwrap();
            let error = Record::open(&path).err().unwrap();
            assert!(error.contains("recipes.jsonl, line 2, is not a JSON object"), "{error}");
        }
    }

    #[test]
    fn a_line_that_was_cut_off_is_replaced_by_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipes.jsonl");
        Record::open(&path).unwrap().append(line("small", 2.0)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        // The last of these lacks only its line end.
        for len in [1, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, [&whole[..], &whole[..len]].concat()).unwrap();
            let mut record = Record::open(&path).unwrap();
            assert_eq!(record.find(&key("small", 3.0)), Some(&line("small", 2.0)));
            record.append(line("large", 1.5)).unwrap();
            let count = if len == whole.len() - 1 { 3 } else { 2 };
            assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), count, "{len}");
            assert_eq!(Record::open(&path).unwrap().find(&key("large", 3.0)), Some(&line("large", 1.5)));
        }
        // Within a character.
        std::fs::write(&path, [&whole[..], b"{\"text\": \"\xc3"].concat()).unwrap();
        assert_eq!(Record::open(&path).unwrap().find(&key("small", 3.0)), Some(&line("small", 2.0)));
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}
