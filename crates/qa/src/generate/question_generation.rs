//! Generates questions with answers from a text.

use std::ops::Range;

use text_prep::spans::{ShortSentences, short_sentences, words};

use super::beam::BeamOptions;
use super::candidates::{candidates, has_word};
use super::drafts::{Answered, Draft, SourceSentence};
use super::pipeline::QaPipeline;
use super::report::{AskProgress, AskReport, CutSentence, FoundBy, GeneratedQuestion};
use super::report::{LeftOut, LeftOutReason, LongWord};
use super::rules::ParagraphRules;
use crate::error::{Error, Result};
use crate::ranking::Fluency;

/// Options of question generation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QgOptions {
    /// The maximum number of questions per sentence. Default: 2.
    pub max_per_sentence: usize,
    /// The beam search for questions.
    pub beam: BeamOptions,
    /// Questions with a lower confidence, from 0 to 1, are left out. Default: `None`, for the threshold of the model's
    /// [ranking](crate::ranking).
    pub min_confidence: Option<f64>,
    /// Whether questions are also made by rules, about paragraphs that are English. Default: true.
    pub rules: bool,
}

impl Default for QgOptions {
    fn default() -> Self {
        Self { max_per_sentence: 2, beam: BeamOptions::default(), min_confidence: None, rules: true }
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
    pub fn min_confidence(self, min_confidence: impl Into<Option<f64>>) -> Self {
        Self { min_confidence: min_confidence.into(), ..self }
    }

    /// Sets [`rules`](Self#structfield.rules).
    pub fn rules(self, rules: bool) -> Self {
        Self { rules, ..self }
    }
}

/// The maximum length in words of a sentence that questions are generated for; longer ones are divided, see
/// [`short_sentences`].
pub const MAX_SENTENCE_LEN: usize = 200;
/// The maximum length in characters of a word in a sentence that questions are generated for. Longer ones are no words of a
/// language, but encoded data for example, and need much time and memory.
pub const MAX_WORD_LEN: usize = 200;
/// Sentences that are processed together: enough to fill batches with sentences of similar length.
const BLOCK: usize = 256;
/// The same at the beginning, so that the first questions are ready soon; each block is twice as long as the one before.
const FIRST_BLOCK: usize = 16;
/// Answer candidates per wanted question, because some questions are filtered out.
const CANDIDATES_PER_QUESTION: usize = 2;

impl QaPipeline {
    /// Generates questions with answers about `text`, in the order of its sentences; within a sentence the one with
    /// the highest confidence first.
    ///
    /// List items are sentences of their own, and sentences of more than [`MAX_SENTENCE_LEN`] words are divided, see
    /// [`short_sentences`]. Sentences with a word of more than [`MAX_WORD_LEN`] characters are left out.
    ///
    /// # Errors
    /// If the text has no sentence with a word, or all that it has are left out, or the model's results are not finite.
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
        let SplitText { sentences, cut_sentences, long_words } = self.split_sentences(text);
        if sentences.is_empty() {
            return Err(if long_words.is_empty() { Error::NoSentences } else { Error::OnlyLongWords });
        }
        let char_offsets = CharOffsets::new(text);
        let min_confidence = options.min_confidence.unwrap_or(self.ranking.threshold);
        let mut report =
            AskReport { sentences: sentences.len(), min_confidence, cut_sentences, long_words, ..AskReport::default() };
        let fluency = self.fluency_for(&sentences)?;
        let ranges = sentences.iter().map(|one| one.range.clone());
        let mut rules = options.rules.then(|| ParagraphRules::new(text, ranges));
        let (mut start, mut size) = (0, FIRST_BLOCK);
        while start < sentences.len() {
            let end = sentences.len().min(start + size);
            let fraction = |of_block: f64| (start as f64 + of_block * (end - start) as f64) / sentences.len() as f64;
            let nothing = |done: f64| AskProgress { fraction: fraction(done), questions: &[], left_out: &[] };
            let block = Block { sentences: &sentences, fluency, range: start..end };
            let chosen =
                self.ask_block(&block, options, rules.as_mut(), &mut report, &mut |done| keep_going(nothing(done)))?;
            let Some(Chosen { questions, left_out }) = chosen else { return Ok(None) };
            let before = report.questions.len();
            report.questions.extend(questions.into_iter().map(|one| block.located(one, &char_offsets)));
            let questions = &report.questions[before..];
            let progress = AskProgress { fraction: fraction(1.0), questions, left_out: &left_out };
            (start, size) = (end, BLOCK.min(2 * size));
            // After the last block the report is complete.
            if !keep_going(progress) && start < sentences.len() {
                return Ok(None);
            }
        }
        Ok(Some(report))
    }

