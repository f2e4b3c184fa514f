//! Preparation: 100 MB of text read, cleaned, cut into words, counted and numbered, on one thread.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use serde_json::{Value, json};
use text_prep::{Cleaner, Rare, Source, Splitter, Words};

use super::Work;
use crate::embedded::FABLES;
use crate::error::{Error, Result};

/// Bytes of text.
const BYTES: usize = 100_000_000;

/// A text that is long enough when it is repeated.
pub struct Preparing(Vec<u8>);

impl Preparing {
    /// With the text in this file, or with the built-in fables.
    pub fn new(prose: Option<&Path>) -> Result<Self> {
        match prose {
            None => Ok(Self(FABLES.as_bytes().to_vec())),
            Some(path) => match std::fs::read(path).map_err(Error::io(path, "read"))? {
                text if (1..=BYTES).contains(&text.len()) => Ok(Self(text)),
                text => Err(Error::new(format!(
                    "{} holds {} bytes; expected 1 to {BYTES}: name another text with `--prose`",
                    path.display(),
                    text.len()
                ))),
            },
        }
    }
}

impl Work for Preparing {
    fn run(&mut self, steps: u64) -> Result<Value> {
        // Whole rounds, so that no character is cut.
        let bytes = BYTES / self.0.len() * self.0.len();
        let start = Instant::now();
        for _ in 0..steps {
            let recipe = Recipe {
                cleaner: Cleaner::preset("prose")?,
                splitter: Splitter::Words(Words::default()),
                story_mark: None,
                counted_on: CountedOn::Training,
                min_count: 1,
                rare: Rare::Unknown,
                fractions: Fractions { valid: 0.1, test: 0.0 },
                length: 20,
                step: 1,
            };
            let text = Again { text: &self.0, at: 0, left: bytes };
            let mut pieces = Source::default().pieces(text, "the benchmark's text")?;
            Prepared::read(&mut pieces, recipe, None)?;
        }
        let seconds = start.elapsed().as_secs_f64() / steps as f64;
        Ok(json!({
            "megabytes_per_second": bytes as f64 / 1e6 / seconds,
            "seconds_per_step": seconds,
        }))
    }
}

/// A text that begins again where it ends, so many bytes long.
struct Again<'a> {
    text: &'a [u8],
    at: usize,
    left: usize,
}

impl Read for Again<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.text.len() - self.at).min(self.left);
        buffer[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at = (self.at + count) % self.text.len();
        self.left -= count;
        Ok(count)
    }
}
