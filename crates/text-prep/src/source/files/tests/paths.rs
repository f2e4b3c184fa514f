//! Tests of folders, patterns and links.

use std::path::{Path, PathBuf};

use super::{Folder, documents, text};
use crate::error::Error;
use crate::source::TextSource;
use crate::source::files::paths::absolute_from;
use crate::source::files::{LabelSource, TextFiles, absolute_input};

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

#[test]
fn a_joined_text_says_which_chunks_begin_a_file() {
    let long = "a line of a long text\n".repeat(20_000);
    let folder = Folder::new(&[("1.txt", long.as_bytes()), ("2.txt", b""), ("3.txt", b"three")]);
    let mut source = folder.files(&["1.txt", "2.txt", "3.txt"]).open_text().unwrap();
    let mut beginnings = Vec::new();
    while let Some(chunk) = source.next_chunk().unwrap().map(str::to_owned) {
        beginnings.push((source.begins_file(), chunk));
    }
    let (first, others) = beginnings.split_first().unwrap();
    let (last, others) = others.split_last().unwrap();
    assert!(first.0 && !others.is_empty() && others.iter().all(|(begins_file, _)| !begins_file));
    assert_eq!(last, &(true, "three".to_owned()));
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
fn patterns_name_hidden_files_and_folders_only_with_their_dot() {
    let folder = Folder::new(&[
        ("poems/1.txt", b"one"),
        ("poems/.2.txt", b"two"),
        ("poems/.git/3.txt", b"three"),
        (".poems/deep/4.txt", b"four"),
        (".poems/.deep/5.txt", b"five"),
    ]);
    for (pattern, expected) in [
        ("poems/**/*.txt", "one"),
        ("*/*.txt", "one"),
        ("**/*", "one"),
        ("poems/.*.txt", "two"),
        ("poems/.git/*", "three"),
        ("poems/.g*/*", "three"),
        (".poems/**/*.txt", "four"),
        (".poems/*/*.txt", "four"),
    ] {
        assert_eq!(text(folder.files(&[pattern])).unwrap(), expected, "{pattern}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_match_no_pattern_and_are_read_with_their_folder() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new(&[("in/a.txt", b"a")]);
    let name = |bytes| folder.path("in").join(OsStr::from_bytes(bytes));
    std::fs::write(name(b"b\xff.txt"), "b").unwrap();
    std::fs::write(name(b".\xff.txt"), "no").unwrap();
    for pattern in ["in/*", "in/*.txt", "**/*.txt", "*/?.txt"] {
        assert_eq!(text(folder.files(&[pattern])).unwrap(), "a", "{pattern}");
    }
    assert!(folder.message(folder.files(&["in/b*"]).files()).contains("has no texts"));
    assert_eq!(text(folder.files(&["in"])).unwrap(), "a\nb");
}

#[cfg(unix)]
#[test]
fn an_absolute_pattern_does_not_depend_on_the_name_of_the_working_directory() {
    let folder = Folder::new(&[
        ("novels [2024]*?/a.txt", b"one"),
        ("novels [2024]*?/ann/[b].txt", b"two"),
        ("novels 2xx/c.txt", b"no"),
    ]);
    let directory = folder.path("novels [2024]*?");
    let absolute = |input: &str| absolute_from(&directory, Path::new(input)).unwrap();
    for (input, expected, label) in [
        ("*.txt", "one", "novels [2024]*?"),
        ("./*/*.txt", "two", "ann"),
        ("ann", "two", "ann"),
        ("ann/[b].txt", "two", "ann"),
        ("../*2024*/?.txt", "one", "novels [2024]*?"),
    ] {
        let path = absolute(input);
        assert!(path.is_absolute());
        assert_eq!(absolute_input(&path).unwrap(), path);
        let files = || TextFiles::new([&path]);
        assert_eq!(text(files()).unwrap(), expected, "{input}");
        let found = documents(files().label(LabelSource::Folder)).unwrap().0;
        assert_eq!(found, [(expected.into(), Some(label.into()))], "{input}");
    }
    assert_eq!(absolute("none.txt"), directory.join("none.txt"));
    assert!(absolute_input(Path::new("")).is_err());
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
