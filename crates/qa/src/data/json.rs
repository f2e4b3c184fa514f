//! Parses JSON, whole or item by item; errors give the location in the file, as line, byte and keys. Independent of the
//! meaning of the data.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::{Error, Result};

/// A part of a file that is one JSON value.
#[derive(Clone, Copy)]
pub(super) struct JsonText<'a> {
    pub file: &'a str,
    pub text: &'a str,
    /// The number of lines of the file before this part.
    pub lines_before: usize,
    /// The number of bytes of the file before this part.
    pub bytes_before: usize,
    /// The expected format, for errors.
    pub expected: &'static str,
}

impl JsonText<'_> {
    /// Parses the text.
    ///
    /// # Errors
    /// If the JSON is truncated, or does not match `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.text).map_err(|error| self.located_error(self.text, &error))
    }

    /// The error of parsing `part`, a slice of the text.
    pub fn located_error(&self, part: &str, error: &serde_json::Error) -> Error {
        let file = self.file.to_owned();
        if error.classify() == Category::Eof {
            return Error::TruncatedJson {
                file,
                offset: self.bytes_before + self.text.len(),
                line: self.lines_before + self.text.lines().count(),
                location: location(self.text, self.text.len()),
            };
        }
        let (line, column) = (error.line(), error.column());
        let problem = error.to_string();
        let suffix = format!(" at line {line} column {column}");
        let lines = part.split_inclusive('\n');
        let before_line: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
        // The column is that of the last byte that serde_json read.
        let byte = part.as_ptr() as usize - self.text.as_ptr() as usize + before_line + column.saturating_sub(1);
        let before = &self.text.as_bytes()[..byte.min(self.text.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        Error::InvalidJson {
            file,
            line: self.lines_before + 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
            column: byte - line_start + 1,
            location: location(self.text, byte),
            problem: problem.strip_suffix(&suffix).unwrap_or(&problem).to_owned(),
            expected: self.expected,
        }
    }
}

/// The members of a JSON object, as slices of `text`: each key without its quotes, and its value. Of an array, the
/// elements with empty keys. The JSON must be valid.
pub(super) fn members(text: &str) -> Vec<(&str, &str)> {
    let bytes = text.as_bytes();
    let (mut depth, mut start, mut key) = (0, 0, "");
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            b':' if depth == 1 => {
                key = text[start..at].trim().trim_matches('"');
                start = at + 1;
            }
            end @ (b',' | b'}' | b']') => {
                if depth == 1 {
                    let value = text[start..at].trim();
                    if !value.is_empty() {
                        found.push((key, value));
                    }
                    (start, key) = (at + 1, "");
                }
                depth -= usize::from(end != b',');
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The value of `key` in a JSON object, as a slice of `text`. The JSON must be valid.
pub(super) fn member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    members(text).into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
}

enum Level {
    Object(Option<String>),
    Array(usize),
}

/// The keys and indices of the value at the byte `end`; the JSON before it must be valid.
fn location(text: &str, end: usize) -> String {
    let bytes = text.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while at < end {
        match bytes[at] {
            b'"' => {
                let close = string_end(bytes, at);
                if close < end
                    && let Some(Level::Object(key @ None)) = levels.last_mut()
                {
                    *key = Some(text[at + 1..close].to_owned());
                }
                at = close;
            }
            b'{' => levels.push(Level::Object(None)),
            b'[' => levels.push(Level::Array(0)),
            b'}' | b']' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Object(key)) => *key = None,
                Some(Level::Array(index)) => *index += 1,
                None => {}
            },
            _ => {}
        }
        at += 1;
    }
    // An error at a closing bracket concerns the whole array or object.
    if at == end && matches!(bytes.get(end), Some(b'}' | b']')) {
        match levels.last_mut() {
            Some(Level::Object(key)) => *key = None,
            Some(Level::Array(_)) => drop(levels.pop()),
            None => {}
        }
    }
    let mut path = String::new();
    for level in &levels {
        match level {
            Level::Object(Some(key)) if path.is_empty() => path.push_str(key),
            Level::Object(Some(key)) => path.push_str(&format!(".{key}")),
            Level::Object(None) => {}
            Level::Array(index) => path.push_str(&format!("[{index}]")),
        }
    }
    if path.is_empty() { "the outermost level".to_owned() } else { format!("`{path}`") }
}

