//! JSON Lines: an object on each line.

use durable::read::{LineLength, read_line};
use serde_json::{Map, Value};

use super::InputError;
use super::quotes::MAX_FIELD;
use super::table::{Columns, Row, TextBytes, no_column};
use crate::error::{Error, Result, one_line};
use crate::source::control_characters::Finder;
use crate::source::line_ends::LineEnds;
use crate::source::{BYTE_ORDER_MARK, ControlCharacters, FoundControlCharacters, SourceOptions};

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
    /// How texts are read: what is escaped in JSON follows the same rules.
    keep_inner_marks: bool,
    policy: ControlCharacters,
    /// The control characters of the texts and labels.
    control_characters: Finder,
}

impl<'a> JsonLines<'a> {
    pub fn new(name: &str, reader: TextBytes<'a>, columns: Columns, options: &SourceOptions) -> Self {
        let policy = options.control_characters;
        Self {
            reader,
            name: name.to_owned(),
            columns,
            bytes: Vec::new(),
            line: 0,
            has_column: [false; 2],
            names: Vec::new(),
            text: String::new(),
            label: None,
            keep_inner_marks: options.keep_inner_marks,
            policy,
            control_characters: Finder::new(policy),
        }
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
        let text = self.written(&self.columns.text, text)?;
        let label = match &self.columns.label {
            Some(column) => self.written(column, label)?,
            None => None,
        };
        self.text = self.cleaned(text.unwrap_or_default())?;
        self.label = label.map(|label| self.cleaned(label)).transpose()?;
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
                        let is_list = self.names.is_empty() && self.bytes.trim_ascii_start().starts_with(b"[");
                        let convert = if is_list { "; `jq -c '.[]'` makes lines of a list" } else { "" };
                        self.bad(format!("expected one JSON object ({}){convert}", one_line(&cause(&error))))
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
        Err(self.bad(format!("`{}` is {found}: expected a text", one_line(column))))
    }

    /// A text without byte order marks, with LF line ends and with the control characters that are accepted.
    fn cleaned(&mut self, text: String) -> Result<String> {
        let has_marks = !self.keep_inner_marks && text.contains(BYTE_ORDER_MARK);
        let text = if has_marks { text.replace(BYTE_ORDER_MARK, "") } else { text };
        let mut text = LineEnds::default().unify(text);
        let is_first = self.control_characters.accepted.is_none();
        self.control_characters.check(&mut text);
        let place = |found: FoundControlCharacters| {
            let line = usize::try_from(self.line).unwrap_or(usize::MAX);
            FoundControlCharacters { line, column: column_of(&self.bytes, found.first), ..found }
        };
        if let Some(found) = self.control_characters.rejected.map(place) {
            let found = FoundControlCharacters { at_least: true, ..found };
            return Err(Error::ControlCharacters { name: self.name.clone(), found });
        }
        if is_first {
            self.control_characters.accepted = self.control_characters.accepted.map(place);
        }
        Ok(text)
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
        // Those that are kept are still in the texts.
        let removed = self.reader.control_characters().filter(|_| self.policy == ControlCharacters::Remove);
        match (removed, self.control_characters.accepted) {
            (Some(one), Some(other)) => {
                let first = if (one.line, one.column) < (other.line, other.column) { one } else { other };
                Some(FoundControlCharacters { count: one.count + other.count, ..first })
            }
            (one, other) => one.or(other),
        }
    }
}

/// The place in a line of JSON, in characters from 1, of a control character or the escape that stands for it.
fn column_of(line: &[u8], c: char) -> usize {
    let line = String::from_utf8_lossy(line);
    let mut from = 0;
    while let Some(next) = line[from..].chars().next() {
        let rest = &line[from..];
        let code = rest.strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        if next == c || code == Some(u32::from(c)) || (c == '\u{8}' && rest.starts_with("\\b")) {
            break;
        }
        from += next.len_utf8();
        if next == '\\' {
            // An escaped backslash begins no escape.
            from += line[from..].chars().next().map_or(0, char::len_utf8);
        }
    }
    line[..from].chars().count() + 1
}

/// Whether a text that begins with `start` begins with an object that has the column or is too long to tell, or with a
/// list of objects, which is an error.
pub(super) fn begins_with_json(start: &str, column: &str) -> bool {
    let start = start.trim_start();
    let begins_with_name = |start: &str| start.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'));
    if let Some(list) = start.strip_prefix('[') {
        return begins_with_name(list.trim_start());
    }
    let (line, is_whole) = start.split_once('\n').map_or((start, false), |(line, _)| (line, true));
    match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(object) => object.contains_key(column),
        Err(error) => error.is_eof() && !is_whole && begins_with_name(line),
    }
}

/// The message of the parser without its line, which is always 1.
fn cause(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = message.rfind(" at line 1 column ");
    place.map_or(message.clone(), |at| format!("{}, column {}", &message[..at], &message[at + 18..]))
}
