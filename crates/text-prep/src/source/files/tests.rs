//! Tests of reading files together.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;
use crate::error::{Error, Result};
use crate::source::{ControlCharacters, DocumentSource, TextSource};

/// A folder with files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, bytes)| folder.write(name, bytes));
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn files(&self, names: &[&str]) -> TextFiles<'static> {
        TextFiles::new(names.iter().map(|name| self.path(name)))
    }

    /// A message without the path of the folder.
    fn message<T>(&self, result: Result<T>) -> String {
        let message = result.err().unwrap().to_string();
        let canonical = self.0.path().canonicalize().unwrap();
        let message = message.replace(canonical.to_str().unwrap(), "").replace(self.0.path().to_str().unwrap(), "");
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }
}

fn text(files: TextFiles) -> Result<String> {
    let (mut source, mut text) = (files.open_text()?, String::new());
    while let Some(chunk) = source.next_chunk()? {
        assert!(!chunk.is_empty());
        text.push_str(chunk);
    }
    Ok(text)
}

type Found = Vec<(String, Option<String>)>;

fn documents(files: TextFiles) -> Result<(Found, DocumentCounts)> {
    let (mut source, mut found) = (files.open_documents()?, Vec::new());
    while let Some(document) = source.next_document()? {
        found.push((document.text.to_owned(), document.label.map(str::to_owned)));
    }
    Ok((found, source.counts().clone()))
}

fn texts(files: TextFiles) -> Result<Vec<String>> {
    Ok(documents(files)?.0.into_iter().map(|(text, _)| text).collect())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A zip archive of entries, each with its unpacked contents; all but the first one are compressed.
pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (index, (name, bytes)) in entries.iter().enumerate() {
        let method = if index == 0 { 0_u16 } else { 8 };
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut data = bytes.to_vec();
        if method == 8 {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            data = encoder.finish().unwrap();
        }
        let mut common = Vec::new();
        common.extend([20_u16, 0, method, 0, 33].iter().flat_map(|value| value.to_le_bytes()));
        let sizes = [crc.sum(), data.len() as u32, bytes.len() as u32];
        common.extend(sizes.iter().flat_map(|value| value.to_le_bytes()));
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        let offset = archive.len() as u32;
        archive.extend(b"PK\x03\x04".iter().chain(&common).chain(name.as_bytes()).chain(&data));
        directory.extend(b"PK\x01\x02\x14\0".iter().chain(&common));
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (archive.len() as u32, entries.len() as u16);
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count, count].iter().flat_map(|value| value.to_le_bytes()));
    archive.extend([directory.len() as u32, start].iter().flat_map(|value| value.to_le_bytes()));
    archive.extend([0, 0]);
    archive
}

/// A book with chapters of this XHTML.
fn epub(chapters: &[&str]) -> Vec<u8> {
    let numbers = || 0..chapters.len();
    let items: String = numbers()
        .map(|n| format!("<item id='c{n}' href='text/c%20{n}.xhtml' media-type='application/xhtml+xml'/>"))
        .collect();
    // In the order of the spine.
    let spine: String = numbers().rev().map(|n| format!("<itemref idref='c{n}'/>")).collect();
    let package = format!(
        "<?xml version='1.0'?><package xmlns='http://www.idpf.org/2007/opf' version='3.0' unique-identifier='id'>\
         <metadata xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:identifier id='id'>x</dc:identifier>\
         <dc:title>Fox</dc:title><dc:language>en</dc:language></metadata><manifest>{items}<item id='nav' \
         href='nav.xhtml' media-type='application/xhtml+xml' properties='nav'/><item id='p' href='p.png' \
         media-type='image/png'/></manifest><spine><itemref idref='nav'/>{spine}</spine></package>"
    );
    let container = "<?xml version='1.0'?><container version='1.0' \
                     xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles><rootfile \
                     full-path='OPS/package.opf' media-type='application/oebps-package+xml'/></rootfiles></container>";
    let names: Vec<String> = numbers().map(|n| format!("OPS/text/c {n}.xhtml")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", container.as_bytes()),
        ("OPS/package.opf", package.as_bytes()),
        ("OPS/nav.xhtml", b"<html><body><nav>Contents</nav></body></html>"),
        ("OPS/p.png", &[0; 100]),
    ];
    entries.extend(names.iter().map(String::as_str).zip(chapters.iter().map(|chapter| chapter.as_bytes())));
    zip(&entries)
}

