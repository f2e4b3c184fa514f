//! Texts in several files, folders, compressed files and books, and separate held-out files.

use std::fs;

use serde_json::Value;

use super::text_inputs::{in_shell, prepared, text, train, weights};
use crate::common::{self, TestDir};

/// The settings of the tiny model with truncated BPTT, for documents.
pub fn tbptt<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let settings = ["--set", "train.mode=tbptt", "--set", "train.bptt_len=8", "--set", "train.batch_size=4"];
    train(&[&settings, args].concat())
}

/// A folder of files.
pub fn folder(dir: &TestDir, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        dir.file(name, bytes);
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    });
    !crc
}

/// `bytes` in gzip, as blocks that are not compressed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    for block in bytes.chunks(0xffff) {
        let length = block.len() as u16;
        packed.push(0);
        packed.extend([length, !length].iter().flat_map(|value| value.to_le_bytes()));
        packed.extend(block);
    }
    packed.extend([1, 0, 0, 0xff, 0xff]);
    packed.extend([crc32(bytes), bytes.len() as u32].iter().flat_map(|value| value.to_le_bytes()));
    packed
}

/// A zip archive of entries that are not compressed.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let mut common: Vec<u8> = [20_u16, 0, 0, 0, 33].iter().flat_map(|value| value.to_le_bytes()).collect();
        let size = bytes.len() as u32;
        common.extend([crc32(bytes), size, size].iter().flat_map(|value| value.to_le_bytes()));
        common.extend([name.len() as u16, 0].iter().flat_map(|value| value.to_le_bytes()));
        directory.extend([&b"PK\x01\x02\x14\0"[..], &common, &[0; 10]].concat());
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
    }
    let (start, count) = (archive.len() as u32, entries.len() as u16);
    archive.extend([&directory[..], b"PK\x05\x06\0\0\0\0"].concat());
    archive.extend([count, count].iter().flat_map(|value| value.to_le_bytes()));
    archive.extend([directory.len() as u32, start].iter().flat_map(|value| value.to_le_bytes()));
    archive.extend([0, 0]);
    archive
}

/// A book whose chapters are paragraphs of these texts.
fn epub(chapters: &[&str]) -> Vec<u8> {
    let names: Vec<String> = (0..chapters.len()).map(|n| format!("c{n}.xhtml")).collect();
    let item = |name: &String| format!("<item id='{name}' href='{name}' media-type='application/xhtml+xml'/>");
    let items: String = names.iter().map(item).collect();
    let spine: String = names.iter().map(|name| format!("<itemref idref='{name}'/>")).collect();
    let package = format!(
        "<package xmlns='http://www.idpf.org/2007/opf' version='3.0'><metadata/><manifest>{items}</manifest>\
         <spine>{spine}</spine></package>"
    );
    let container = "<container version='1.0' xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>\
                     <rootfile full-path='p.opf' media-type='application/oebps-package+xml'/></rootfiles></container>";
    let pages: Vec<String> = chapters.iter().map(|text| format!("<html><body><p>{text}</p></body></html>")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", container.as_bytes()),
        ("p.opf", package.as_bytes()),
    ];
    entries.extend(names.iter().map(String::as_str).zip(pages.iter().map(String::as_bytes)));
    zip(&entries)
}

/// The hash of a run's text.
fn text_sha256(dir: &TestDir, run: &str) -> Value {
    let record = fs::read_to_string(dir.path().join(run).join("run.json")).unwrap();
    record.parse::<Value>().unwrap()["text_sha256"].clone()
}

