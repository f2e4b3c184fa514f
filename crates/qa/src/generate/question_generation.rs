//! From a text to questions with their answers.

use std::ops::Range;

use crate::data::{Sentence, held};
use serde::Serialize;
use text_prep::passage::{Word, join, sentences, words};

use super::beam::{Found, Search};
use super::candidates::{Candidate, FoundBy, candidates, written};
use super::network::Asker;
use crate::error::{Error, Result};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    /// Questions about a sentence at the most.
    pub per_sentence: usize,
    /// How questions are searched for.
    pub search: Search,
    /// Confidence below which a question is not told.
    pub min_confidence: f64,
}

/// A question with its answer and its place in the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// The question.
    pub question: String,
    /// The answer, as it stands in the text.
    pub answer: String,
    /// The sentence, as it stands in the text.
    pub sentence: String,
    /// From 0 to 1: the geometric mean of the two below.
    pub confidence: f64,
    /// The geometric mean of the probabilities of the question's words.
    pub question_probability: f64,
    /// How likely the question is answered by this answer, or one that is nearly it.
    pub answer_probability: f64,
    /// Who found the answer.
    pub found_by: FoundBy,
    /// Where the answer stands, in bytes.
    pub answer_bytes: Range<usize>,
    /// The same in characters.
    pub answer_characters: Range<usize>,
    /// Where the sentence stands, in bytes.
    pub sentence_bytes: Range<usize>,
    /// The same in characters.
    pub sentence_characters: Range<usize>,
}

/// A sentence of the text.
struct Line {
    range: Range<usize>,
    words: Vec<Word>,
    sentence: Sentence,
}

/// A question that is searched for or was found.
struct Attempt {
    line: usize,
    candidate: Candidate,
}

/// A question that was found.
struct Draft<'a> {
    attempt: &'a Attempt,
    found: Found,
    text: String,
    held: Vec<bool>,
}

/// Words in the longest sentence that is asked about; what is longer is mostly no sentence.
const LONGEST: usize = 200;
/// More answers are tried than questions wanted, for some will not pass.
const SPARE: usize = 2;
/// Questions about an answer that are tried.
const TRIED: usize = 2;

/// Asks questions about `text`, in its order; of a sentence the surest first.
///
/// # Errors
/// If the text holds no sentence, or the network gives no numbers.
pub fn ask(asker: &Asker, text: &str, ask: &Ask) -> Result<Vec<Asked>> {
    let lines: Vec<Line> = sentences(text)
        .into_iter()
        .filter_map(|range| {
            let words = words(&text[range.clone()]);
            let fits = (1..=LONGEST).contains(&words.len());
            let sentence = || Sentence::new(&text[range.clone()], &words, asker.vocabulary);
            fits.then(sentence).map(|sentence| Line { range, words, sentence })
        })
        .collect();
    if lines.is_empty() {
        return Err(Error::NoSentences);
    }
    let plain: Vec<(&Sentence, Option<&[bool]>)> =
        lines.iter().map(|line| (&line.sentence, None)).collect();
    let heard = asker.hear(&plain)?;
    let mut attempts = Vec::new();
    for (at, (line, heard)) in lines.iter().zip(&heard).enumerate() {
        let count = SPARE * ask.per_sentence;
        let found = candidates(&text[line.range.clone()], &line.words, heard, count);
        attempts.extend(found.into_iter().map(|candidate| Attempt { line: at, candidate }));
    }
    let about: Vec<(&Sentence, Range<usize>)> = attempts
        .iter()
        .map(|attempt| (&lines[attempt.line].sentence, attempt.candidate.words.clone()))
        .collect();
    let found = asker.question(&about, ask.search)?;
    // Of each the best few: where one does not pass, the next may.
    let drafts: Vec<Draft> = attempts
        .iter()
        .zip(found)
        .flat_map(|(attempt, found)| {
            found.into_iter().take(TRIED).map(move |found| (attempt, found))
        })
        .map(|(attempt, found)| {
            let line = &lines[attempt.line];
            let text = spelled(asker, &text[line.range.clone()], line, &found.words);
            let held = held(&line.words, &words(&text));
            Draft { attempt, found, text, held }
        })
        .collect();
    // The round trip: is it answered by what it was asked about?
    let questions: Vec<(&Sentence, Option<&[bool]>)> = drafts
        .iter()
        .map(|draft| (&lines[draft.attempt.line].sentence, Some(draft.held.as_slice())))
        .collect();
    let answered = asker.hear(&questions)?;
    let places = Places::of(text);
    let mut asked: Vec<(usize, Asked)> = Vec::new();
    for (draft, answered) in drafts.into_iter().zip(&answered) {
        let Draft { attempt: Attempt { line, candidate }, found, text: question, .. } = draft;
        let range = lines[*line].range.clone();
        let of = &lines[*line].words[candidate.words.clone()];
        let (first, last) = (&of[0].range, &of[of.len() - 1].range);
        let answer = range.start + first.start..range.start + last.end;
        let best = answered.best();
        let again = best.start < candidate.words.end && candidate.words.start < best.end;
        let question_probability = found.probability_per_word();
        let answer_probability = answered.about(&candidate.words);
        let confidence = (question_probability * answer_probability).sqrt();
        if !again || confidence < ask.min_confidence {
            continue;
        }
        asked.push((
            *line,
            Asked {
                question,
                answer: text[answer.clone()].into(),
                sentence: text[range.clone()].into(),
                confidence,
                question_probability,
                answer_probability,
                found_by: candidate.found_by,
                answer_characters: places.characters(&answer),
                answer_bytes: answer,
                sentence_characters: places.characters(&range),
                sentence_bytes: range,
            },
        ));
    }
    asked.sort_by(|one, other| {
        one.0.cmp(&other.0).then(other.1.confidence.total_cmp(&one.1.confidence))
    });
    let mut told: Vec<(usize, Asked)> = Vec::new();
    for (line, one) in asked {
        let of_line = || told.iter().filter(|(known, _)| *known == line);
        let again = of_line().any(|(_, known)| {
            known.question == one.question || known.answer_bytes == one.answer_bytes
        });
        if of_line().count() < ask.per_sentence && !again {
            told.push((line, one));
        }
    }
    Ok(told.into_iter().map(|(_, asked)| asked).collect())
}

/// A question as it is written: words joined, the first letter a capital.
fn spelled(asker: &Asker, text: &str, line: &Line, ids: &[u32]) -> String {
    let words =
        ids.iter().map(|&id| written(text, &line.words, &line.sentence, asker.vocabulary, id));
    let joined = join(words);
    let mut letters = joined.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => joined,
    }
}

/// From bytes to characters.
struct Places(Vec<usize>);

impl Places {
    /// Of each byte at which a character of `text` begins, and of its end.
    fn of(text: &str) -> Self {
        Self(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    fn characters(&self, bytes: &Range<usize>) -> Range<usize> {
        let place = |byte| self.0.partition_point(|&at| at < byte);
        place(bytes.start)..place(bytes.end)
    }
}