#[test]
fn folders_are_read_with_the_folders_in_them_sorted_by_path_and_without_hidden_files() {
    let folder = Folder::new(&[
        ("b.txt", b"four\n"),
        ("a/z.txt", b"two"),
        ("a/deep/x.txt", b"one\n"),
        ("a.txt", b"three\r\n"),
        (".hidden", b"no"),
        ("a/.git/x", b"no"),
    ]);
    assert_eq!(text(folder.files(&["."])).unwrap(), "one\ntwo\nthree\nfour\n");
    let found = folder.files(&["b.txt", "a"]).files().unwrap();
    let paths: Vec<_> = found.iter().map(|file| file.path.strip_prefix(folder.0.path()).unwrap()).collect();
    assert_eq!(paths, [Path::new("b.txt"), Path::new("a/deep/x.txt"), Path::new("a/z.txt")]);
    // The last file does not end with a line end.
    assert_eq!(text(folder.files(&["b.txt", "a/z.txt"])).unwrap(), "four\ntwo");
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed_without_loops_and_a_linked_file_is_read_once() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new(&[("in/b.txt", b"b"), ("in/deep/c.txt", b"c"), ("out/d.txt", b"d")]);
    symlink(folder.path("in"), folder.path("in/deep/loop")).unwrap();
    symlink("b.txt", folder.path("in/a.txt")).unwrap();
    symlink(folder.path("out"), folder.path("in/linked")).unwrap();
    symlink(folder.path("in"), folder.path("out/back")).unwrap();
    assert_eq!(text(folder.files(&["in"])).unwrap(), "b\nc\nd");
    symlink("none", folder.path("in/broken")).unwrap();
    assert!(matches!(folder.files(&["in"]).files(), Err(Error::MissingFile { .. })));
}

#[test]
fn patterns_name_files_unless_a_file_has_their_name() {
    let folder = Folder::new(&[
        ("poems/1.txt", b"one"),
        ("poems/2.txt", b"two"),
        ("poems/3.md", b"three"),
        ("poems/.4.txt", b"no"),
        ("poems/deep/5.txt", b"five"),
    ]);
    assert_eq!(text(folder.files(&["poems/*.txt"])).unwrap(), "one\ntwo");
    assert_eq!(text(folder.files(&["poems/**/*.txt"])).unwrap(), "one\ntwo\nfive");
    assert_eq!(text(folder.files(&["poems/[13].*"])).unwrap(), "one\nthree");
    #[cfg(unix)]
    {
        folder.write("[1]*?", b"as it is written");
        assert_eq!(text(folder.files(&["[1]*?"])).unwrap(), "as it is written");
    }
}

#[test]
fn folders_and_patterns_without_texts_and_files_that_are_named_twice_are_errors() {
    let folder = Folder::new(&[("a/x.txt", b"x"), ("empty/.hidden", b"x")]);
    let message = |names: &[&str]| folder.message(folder.files(names).files());
    let expected = "has no texts: expected at least one file that is not hidden; check the name";
    assert_eq!(message(&["empty"]), format!("the folder `/empty` {expected}"));
    assert_eq!(message(&["a/*.md"]), format!("the pattern `/a/*.md` {expected}"));
    assert_eq!(message(&["none.txt"]), "no file at `/none.txt`: expected a text to read; check the path");
    assert!(message(&["a/[x"]).starts_with("`/a/[x` is not a pattern of files: "));
    let twice = "`/a/x.txt` is named twice, by `/a` and by `/a/*.txt`: expected each text once; leave one of them out";
    assert_eq!(message(&["a", "a/*.txt"]), twice);
    assert!(message(&["a/x.txt", "a/../a/x.txt"]).starts_with("`/a/x.txt` is named twice, "));
    let none = TextFiles::new(Vec::<PathBuf>::new()).open_text().err().unwrap().to_string();
    assert_eq!(none, "no text is given; expected at least one file, folder or pattern");
}

#[test]
fn compressed_files_are_recognised_by_their_contents_and_unpacked() {
    let long: String = (0..40_000).map(|n| format!("line {n}\r\n")).collect();
    let expected = long.replace('\r', "");
    let several = [gzip(b"one\n"), gzip(b"two\n")].concat();
    // A frame without data, and two with data.
    let frames = [&b"\x50\x2A\x4D\x18\x03\0\0\0abc"[..], &zstd(b"one\n"), &zstd(b"two\n")].concat();
    let folder = Folder::new(&[
        ("a.txt", &gzip(long.as_bytes())),
        ("b", &zstd(long.as_bytes())),
        ("c.gz", b"plain"),
        ("d", &several),
        ("e", &frames),
        ("f.csv.gz", &gzip("text\né\n".as_bytes())),
    ]);
    assert_eq!(text(folder.files(&["a.txt"])).unwrap(), expected);
    assert_eq!(text(folder.files(&["b"])).unwrap(), expected);
    assert_eq!(text(folder.files(&["c.gz", "d", "e"])).unwrap(), "plain\none\ntwo\none\ntwo\n");
    assert_eq!(text(folder.files(&["f.csv.gz"]).column("text")).unwrap(), "é");
    // From a reader that is no file, too.
    let packed = gzip(long.as_bytes());
    assert_eq!(text(TextFiles::default().reader("pipe", &packed[..])).unwrap(), expected);
}

