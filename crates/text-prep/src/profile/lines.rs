//! Counts lines: their lengths, their ends, and how often they repeat.

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::line::Line;
use super::{EMPTY_HASH, MAX_DISTINCT, hash_step, share};

/// The lines of a text. Lengths are in bytes, without line ends and white space before them. Shares are of the lines
/// that are not blank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineProfile {
    /// Lines, blank ones included.
    pub count: u64,
    /// Blank lines: empty, or only white space.
    pub blank: u64,
    /// The mean length of the lines that are not blank.
    pub mean_len: f64,
    /// The length that 95 of 100 lines that are not blank do not exceed; at most [`MAX_LEN`](Self::MAX_LEN).
    pub p95_len: usize,
    /// The standard deviation of the lengths / their mean: below 0.5 for names and headlines, about 1 for paragraphs.
    pub relative_deviation: f64,
    /// Lines whose length is within 15 % of `p95_len`: most lines of a text that is wrapped at a width.
    pub full_share: f64,
    /// Lines that begin with white space.
    pub indented_share: f64,
    /// Lines that end as a sentence does, perhaps with closing quotes.
    pub sentence_share: f64,
    /// Lines in which a sentence begins after the end of another one.
    pub several_sentences_share: f64,
    /// Lines that begin with a small letter.
    pub lower_case_share: f64,
    /// Lines that begin with a small letter directly after a line that does not end as a sentence does.
    pub continued_share: f64,
    /// Lines that end with a comma, a semicolon, a colon, a dash or an opening bracket, as in verse and code.
    pub open_share: f64,
    /// Lines that end with `{` or `}`, or begin with `<`, as in code and markup.
    pub code_share: f64,
    /// Lines that begin with a quotation mark or a dash, as in dialogues.
    pub quoted_share: f64,
    /// Lines with a time or a date in their first 64 bytes, as in logs.
    pub dated_share: f64,
    /// Lines that begin with a name and a colon, such as `Ann: `, as an earlier line does; of at most 4,096 names.
    pub speaker_share: f64,
    /// Lines that are equal to an earlier one; of the lines before the one that would be the
    /// [`MAX_DISTINCT`] + 1st distinct one.
    pub repeated_share: f64,
}

impl LineProfile {
    /// The length from which on lengths are not told apart by `p95_len` and `full_share`.
    pub const MAX_LEN: usize = 4_095;

    /// Lines that are not blank.
    pub fn not_blank(&self) -> u64 {
        self.count - self.blank
    }

    /// Share of all lines that are blank.
    pub fn blank_share(&self) -> f64 {
        share(self.blank, self.count)
    }
}

/// The most names of speakers that are remembered.
const MAX_SPEAKERS: usize = 4_096;

/// The longest name of a speaker, in bytes.
const MAX_SPEAKER_LEN: usize = 32;

/// The counts so far, of lines that are not blank unless they say otherwise.
pub(super) struct LineCounter {
    blank: u64,
    /// How many lines have each length, the last one those that are as long or longer.
    by_len: Vec<u64>,
    sum_of_lens: u64,
    sum_of_squares: u128,
    indented: u64,
    sentences: u64,
    several_sentences: u64,
    lower_case: u64,
    continued: u64,
    open: u64,
    code: u64,
    quoted: u64,
    dated: u64,
    spoken: u64,
    speakers: HashSet<u64, FixedState>,
    /// Whether the line before, blank or not, may end within a sentence.
    is_within_sentence: bool,
    seen: HashSet<u64, FixedState>,
    repeated: u64,
    /// Lines that were compared with earlier ones.
    compared: u64,
    /// Whether there were too many distinct lines.
    is_full: bool,
}

impl Default for LineCounter {
    fn default() -> Self {
        let no_hashes = || HashSet::with_hasher(FixedState::with_seed(0));
        Self {
            blank: 0,
            by_len: vec![0; LineProfile::MAX_LEN + 1],
            sum_of_lens: 0,
            sum_of_squares: 0,
            indented: 0,
            sentences: 0,
            several_sentences: 0,
            lower_case: 0,
            continued: 0,
            open: 0,
            code: 0,
            quoted: 0,
            dated: 0,
            spoken: 0,
            speakers: no_hashes(),
            is_within_sentence: false,
            seen: no_hashes(),
            repeated: 0,
            compared: 0,
            is_full: false,
        }
    }
}

