//! What an automatic configuration needs to know of a text: its size, scripts, words, lines, repetition and documents.

mod documents;
mod letters;
mod line;
mod lines;
mod sample;
mod sections;
mod separators;
#[cfg(test)]
mod tests;
mod words;

use self::letters::LetterCounter;
use self::line::Line;
use self::lines::LineCounter;
use self::sample::Sampler;
use self::sections::SectionCounter;
use self::separators::SeparatorCounter;
use self::words::WordCounter;
use crate::chars::is_white_space;

pub use documents::DocumentGuess;
pub use lines::LineProfile;
pub use sections::SectionProfile;
pub use separators::{SEPARATORS, SeparatorProfile};
pub use words::WordProfile;

/// The most distinct words, and the most distinct lines, that are counted.
pub const MAX_DISTINCT: usize = 1 << 20;

/// The redundancy from which on a text repeats itself.
const REPEATING: f64 = 0.97;

/// A summary of a text. Shares are from 0 to 1, and 0 where there is nothing to count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextProfile {
    /// Bytes in UTF-8, line ends included.
    pub bytes: u64,
    /// Unicode scalar values, line ends included.
    pub characters: u64,
    /// Distinct characters, white space and line ends included.
    pub distinct_characters: usize,
    /// Those of them that are outside ASCII, such as syllables and ideographs.
    pub distinct_outside_ascii: usize,
    /// Letters of all scripts.
    pub letters: u64,
    /// Share of the letters that are Hangul, syllables or single letters.
    pub hangul_share: f64,
    /// Share of the letters of scripts that are written without spaces: Chinese, Japanese, Thai, Burmese, Khmer, Lao.
    pub unspaced_share: f64,
    /// Its words.
    pub words: WordProfile,
    /// Its lines.
    pub lines: LineProfile,
    /// The texts between three or more blank lines.
    pub sections: SectionProfile,
    /// The line that seems to separate documents, the most frequent one of [`SEPARATORS`].
    pub separator: Option<SeparatorProfile>,
    /// 1 − the compressed size of samples / their size (deflate, blocks of 64 KiB at growing distances). Prose and lists
    /// of words have 0.5 to 0.7; logs, markup and texts made by a template 0.8 to 0.95; a text that repeats one character
    /// or a short passage has more. Texts of some hundred bytes have less, down to 0.
    pub redundancy: f64,
}

impl TextProfile {
    /// Whether the text repeats one character or a short passage: a [`redundancy`](Self::redundancy) of 0.97 or more.
    pub fn repeats(&self) -> bool {
        self.redundancy >= REPEATING
    }

    /// What one document seems to be, and why. In doubt a text is running text.
    pub fn documents(&self) -> DocumentGuess {
        DocumentGuess::of(self)
    }
}

/// Computes a [`TextProfile`] in one pass over a text that is pushed in chunks; the result does not depend on how it is
/// divided. CRLF and lone CR end lines as LF does. Memory is bounded, about 64 MB for a text of any size: beyond
/// [`MAX_DISTINCT`] distinct words or lines no more are counted, of a line only the first bytes are kept, and lines of
/// [`LineProfile::MAX_LEN`] bytes or more count as that long in [`LineProfile::p95_len`].
///
/// ```
/// use text_prep::{DocumentUnit, TextProfiler};
///
/// let mut profiler = TextProfiler::default();
/// for n in 0..300 {
///     profiler.push(&format!("Name {n}\n"));
/// }
/// let profile = profiler.finish();
/// assert_eq!((profile.lines.count, profile.words.distinct), (300, 301));
/// let guess = profile.documents();
/// assert_eq!(guess.unit, Some(DocumentUnit::Lines));
/// assert_eq!(guess.reason, "each line is an item: 300 lines of 8 bytes on average, no blank lines");
/// ```
#[derive(Default)]
pub struct TextProfiler {
    bytes: u64,
    letters: LetterCounter,
    words: WordCounter,
    line: Line,
    after_cr: bool,
    lines: LineCounter,
    sections: SectionCounter,
    separators: SeparatorCounter,
    sampler: Sampler,
}

impl TextProfiler {
    /// Adds the next chunk of the text.
    pub fn push(&mut self, chunk: &str) {
        self.bytes += chunk.len() as u64;
        self.sampler.push(chunk.as_bytes());
        for c in chunk.chars() {
            self.letters.add(c);
            if is_white_space(c) {
                self.words.end();
            } else {
                self.words.push(c);
            }
            let after_cr = std::mem::replace(&mut self.after_cr, c == '\r');
            match c {
                '\n' if after_cr => {}
                '\n' | '\r' => self.end_line(),
                _ => self.line.push(c),
            }
        }
    }

    /// Ends the text.
    pub fn finish(mut self) -> TextProfile {
        self.words.end();
        if !self.line.is_empty() {
            self.end_line();
        }
        let letters = self.letters;
        TextProfile {
            bytes: self.bytes,
            characters: letters.characters,
            distinct_characters: letters.distinct(),
            distinct_outside_ascii: letters.distinct_outside_ascii(),
            letters: letters.letters,
            hangul_share: share(letters.hangul, letters.letters),
            unspaced_share: share(letters.unspaced, letters.letters),
            words: self.words.profile(),
            lines: self.lines.profile(),
            sections: self.sections.profile(),
            separator: self.separators.profile(),
            redundancy: self.sampler.redundancy(),
        }
    }

    fn end_line(&mut self) {
        self.lines.add(&self.line);
        self.sections.add(&self.line);
        self.separators.add(&self.line);
        self.line.clear();
    }
}

/// `part` / `whole`, 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A step of the hash FNV-1a, by characters instead of bytes. A hash begins as [`EMPTY_HASH`].
fn hash_step(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_mul(0x100_0000_01b3)
}

/// The hash of an empty text.
const EMPTY_HASH: u64 = 0xcbf2_9ce4_8422_2325;