    /// The questions about a block of sentences, and what was left out, whose numbers are added to the report; `None` if
    /// `keep_going`, which is called with the fraction of the block that is done, returns false.
    fn ask_block(
        &self,
        block: &Block,
        options: &QgOptions,
        rules: Option<&mut ParagraphRules>,
        report: &mut AskReport,
        keep_going: &mut dyn FnMut(f64) -> bool,
    ) -> Result<Option<Chosen>> {
        if !keep_going(0.0) {
            return Ok(None);
        }
        let Block { sentences: all, fluency, range } = block;
        let sentences = &all[range.clone()];
        let answers = self.candidate_answers(sentences, options)?;
        let drafts = self.network_drafts(sentences, &answers, options.beam, keep_going)?;
        let Some(mut drafts) = drafts else { return Ok(None) };
        let mut chosen = Chosen::default();
        if let Some(rules) = rules {
            for (at, sentence) in sentences.iter().enumerate() {
                let found = rules.next(&sentence.range);
                chosen.left_out.extend(found.left_out.iter().map(left_out_by_rule));
                for one in &found.questions {
                    match self.rule_draft(sentences, at, one) {
                        Some(draft) => drafts.push(draft),
                        None => chosen.left_out.push(left_out_within_word(one)),
                    }
                }
            }
        }
        report.generated += drafts.len();
        // Round trip: the network answers each question. What a rule asks about is known without it.
        let answered = self.answer(sentences, drafts)?;
        let is_inconsistent = |one: &Answered| {
            let is_other =
                |best: &Range<usize>| best.end <= one.draft.answer.start || one.draft.answer.end <= best.start;
            one.draft.rule.is_none() && one.best.as_ref().is_some_and(is_other)
        };
        let (inconsistent, answered): (Vec<_>, Vec<_>) = answered.into_iter().partition(is_inconsistent);
        report.inconsistent += inconsistent.len();
        let left_out = |one: Draft, reason| {
            let sentence: &SourceSentence = &sentences[one.sentence];
            let (bytes, found_by) = (sentence.bytes(&one.answer), one.found_by());
            LeftOut { question: Some(one.question), bytes, found_by, reason }
        };
        chosen.left_out.extend(inconsistent.into_iter().filter_map(|Answered { draft, best, .. }| {
            let answer = sentences[draft.sentence].bytes(&best?);
            Some(left_out(draft, LeftOutReason::Inconsistent(answer)))
        }));
        let features = self.features(sentences, &answered, *fluency)?;
        let confidences = features.iter().map(|features| self.ranking.confidence(features));
        let mut ranked: Vec<(f64, Answered)> = confidences.zip(answered).collect();
        ranked.sort_by(|one, other| one.1.draft.sentence.cmp(&other.1.draft.sentence).then(other.0.total_cmp(&one.0)));
        for (confidence, answered) in ranked {
            let draft = &answered.draft;
            let of_sentence = || chosen.questions.iter().filter(|(_, known)| known.draft.sentence == draft.sentence);
            let is_repeated = of_sentence().any(|(_, Answered { draft: known, .. })| {
                let overlap = known.answer.start < draft.answer.end && draft.answer.start < known.answer.end;
                known.question == draft.question || overlap
            });
            let reason = if confidence < report.min_confidence {
                report.low_confidence += 1;
                let highest = report.highest_low_confidence.get_or_insert(confidence);
                *highest = highest.max(confidence);
                LeftOutReason::LowConfidence(confidence, report.min_confidence)
            } else if is_repeated {
                LeftOutReason::Repeated
            } else if of_sentence().count() == options.max_per_sentence {
                LeftOutReason::Surplus
            } else {
                chosen.questions.push((confidence, answered));
                continue;
            };
            chosen.left_out.push(left_out(answered.draft, reason));
        }
        chosen.left_out.sort_by_key(|one| one.bytes.start);
        Ok(Some(chosen))
    }

    /// The answers that the network asks about, with the index of the sentence of each; none without a network.
    fn candidate_answers(
        &self,
        sentences: &[SourceSentence],
        options: &QgOptions,
    ) -> Result<Vec<(usize, Range<usize>)>> {
        let mut answers = Vec::new();
        if self.has_network() {
            let inputs: Vec<_> = sentences.iter().map(|one| (&one.encoded, None)).collect();
            let count = CANDIDATES_PER_QUESTION * options.max_per_sentence;
            for (at, (one, scores)) in sentences.iter().zip(&self.score_spans(&inputs)?).enumerate() {
                let found = candidates(one.sentence(), &one.words, scores, count);
                answers.extend(found.into_iter().map(|words| (at, words)));
            }
        }
        Ok(answers)
    }

