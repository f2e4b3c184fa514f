//! Questions before they are chosen: by the network and by rules, with what the network answers and how they are ranked.

use std::ops::Range;

use text_prep::Vocabulary;
use text_prep::spans::{Word, join, words};

use super::beam::BeamOptions;
use super::candidates::surface_form;
use super::pipeline::QaPipeline;
use super::report::FoundBy;
use crate::data::{EncodedSentence, in_question, word_range};
use crate::error::Result;
use crate::ranking::{Features, Fluency, Measures, RuleMeasures};

/// A sentence of a text.
pub(super) struct SourceSentence<'a> {
    /// The whole text.
    pub text: &'a str,
    /// The bytes of the sentence in the text.
    pub range: Range<usize>,
    /// Its words, with bytes in the sentence.
    pub words: Vec<Word>,
    pub encoded: EncodedSentence,
}

impl<'a> SourceSentence<'a> {
    /// The sentence `range` of `text`, which consists of `words`.
    pub fn new(text: &'a str, range: Range<usize>, words: Vec<Word>, vocabulary: &Vocabulary) -> Self {
        let encoded = EncodedSentence::new(&text[range.clone()], &words, vocabulary);
        Self { text, range, words, encoded }
    }

    /// The text of the sentence.
    pub fn sentence(&self) -> &'a str {
        &self.text[self.range.clone()]
    }

    /// The bytes in the text from the first to the last of these words.
    pub fn bytes(&self, words: &Range<usize>) -> Range<usize> {
        let (first, last) = (&self.words[words.start].range, &self.words[words.end - 1].range);
        self.range.start + first.start..self.range.start + last.end
    }
}

/// A question about an answer in a sentence.
#[derive(Clone)]
pub(super) struct Draft {
    /// The index of the sentence.
    pub sentence: usize,
    /// The words of the answer.
    pub answer: Range<usize>,
    /// The question, with a capital first letter.
    pub question: String,
    /// Its words.
    pub words: Vec<Word>,
    /// The geometric mean of the probabilities of its words; `None` if a rule made it.
    pub probability: Option<f64>,
    /// What the rule says that made it; `None` if the network did.
    pub rule: Option<RuleMeasures>,
}

impl Draft {
    pub fn found_by(&self) -> FoundBy {
        if self.rule.is_some() { FoundBy::Rule } else { FoundBy::Network }
    }
}

/// A question with what the network answers.
pub(super) struct Answered {
    pub draft: Draft,
    /// The most probable answer; `None` without a network.
    pub best: Option<Range<usize>>,
    /// The probability of the answer that the question is about, or one close to it; `None` without a network.
    pub probability: Option<f64>,
}

/// Questions per answer; if the first is left out, the next may not be.
const QUESTIONS_PER_ANSWER: usize = 2;

impl QaPipeline {
    /// The network's best questions about each of `answers`, given with the index of its sentence; `None` if `keep_going`
    /// returns false.
    pub(super) fn network_drafts(
        &self,
        sentences: &[SourceSentence],
        answers: &[(usize, Range<usize>)],
        beam: BeamOptions,
        keep_going: &mut dyn FnMut(f64) -> bool,
    ) -> Result<Option<Vec<Draft>>> {
        let inputs: Vec<_> = answers.iter().map(|(at, answer)| (&sentences[*at].encoded, answer.clone())).collect();
        let Some(found) = self.search_questions_while(&inputs, beam, keep_going)? else { return Ok(None) };
        let mut drafts = Vec::new();
        for ((at, answer), found) in answers.iter().zip(found) {
            for hypothesis in found.into_iter().take(QUESTIONS_PER_ANSWER) {
                let question = self.question_text(&sentences[*at], &hypothesis.words);
                drafts.push(Draft {
                    sentence: *at,
                    answer: answer.clone(),
                    words: words(&question, self.segmentation),
                    question,
                    probability: Some(hypothesis.mean_word_probability()),
                    rule: None,
                });
            }
        }
        Ok(Some(drafts))
    }

