//! JSON Lines: an object on each line.

use durable::read::{LineLength, read_line};
use serde_json::{Map, Value};

use super::InputError;
use super::quotes::MAX_FIELD;
use super::table::{Columns, Row, TextBytes, no_column};
use crate::error::{Error, Result};
use crate::source::FoundControlCharacters;

/// Objects that are read line by line.
pub(super) struct JsonLines<'a> {
    reader: TextBytes<'a>,
    name: String,
    columns: Columns,
    bytes: Vec<u8>,
    /// The number of the last line that was read.
    line: u64,
    /// Whether an object had the column of the texts, and that of the labels.
    has_column: [bool; 2],
    /// The names of the first object's values.
    names: Vec<String>,
    text: String,
    label: Option<String>,
}

impl<'a> JsonLines<'a> {
    pub fn new(name: &str, reader: TextBytes<'a>, columns: Columns) -> Self {
        let name = name.to_owned();
        let (bytes, names, text) = (Vec::new(), Vec::new(), String::new());
        Self { reader, name, columns, bytes, line: 0, has_column: [false; 2], names, text, label: None }
    }

    /// As [`Table::next_row`](super::table::Table::next_row). A value that is null or missing is an empty text or no label.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>> {
        let Some(mut object) = self.next_object()? else {
            self.check_columns()?;
            return Ok(None);
        };
        if self.names.is_empty() {
            self.names = object.keys().cloned().collect();
        }
        let text = object.remove(&self.columns.text);
        let is_text = |label: &String| *label == self.columns.text;
        let label = self.columns.label.as_ref();
        let label = label.and_then(|label| if is_text(label) { text.clone() } else { object.remove(label) });
        self.has_column[0] |= text.is_some();
        self.has_column[1] |= label.is_some();
        self.text = self.written(&self.columns.text, text)?.unwrap_or_default();
        self.label = match &self.columns.label {
            Some(column) => self.written(column, label)?,
            None => None,
        };
        Ok(Some(Row { text: &self.text, label: self.label.as_deref() }))
    }

    fn next_object(&mut self) -> Result<Option<Map<String, Value>>> {
        loop {
            let found = read_line(&mut self.reader, MAX_FIELD, &mut self.bytes);
            self.line += 1;
            match found.map_err(|error| Error::reading(&self.name, error))? {
                LineLength::End => return Ok(None),
                LineLength::TooLong => return Err(self.bad("the line has more than 64 MiB".into())),
                LineLength::Whole if self.bytes.trim_ascii().is_empty() => {}
                LineLength::Whole => {
                    let object = serde_json::from_slice(&self.bytes);
                    return object.map(Some).map_err(|error| {
                        let is_list = self.line == 1 && self.bytes.starts_with(b"[");
                        let convert = if is_list { "; `jq -c '.[]'` makes lines of a list" } else { "" };
                        self.bad(format!("expected one JSON object ({}){convert}", cause(&error)))
                    });
                }
            }
        }
    }

    /// A value as text.
    fn written(&self, column: &str, value: Option<Value>) -> Result<Option<String>> {
        let found = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => return Ok(Some(text)),
            Some(Value::Number(number)) => return Ok(Some(number.to_string())),
            Some(Value::Bool(value)) => return Ok(Some(value.to_string())),
            Some(Value::Array(_)) => "a list",
            Some(Value::Object(_)) => "an object",
        };
        Err(self.bad(format!("`{column}` is {found}: expected a text")))
    }

    /// Rejects a column that no object has.
    fn check_columns(&self) -> Result<()> {
        let columns = [Some(&self.columns.text), self.columns.label.as_ref()];
        let missing = columns.into_iter().zip(self.has_column).find(|(column, has)| column.is_some() && !has);
        match missing {
            Some((Some(column), _)) => Err(no_column(&self.name, column, self.names.clone())),
            _ => Ok(()),
        }
    }

    fn bad(&self, problem: String) -> Error {
        InputError::BadRow { name: self.name.clone(), line: self.line, problem }.into()
    }

    pub fn control_characters(&self) -> Option<FoundControlCharacters> {
        self.reader.control_characters()
    }
}

/// The names in the first object of a text that begins with `start`.
pub(super) fn json_columns(start: &str) -> Vec<String> {
    let line = start.trim_start().lines().next().unwrap_or_default();
    serde_json::from_str(line)
        .map_or_else(|_| Vec::new(), |object: Map<String, Value>| object.keys().cloned().collect())
}

/// The message of the parser without its line, which is always 1.
fn cause(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = message.rfind(" at line 1 column ");
    place.map_or(message.clone(), |at| format!("{}, column {}", &message[..at], &message[at + 18..]))
}