    fn split_sentences<'a>(&self, text: &'a str) -> SplitText<'a> {
        let ShortSentences { ranges, cut } = short_sentences(text, MAX_SENTENCE_LEN, self.segmentation);
        let (mut sentences, mut long_words) = (Vec::with_capacity(ranges.len()), Vec::new());
        for range in ranges {
            let sentence = &text[range.clone()];
            let words = words(sentence, self.segmentation);
            if !has_word(sentence, &words) {
                continue;
            }
            let longest = words.iter().map(|word| sentence[word.range.clone()].chars().count()).max();
            match longest.filter(|&characters| characters > MAX_WORD_LEN) {
                Some(characters) => long_words.push(LongWord { sentence_bytes: range, characters }),
                None => sentences.push(SourceSentence::new(text, range, words, &self.vocabulary)),
            }
        }
        let num_words = |bytes: &Range<usize>| words(&text[bytes.clone()], self.segmentation).len();
        let cut_sentences = cut.into_iter().map(|bytes| CutSentence { words: num_words(&bytes), bytes }).collect();
        SplitText { sentences, cut_sentences, long_words }
    }
}

/// The sentences of a text.
struct SplitText<'a> {
    /// Those that questions are generated for.
    sentences: Vec<SourceSentence<'a>>,
    cut_sentences: Vec<CutSentence>,
    long_words: Vec<LongWord>,
}

/// Sentences of a text that are processed together.
struct Block<'a> {
    /// All sentences of the text.
    sentences: &'a [SourceSentence<'a>],
    /// A language model that suits them.
    fluency: Option<&'a Fluency>,
    /// Those of the block.
    range: Range<usize>,
}

/// The questions about the sentences of a block, with their confidences, and what was left out.
#[derive(Default)]
struct Chosen {
    questions: Vec<(f64, Answered)>,
    left_out: Vec<LeftOut>,
}

impl Block<'_> {
    /// A question with its place in the text.
    fn located(&self, (confidence, one): (f64, Answered), char_offsets: &CharOffsets) -> GeneratedQuestion {
        let Answered { draft, probability, .. } = one;
        let sentence = &self.sentences[self.range.start + draft.sentence];
        let answer = sentence.bytes(&draft.answer);
        GeneratedQuestion {
            answer: sentence.text[answer.clone()].into(),
            sentence: sentence.sentence().into(),
            confidence,
            question_probability: draft.probability,
            answer_probability: probability,
            found_by: draft.found_by(),
            rule: draft.rule.map(|rule| rule.rule),
            question: draft.question,
            answer_characters: char_offsets.char_range(&answer),
            answer_bytes: answer,
            sentence_characters: char_offsets.char_range(&sentence.range),
            sentence_bytes: sentence.range.clone(),
        }
    }
}

fn left_out_by_rule(one: &question_rules::LeftOut) -> LeftOut {
    let reason = LeftOutReason::Rule(one.reason);
    LeftOut { question: None, bytes: one.bytes.clone(), found_by: FoundBy::Rule, reason }
}

/// A question by a rule whose answer the network cannot be asked about, because its words are divided otherwise.
fn left_out_within_word(one: &question_rules::RuleQuestion) -> LeftOut {
    let (question, bytes) = (Some(one.question.clone()), one.answer.clone());
    LeftOut { question, bytes, found_by: FoundBy::Rule, reason: LeftOutReason::WithinWord }
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

    #[test]
    fn rules_ask_without_a_network() {
        let text = "Maria Lopez founded the first hospital in Bristol in 1842. It was small.";
        let questions = QaPipeline::by_rules().ask(text, &QgOptions::default().max_per_sentence(5)).unwrap();
        let who = questions.iter().find(|one| one.answer == "Maria Lopez").unwrap();
        assert_eq!(who.question, "Who founded the first hospital in Bristol in 1842?");
        assert_eq!((who.answer_bytes.clone(), who.answer_probability, who.found_by), (0..11, None, FoundBy::Rule));
        assert!((0.5..1.0).contains(&who.confidence), "{}", who.confidence);
        let network = QaPipeline::by_rules().score_spans(&[]);
        assert!(matches!(network, Err(Error::NoNetwork)));
        assert!(QaPipeline::by_rules().ask("De man was in Amsterdam.", &QgOptions::default()).unwrap().is_empty());
    }

    #[test]
    fn sentences_with_a_long_word_are_left_out_and_counted() {
        let founded = "Maria Lopez founded the first hospital in Bristol in 1842.";
        let text = |length: usize| format!("It was small. A{} ran. {founded}", "a".repeat(length - 1));
        let pipeline = QaPipeline::by_rules();
        let ask = |text: &str| pipeline.ask_with_report(text, &QgOptions::default());
        let report = ask(&text(MAX_WORD_LEN)).unwrap();
        assert_eq!((report.sentences, report.long_words.len()), (3, 0));
        let report = ask(&text(100_000)).unwrap();
        assert_eq!(report.sentences, 2);
        let expected = LongWord { sentence_bytes: 14..14 + 100_000 + 5, characters: 100_000 };
        assert_eq!(report.long_words, [expected]);
        assert!(!report.questions.is_empty());
        assert!(report.questions.iter().all(|one| one.answer.len() < MAX_WORD_LEN), "{:?}", report.questions);
        let error = ask(&"a".repeat(100_000)).unwrap_err();
        let expected = "every sentence of the text has a word of more than 200 characters; use another text";
        assert_eq!(error.to_string(), expected);
    }
}