    /// The question that a rule made about the sentence with this index; `None` if its answer begins or ends within a word.
    pub(super) fn rule_draft(
        &self,
        sentences: &[SourceSentence],
        at: usize,
        one: &question_rules::RuleQuestion,
    ) -> Option<Draft> {
        let SourceSentence { range, words: of_sentence, .. } = &sentences[at];
        let bytes = one.answer.start.checked_sub(range.start)?..one.answer.end.checked_sub(range.start)?;
        Some(Draft {
            sentence: at,
            answer: word_range(&bytes, of_sentence)?,
            words: words(&one.question, self.segmentation),
            question: one.question.clone(),
            probability: None,
            rule: Some(RuleMeasures { rule: one.rule, features: one.features }),
        })
    }

    /// What the network answers to each question; nothing without a network.
    pub(super) fn answer(&self, sentences: &[SourceSentence], drafts: Vec<Draft>) -> Result<Vec<Answered>> {
        if !self.has_network() {
            return Ok(drafts.into_iter().map(|draft| Answered { draft, best: None, probability: None }).collect());
        }
        let flags: Vec<Vec<bool>> =
            drafts.iter().map(|draft| in_question(&sentences[draft.sentence].words, &draft.words)).collect();
        let inputs = drafts.iter().zip(&flags);
        let inputs: Vec<_> =
            inputs.map(|(draft, flags)| (&sentences[draft.sentence].encoded, Some(flags.as_slice()))).collect();
        let scores = self.score_spans(&inputs)?;
        let answered = |(draft, scores): (Draft, &super::SpanScores)| Answered {
            best: Some(scores.best()),
            probability: Some(scores.probability_near(&draft.answer)),
            draft,
        };
        Ok(drafts.into_iter().zip(&scores).map(answered).collect())
    }

    /// The language model of the ranking, if it suits a text with these sentences.
    pub(super) fn fluency_for(&self, sentences: &[SourceSentence]) -> Result<Option<&Fluency>> {
        let Some(fluency) = &self.fluency else { return Ok(None) };
        let sentences: Vec<&str> = sentences.iter().map(SourceSentence::sentence).collect();
        Ok(fluency.suits(&sentences)?.then_some(fluency))
    }

    /// The features of each question for the ranking, with a language model that suits the text.
    pub(super) fn features(
        &self,
        sentences: &[SourceSentence],
        answered: &[Answered],
        fluency: Option<&Fluency>,
    ) -> Result<Vec<Features>> {
        let fluency = match fluency {
            Some(fluency) => {
                let questions: Vec<&str> = answered.iter().map(|one| one.draft.question.as_str()).collect();
                fluency.nats_per_token(&questions)?
            }
            None => vec![None; answered.len()],
        };
        let features = |(Answered { draft, best, probability }, fluency): (&Answered, Option<f64>)| {
            let keys = |words: &'_ [Word]| -> Vec<String> { words.iter().map(|word| word.key.clone()).collect() };
            let of_sentence = &sentences[draft.sentence].words;
            let all = [keys(&draft.words), keys(of_sentence), keys(&of_sentence[draft.answer.clone()])];
            let [question, sentence, answer] =
                all.each_ref().map(|keys| keys.iter().map(String::as_str).collect::<Vec<_>>());
            Features::of(&Measures {
                question: &question,
                sentence: &sentence,
                answer: &answer,
                fluency,
                question_probability: draft.probability,
                answer_probability: *probability,
                is_answered_exactly: best.as_ref().map(|best| *best == draft.answer),
                rule: draft.rule,
            })
        };
        Ok(answered.iter().zip(fluency).map(features).collect())
    }

    /// The question as text, with a capital first letter.
    fn question_text(&self, sentence: &SourceSentence, ids: &[u32]) -> String {
        let SourceSentence { words, encoded, .. } = sentence;
        let forms = ids.iter().map(|&id| surface_form(sentence.sentence(), words, encoded, &self.vocabulary, id));
        let joined = join(forms, self.segmentation);
        let mut letters = joined.chars();
        match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => joined,
        }
    }
}
