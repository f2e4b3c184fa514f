//! Tests of JSON Lines: what is escaped, and how they are recognised.

use super::{Folder, documents, text, texts};
use crate::source::files::{LabelSource, TextFiles};
use crate::source::{ControlCharacters, SourceOptions, TextSource};

fn with(policy: ControlCharacters) -> SourceOptions {
    SourceOptions::default().control_characters(policy)
}

fn table(folder: &Folder, options: SourceOptions) -> TextFiles<'static> {
    folder.files(&["a.jsonl"]).column("text").label(LabelSource::Column("by".into())).options(options)
}

#[test]
fn escaped_line_ends_and_byte_order_marks_are_those_of_other_texts() {
    let folder = Folder::new(&[("a.jsonl", br#"{"text": "\ufeffa\r\nb\rc\uFEFFd\t", "by": "\ufeffAnn"}"#)]);
    let read = |options| documents(table(&folder, options)).unwrap().0;
    assert_eq!(read(SourceOptions::default()), [("a\nb\ncd".into(), Some("Ann".into()))]);
    let keep = SourceOptions { keep_inner_marks: true, ..SourceOptions::default() };
    assert_eq!(read(keep), [("\u{feff}a\nb\nc\u{feff}d".into(), Some("\u{feff}Ann".into()))]);
}

#[test]
fn escaped_control_characters_are_rejected_kept_or_removed() {
    let lines = "{\"text\": \"one\"}\n\n{\"text\": \"\u{7f}\\\\u001b \\u001b[31m\\b\", \"by\": \"A\\u001B\"}\n{\"text\": \"\u{7f}\"}\n";
    let folder = Folder::new(&[("a.jsonl", lines.as_bytes())]);
    let found = |policy| {
        let mut source = table(&folder, with(policy)).open_text().unwrap();
        let mut text = String::new();
        while let Some(chunk) = source.next_chunk().unwrap() {
            text.push_str(chunk);
        }
        (text, source.control_characters_in().unwrap().1.to_string())
    };
    let report = "5 control characters, the first U+007F (DEL) in line 3, column 11".to_owned();
    let kept = "one\n\u{7f}\\u001b \u{1b}[31m\u{8}\n\u{7f}";
    assert_eq!(found(ControlCharacters::Keep), (kept.into(), report.clone()));
    assert_eq!(found(ControlCharacters::RejectNul), (kept.into(), report.clone()));
    assert_eq!(found(ControlCharacters::Remove), ("one\n\\u001b [31m".into(), report));

    let message = |line: &str, policy| {
        folder.write("a.jsonl", format!("{{\"text\": \"one\"}}\n{line}\n").as_bytes());
        folder.message(documents(table(&folder, with(policy))))
    };
    let expected = |what| {
        format!("`/a.jsonl` has at least {what}: expected a text without them; remove them, or use another file")
    };
    let nul = expected("1 control character, U+0000 (NUL) in line 2, column 19");
    assert_eq!(message(r#"{"text": "\\u0000 \u0000"}"#, ControlCharacters::RejectNul), nul);
    let several = expected("2 control characters, the first U+0008 (backspace) in line 2, column 24");
    assert_eq!(message(r#"{"text": "a", "by": "\\\b\u001b"}"#, ControlCharacters::Reject), several);
}

#[test]
fn json_is_recognised_whatever_the_length_of_its_first_object() {
    let long = "word ".repeat(40_000);
    let folder = Folder::new(&[
        (
            "w/a.json",
            format!("\n{{\"id\": 1, \"note\": \"{long}\", \"text\": \"one\"}}\n{{\"text\": \"two\"}}\n").as_bytes(),
        ),
        ("c.csv", b"text\nthree\n"),
        ("other.json", format!("{{\"id\": \"{long}\"}}\n").as_bytes()),
        ("header", format!("{long};text\nx;four\n").as_bytes()),
        ("brace.txt", b"{\"Stop\", she said.\n"),
        ("list.json", b"[\n  {\"text\": \"a\"}\n]\n"),
        ("long.txt", long.as_bytes()),
    ]);
    let read = |names: &[&str]| texts(folder.files(names).column("text"));
    assert_eq!(read(&["w", "c.csv"]).unwrap(), ["one", "two", "three"]);
    assert_eq!(read(&["w/a.json", "w/../header"]).unwrap(), ["one", "two", "four"]);
    assert_eq!(read(&["header"]).unwrap(), ["four"]);
    // Files without the column are texts.
    let expected = ["three", "{\"Stop\", she said."].map(String::from);
    assert_eq!(read(&["c.csv", "brace.txt"]).unwrap(), expected);
    assert_eq!(text(folder.files(&["c.csv", "other.json"]).column("text")).unwrap().len(), "three\n".len() + 200_011);
    assert_eq!(read(&["c.csv", "long.txt"]).unwrap()[1], long.trim());
    for names in [&["list.json"][..], &["c.csv", "list.json"]] {
        let message = folder.message(read(names));
        assert!(message.starts_with("`/list.json`, line 1: expected one JSON object ("), "{message}");
        assert!(message.ends_with("; `jq -c '.[]'` makes lines of a list"), "{message}");
    }
}

#[test]
fn an_object_that_is_too_long_to_be_recognised_by_its_column_is_json() {
    for (start, expected) in [
        ("{\"text\": \"an", true),
        ("\n{ \"id\": 1, \"te", true),
        ("{\"id\": 1}", false),
        ("{\"text\": \"a\"}\n", true),
        ("{\n  \"text\": \"a\"", false),
        ("{\"Stop\", she", false),
        ("{\"Stop\n", false),
        ("[{\"text\"", true),
        ("[\"a\", \"b\"]", false),
        ("{", false),
    ] {
        assert_eq!(super::super::json_lines::begins_with_json(start, "text"), expected, "{start:?}");
    }
}
