//! Generates questions with answers from a text.

use std::ops::Range;

use serde::Serialize;
use text_prep::spans::{ShortSentences, Word, join, short_sentences, words};

use super::beam::{BeamOptions, Hypothesis};
use super::candidates::{Candidate, FoundBy, candidates, has_word, surface_form};
use super::pipeline::QaPipeline;
use crate::data::{EncodedSentence, in_question};
use crate::error::{Error, Result};

/// Options of question generation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QgOptions {
    /// The maximum number of questions per sentence. Default: 2.
    pub max_per_sentence: usize,
    /// The beam search for questions.
    pub beam: BeamOptions,
    /// Questions with a lower confidence, from 0 to 1, are dropped. Default: 0.4.
    pub min_confidence: f64,
}

impl Default for QgOptions {
    fn default() -> Self {
        Self { max_per_sentence: 2, beam: BeamOptions::default(), min_confidence: 0.4 }
    }
}

impl QgOptions {
    /// Sets [`max_per_sentence`](Self#structfield.max_per_sentence).
    pub fn max_per_sentence(self, max_per_sentence: usize) -> Self {
        Self { max_per_sentence, ..self }
    }

    /// Sets [`beam`](Self#structfield.beam).
    pub fn beam(self, beam: BeamOptions) -> Self {
        Self { beam, ..self }
    }

    /// Sets [`min_confidence`](Self#structfield.min_confidence).
    pub fn min_confidence(self, min_confidence: f64) -> Self {
        Self { min_confidence, ..self }
    }
}

/// A question with its answer and its position in the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GeneratedQuestion {
    /// The question.
    pub question: String,
    /// The answer as in the text.
    pub answer: String,
    /// The sentence as in the text.
    pub sentence: String,
    /// The geometric mean of the two probabilities below, from 0 to 1.
    pub confidence: f64,
    /// The geometric mean of the probabilities of the question's words.
    pub question_probability: f64,
    /// The probability that this span, or one close to it, is the answer to the question.
    pub answer_probability: f64,
    /// The source of the answer.
    pub found_by: FoundBy,
    /// The range of the answer in bytes.
    pub answer_bytes: Range<usize>,
    /// The range of the answer in characters.
    pub answer_characters: Range<usize>,
    /// The range of the sentence in bytes.
    pub sentence_bytes: Range<usize>,
    /// The range of the sentence in characters.
    pub sentence_characters: Range<usize>,
}

/// The questions about a text, and why there are no more.
#[derive(Clone, Debug, PartialEq)]
pub struct AskReport {
    /// The questions, in the order of the sentences; within a sentence the one with the highest confidence first.
    pub questions: Vec<GeneratedQuestion>,
    /// The number of sentences with a word.
    pub sentences: usize,
    /// The number of generated questions: at most two for each answer candidate.
    pub generated: usize,
    /// Generated questions that the model answers with another span than the one they are about.
    pub inconsistent: usize,
    /// Other generated questions whose confidence is too low.
    pub low_confidence: usize,
    /// The highest confidence of these.
    pub highest_low_confidence: Option<f64>,
    /// Sentences that were too long and could only be cut after a number of words.
    pub cut_sentences: Vec<CutSentence>,
}

/// How far [`QaPipeline::ask_while`] is.
#[derive(Clone, Copy, Debug)]
pub struct AskProgress<'a> {
    /// The fraction of the text that is done, from 0 to 1.
    pub fraction: f64,
    /// The questions that are ready since the last call, in their order.
    pub questions: &'a [GeneratedQuestion],
}

/// A sentence of more than [`MAX_SENTENCE_LEN`] words without line ends and semicolons, which is cut into parts of equal
/// length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutSentence {
    /// Its range in bytes.
    pub bytes: Range<usize>,
    /// The number of its words.
    pub words: usize,
}

/// A sentence of the text.
struct Sentence {
    range: Range<usize>,
    words: Vec<Word>,
    encoded: EncodedSentence,
}