/// The closing quote of the string that starts at `at`, or the end of the text.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    end.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Outer {
        data: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        title: String,
        count: u32,
    }

    fn message(text: &str) -> String {
        let text = JsonText { file: "a", text, lines_before: 10, bytes_before: 100, expected: "an outer" };
        text.parse::<Outer>().unwrap_err().to_string()
    }

    #[test]
    fn truncated_json_is_reported_with_its_byte_and_key() {
        assert_eq!(
            message("{\"data\": [{\"title\": \"a\", \"count\": 1},\n {\"title\": \"b"),
            "`a` is truncated at byte 151 (line 12), within `data[1].title`: expected the rest of \
             the JSON; copy or download the file again"
        );
        assert!(message("{\"da").contains("within the outermost level"));
        assert!(message("{\"data\": [").contains("within `data[0]`"));
    }

    #[test]
    fn invalid_json_is_reported_with_its_line_and_key() {
        assert_eq!(
            message("{\"data\": [{\"title\": \"a\", \"count\": 1},\n {\"title\": 5, \"count\": 2}]}"),
            "`a` does not match the format at line 12, column 12, in `data[1].title`: invalid type: \
             integer `5`, expected a string; expected an outer; correct the file or use another"
        );
        for (text, location, problem) in [
            ("{\"data\": [{\"title\": \"\\\"x\"}]}", "`data[0]`", "missing field `count`"),
            ("{\"date\": []}", "the outermost level", "missing field `data`"),
            ("{\"data\": {\"title\": 1}}", "`data`", "invalid type: map"),
            ("{\"data\": [{\"title\": {}}]}", "`data[0].title`", "invalid type: map"),
            ("{\"data\": [{\"count\": \"x\"}]}", "`data[0].count`", "invalid type: string \"x\""),
            ("{\"data\": [{\"count\": -1}]}", "`data[0].count`", "invalid value: integer `-1`"),
            ("{\"data\": [}", "`data`", "expected value"),
            ("{\"data\": []} x", "the outermost level", "trailing characters"),
        ] {
            let message = message(text);
            assert!(message.contains(&format!("in {location}: {problem}")), "{message}");
        }
    }

    #[test]
    fn objects_and_arrays_are_taken_apart() {
        let text = " {\"a\": [1, {\"b\": \"},\\\"]:\"}, []], \"c\":\"x:\" , \"d\" : {}}\n";
        assert_eq!(members(text), [("a", "[1, {\"b\": \"},\\\"]:\"}, []]"), ("c", "\"x:\""), ("d", "{}")]);
        let elements = member(text, "a").map(members);
        assert_eq!(elements, Some(vec![("", "1"), ("", "{\"b\": \"},\\\"]:\"}"), ("", "[]")]));
        assert_eq!((members("[ ]"), members("{}"), members("5"), member(text, "e")), (vec![], vec![], vec![], None));
    }

    #[test]
    fn errors_of_a_part_give_the_location_in_the_file() {
        let text = "{\"data\": [{\"title\": \"a\"},\n {\"title\": \"b\", \"count\": -1}]}";
        let json = JsonText { file: "a", text, lines_before: 0, bytes_before: 0, expected: "an outer" };
        let part = members(member(text, "data").unwrap())[1].1;
        let message = json.located_error(part, &serde_json::from_str::<Inner>(part).unwrap_err()).to_string();
        assert!(message.contains("line 2, column 27, in `data[1].count`: invalid value"), "{message}");
    }
}
