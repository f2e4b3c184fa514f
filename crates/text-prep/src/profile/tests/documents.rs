//! Tests of what the documents of a text seem to be.

use super::{profile, texts};
use crate::golden_tests::dataset;
use crate::source::{DocumentUnit, SourceOptions};

fn guessed(text: &str) -> (Option<DocumentUnit>, u64, String) {
    let guess = profile(text).documents();
    (guess.unit, guess.count, guess.reason)
}

#[test]
fn lines_of_lists_are_documents() {
    for (name, text) in
        [("names", texts::names(300)), ("headlines", texts::headlines(300)), ("tweets", texts::tweets(300))]
    {
        let (unit, count, reason) = guessed(&text);
        assert_eq!((unit, count), (Some(DocumentUnit::Lines), 300), "{name}: {reason}");
        assert!(reason.starts_with("each line is an item: 300 lines of "), "{reason}");
        // In small letters, and with a blank line at the end.
        let (unit, _, reason) = guessed(&(text.to_lowercase() + "\n"));
        assert_eq!(unit, Some(DocumentUnit::Lines), "{name}: {reason}");
        assert!(reason.ends_with(" bytes on average, 1 blank line"), "{reason}");
    }
    assert_eq!(
        guessed(&texts::names(1_500)).2,
        "each line is an item: 1,500 lines of 8 bytes on average, no blank lines"
    );
}

#[test]
fn stories_between_blank_lines_and_sayings_between_separators_are_documents() {
    let (unit, count, reason) = guessed(&texts::stories(30));
    assert_eq!((unit, count), (Some(DocumentUnit::Sections), 30), "{reason}");
    assert!(reason.starts_with("it is a collection: 30 texts of "), "{reason}");
    let (.., reason) = guessed(&("word ".repeat(300) + "\n\n\n\n").repeat(30));
    assert!(reason.starts_with("it is a collection: 30 texts of 1,50"), "{reason}");
    let crlf = texts::stories(30).replace('\n', "\r\n");
    assert_eq!(guessed(&crlf).0, Some(DocumentUnit::Sections));
    assert_eq!(guessed(texts::FABLES).0, Some(DocumentUnit::Sections));

    let (unit, count, reason) = guessed(&texts::fortunes(40));
    assert_eq!((unit, count), (Some(DocumentUnit::Separator("%".into())), 40), "{reason}");
    assert_eq!(reason, "40 lines `%` separate its documents");
    let marked = texts::fortunes(40).replace("%\n", "<|endoftext|>\n\n");
    assert_eq!(guessed(&marked).0, Some(DocumentUnit::Separator("<|endoftext|>".into())));
}

#[test]
fn other_texts_are_running_text() {
    let ornaments = texts::fortunes(80).replace("%\n", "\n* * *\n\n");
    let rules = texts::fortunes(80).replace("%\n", "\n---\n\n");
    // Comments of TeX.
    let comments: String = (0..40).map(|n| format!("%\n% Section {n}\n%\nText.\n")).collect();
    for (text, expected) in [
        (texts::names(99), "it has only "),
        ("The fox ran.\nIt ran.\n".repeat(200), "it has only 2 different lines that are not blank"),
        ("The fox ran.\n".repeat(200), "it has only 1 different line that is not blank"),
        (texts::stories(19), " of its lines are blank"),
        (texts::chapters(25), "its 25 texts between three or more blank lines are chapters"),
        ("a\n\n\n\n".repeat(30), "only 0 of its 30 texts between three or more blank lines have 200 to 20,000 bytes"),
        (
            "a\n\n\n\n".repeat(30) + &"b".repeat(300),
            "only 1 of its 31 texts between three or more blank lines has 200 to 20,000 bytes",
        ),
        (ornaments, " of its lines are blank"),
        (rules, " of its lines are blank"),
        (comments, "it has only "),
        (texts::verse(300), " of its lines end within a sentence"),
        (texts::wrapped(40), "its lines are wrapped at about "),
        (texts::paragraphs(200), "its lines are paragraphs of "),
        (texts::log(300), "100 % of its lines have a time or date"),
        (texts::conversation(300), "99 % of its lines begin with a speaker"),
        (include_str!("../lines.rs").into(), " of its lines are "),
    ] {
        let (unit, count, reason) = guessed(&text);
        assert_eq!((unit, count), (None, 1), "{reason}");
        assert!(reason.contains(expected), "{reason}, expected {expected}");
    }
    // Dialogues in short paragraphs.
    let line = |(n, line): (usize, &str)| if n % 3 == 0 { format!("“{line}”\n") } else { format!("{line}.\n") };
    let dialogue: String = texts::headlines(300).lines().enumerate().map(line).collect();
    assert!(guessed(&dialogue).2.ends_with(" of its lines begin with a quotation mark"));
}

#[test]
fn the_documents_of_real_texts_are_found() {
    use DocumentUnit::{Lines, Sections};
    for (name, expected) in [
        ("names.txt", Some(Lines)),
        ("fables-v1.txt", Some(Sections)),
        ("aesop.txt", Some(Sections)),
        ("aesop-crlf-bom.txt", Some(Sections)),
        ("pride-and-prejudice.txt", None),
        ("novels.txt", None),
        ("tinyshakespeare.txt", None),
        ("korean-novels.txt", None),
        ("05-poems.txt", None),
        ("06-chinese.txt", None),
        ("06-korean.txt", None),
        ("06-thai.txt", None),
        ("08-same.txt", None),
        ("20-hf.jsonl", None),
    ] {
        let Some(path) = dataset(name) else { continue };
        let text = SourceOptions::default().read(path).unwrap();
        let (unit, _, reason) = guessed(&text);
        assert_eq!(unit, expected, "{name}: {reason}");
        assert_eq!(profile(&text).repeats(), name == "08-same.txt", "{name}");
    }
}
