//! Tests of compressed files and books.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::{Folder, text, texts};
use crate::error::{Error, Result};
use crate::source::SourceOptions;
use crate::source::files::{DocumentUnit, TextFiles, UNPACKED_WITHOUT_LIMIT, epub, unpack, zip_size};

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
    book_listing(chapters, 1)
}

/// A book whose package lists each chapter this many times.
fn book_listing(chapters: &[&str], times: usize) -> Vec<u8> {
    let numbers = || 0..chapters.len();
    let items: String = numbers()
        .map(|n| format!("<item id='c{n}' href='text/c%20{n}.xhtml' media-type='application/xhtml+xml'/>"))
        .collect();
    // In the order of the spine.
    let spine: String = numbers().rev().map(|n| format!("<itemref idref='c{n}'/>").repeat(times)).collect();
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
fn a_chapter_is_read_once_and_the_text_has_a_limit() {
    let book = book_listing(&["<p>two</p>", "<p>one</p>"], 1_000);
    assert_eq!(epub::text_within("a", &book[..], 9).unwrap(), "one\n\ntwo\n");
    let error = epub::text_within("a", &book[..], 8).unwrap_err().to_string();
    assert!(error.starts_with("the EPUB `a` has more than 0 MiB of text, the limit; expected "), "{error}");
}

#[test]
fn the_directory_that_is_checked_is_the_only_one() {
    let book = epub(&["<p>one</p>"]);
    let end = book.len() - 22;
    for (field, bytes) in [(10, &[0xff; 2][..]), (12, &[0xff; 4]), (16, &[0xff; 4])] {
        let mut zip64 = book.clone();
        zip64[end + field..end + field + bytes.len()].copy_from_slice(bytes);
        assert_eq!(zip_size::check(&zip64, 1 << 20).unwrap_err(), "is a zip64 archive, which is not supported");
    }
    // Fewer entries, a shorter or later directory, and a comment that ends after the file.
    for (field, problem) in [
        (10, "has a damaged directory"),
        (12, "has a damaged directory"),
        (16, "has a damaged directory"),
        (20, "ends early, or has no directory"),
    ] {
        let mut changed = book.clone();
        changed[end + field] ^= 1;
        assert_eq!(zip_size::check(&changed, 1 << 20).unwrap_err(), problem, "{field}");
    }
    let gap = [&book[..end], b"gap", &book[end..]].concat();
    assert_eq!(zip_size::check(&gap, 1 << 20).unwrap_err(), "has a damaged directory");
    let mut commented = [&book[..], b"comment"].concat();
    commented[end + 20] = 7;
    assert_eq!(text(TextFiles::default().reader("a", &commented[..])).unwrap(), "one\n");
}

#[test]
fn no_damage_makes_a_panic_or_a_message_of_several_lines() {
    let long: String = (0..300).map(|n| format!("line {n}\n")).collect();
    let table = "id,text\n1,\"a \"\"b\"\",\nc\"\n2,d\n".repeat(5);
    let files = [epub(&["<p>A &amp; <b>b</b></p>"]), gzip(long.as_bytes()), zstd(long.as_bytes()), table.into_bytes()];
    for bytes in files {
        for at in 0..bytes.len() {
            for changed in [bytes[at] ^ 1, bytes[at] ^ 0x80, b'"', 0] {
                let mut damaged = bytes.clone();
                damaged[at] = changed;
                if at % 7 == 0 {
                    damaged.truncate(at);
                }
                let files = TextFiles::default().reader("a", &damaged[..]).column("text");
                if let Err(error) = super::documents(files) {
                    assert_eq!(error.to_string().lines().count(), 1, "{error}");
                }
                if let Err(error) = text(TextFiles::default().reader("a", &damaged[..])) {
                    assert_eq!(error.to_string().lines().count(), 1, "{error}");
                }
            }
        }
    }
}
