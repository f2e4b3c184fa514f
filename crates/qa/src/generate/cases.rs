//! Reference questions with the questions of the network and of rules about the same answers, for evaluation and for fitting
//! the ranking.

use eval::rouge::rouge_l;
use eval::squad::word_f1;
use text_prep::spans::{Word, sentences, words};

use super::beam::BeamOptions;
use super::drafts::{Answered, SourceSentence};
use super::pipeline::{QaPipeline, is_near};
use super::rules::ParagraphRules;
use crate::data::{Document, LocatedQuestion, in_question, locate_answers};
use crate::error::{Error, Result};
use crate::ranking::{LabelledQuestion, Ranking};

/// The lowest similarity to the reference question of a question that counts as good: of ROUGE-L, and of the F1 of the rarer
/// words. ROUGE-L alone would count "what is the name of the?" as good.
const MIN_SIMILARITY: f64 = 0.5;

/// A reference question, prepared for the network.
pub(super) struct Case<'a> {
    pub located: LocatedQuestion<'a>,
    pub reference: Vec<Word>,
    /// For each word of the sentence, whether it is in the reference question.
    pub in_question: Vec<bool>,
    /// The questions about the answer: the network's, the best first, and those of rules.
    pub questions: Vec<CaseQuestion>,
}

/// A question about the answer of a case.
pub(super) struct CaseQuestion {
    pub text: String,
    pub keys: Vec<String>,
    pub is_by_rule: bool,
    pub labelled: LabelledQuestion,
    /// Its confidence.
    pub confidence: f64,
}

impl Case<'_> {
    pub fn keys(&self) -> Vec<String> {
        keys(&self.located.words)
    }

    /// The network's best question.
    pub fn generated(&self) -> Option<&CaseQuestion> {
        self.questions.iter().find(|one| !one.is_by_rule)
    }

    /// The question with the highest confidence, the first of equal ones.
    pub fn best(&self) -> Option<&CaseQuestion> {
        self.questions.iter().reduce(|best, next| if next.confidence > best.confidence { next } else { best })
    }
}

pub(super) fn keys(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.key.clone()).collect()
}

/// The cases of a data set.
pub(super) struct Cases<'a> {
    pub all: Vec<Case<'a>>,
    /// The sentence of each case.
    pub sentences: Vec<SourceSentence<'a>>,
    /// The number of questions whose answer begins or ends within a word of its sentence.
    pub unmapped: usize,
}

impl<'a> Cases<'a> {
    /// The reference questions of `documents`, and the questions of `pipeline` and of rules with confidences by its ranking.
    /// `questions` is the number of questions in the data.
    ///
    /// # Errors
    /// If no question can be evaluated, or the model's results are not finite.
    pub fn new(pipeline: &QaPipeline, documents: &'a [Document], questions: usize, beam: BeamOptions) -> Result<Self> {
        let mut cases = Self { all: Vec::new(), sentences: Vec::new(), unmapped: 0 };
        let segmentation = pipeline.segmentation;
        let mut answers = Vec::new();
        let mut passages = Vec::new();
        let mut by_rules = Vec::new();
        for (number, passage) in documents.iter().flat_map(|document| &document.passages).enumerate() {
            let sentences = sentences(&passage.text);
            let mut rules = ParagraphRules::new(&passage.text, sentences.iter().cloned());
            let found: Vec<_> = sentences.iter().flat_map(|sentence| rules.next(sentence).questions).collect();
            cases.unmapped += locate_answers(passage, segmentation, |located| {
                let (at, range) = (cases.all.len(), located.start..located.start + located.sentence.len());
                let sentence = SourceSentence::new(&passage.text, range, located.words.clone(), &pipeline.vocabulary);
                cases.sentences.push(sentence);
                let drafts = found.iter().filter_map(|one| pipeline.rule_draft(&cases.sentences, at, one));
                by_rules.extend(drafts.filter(|draft| is_near(&draft.answer, &located.answer)));
                let reference = words(located.question, segmentation);
                let in_question = in_question(&located.words, &reference);
                answers.push((at, located.answer.clone()));
                passages.push(number);
                cases.all.push(Case { located, reference, in_question, questions: Vec::new() });
            });
        }
        if cases.all.is_empty() {
            return Err(Error::NothingToEvaluate { questions, unmapped: cases.unmapped });
        }
        let drafts = pipeline.network_drafts(&cases.sentences, &answers, beam, &mut |_| true)?;
        let drafts = drafts.expect("nothing cuts it off").into_iter().chain(by_rules).collect();
        let answered = pipeline.answer(&cases.sentences, drafts)?;
        let fluency = pipeline.fluency_for(&cases.sentences)?;
        let features = pipeline.features(&cases.sentences, &answered, fluency)?;
        let is_rare = |key: &str| pipeline.vocabulary.id(key).is_none_or(|id| id >= beam.no_repeat_from_id);
        for (Answered { draft, .. }, features) in answered.into_iter().zip(features) {
            let case = &mut cases.all[draft.sentence];
            let keys = keys(&draft.words);
            let is_good = is_similar(&keys, &self::keys(&case.reference), is_rare);
            let (answer, passage) = (draft.sentence, passages[draft.sentence]);
            let confidence = pipeline.ranking.confidence(&features);
            let labelled = LabelledQuestion { features, is_good, answer, passage };
            let is_by_rule = draft.rule.is_some();
            case.questions.push(CaseQuestion { text: draft.question, keys, is_by_rule, labelled, confidence });
        }
        Ok(cases)
    }

