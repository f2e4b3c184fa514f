//! Heuristic baselines of question generation and answer extraction, without training. They get the tokens of a
//! sentence: words, which contain a letter or digit, and punctuation marks.

use std::ops::Range;

/// Punctuation marks that separate clauses.
const SEPARATORS: [&str; 11] = [",", ";", ":", "(", ")", "-", "--", "–", "—", "―", "‒"];
/// Marks at the end of a sentence, which belong to no clause.
const ENDS: [&str; 10] = [".", "!", "?", "…", "...", "\"", "'", "”", "’", "''"];

/// Generates a question about a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuestionBaseline {
    /// The longest clause of the sentence and a question mark.
    LongestClause,
    /// The same question for every sentence.
    Constant(Vec<String>),
    /// The sentence as it is.
    Sentence,
}

impl QuestionBaseline {
    /// The question about the tokens of `sentence`.
    pub fn question<'a, S: AsRef<str>>(&'a self, sentence: &'a [S]) -> Vec<&'a str> {
        let words = |range: Range<usize>| sentence[range].iter().map(AsRef::as_ref);
        match self {
            Self::LongestClause => words(longest_clause(sentence)).chain(["?"]).collect(),
            Self::Constant(question) => question.iter().map(String::as_str).collect(),
            Self::Sentence => words(0..sentence.len()).collect(),
        }
    }
}

/// Extracts an answer from a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerBaseline {
    /// The whole sentence.
    Sentence,
    /// Its last clause.
    LastClause,
    /// Its last three words with the marks between them, or all words if there are fewer.
    LastThreeWords,
    /// The longest run of capitalised words, the first one of equal length. A single capitalised word at the
    /// beginning counts only if there is no other run. The whole sentence if no word is capitalised, as in a
    /// script without capitals.
    Capitalised,
    /// The first token that begins with a numeric character, else as [`Self::Capitalised`].
    NumberElseCapitalised,
}

impl AnswerBaseline {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Sentence, Self::LastClause, Self::LastThreeWords, Self::Capitalised, Self::NumberElseCapitalised];

    /// The answer as a range of the tokens of `sentence`, which are not lower-cased. It is empty only if the
    /// sentence is empty.
    pub fn answer<S: AsRef<str>>(self, sentence: &[S]) -> Range<usize> {
        match self {
            Self::Sentence => 0..sentence.len(),
            Self::LastClause => clauses(sentence).pop().unwrap_or(0..sentence.len()),
            Self::LastThreeWords => last_words(sentence, 3),
            Self::Capitalised => capitalised(sentence),
            Self::NumberElseCapitalised => {
                let number = sentence.iter().position(|token| begins(token, char::is_numeric));
                number.map_or_else(|| capitalised(sentence), |at| at..at + 1)
            }
        }
    }
}

/// The clause with the most words, the first one of equal length; the whole sentence if it has no words.
pub fn longest_clause<S: AsRef<str>>(sentence: &[S]) -> Range<usize> {
    let words = |clause: &Range<usize>| sentence[clause.clone()].iter().filter(is_word).count();
    // `max_by_key` returns the last of equal elements.
    let longest = clauses(sentence).into_iter().rev().max_by_key(words);
    longest.unwrap_or(0..sentence.len())
}

/// The parts between separators that contain a word.
fn clauses<S: AsRef<str>>(sentence: &[S]) -> Vec<Range<usize>> {
    let ends = |token: &&S| ENDS.contains(&(*token).as_ref());
    let end = sentence.len() - sentence.iter().rev().take_while(ends).count();
    let mut clauses = Vec::new();
    let mut start = 0;
    for at in 0..=end {
        if at == end || SEPARATORS.contains(&sentence[at].as_ref()) {
            if sentence[start..at].iter().any(is_word) {
                clauses.push(start..at);
            }
            start = at + 1;
        }
    }
    clauses
}

/// The last `count` words with the marks between them; the whole sentence if it has no words.
fn last_words<S: AsRef<str>>(sentence: &[S], count: usize) -> Range<usize> {
    let words = (0..sentence.len()).rev().filter(|&at| is_word(&sentence[at]));
    let last: Vec<usize> = words.take(count).collect();
    match last[..] {
        [end, .., start] => start..end + 1,
        [only] => only..only + 1,
        [] => 0..sentence.len(),
    }
}

