//! Preparation: reads, cleans, tokenizes, counts and encodes 100 MB of text by words, on one thread.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use durable::read::{Accept, WHOLE_TEXT};
use seqdata::TextDataset;
use serde_json::{Value, json};
use text_prep::SourceOptions;

use super::Workload;
use crate::embedded::FABLES;
use crate::error::{Error, Result, bail};

/// Bytes of text.
const BYTES: usize = 100_000_000;

/// The text to repeat.
pub struct Preparation(Vec<u8>);

impl Preparation {
    /// With the text in this file, or the built-in fables.
    pub fn new(prose: Option<&Path>) -> Result<Self> {
        match prose {
            None => Ok(Self(FABLES.as_bytes().to_vec())),
            Some(path) => match Accept::FileOrPipe.read(path, WHOLE_TEXT).map_err(Error::io(path, "read"))? {
                text if (1..=BYTES).contains(&text.len()) => Ok(Self(text)),
                text => bail!(
                    "{} has {} bytes; expected 1 to {BYTES}: use another text with `--prose`",
                    path.display(),
                    text.len()
                ),
            },
        }
    }
}

impl Workload for Preparation {
    fn run(&mut self, steps: u64) -> Result<Value> {
        // Whole repetitions, so that no character is split.
        let bytes = BYTES / self.0.len() * self.0.len();
        let start = Instant::now();
        for _ in 0..steps {
            let text = Repeat { text: &self.0, at: 0, left: bytes };
            let text = SourceOptions::default().open_reader(text, "the benchmark's text")?;
            TextDataset::from_source(text).words().build()?;
        }
        let seconds = start.elapsed().as_secs_f64() / steps as f64;
        Ok(json!({
            "megabytes_per_second": bytes as f64 / 1e6 / seconds,
            "seconds_per_step": seconds,
        }))
    }
}

/// `left` more bytes of a text that is repeated.
struct Repeat<'a> {
    text: &'a [u8],
    at: usize,
    left: usize,
}

impl Read for Repeat<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.text.len() - self.at).min(self.left);
        buffer[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at = (self.at + count) % self.text.len();
        self.left -= count;
        Ok(count)
    }
}
