//! Tests of documents, their labels, and the options of each file.

use super::{Folder, Found, documents, text};
use crate::source::files::{DocumentUnit, LabelSource, TextFiles};
use crate::source::{ControlCharacters, SourceOptions, TextSource};

#[test]
fn labels_are_the_folder_below_the_given_one_or_that_of_the_file() {
    let folder = Folder::new(&[
        ("poems/ann/1.txt", b"a\n\nb"),
        ("poems/bob/deep/2.txt", b"c"),
        ("poems/3.txt", b"d"),
        ("tales/4.txt", b"e"),
    ]);
    let labels = |names: &[&str]| -> Found {
        let files = folder.files(names).documents(DocumentUnit::Paragraphs).label(LabelSource::Folder);
        documents(files).unwrap().0
    };
    let of = |pairs: &[(&str, &str)]| -> Found {
        pairs.iter().map(|(text, label)| (text.to_string(), Some(label.to_string()))).collect()
    };
    let all = of(&[("d", "poems"), ("a", "ann"), ("b", "ann"), ("c", "bob")]);
    assert_eq!(labels(&["poems"]), all);
    assert_eq!(labels(&["poems/*/*.txt", "tales"]), of(&[("a", "ann"), ("b", "ann"), ("e", "tales")]));
    assert_eq!(labels(&["poems/bob/deep/2.txt"]), of(&[("c", "deep")]));
}

#[test]
fn blank_documents_are_counted_and_long_ones_are_split_and_counted() {
    let long = "word ".repeat(40);
    let folder =
        Folder::new(&[("a.txt", format!("{long}\n\nshort\n \n").as_bytes()), ("b.txt", b" \n"), ("c.txt", b"c")]);
    let files = || folder.files(&["a.txt", "b.txt", "c.txt"]).max_document_len(100);
    let (found, counts) = documents(files().documents(DocumentUnit::Lines)).unwrap();
    let part = "word ".repeat(20).trim_end().to_owned();
    let found: Vec<String> = found.into_iter().map(|(text, _)| text).collect();
    assert_eq!(found, [part.clone(), part, "short".into(), "c".into()]);
    assert_eq!((counts.documents, counts.empty, counts.split), (4, 3, 1));
    assert_eq!(counts.first_split.as_deref(), folder.path("a.txt").to_str());
    let (found, counts) = documents(files().documents(DocumentUnit::Files)).unwrap();
    assert_eq!((found.len(), counts.documents, counts.split), (4, 4, 1));
    assert_eq!(found[2].0, "short");
    let blank = folder.message(documents(folder.files(&["b.txt"])));
    assert!(blank.starts_with("`/b.txt` contains no text: "), "{blank}");
    folder.write("d.txt", b"\n");
    let blank = folder.message(documents(folder.files(&["b.txt", "d.txt"])));
    assert!(blank.starts_with("there is no text in any of the 2 files: "), "{blank}");
}

#[test]
fn settings_that_cannot_be_are_errors() {
    let folder = Folder::new(&[("a.txt", b"a")]);
    let message = |files: TextFiles| folder.message(files.open_documents());
    for separator in ["", " ", "a\nb"] {
        let files = folder.files(&["a.txt"]).documents(DocumentUnit::Separator(separator.into()));
        assert!(message(files).starts_with("the separator of documents is blank or has a line end: "));
    }
    let limit = message(folder.files(&["a.txt"]).max_document_len(63));
    assert_eq!(limit, "the limit on the length of documents is below 64 bytes: expected 64 or more");
}

#[test]
fn each_file_is_decoded_and_checked_by_itself() {
    let folder = Folder::new(&[
        ("a.txt", b"\xFF\xFEa\0\r\0\n\0"),
        ("b.txt", b"\xEF\xBB\xBFb\x07\n"),
        ("c.txt", b"c \x1b d\x1b"),
        ("d.txt", b"caf\xE9"),
    ]);
    let mut source = folder.files(&["a.txt", "b.txt", "c.txt"]).open_text().unwrap();
    let mut found = String::new();
    while let Some(chunk) = source.next_chunk().unwrap() {
        found.push_str(chunk);
    }
    assert_eq!(found, "a\nb\u{7}\nc \u{1b} d\u{1b}");
    let (name, found) = source.control_characters_in().unwrap();
    assert_eq!(name, folder.path("b.txt").to_string_lossy());
    assert_eq!(found.to_string(), "3 control characters, the first U+0007 (BEL) in line 1, column 2");
    let message = folder.message(text(folder.files(&["a.txt", "d.txt"])));
    assert!(message.starts_with("`/d.txt` is not UTF-8: byte 3 begins an invalid sequence; "), "{message}");
    let reject = SourceOptions::default().control_characters(ControlCharacters::Reject);
    let message = folder.message(text(folder.files(&["a.txt", "c.txt"]).options(reject)));
    assert!(message.starts_with("`/c.txt` has 2 control characters, the first U+001B (ESC)"), "{message}");
    // The excerpt is taken from each file, and not from tables.
    folder.write("e.txt", b"x START one END");
    folder.write("f.csv", b"text\nSTART two END\n");
    let excerpt = SourceOptions::default().excerpt("START ", " END");
    let files = folder.files(&["e.txt", "f.csv"]).column("text").options(excerpt.clone());
    assert_eq!(text(files).unwrap(), "START one\nSTART two END");
    let message = folder.message(text(folder.files(&["e.txt", "c.txt"]).options(excerpt)));
    assert!(message.starts_with("`/c.txt` does not contain the excerpt's `from` marker"), "{message}");
}