/// A question before round-trip filtering.
struct Draft<'a> {
    /// The index of the sentence.
    sentence: usize,
    candidate: &'a Candidate,
    hypothesis: Hypothesis,
    question: String,
    /// For each word of the sentence, whether it is in the question.
    in_question: Vec<bool>,
}

/// The maximum length in words of a sentence that questions are generated for; longer ones are divided, see
/// [`short_sentences`].
pub const MAX_SENTENCE_LEN: usize = 200;
/// Sentences that are processed together: enough to fill batches with sentences of similar length.
const BLOCK: usize = 256;
/// The same at the beginning, so that the first questions are ready soon; each block is twice as long as the one before.
const FIRST_BLOCK: usize = 16;
/// Answer candidates per wanted question, because some questions are filtered out.
const CANDIDATES_PER_QUESTION: usize = 2;
/// Questions per answer candidate; if the first is filtered out, the next may pass.
const QUESTIONS_PER_CANDIDATE: usize = 2;

impl QaPipeline {
    /// Generates questions with answers about `text`, in the order of its sentences; within a sentence the one with
    /// the highest confidence first.
    ///
    /// List items are sentences of their own, and sentences of more than [`MAX_SENTENCE_LEN`] words are divided, see
    /// [`short_sentences`].
    ///
    /// # Errors
    /// If the text has no sentence with a word, or the model's results are not finite.
    pub fn ask(&self, text: &str, options: &QgOptions) -> Result<Vec<GeneratedQuestion>> {
        self.ask_with_report(text, options).map(|report| report.questions)
    }

