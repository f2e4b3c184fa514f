//! Guesses what one document is in a text.

use super::{LineProfile, SectionProfile, SeparatorProfile, TextProfile, share};
use crate::numbers::thousands;
use crate::source::DocumentUnit;

/// What one document seems to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentGuess {
    /// The unit of documents; `None` if the text is one running text.
    pub unit: Option<DocumentUnit>,
    /// The documents; 1 of a running text.
    pub count: u64,
    /// Why, in a few words without a full stop.
    pub reason: String,
}

/// The fewest separators between documents.
const MIN_SEPARATORS: u64 = 10;

/// The fewest sections that are documents.
const MIN_SECTIONS: u64 = 20;

/// Numbered sections that are longer on average, in bytes, are chapters; shorter ones are poems and jokes.
const MIN_CHAPTER_LEN: f64 = 3_000.0;

/// The fewest different lines that are documents.
const MIN_LINES: f64 = 100.0;

/// The largest share of lines that may be blank if each line is a document.
const MAX_BLANK: f64 = 0.02;

impl DocumentGuess {
    /// The guess from a profile.
    pub(super) fn of(profile: &TextProfile) -> Self {
        let running = |reason| Self { unit: None, count: 1, reason };
        if let Some(separator) = &profile.separator
            && are_between_documents(separator)
        {
            let SeparatorProfile { line, count, documents, .. } = separator;
            return Self {
                unit: Some(DocumentUnit::Separator(line.clone())),
                count: *documents,
                reason: format!("{} lines `{line}` separate its documents", thousands(*count as usize)),
            };
        }
        let sections = &profile.sections;
        if sections.count >= MIN_SECTIONS {
            return match not_documents(sections) {
                Some(reason) => running(reason),
                None => Self {
                    unit: Some(DocumentUnit::Sections),
                    count: sections.count,
                    reason: format!(
                        "it is a collection: {} texts of {} bytes on average between three or more blank lines",
                        thousands(sections.count as usize),
                        rounded(sections.mean_len)
                    ),
                },
            };
        }
        let lines = &profile.lines;
        match no_items(profile) {
            Some(reason) => running(reason),
            None => Self {
                unit: Some(DocumentUnit::Lines),
                count: lines.not_blank(),
                reason: format!(
                    "each line is an item: {} lines of {} bytes on average, {} blank {}",
                    thousands(lines.not_blank() as usize),
                    rounded(lines.mean_len),
                    if lines.blank == 0 { "no".into() } else { thousands(lines.blank as usize) },
                    if lines.blank == 1 { "line" } else { "lines" },
                ),
            },
        }
    }
}

/// A number without decimals.
fn rounded(number: f64) -> String {
    thousands(number.round() as usize)
}

/// Whether lines separate documents: frequent ones, unless as many lines begin like them, which are comments.
fn are_between_documents(separator: &SeparatorProfile) -> bool {
    separator.count >= MIN_SEPARATORS
        && separator.longer * 5 < separator.count
        && separator.documents * 2 > separator.count
}

/// Why sections are not documents.
fn not_documents(sections: &SectionProfile) -> Option<String> {
    let SectionProfile { count, mean_len, medium, numbered } = *sections;
    let are_chapters = numbered * 2 > count && mean_len > MIN_CHAPTER_LEN;
    if are_chapters {
        return Some(format!("its {} texts between three or more blank lines are chapters", thousands(count as usize)));
    }
    let are_medium = medium * 2 > count;
    (!are_medium).then(|| {
        format!(
            "only {} of its {} texts between three or more blank lines {} 200 to 20,000 bytes, as stories have",
            thousands(medium as usize),
            thousands(count as usize),
            if medium == 1 { "has" } else { "have" }
        )
    })
}

/// Why lines are not documents, such as names, headlines or tweets.
fn no_items(profile: &TextProfile) -> Option<String> {
    let lines = &profile.lines;
    let characters_per_byte = share(profile.characters, profile.bytes);
    let (mean, p95) = (lines.mean_len * characters_per_byte, lines.p95_len as f64 * characters_per_byte);
    let distinct = lines.not_blank() as f64 * (1.0 - lines.repeated_share);
    let different = match distinct.round() as u64 {
        1 => "1 different line that is not blank".into(),
        number => format!("{number} different lines that are not blank"),
    };
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let reasons = [
        (distinct < MIN_LINES, format!("it has only {different}")),
        (lines.blank_share() > MAX_BLANK, format!("{} of its lines are blank", percent(lines.blank_share()))),
        (lines.indented_share > 0.05, format!("{} of its lines are indented", percent(lines.indented_share))),
        (lines.code_share > 0.1, format!("{} of its lines look like code or markup", percent(lines.code_share))),
        (lines.dated_share > 0.5, format!("{} of its lines have a time or date", percent(lines.dated_share))),
        (lines.speaker_share > 0.5, format!("{} of its lines begin with a speaker", percent(lines.speaker_share))),
        (
            mean > 300.0 && lines.several_sentences_share > 0.5,
            format!("its lines are paragraphs of {} characters on average", rounded(mean)),
        ),
        (is_wrapped(lines), format!("its lines are wrapped at about {} characters", rounded(p95))),
        (continues(lines), "sentences continue in the next line".into()),
        (lines.open_share > 0.15, format!("{} of its lines end within a sentence", percent(lines.open_share))),
        (
            (0.1..0.9).contains(&lines.quoted_share),
            format!("{} of its lines begin with a quotation mark", percent(lines.quoted_share)),
        ),
        (lines.relative_deviation > 0.8, "the lengths of its lines differ as those of paragraphs do".into()),
    ];
    reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
}

/// Whether most lines are full, and sentences end anywhere in them; or all lines have one length, but are no words.
fn is_wrapped(lines: &LineProfile) -> bool {
    let ends_anywhere = lines.several_sentences_share > 0.1 && lines.sentence_share < 0.5;
    let is_cut = lines.relative_deviation < 0.02 && lines.mean_len >= 40.0;
    lines.full_share > 0.6 && (ends_anywhere || is_cut)
}

/// Whether many lines continue a sentence, but not all lines begin with a small letter, as in a list of words.
fn continues(lines: &LineProfile) -> bool {
    lines.continued_share > 0.25 && lines.lower_case_share < 0.95
}