#[test]
fn archives_that_end_early_are_damaged_or_unpack_to_too_much_are_errors() {
    let long: String = (0..40_000).map(|n| format!("line {n}\n")).collect();
    let (gz, zst) = (gzip(long.as_bytes()), zstd(long.as_bytes()));
    let mut damaged = gz.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    let folder = Folder::new(&[
        ("cut.gz", &gz[..gz.len() / 2]),
        ("no-end.gz", &gz[..gz.len() - 4]),
        ("cut.zst", &zst[..zst.len() / 2]),
        ("head.zst", &zst[..5]),
        ("damaged.gz", &damaged),
        ("twice.gz", &gzip(&gz)),
    ]);
    let message = |name: &str| folder.message(text(folder.files(&[name])));
    for (name, format) in [("cut.gz", "gzip"), ("no-end.gz", "gzip"), ("cut.zst", "zstd"), ("head.zst", "zstd")] {
        let expected = format!("the {format} archive `/{name}` ends early: copy or download it again");
        assert_eq!(message(name), expected);
    }
    let found = message("damaged.gz");
    assert!(found.starts_with("the gzip archive `/damaged.gz` is damaged ("), "{found}");
    assert!(message("twice.gz").starts_with("`/twice.gz` is compressed twice: expected "));
    let repeated = vec![b'a'; 2 << 20];
    for (packed, format) in [(gzip(&repeated), "gzip"), (zstd(&repeated), "zstd")] {
        let read = |limit| -> Result<Vec<u8>> {
            let mut bytes = Vec::new();
            let mut unpacked = unpack::Unpacked::open_within("a", &packed[..], limit)?;
            unpacked.bytes.read_to_end(&mut bytes).map_err(|error| Error::reading("a", error))?;
            Ok(bytes)
        };
        assert_eq!(read(UNPACKED_WITHOUT_LIMIT).unwrap(), repeated);
        let expected = format!(
            "the {format} archive `a` unpacks to more than 200 times its size, the limit after 1 MiB: expected a text; \
             if it is one, unpack it and use the unpacked file"
        );
        assert_eq!(read(1 << 20).unwrap_err().to_string(), expected);
    }
}

#[test]
fn books_are_read_in_the_order_of_their_spine() {
    let second = "<html><head><title>x</title></head><body><p>He ran &amp; hid.</p></body></html>";
    let first = "<html><body><h1>Fox</h1><p>A fox<br/>came.</p></body></html>";
    let book = epub(&[second, first]);
    let folder = Folder::new(&[("book.bin", &book), ("book.gz", &gzip(&book)), ("a.txt", b"a")]);
    let expected = "Fox\n\nA fox\ncame.\n\nHe ran & hid.\n";
    assert_eq!(text(folder.files(&["book.bin"])).unwrap(), expected);
    assert_eq!(text(folder.files(&["a.txt", "book.gz"])).unwrap(), format!("a\n{expected}"));
    let options = SourceOptions::default().encoding("latin1").excerpt("A fox", "hid");
    assert_eq!(text(folder.files(&["book.bin"]).options(options)).unwrap(), "A fox\ncame.\n\nHe ran & ");
    let found = texts(folder.files(&["book.bin"]).documents(DocumentUnit::Paragraphs)).unwrap();
    assert_eq!(found, ["Fox", "A fox\ncame.", "He ran & hid."]);
}

#[test]
fn damaged_books_and_other_formats_are_errors() {
    let book = epub(&["<p>one</p>"]);
    let at = book.windows(4).rposition(|bytes| bytes == b"PK\x03\x04").unwrap();
    let mut damaged = book.clone();
    damaged[at + 55..at + 60].fill(0xff);
    let folder = Folder::new(&[
        ("cut.epub", &book[..book.len() / 2]),
        ("damaged.epub", &damaged),
        ("xml.epub", &epub(&["<p>one<"])),
        ("none.epub", &zip(&[("mimetype", b"application/epub+zip"), ("a", b"a")])),
        ("zip.epub", &zip(&[("a.txt", b"a")])),
    ]);
    let message = |name: &str| folder.message(text(folder.files(&[name])));
    let expected = "expected a complete book without copy protection: download it again, or convert it to text";
    for (name, problem) in [
        ("cut.epub", "ends early, or has no directory"),
        ("damaged.epub", "is damaged ("),
        ("xml.epub", "has a damaged chapter, "),
        ("none.epub", "is damaged ("),
    ] {
        let found = message(name);
        assert!(found.starts_with(&format!("the EPUB `/{name}` {problem}")), "{found}");
        assert!(found.ends_with(expected), "{found}");
    }
    assert!(message("zip.epub").starts_with("`/zip.epub` is a zip archive, but no EPUB: "));
}

#[test]
fn a_book_may_unpack_only_to_a_limit() {
    let book = epub(&[&format!("<p>{}</p>", "a".repeat(100_000))]);
    zip_size::check(&book, 200_000).unwrap();
    assert_eq!(zip_size::check(&book, 90_000).unwrap_err(), "unpacks to more than 0 MiB, the limit");
    for length in 0..book.len() {
        // Whatever is cut off, there is an error and no panic.
        zip_size::check(&book[..length], 200_000).unwrap_err();
    }
}

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