#[test]
fn folders_patterns_compressed_files_and_books_are_one_running_text() {
    let dir = TestDir::new();
    let lines: Vec<String> = text().lines().map(String::from).collect();
    let part = |range: std::ops::Range<usize>| lines[range].join("\n") + "\n";
    let chapters: Vec<&str> = lines[30..].iter().map(String::as_str).collect();
    folder(
        &dir,
        &[
            ("a/1.txt", part(0..5).as_bytes()),
            ("a/deep/2.txt", part(5..10).replace('\n', "\r\n").as_bytes()),
            ("a/.hidden", b"\0"),
            ("b.gz", &gzip(part(10..30).as_bytes())),
            ("c.epub", &epub(&chapters)),
            ("whole.txt", text().as_bytes()),
        ],
    );
    let expected = prepared(&dir, &["--text", "whole.txt"]);
    let several = ["--text", "a", "--text", "b.gz", "--text", "c.epub"];
    let found = prepared(&dir, &several);
    assert_eq!((&found["tokens"], &found["words"]), (&expected["tokens"], &expected["words"]));
    assert!(found["documents"].is_null());
    let pattern = ["--text", "a/**/*.txt", "--text", "b.gz", "--text", "c.epub"];
    assert_eq!(prepared(&dir, &pattern), found);
    let set = ["--set", "text.path=[\"a\", \"b.gz\", \"c.epub\"]"];
    assert_eq!(prepared(&dir, &set), found);

    // The run has absolute paths and is continued from another folder.
    dir.run_ok(&train(&[&several[..], &["--out", "run"]].concat()));
    let config = fs::read_to_string(dir.path().join("run/config.toml")).unwrap();
    let saved = config.lines().find(|line| line.starts_with("path = ")).unwrap();
    assert_eq!(saved.matches(dir.path().file_name().unwrap().to_str().unwrap()).count(), 3, "{saved}");
    assert!(!config.contains("[data]"), "{config}");
    let other = TestDir::new();
    let run = dir.path().join("run");
    let run = run.to_str().unwrap();
    other.run_ok(&["train", "--resume", run, "--set", "train.epochs=2"]);
    other.run_ok(&["reproduce", run, "--out", "again"]);
    assert!(weights(&other, "again") == weights(&dir, "run"));
    other.run_ok(&["evaluate", "--model", run]);
    let more = other.run_ok(&["train", "--init-from", run, "--set", "train.epochs=1", "--out", "more"]);
    assert!(common::warnings(&more.stderr).is_empty(), "{}", more.stderr);
    assert_eq!(text_sha256(&other, "more"), text_sha256(&dir, "run"));
    let evaluated = |text: &[&str]| dir.json(&[&["evaluate", "--model", "run", "--json"], text].concat());
    assert_eq!(evaluated(&["--text", "a", "--text", "b.gz"])["unknown_share"], 0.0);
    // A prompt is read in the same way.
    let generated = |prompt: &str| {
        dir.run_ok(&["generate", "--model", "run", "--seed", "1", "--max-tokens", "3", "--prompt-file", prompt]).stdout
    };
    folder(&dir, &[("prompt.txt", part(0..1).as_bytes()), ("prompt.gz", &gzip(part(0..1).as_bytes()))]);
    assert_eq!(generated("prompt.gz"), generated("prompt.txt"));

    // All files protect the run.
    fs::write(dir.path().join("a/deep/2.txt"), part(5..9)).unwrap();
    dir.expect_error(&["evaluate", "--model", "run"], &["text has changed since training"]);
    dir.expect_error(&["train", "--resume", "run", "--set", "train.epochs=3"], &["cannot be resumed"]);
    dir.expect_error(&["reproduce", "run"], &["cannot be reproduced: its text has changed"]);
    // What can no longer be read has changed, too.
    fs::write(dir.path().join("a/deep/2.txt"), "\0").unwrap();
    let changed = ["has changed since training", "and 2 others"];
    let unreadable = ["NUL", "2.txt", "may have changed since training"];
    dir.expect_error(&["evaluate", "--model", "run"], &unreadable);
    fs::write(dir.path().join("a/deep/2.txt"), "").unwrap();
    for (file, rest) in [("a/1.txt", "a\n"), ("b.gz", "a\n"), ("c.epub", "a\n")] {
        fs::write(dir.path().join(file), rest).unwrap();
    }
    dir.expect_error(&["evaluate", "--model", "run"], &changed);
    fs::remove_file(dir.path().join("b.gz")).unwrap();
    dir.expect_error(&["evaluate", "--model", "run"], &["b.gz, which does not exist"]);
}

