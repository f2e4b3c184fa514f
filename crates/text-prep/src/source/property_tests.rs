//! The laws of reading: cut anywhere by the reader, the text is the same; and it is what the steps
//! would make of the whole, one after the other.
//!
//! What it does not know: how a block is read.

use std::io::{self, Read};

use proptest::prelude::*;

use super::decode::BLOCK;
use super::{Excerpt, Source};
use crate::error::{Error, Result};
use crate::samples;

/// Gives `bytes` a few at a time and then, perhaps, fails.
struct Slow<'a> {
    bytes: &'a [u8],
    fails: bool,
}

impl Read for Slow<'_> {
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

fn read(source: &Source, bytes: &[u8]) -> Result<String> {
    source.pieces(Slow { bytes, fails: false }, "a.txt")?.into_text()
}

/// What [`Source`] says that it does with UTF-8, step by step on the whole text.
fn plainly(excerpt: Option<&Excerpt>, text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
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
    let marked = |from: &str, to: &str| Some(Excerpt { from: from.into(), to: to.into() });
    vec![None, marked("", ""), marked("fox", ""), marked("", "\n\n"), marked("the", "the")]
}

proptest! {
    #![proptest_config(samples::cases(32))]

    #[test]
    fn a_block_that_ends_anywhere_leaves_no_trace(text in samples::text(), back in 0..300usize) {
        // So much white space in front that the text lies across the end of the first block.
        let text = " ".repeat(BLOCK - back) + &text;
        for excerpt in excerpts() {
            let expected = plainly(excerpt.as_ref(), &text);
            let source = Source { excerpt, ..Source::default() };
            prop_assert_eq!(read(&source, text.as_bytes()).ok(), expected);
        }
    }

    #[test]
    fn a_short_text_is_read_step_by_step(text in samples::text()) {
        for excerpt in excerpts() {
            let expected = plainly(excerpt.as_ref(), &text);
            let source = Source { excerpt, ..Source::default() };
            prop_assert_eq!(read(&source, text.as_bytes()).ok(), expected);
        }
    }

    #[test]
    fn a_foreign_text_may_be_cut_anywhere(text in samples::text(), back in 0..300usize) {
        let text = "가".repeat(BLOCK / 2 - back) + &text;
        let source = Source { encoding: Some("euc-kr".into()), ..Source::default() };
        let (bytes, _, unmappable) = encoding_rs::EUC_KR.encode(&text);
        prop_assume!(!unmappable);
        prop_assert_eq!(read(&source, &bytes).ok(), plainly(None, &text));
    }
}

#[test]
fn every_marker_is_found_across_the_end_of_a_block() {
    let excerpt = Excerpt { from: "THE FOX\n".into(), to: "한 END".into() };
    let source = Source { excerpt: Some(excerpt.clone()), ..Source::default() };
    for back in 0..30 {
        let front = " 한".repeat(BLOCK / 4).split_off(back / 4 * 4) + &" ".repeat(back % 4);
        for between in ["", "x", "THE FOX\n 한 EN"] {
            let text = format!("{front}THE FOX\n{between}{front}한 END한 ENDTHE FOX\n");
            assert_eq!(read(&source, text.as_bytes()).ok(), plainly(Some(&excerpt), &text));
        }
    }
}

#[test]
fn half_a_character_at_the_end_names_file_and_byte() {
    for length in [2, BLOCK - 1, BLOCK, BLOCK + 1] {
        let mut bytes = vec![b'a'; length];
        bytes.extend_from_slice(&"🦊".as_bytes()[..3]);
        let message = read(&Source::default(), &bytes).unwrap_err().to_string();
        assert!(message.starts_with(&format!("`a.txt` is not UTF-8: byte {length} ")), "{message}");
    }
}

#[test]
fn a_reader_that_fails_in_the_middle_is_told_in_one_line() {
    for length in [0, 10, BLOCK + 10] {
        let bytes = vec![b'a'; length];
        let slow = Slow { bytes: &bytes, fails: true };
        let pieces = Source::default().pieces(slow, "a.txt").unwrap();
        let error = pieces.into_text().unwrap_err();
        assert!(matches!(error, Error::Read { .. }));
        assert_eq!(
            error.to_string(),
            "cannot read `a.txt`: the disk is gone; check the file and its permissions"
        );
    }
}
