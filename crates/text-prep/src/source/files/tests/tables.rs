//! Tests of CSV, TSV and JSON Lines.

use std::fs;

use super::{Folder, Found, documents, text, texts};
use crate::source::files::{LabelSource, TextFiles};

#[test]
fn columns_of_tables_are_documents_and_other_files_are_texts() {
    let folder = Folder::new(&[
        (
            "a.csv",
            "\u{feff}id,Text,author\r\n1,\"A fox, \"\"red\"\",\r\nran.\",Ann\r\n2, ,Ann\r\n3,It hid.,\r\n".as_bytes(),
        ),
        ("b.tsv", b"Text\tauthor\nOne, two\tBob\n"),
        (
            "c.jsonl",
            b"{\"Text\": \"a\\nb\", \"author\": \" Ann \"}\n\n{\"Text\": 12.5, \"author\": 7}\n{\"author\": \"x\"}\n\
                       {\"Text\": null}\n{\"Text\": true}",
        ),
        ("d", b"author;Text\nEve;semi\n"),
        ("e.txt", b"A poem,\nText\n"),
    ]);
    let all = || folder.files(&["a.csv", "b.tsv", "c.jsonl", "d", "e.txt"]).column("Text");
    let (found, counts) = documents(all().label(LabelSource::Column("author".into()))).unwrap();
    let expected = [
        ("A fox, \"red\",\nran.", Some("Ann")),
        ("It hid.", None),
        ("One, two", Some("Bob")),
        ("a\nb", Some("Ann")),
        ("12.5", Some("7")),
        ("true", None),
        ("semi", Some("Eve")),
        ("A poem,\nText", None),
    ];
    let expected: Found = expected.map(|(text, label)| (text.into(), label.map(String::from))).into();
    assert_eq!(found, expected);
    assert_eq!((counts.documents, counts.empty, counts.unlabelled), (8, 3, 3));
    let joined = "A fox, \"red\",\nran.\nIt hid.\nOne, two\na\nb\n12.5\ntrue\nsemi\nA poem,\nText\n";
    assert_eq!(text(all()).unwrap(), joined);
    // Piped tables have no name.
    let bytes = fs::read(folder.path("b.tsv")).unwrap();
    assert_eq!(texts(TextFiles::default().reader("-", &bytes[..]).column("Text")).unwrap(), ["One, two"]);
}

#[test]
fn quotes_in_tsv_are_text() {
    let tsv = b"id\ttext\n1\t\"Hello\n2\t\"a\" b\n3\t\"c\"\n\"4\td\"\n";
    let folder = Folder::new(&[
        ("a.tsv", tsv),
        ("b.TAB", tsv),
        ("c", tsv),
        ("d.csv", b"id\ttext\n1\t\"say \"\"so\"\",\n\tthen\"\n"),
        ("long.tsv", b"id\ttext\n1\t\"a\tb\"\n"),
    ]);
    for name in ["a.tsv", "b.TAB", "c"] {
        let found = texts(folder.files(&[name]).column("text")).unwrap();
        assert_eq!(found, ["\"Hello", "\"a\" b", "\"c\"", "d\""], "{name}");
    }
    assert_eq!(texts(folder.files(&["d.csv"]).column("text")).unwrap(), ["say \"so\",\n\tthen"]);
    let expected = "`/long.tsv`, line 2: the row has 3 fields, expected 2 fields as in the header; TSV fields have \
                    no tabs; name a file with quotes `.csv`";
    assert_eq!(folder.message(texts(folder.files(&["long.tsv"]).column("text"))), expected);
}

#[test]
fn invalid_tables_are_errors_with_their_line() {
    let folder = Folder::new(&[
        ("open.csv", b"id,text\n1,a\n2,\"b\n3,c\n"),
        ("after.csv", b"id,text\n1,\"a\" b\n"),
        ("long.csv", b"id,text\n1,a\n2,b,c\n"),
        ("two.csv", b"text,text\na,b\n"),
        ("list.jsonl", b"[{\"text\": \"a\"}]\n"),
        ("broken.jsonl", b"{\"text\": \"a\"}\n{\"text\": \"b\n"),
        ("nested.jsonl", b"{\"text\": [1]}\n"),
        ("none.jsonl", b"{\"txt\": \"a\"}\n{\"id\": 1}\n"),
        ("empty.csv", b"text\n\" \"\n"),
        ("a.txt", b"one\n"),
        ("b.txt", b"two\n"),
    ]);
    let message = |names: &[&str]| folder.message(documents(folder.files(names).column("text")));
    let open = "`/open.csv`, line 3: the field that begins with a quote here does not end: close it";
    assert_eq!(message(&["open.csv"]), open);
    assert!(message(&["after.csv"]).starts_with("`/after.csv`, line 2: text follows the quote that ends a field: "));
    let long = "`/long.csv`, line 3: the row has 3 fields, expected 2 fields as in the header; quote fields that contain \
                the delimiter or a line break";
    assert_eq!(message(&["long.csv"]), long);
    assert!(message(&["two.csv"]).starts_with("`/two.csv`, line 1: there are two columns `text`"));
    let list = message(&["list.jsonl"]);
    assert!(
        list.starts_with("`/list.jsonl`, line 1: expected one JSON object (") && list.contains("jq -c '.[]'"),
        "{list}"
    );
    let broken = message(&["broken.jsonl"]);
    assert!(broken.starts_with("`/broken.jsonl`, line 2: expected one JSON object ("), "{broken}");
    assert_eq!(message(&["nested.jsonl"]), "`/nested.jsonl`, line 1: `text` is a list: expected a text");
    let none = "`/none.jsonl` has no column `text` (did you mean `txt`?): it has `txt`; correct the name";
    assert_eq!(message(&["none.jsonl"]), none);
    assert!(message(&["empty.csv"]).starts_with("there is no text in the column `text` of `/empty.csv`: "));
    assert!(message(&["a.txt", "b.txt"]).starts_with("none of the files has the column `text`: "));
    assert!(message(&["a.txt"]).starts_with("`/a.txt` has no column `text`"));
    let label = folder.files(&["long.csv"]).column("text").label(LabelSource::Column("Id".into()));
    let expected = "`/long.csv` has no column `Id` (did you mean `id`?): it has `id`, `text`; correct the name";
    assert_eq!(folder.message(documents(label)), expected);
}