#[test]
fn inputs_that_are_no_texts_are_errors() {
    let dir = TestDir::new();
    let packed = gzip(text().as_bytes());
    folder(
        &dir,
        &[
            ("a.txt", text().as_bytes()),
            ("latin/b.txt", b"The caf\xE9 was shut.\n"),
            ("empty/.hidden", b"a"),
            ("cut.gz", &packed[..packed.len() / 2]),
            ("book.epub", &epub(&["The <!-- b"])),
            ("a.zip", &zip(&[("a.txt", b"a")])),
            ("a.pdf", b"%PDF-1.7\n\xE9"),
        ],
    );
    for (args, expected) in [
        (&["--text", "empty"][..], &["the folder `empty` has no texts"][..]),
        (&["--text", "*.md"], &["the pattern `*.md` has no texts"]),
        (&["--text", "none", "--text", "a.txt"], &["no file at `none`"]),
        (&["--text", "a.txt", "--text", "./*.txt"], &["a.txt` is named twice, by `a.txt` and by `./*.txt`"]),
        (&["--text", "a.txt", "--text", "latin"], &["b.txt` is not UTF-8: byte 7 ", "`--encoding windows-1252`"]),
        (&["--text", "cut.gz"], &["the gzip archive `cut.gz` ends early: "]),
        (&["--text", "book.epub"], &["the EPUB `book.epub` has a damaged chapter, "]),
        (&["--text", "a.zip"], &["`a.zip` is a zip archive: expected a text"]),
        (&["--text", "a.pdf", "--encoding", "latin1"], &["`a.pdf` is a PDF document: expected a text"]),
        (&["--text", "a.txt", "--text", "-"], &["standard input can be read only once"]),
        (&["--text", "a.txt", "--set", "text.valid=-"], &["standard input can be read only once"]),
        (
            &["--text", "a.txt", "--set", "text.valid=./a.txt"],
            &["a.txt` is in the files for training and", "`text.valid`"],
        ),
        (
            &["--text", "a.txt", "--set", "text.valid=latin", "--set", "text.test=latin/*.txt"],
            &["b.txt` is in the files for `text.valid` and in those for `text.test`"],
        ),
        (&["--set", "text.path=[]"], &["found a list of 0; expected a path in quotes or a list of paths"]),
    ] {
        dir.expect_error(&[&["prepare"], args].concat(), expected);
    }
    dir.expect_error(&train(&["--text", "a.txt", "--text", "latin"]), &["b.txt` is not UTF-8"]);
    assert!(!dir.path().join("runs").exists());
    let questions = ["prepare", "--config", "configs/qa.toml", "--text", "a.txt", "--text", "b.txt"];
    dir.expect_error(&questions, &["a question model is trained on one file, but `--text` is given 2 times"]);
    let questions = ["prepare", "--config", "configs/qa.toml", "--column", "text"];
    dir.expect_error(&questions, &["`--column` is given, which is only for language models"]);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStrExt;

    let dir = TestDir::new();
    for config in [&[][..], &["--config", "configs/qa.toml"]] {
        let mut command = dir.command(&[&["prepare"], config, &["--text"]].concat());
        command.arg(std::ffi::OsStr::from_bytes(b"b\xff.txt"));
        let output = common::output(command.output().unwrap());
        common::assert_error(&output, &format!("{config:?}"), &["the path b\u{fffd}.txt is not UTF-8", "rename it"]);
    }
}