impl LineCounter {
    /// Adds a complete line.
    pub fn add(&mut self, line: &Line) {
        let Some((first, last)) = line.ends else {
            self.blank += 1;
            self.is_within_sentence = false;
            return;
        };
        self.by_len[(line.len as usize).min(LineProfile::MAX_LEN)] += 1;
        self.sum_of_lens += line.len;
        self.sum_of_squares += u128::from(line.len).pow(2);
        self.indented += u64::from(line.is_indented);
        self.sentences += u64::from(line.ends_sentence);
        self.several_sentences += u64::from(line.has_several_sentences);
        self.lower_case += u64::from(first.is_lowercase());
        self.continued += u64::from(first.is_lowercase() && self.is_within_sentence);
        self.is_within_sentence = !line.ends_sentence;
        self.open += u64::from(is_open_end(last));
        self.code += u64::from(matches!(last, '{' | '}') || first == '<');
        self.quoted += u64::from(is_quote(first));
        self.dated += u64::from(has_date(line.head().as_bytes()));
        self.spoken += u64::from(self.has_known_speaker(line.head()));
        self.compare(line.hash);
    }

    /// Whether a line begins with the name of a speaker of an earlier line.
    fn has_known_speaker(&mut self, head: &str) -> bool {
        let Some((name, _)) = head.trim_start().split_once(": ") else { return false };
        if name.is_empty() || name.len() > MAX_SPEAKER_LEN {
            return false;
        }
        let hash = name.chars().fold(EMPTY_HASH, hash_step);
        self.speakers.contains(&hash) || self.speakers.len() < MAX_SPEAKERS && !self.speakers.insert(hash)
    }

    fn compare(&mut self, hash: u64) {
        if self.is_full {
            return;
        }
        let is_repeated = self.seen.contains(&hash);
        if !is_repeated && self.seen.len() == MAX_DISTINCT {
            self.is_full = true;
            return;
        }
        self.compared += 1;
        self.repeated += u64::from(is_repeated);
        self.seen.insert(hash);
    }

    fn count(&self) -> u64 {
        self.by_len.iter().sum()
    }

    pub fn profile(&self) -> LineProfile {
        let count = self.count();
        let of_lines = |part: u64| share(part, count);
        let mean_len = share(self.sum_of_lens, count);
        let variance = self.sum_of_squares as f64 / count.max(1) as f64 - mean_len * mean_len;
        let p95_len = self.percentile(count - count / 20);
        let near = p95_len * 85 / 100..=p95_len * 115 / 100;
        let full = self.by_len.iter().enumerate().filter(|(len, _)| near.contains(len)).map(|(_, count)| count).sum();
        LineProfile {
            count: count + self.blank,
            blank: self.blank,
            mean_len,
            p95_len,
            relative_deviation: if mean_len > 0.0 { variance.max(0.0).sqrt() / mean_len } else { 0.0 },
            full_share: of_lines(full),
            indented_share: of_lines(self.indented),
            sentence_share: of_lines(self.sentences),
            several_sentences_share: of_lines(self.several_sentences),
            lower_case_share: of_lines(self.lower_case),
            continued_share: of_lines(self.continued),
            open_share: of_lines(self.open),
            code_share: of_lines(self.code),
            quoted_share: of_lines(self.quoted),
            dated_share: of_lines(self.dated),
            speaker_share: of_lines(self.spoken),
            repeated_share: share(self.repeated, self.compared),
        }
    }

    /// The length that `lines` lines do not exceed.
    fn percentile(&self, lines: u64) -> usize {
        let mut left = lines;
        let is_reached = |count: &u64| {
            left = left.saturating_sub(*count);
            left == 0
        };
        self.by_len.iter().position(is_reached).unwrap_or_default()
    }
}

/// Whether a sentence or statement goes on after a line with this end.
fn is_open_end(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '-' | '–' | '—' | '(' | '[' | '{' | '，' | '、' | '；' | '：')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '‘' | '«' | '»' | '「' | '『' | '-' | '–' | '—')
}

/// Whether there is a time such as 9:05, or a date such as 2024-01-31.
fn has_date(line: &[u8]) -> bool {
    // A 0 stands for any digit.
    let is_like = |window: &[u8], shape: &[u8]| {
        window.iter().zip(shape).all(|(byte, like)| byte == like || *like == b'0' && byte.is_ascii_digit())
    };
    let shapes = [&b"0:00"[..], b"0000-00-00", b"0000/00/00"];
    shapes.iter().any(|shape| line.windows(shape.len()).any(|window| is_like(window, shape)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates_are_found() {
        for text in ["[12:03] <ann> hi", "2024-01-31 ok", "Nov 29 16:01:47 host", "on 2024/01/31"] {
            assert!(has_date(text.as_bytes()), "{text}");
        }
        for text in ["", "1:2", "Psalm 1: a", "24-01-31", "12345"] {
            assert!(!has_date(text.as_bytes()), "{text}");
        }
    }
}
