//! Reads the text once to describe it.

use text_prep::{DocumentSource, TextFiles, TextProfile, TextProfiler, TextSource, has_gutenberg_header};

use super::given::Given;
use crate::config::{Config, OpenInput, OpenInputs};
use crate::error::Result;
use crate::long_task::LongTask;

/// A text of so many files or more is one document per file.
const MANY_FILES: usize = 20;

/// What was found in a text.
pub struct Found {
    /// Its characters, words and lines.
    pub profile: TextProfile,
    /// The number of its files.
    pub files: usize,
    /// Whether the recipe leaves out the header and licence of Project Gutenberg.
    pub strips_gutenberg: bool,
}

/// Reads the training files of the given configuration, and gives every piece of them to `read_also`. What can be read only
/// once is kept there. If the first file has the header of Project Gutenberg, the text is read without it.
///
/// # Errors
/// If the text cannot be read.
pub fn look(given: &mut Given, mut read_also: impl FnMut(&str)) -> Result<Found> {
    let task = LongTask::start("looking at the text");
    given.config.text.keep_pipe()?;
    let strips_gutenberg = !given.is_set("text.strip_gutenberg") && begins_with_gutenberg_header(&given.config)?;
    given.config.text.strip_gutenberg |= strips_gutenberg;
    let config = &given.config;
    let text = &config.text;
    let size = text.kept.as_ref().map(|kept| kept.bytes.len() as u64).or_else(|| text.size());
    let files = TextFiles::new(text.paths()).files().map_or(1, |files| files.len());
    let inputs = open(config)?;
    let mut profiler = TextProfiler::default();
    let done = task.fraction();
    let mut read = 0;
    let mut push = |piece: &str| {
        profiler.push(piece);
        read_also(piece);
        read += piece.len() as u64;
        done.set(size.map_or(0.0, |size| read as f64 / size.max(1) as f64));
    };
    let read_all = || -> text_prep::Result<()> {
        match inputs.train {
            OpenInput::Text(mut text) => {
                while let Some(chunk) = text.next_chunk()? {
                    push(chunk);
                }
            }
            OpenInput::Documents(mut documents) => {
                while let Some(document) = documents.next_document()? {
                    push(document.text);
                    push("\n");
                }
            }
        }
        Ok(())
    };
    read_all().map_err(|error| crate::error::Error::from(error).about_text(Some("text")))?;
    Ok(Found { profile: profiler.finish(), files, strips_gutenberg })
}

fn open(config: &Config) -> Result<OpenInputs<'_>> {
    let text = &config.text;
    text.open(&config.data, text.kept.as_deref()).map_err(|error| error.about_text(Some("text")))
}

/// Whether the first file of a running text does. The texts of known corpora have their own excerpts.
fn begins_with_gutenberg_header(config: &Config) -> Result<bool> {
    if config.text.dataset.is_some() {
        return Ok(false);
    }
    let OpenInput::Text(mut text) = open(config)?.train else { return Ok(false) };
    let beginning = text.next_chunk();
    let beginning = beginning.map_err(|error| crate::error::Error::from(error).about_text(Some("text")))?;
    Ok(beginning.is_some_and(has_gutenberg_header))
}

impl Found {
    /// Whether every file is a document of its own.
    pub fn has_many_files(&self) -> bool {
        self.files >= MANY_FILES
    }
}