    /// A ranking that is fitted on the questions. The confidence of each becomes that by weights that were fitted without the
    /// questions about its passage.
    pub fn fit_ranking(&mut self) -> Ranking {
        let questions: Vec<LabelledQuestion> =
            self.all.iter().flat_map(|case| &case.questions).map(|one| one.labelled.clone()).collect();
        let (ranking, confidences) = Ranking::default().fit(&questions);
        let all = self.all.iter_mut().flat_map(|case| &mut case.questions);
        all.zip(confidences).for_each(|(question, confidence)| question.confidence = confidence);
        ranking
    }
}

/// Whether a question counts as good, compared with a reference question about the same answer.
fn is_similar(question: &[String], reference: &[String], is_rare: impl Fn(&str) -> bool) -> bool {
    let rare = |words: &[String]| -> Vec<String> { words.iter().filter(|word| is_rare(word)).cloned().collect() };
    let f1 = word_f1(&rare(question), &rare(reference));
    rouge_l(question, reference) >= MIN_SIMILARITY && f1 >= MIN_SIMILARITY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::Features;

    #[test]
    fn a_good_question_shares_frequent_and_rare_words_with_the_reference() {
        let frequent = ["what", "is", "the", "name", "of", "?"];
        let is_similar = |question: &str, reference: &str| {
            let [question, reference] =
                [question, reference].map(|text| text.split(' ').map(String::from).collect::<Vec<_>>());
            is_similar(&question, &reference, |word| !frequent.contains(&word))
        };
        let reference = "what is the name of the river ?";
        assert!(is_similar("what is the name of the river in france ?", reference));
        assert!(!is_similar("what is the name of the ?", reference));
        assert!(!is_similar("what is the name of the fox ?", reference));
        assert!(!is_similar("river river", reference));
        assert!(is_similar("what is the ?", "what is of the ?"));
        // A word that is repeated is not shared twice.
        assert!(!is_similar("river river river river of", "river of"));
    }

    #[test]
    fn a_question_by_a_rule_is_not_the_question_of_the_network() {
        let text = "The fox slept.";
        let words = words(text, text_prep::Segmentation::Spaces);
        let located = LocatedQuestion {
            question: "Who slept?",
            sentence: text,
            start: 0,
            words,
            answer: 0..2,
            gold_answers: vec!["The fox"],
        };
        let question = |text: &str, is_by_rule: bool| CaseQuestion {
            text: text.into(),
            keys: Vec::new(),
            is_by_rule,
            labelled: LabelledQuestion { features: Features::default(), is_good: true, answer: 0, passage: 0 },
            confidence: 0.5,
        };
        let mut case = Case {
            located,
            reference: Vec::new(),
            in_question: Vec::new(),
            questions: vec![question("Who slept?", true)],
        };
        assert!(case.generated().is_none() && case.best().is_some());
        case.questions.push(question("What slept?", false));
        assert_eq!(case.generated().unwrap().text, "What slept?");
    }
}
