//! JSON into a shape, and where in the file it breaks off or differs.
//!
//! What it does not know: what the shapes mean.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::{Error, Result};

/// A piece of a file that is JSON by itself.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub file: &'a str,
    pub text: &'a str,
    /// How many lines and bytes of the file come before.
    pub lines_before: usize,
    pub bytes_before: usize,
    /// What it should look like, in words.
    pub expected: &'static str,
}

impl Piece<'_> {
    /// Reads the piece.
    ///
    /// # Errors
    /// With the byte where it breaks off, or the line and the keys where it differs.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.text).map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &serde_json::Error) -> Error {
        let file = self.file.to_owned();
        if error.classify() == Category::Eof {
            return Error::EndsEarly {
                file,
                offset: self.bytes_before + self.text.len(),
                line: self.lines_before + self.text.lines().count(),
                place: place(self.text, self.text.len()),
            };
        }
        let (line, column) = (error.line(), error.column());
        let lines = self.text.split_inclusive('\n');
        let before: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
        let problem = error.to_string();
        let suffix = format!(" at line {line} column {column}");
        Error::Shape {
            file,
            line: self.lines_before + line,
            column,
            // The column is that of the last byte that was read.
            place: place(self.text, before + column.saturating_sub(1)),
            problem: problem.strip_suffix(&suffix).unwrap_or(&problem).to_owned(),
            expected: self.expected,
        }
    }
}

enum Level {
    Object(Option<String>),
    Array(usize),
}

/// The keys and indices that lead to the byte `end` of JSON that is sound up to there.
fn place(text: &str, end: usize) -> String {
    let bytes = text.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while at < end {
        match bytes[at] {
            b'"' => {
                let close = string_end(bytes, at);
                if let (Some(Level::Object(key @ None)), true) = (levels.last_mut(), close < end) {
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
    // Where a bracket closes, it is the whole within it that lacks something.
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

/// The closing quote of the string that begins at `at`, or the end of the text.
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
        let piece =
            Piece { file: "a", text, lines_before: 10, bytes_before: 100, expected: "an outer" };
        piece.parse::<Outer>().unwrap_err().to_string()
    }

    #[test]
    fn where_it_breaks_off_is_said_in_bytes() {
        assert_eq!(
            message("{\"data\": [{\"title\": \"a\", \"count\": 1},\n {\"title\": \"b"),
            "`a` ends early, at byte 151 (line 12), within `data[1].title`: expected the rest of \
             the JSON; take the file from the original again"
        );
        assert!(message("{\"da").contains("within the outermost level"));
        assert!(message("{\"data\": [").contains("within `data[0]`"));
    }

    #[test]
    fn where_it_differs_is_said_by_line_and_key() {
        assert_eq!(
            message(
                "{\"data\": [{\"title\": \"a\", \"count\": 1},\n {\"title\": 5, \"count\": 2}]}"
            ),
            "`a` is not as expected at line 12, column 12, in `data[1].title`: invalid type: \
             integer `5`, expected a string; expected an outer; correct the file or name another"
        );
        for (text, place, problem) in [
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
            assert!(message.contains(&format!("in {place}: {problem}")), "{message}");
        }
    }
}