    /// As [`ask`](Self::ask), with the numbers of questions that were left out, by reason.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_with_report(&self, text: &str, options: &QgOptions) -> Result<AskReport> {
        Ok(self.ask_while(text, options, |_| true)?.expect("nothing cuts it off"))
    }

    /// As [`ask_with_report`](Self::ask_with_report), as long as `keep_going` returns true; `None` if it returns false
    /// before the last sentence. It is called before each batch of questions, and after some sentences with the questions about them.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_while(
        &self,
        text: &str,
        options: &QgOptions,
        mut keep_going: impl FnMut(AskProgress<'_>) -> bool,
    ) -> Result<Option<AskReport>> {
        let (sentences, cut_sentences) = self.split_sentences(text);
        if sentences.is_empty() {
            return Err(Error::NoSentences);
        }
        let char_offsets = CharOffsets::new(text);
        let mut report = AskReport {
            questions: Vec::new(),
            sentences: sentences.len(),
            generated: 0,
            inconsistent: 0,
            low_confidence: 0,
            highest_low_confidence: None,
            cut_sentences,
        };
        let (mut start, mut size) = (0, FIRST_BLOCK);
        while start < sentences.len() {
            let block = &sentences[start..sentences.len().min(start + size)];
            let fraction = |of_block: f64| (start as f64 + of_block * block.len() as f64) / sentences.len() as f64;
            let mut in_block = |done: f64| keep_going(AskProgress { fraction: fraction(done), questions: &[] });
            let before = report.questions.len();
            let is_done = self.ask_block(text, block, &char_offsets, options, &mut report, &mut in_block)?;
            let progress = AskProgress { fraction: fraction(1.0), questions: &report.questions[before..] };
            (start, size) = (start + block.len(), BLOCK.min(2 * size));
            // After the last block the report is complete.
            if !is_done || (!keep_going(progress) && start < sentences.len()) {
                return Ok(None);
            }
        }
        Ok(Some(report))
    }

    /// Adds the questions about a block of sentences, and the numbers of those that were left out, to the report; false
    /// if `keep_going`, which is called with the fraction of the block that is done, returns false.
    fn ask_block(
        &self,
        text: &str,
        sentences: &[Sentence],
        char_offsets: &CharOffsets,
        options: &QgOptions,
        report: &mut AskReport,
        keep_going: &mut dyn FnMut(f64) -> bool,
    ) -> Result<bool> {
        if !keep_going(0.0) {
            return Ok(false);
        }
        let inputs: Vec<_> = sentences.iter().map(|one| (&one.encoded, None)).collect();
        let scores = self.score_spans(&inputs)?;
        let count = CANDIDATES_PER_QUESTION * options.max_per_sentence;
        let mut all: Vec<(usize, Candidate)> = Vec::new();
        for (at, (Sentence { range, words, .. }, scores)) in sentences.iter().zip(&scores).enumerate() {
            let found = candidates(&text[range.clone()], words, scores, count);
            all.extend(found.into_iter().map(|candidate| (at, candidate)));
        }
        let Some(drafts) = self.draft_questions(text, sentences, &all, options.beam, keep_going)? else {
            return Ok(false);
        };
        // Round trip: the model answers each question.
        let inputs: Vec<_> = drafts
            .iter()
            .map(|draft| (&sentences[draft.sentence].encoded, Some(draft.in_question.as_slice())))
            .collect();
        let answers = self.score_spans(&inputs)?;
        report.generated += drafts.len();
        let mut passed: Vec<(usize, GeneratedQuestion)> = Vec::new();
        for (draft, scores) in drafts.into_iter().zip(&answers) {
            let sentence = &sentences[draft.sentence];
            let span = &draft.candidate.words;
            let best = scores.best();
            if best.end <= span.start || span.end <= best.start {
                report.inconsistent += 1;
                continue;
            }
            let question_probability = draft.hypothesis.mean_word_probability();
            let answer_probability = scores.probability_near(span);
            let confidence = (question_probability * answer_probability).sqrt();
            if confidence < options.min_confidence {
                report.low_confidence += 1;
                let highest = report.highest_low_confidence.get_or_insert(confidence);
                *highest = highest.max(confidence);
                continue;
            }
            let words = &sentence.words[span.clone()];
            let (first, last) = (&words[0].range, &words[words.len() - 1].range);
            let range = sentence.range.clone();
            let answer = range.start + first.start..range.start + last.end;
            let question = GeneratedQuestion {
                question: draft.question,
                answer: text[answer.clone()].into(),
                sentence: text[range.clone()].into(),
                confidence,
                question_probability,
                answer_probability,
                found_by: draft.candidate.found_by,
                answer_characters: char_offsets.char_range(&answer),
                answer_bytes: answer,
                sentence_characters: char_offsets.char_range(&range),
                sentence_bytes: range,
            };
            passed.push((draft.sentence, question));
        }
        report.questions.extend(best_per_sentence(passed, options.max_per_sentence));
        Ok(true)
    }

    fn split_sentences(&self, text: &str) -> (Vec<Sentence>, Vec<CutSentence>) {
        let ShortSentences { ranges, cut } = short_sentences(text, MAX_SENTENCE_LEN, self.segmentation);
        let sentence = |range: Range<usize>| {
            let sentence = &text[range.clone()];
            let words = words(sentence, self.segmentation);
            has_word(sentence, &words).then(|| {
                let encoded = EncodedSentence::new(sentence, &words, &self.vocabulary);
                Sentence { range, words, encoded }
            })
        };
        let num_words = |bytes: &Range<usize>| words(&text[bytes.clone()], self.segmentation).len();
        let cut = cut.into_iter().map(|bytes| CutSentence { words: num_words(&bytes), bytes });
        (ranges.into_iter().filter_map(sentence).collect(), cut.collect())
    }

    /// The best questions about each candidate, given with the index of its sentence; `None` if `keep_going` returns
    /// false.
    fn draft_questions<'a>(
        &self,
        text: &str,
        sentences: &[Sentence],
        candidates: &'a [(usize, Candidate)],
        beam: BeamOptions,
        keep_going: &mut dyn FnMut(f64) -> bool,
    ) -> Result<Option<Vec<Draft<'a>>>> {
        let answers: Vec<_> =
            candidates.iter().map(|(at, candidate)| (&sentences[*at].encoded, candidate.words.clone())).collect();
        let Some(found) = self.search_questions_while(&answers, beam, keep_going)? else { return Ok(None) };
        let mut drafts = Vec::new();
        for ((at, candidate), found) in candidates.iter().zip(found) {
            for hypothesis in found.into_iter().take(QUESTIONS_PER_CANDIDATE) {
                let sentence = &sentences[*at];
                let question = self.question_text(text, sentence, &hypothesis.words);
                let in_question = in_question(&sentence.words, &words(&question, self.segmentation));
                drafts.push(Draft { sentence: *at, candidate, hypothesis, question, in_question });
            }
        }
        Ok(Some(drafts))
    }

    /// The question as text, with a capital first letter.
    fn question_text(&self, text: &str, sentence: &Sentence, ids: &[u32]) -> String {
        let Sentence { range, words, encoded } = sentence;
        let text = &text[range.clone()];
        let forms = ids.iter().map(|&id| surface_form(text, words, encoded, &self.vocabulary, id));
        let joined = join(forms, self.segmentation);
        let mut letters = joined.chars();
        match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => joined,
        }
    }
}