/// See [`AnswerBaseline::Capitalised`].
fn capitalised<S: AsRef<str>>(sentence: &[S]) -> Range<usize> {
    let mut longest: Option<Range<usize>> = None;
    let mut start = 0;
    for run in sentence.chunk_by(|a, b| is_capitalised(a) == is_capitalised(b)) {
        let found = start..start + run.len();
        start = found.end;
        // The first word of every sentence is capitalised: alone, it is replaced by any later run.
        let longer = longest.as_ref().is_none_or(|it| *it == (0..1) || found.len() > it.len());
        if is_capitalised(&run[0]) && longer {
            longest = Some(found);
        }
    }
    longest.unwrap_or(0..sentence.len())
}

fn is_capitalised(token: &impl AsRef<str>) -> bool {
    begins(token, char::is_uppercase)
}

fn begins(token: &impl AsRef<str>, with: fn(char) -> bool) -> bool {
    token.as_ref().chars().next().is_some_and(with)
}

fn is_word(token: &impl AsRef<str>) -> bool {
    token.as_ref().contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    fn answers(sentence: &str) -> [String; 5] {
        let tokens = words(sentence);
        AnswerBaseline::ALL.map(|baseline| tokens[baseline.answer(&tokens)].join(" "))
    }

    #[test]
    fn each_baseline_extracts_its_answer() {
        let sentence = "In London , Lady Ada Byron met 3 men ( all of them , poor ) .";
        let [whole, clause, three, run, number] = answers(sentence);
        assert_eq!(whole, sentence);
        assert_eq!((clause.as_str(), three.as_str()), ("poor", "of them , poor"));
        assert_eq!((run.as_str(), number.as_str()), ("Lady Ada Byron", "3"));
    }

    #[test]
    fn a_single_capitalised_word_at_the_beginning_is_the_last_resort() {
        let run = |sentence| answers(sentence)[3].clone();
        assert_eq!(run("Foxes like Spain ."), "Spain");
        assert_eq!(run("Foxes like grapes ."), "Foxes");
        assert_eq!(run("Red Foxes like Spain ."), "Red Foxes");
        assert_eq!(run("He saw Spain and Rome ."), "Spain");
        assert_eq!(run("Étienne met Žižek ."), "Žižek");
        assert_eq!(run("여우는 포도를 보았다 ."), "여우는 포도를 보았다 .");
        assert_eq!(answers("Foxes like Spain .")[4], "Spain");
    }

    #[test]
    fn marks_at_the_end_of_a_sentence_belong_to_no_clause() {
        assert_eq!(answers("He left , but said : \" no ! \"")[1], "\" no");
        assert_eq!(answers("He left -- ( 1917 ) .")[1], "1917");
        assert_eq!(answers("well-known men")[1], "well-known men");
    }

    #[test]
    fn each_baseline_generates_its_question() {
        let question = |baseline: &QuestionBaseline, text| baseline.question(&words(text)).join(" ");
        let clause = QuestionBaseline::LongestClause;
        assert_eq!(question(&clause, "in may , the fox saw grapes ; it left ."), "the fox saw grapes ?");
        assert_eq!(question(&clause, "one two , three four ."), "one two ?");
        // Quotation marks are not words.
        assert_eq!(question(&clause, "\" one \" \" two \" – three four five"), "three four five ?");
        assert_eq!(question(&QuestionBaseline::Sentence, "the fox left ."), "the fox left .");
        let constant = QuestionBaseline::Constant(vec!["what".into(), "?".into()]);
        assert_eq!(question(&constant, "the fox left ."), "what ?");
    }

    #[test]
    fn a_sentence_without_words_is_its_own_answer() {
        for sentence in ["", ".", ", ( ) .", "—"] {
            assert_eq!(answers(sentence), [sentence; 5].map(str::to_owned));
        }
        let none: [&str; 0] = [];
        assert_eq!(QuestionBaseline::LongestClause.question(&none), ["?"]);
    }
}