#[test]
fn a_pattern_is_saved_without_the_wildcards_of_the_working_directory() {
    let dir = TestDir::new();
    folder(&dir, &[("novels [2024]/a.txt", text().as_bytes())]);
    let directory = dir.path().join("novels [2024]");
    let mut command = dir.command(&train(&["--text", "*.txt", "--out", "run"]));
    let trained = common::output(command.current_dir(&directory).output().unwrap());
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    let run = directory.join("run");
    let run = run.to_str().unwrap();
    dir.run_ok(&["train", "--resume", run, "--set", "train.epochs=2"]);
    dir.run_ok(&["evaluate", "--model", run]);
    dir.run_ok(&["reproduce", run, "--out", "again"]);
}

#[test]
fn compressed_files_are_read_from_pipes_and_the_copy_stays_compressed() {
    if !cfg!(unix) {
        return common::skipped("pipes of a shell are tested on Unix");
    }
    let dir = TestDir::new();
    let packed = gzip(text().as_bytes());
    folder(&dir, &[("a.gz", &packed), ("a.txt", text().as_bytes())]);
    dir.run_ok(&train(&["--text", "a.txt", "--out", "plain"]));
    let piped = in_shell(&dir, &train(&["--text", "<(cat a.gz)", "--out", "piped"]));
    assert_eq!(piped.code, Some(0), "{}", piped.stderr);
    assert!(weights(&dir, "piped") == weights(&dir, "plain"));
    assert_eq!(fs::read(dir.path().join("piped/text.txt")).unwrap(), packed);
    dir.run_ok(&["train", "--resume", "piped", "--set", "train.epochs=2"]);
    dir.run_ok(&["evaluate", "--model", "piped", "--text", "a.gz"]);
}

#[test]
fn held_out_files_replace_parts_of_the_text() {
    let dir = TestDir::new();
    let line = "The grey cat sold a loaf on the corner.\n";
    folder(
        &dir,
        &[
            ("a.txt", text().as_bytes()),
            ("valid/1.txt", line.repeat(9).as_bytes()),
            ("test.txt", line.repeat(4).as_bytes()),
        ],
    );
    let held_out = ["--text", "a.txt", "--set", "text.valid=valid", "--set", "text.test=test.txt"];
    let whole = prepared(&dir, &["--text", "a.txt", "--set", "split.valid_fraction=0.5"]);
    let found = prepared(&dir, &held_out);
    // Nothing of the text itself is held out.
    assert!(found["train_windows"].as_u64() > whole["train_windows"].as_u64());
    // Ten tokens a line, and twenty that the preset puts before a text.
    assert_eq!(found["valid_windows"], 9 * 10 + 20 - 5);
    dir.run_ok(&train(&[&held_out[..], &["--out", "run"]].concat()));
    dir.run_ok(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    dir.run_ok(&["reproduce", "run", "--out", "again"]);
    assert!(weights(&dir, "again") == weights(&dir, "run"));
    let own = dir.json(&["evaluate", "--model", "run", "--json"]);
    let named = dir.json(&["evaluate", "--model", "run", "--text", "valid", "--json"]);
    assert_eq!(own["loss_nats_per_token"], named["loss_nats_per_token"]);
    let test = dir.evaluation(&["--model", "run", "--part", "test"]);
    let named = dir.json(&["evaluate", "--model", "run", "--text", "test.txt", "--json"]);
    assert_eq!(test["loss_nats_per_token"], named["loss_nats_per_token"]);
    let score: Value = serde_json::from_str(&fs::read_to_string(dir.path().join("run/score.json")).unwrap()).unwrap();
    assert_eq!(score["test"], test);
    fs::remove_file(dir.path().join("test.txt")).unwrap();
    dir.expect_error(&["train", "--resume", "run", "--set", "train.epochs=3"], &["test.txt, which does not exist"]);
    dir.expect_error(&["prepare", "--text", "a.txt", "--set", "text.valid=none"], &["no file at `none`"]);
}
