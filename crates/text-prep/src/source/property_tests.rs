//! Properties of reading: the text does not depend on where block boundaries fall, and equals the
//! result of a reference implementation that applies each step to the whole text.

use std::io::{self, Read};

use proptest::prelude::*;

use super::decode::BLOCK;
use super::{Excerpt, SourceOptions};
use crate::error::{Error, Result};
use crate::test_strategies;

/// A reader that returns at most 1,000 bytes per call and optionally fails at the end.
struct SlowReader<'a> {
    bytes: &'a [u8],
    fails: bool,
}

impl Read for SlowReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() && self.fails {
            return Err(io::Error::other("the disk is gone"));
        }
        let length = buffer.len().min(self.bytes.len()).min(1_000);
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

fn read(source: &SourceOptions, bytes: &[u8]) -> Result<String> {
    source.open_reader(SlowReader { bytes, fails: false }, "a.txt")?.into_text()
}

/// Reference implementation for UTF-8: the steps of [`SourceOptions`] one by one on the whole text.
fn reference(excerpt: Option<&Excerpt>, text: &str) -> Option<String> {
    let text = text.replace('\u{feff}', "").replace("\r\n", "\n").replace('\r', "\n");
    if text.contains('\0') {
        return None;
    }
    let part = match excerpt {
        None => text,
        Some(Excerpt { from, to }) => {
            let text = &text[text.find(from)?..];
            match to.as_str() {
                "" => text.to_owned(),
                to => text[..from.len() + text[from.len()..].find(to)?].to_owned(),
            }
        }
    };
    Some(part).filter(|part| !part.trim_ascii().is_empty())
}

fn excerpts() -> Vec<Option<Excerpt>> {
    let between = |from: &str, to: &str| Some(Excerpt { from: from.into(), to: to.into() });
    vec![None, between("", ""), between("fox", ""), between("", "\n\n"), between("the", "the")]
}

proptest! {
    #![proptest_config(test_strategies::cases(32))]

    #[test]
    fn block_boundaries_do_not_change_the_text(text in test_strategies::text(), back in 0..300usize) {
        // White space in front, so that the text crosses the end of the first block.
        let text = " ".repeat(BLOCK - back) + &text;
        for excerpt in excerpts() {
            let expected = reference(excerpt.as_ref(), &text);
            let source = SourceOptions { excerpt, ..SourceOptions::default() };
            prop_assert_eq!(read(&source, text.as_bytes()).ok(), expected);
        }
    }

    #[test]
    fn short_text_is_read_as_by_the_reference(text in test_strategies::text()) {
        for excerpt in excerpts() {
            let expected = reference(excerpt.as_ref(), &text);
            let source = SourceOptions { excerpt, ..SourceOptions::default() };
            prop_assert_eq!(read(&source, text.as_bytes()).ok(), expected);
        }
    }

    #[test]
    fn block_boundaries_do_not_change_text_in_euc_kr(text in test_strategies::text(), back in 0..300usize) {
        let text = "가".repeat(BLOCK / 2 - back) + &text;
        let source = SourceOptions { encoding: Some("euc-kr".into()), ..SourceOptions::default() };
        let (bytes, _, unmappable) = encoding_rs::EUC_KR.encode(&text);
        prop_assume!(!unmappable);
        prop_assert_eq!(read(&source, &bytes).ok(), reference(None, &text));
    }
}

#[test]
fn markers_are_found_across_block_boundaries() {
    let excerpt = Excerpt { from: "THE FOX\n".into(), to: "한 END".into() };
    let source = SourceOptions { excerpt: Some(excerpt.clone()), ..SourceOptions::default() };
    for back in 0..30 {
        let front = " 한".repeat(BLOCK / 4).split_off(back / 4 * 4) + &" ".repeat(back % 4);
        for between in ["", "x", "THE FOX\n 한 EN"] {
            let text = format!("{front}THE FOX\n{between}{front}한 END한 ENDTHE FOX\n");
            assert_eq!(read(&source, text.as_bytes()).ok(), reference(Some(&excerpt), &text));
        }
    }
}

#[test]
fn the_error_for_an_incomplete_last_character_contains_file_and_offset() {
    for length in [2, BLOCK - 1, BLOCK, BLOCK + 1] {
        let mut bytes = vec![b'a'; length];
        bytes.extend_from_slice(&"🦊".as_bytes()[..3]);
        let message = read(&SourceOptions::default(), &bytes).unwrap_err().to_string();
        let expected = format!("has 3 of the 4 bytes of the one that begins at byte {length}; ");
        assert!(
            message.starts_with("`a.txt` ends inside a character: it ") && message.contains(&expected),
            "{message}"
        );
    }
}

#[test]
fn a_failing_reader_gives_a_one_line_error() {
    for length in [0, 10, BLOCK + 10] {
        let bytes = vec![b'a'; length];
        let reader = SlowReader { bytes: &bytes, fails: true };
        let text = SourceOptions::default().open_reader(reader, "a.txt").unwrap();
        let error = text.into_text().unwrap_err();
        assert!(matches!(error, Error::Read { .. }));
        assert_eq!(error.to_string(), "cannot read `a.txt`: the disk is gone; check the file and its permissions");
    }
}