/// The `max` questions of each sentence with the highest confidence, without repeated questions or answers.
fn best_per_sentence(mut questions: Vec<(usize, GeneratedQuestion)>, max: usize) -> Vec<GeneratedQuestion> {
    questions.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.confidence.total_cmp(&one.1.confidence)));
    let mut best: Vec<(usize, GeneratedQuestion)> = Vec::new();
    for (sentence, one) in questions {
        let of_sentence = || best.iter().filter(|(known, _)| *known == sentence);
        let is_repeated =
            of_sentence().any(|(_, known)| known.question == one.question || known.answer_bytes == one.answer_bytes);
        if of_sentence().count() < max && !is_repeated {
            best.push((sentence, one));
        }
    }
    best.into_iter().map(|(_, question)| question).collect()
}

/// Converts byte offsets into character offsets: the byte offset of each character, and the end of the text.
struct CharOffsets(Vec<usize>);

impl CharOffsets {
    fn new(text: &str) -> Self {
        Self(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    fn char_range(&self, bytes: &Range<usize>) -> Range<usize> {
        let index = |byte| self.0.partition_point(|&at| at < byte);
        index(bytes.start)..index(bytes.end)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::LayerConfig;
    use text_prep::{Segmentation, TokenCounter, Vocabulary};

    use super::*;
    use crate::model::QuestionModelConfig;

    #[test]
    fn questions_are_ready_in_blocks_within_which_the_fraction_that_is_done_increases() {
        let text = "The fox saw the crow in a tall tree. ".repeat(60);
        let mut counter = TokenCounter::new();
        for word in words(&text, Segmentation::Spaces) {
            counter.add(&word.key);
        }
        let vocabulary = Vocabulary::from_counts(counter.iter(), 1, true);
        let layer = LayerConfig::gru(4).bidirectional(true);
        let config = QuestionModelConfig::default().vocab_size(vocabulary.len()).decoder_vocab(vocabulary.len());
        let config = config.embedding_dim(4).feature_dim(2).readout_dim(4).encoder([layer.clone()]).extractor([layer]);
        let model = config.decoder([LayerConfig::lstm(6)]).init(1, &Device::flex()).unwrap();
        let pipeline = QaPipeline::from_parts(model, vocabulary, Segmentation::Spaces);
        let options = QgOptions::default().max_per_sentence(1).min_confidence(0.0);

        let (mut fractions, mut ready) = (Vec::new(), Vec::new());
        let show = |progress: AskProgress| {
            fractions.push(progress.fraction);
            ready.extend_from_slice(progress.questions);
            true
        };
        let report = pipeline.ask_while(&text, &options, show).unwrap().unwrap();
        assert_eq!(ready, report.questions);
        // Two answers in each of 16, 32 and 12 sentences, in batches of 48.
        let sentences = [0.0, 0.0, 16.0, 16.0, 16.0, 16.0 + 24.0, 48.0, 48.0, 48.0, 60.0];
        assert_eq!(fractions, sentences.map(|done| done / 60.0));
        assert!(pipeline.ask_while(&text, &options, |progress| progress.fraction < 0.5).unwrap().is_none());
        assert_eq!(pipeline.ask_while(&text, &options, |progress| progress.fraction < 1.0).unwrap(), Some(report));
    }
}
