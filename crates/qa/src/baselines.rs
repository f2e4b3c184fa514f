//! Rules that ask and answer without having learnt anything; a model has to be better.
//!
//! What it does not know: what is right. Words are tokens that hold a letter or a digit, and marks
//! are tokens of their own.

use std::ops::Range;

/// Marks that end a clause, as tokens.
const CUTS: [&str; 11] = [",", ";", ":", "(", ")", "-", "--", "–", "—", "―", "‒"];
/// Marks that a sentence may end with; they belong to no clause.
const ENDS: [&str; 10] = [".", "!", "?", "…", "...", "\"", "'", "”", "’", "''"];

/// A rule that writes a question about a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuestionRule {
    /// The longest clause of the sentence and a question mark.
    LongestClause,
    /// The same words whatever the sentence is, such as those that score best on the training set.
    Constant(Vec<String>),
    /// The sentence as it is.
    Sentence,
}

impl QuestionRule {
    /// The question about `sentence`, which is given in the letters in which it shall be asked.
    pub fn question<'a, S: AsRef<str>>(&'a self, sentence: &'a [S]) -> Vec<&'a str> {
        let words = |range: Range<usize>| sentence[range].iter().map(AsRef::as_ref);
        match self {
            Self::LongestClause => words(longest_clause(sentence)).chain(["?"]).collect(),
            Self::Constant(question) => question.iter().map(String::as_str).collect(),
            Self::Sentence => words(0..sentence.len()).collect(),
        }
    }
}

/// A rule that chooses an answer in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRule {
    /// All of it.
    Sentence,
    /// Its last clause.
    LastClause,
    /// Its last three words, and the marks between them; fewer, if it has fewer.
    LastThreeWords,
    /// The longest run of words that begin with a capital, the first of equals. One such word at the
    /// sentence's beginning is no run, unless there is no other. The whole sentence if it has none,
    /// as in a script without capitals.
    Capitalised,
    /// The first token that begins with a digit, else as [`Self::Capitalised`].
    NumberElseCapitalised,
}

impl AnswerRule {
    /// Every rule, the plainest first.
    pub const ALL: [Self; 5] = [
        Self::Sentence,
        Self::LastClause,
        Self::LastThreeWords,
        Self::Capitalised,
        Self::NumberElseCapitalised,
    ];

    /// Where the answer stands among the tokens of `sentence`, which keep their capitals. It is
    /// empty in an empty sentence alone.
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

/// The clause of the most words, the first of equals; the whole sentence if it holds no word.
pub fn longest_clause<S: AsRef<str>>(sentence: &[S]) -> Range<usize> {
    let words = |clause: &Range<usize>| sentence[clause.clone()].iter().filter(is_word).count();
    // Of equals `max_by_key` takes the last.
    let longest = clauses(sentence).into_iter().rev().max_by_key(words);
    longest.unwrap_or(0..sentence.len())
}

/// What stands between the marks that cut a sentence, as long as a word is in it.
fn clauses<S: AsRef<str>>(sentence: &[S]) -> Vec<Range<usize>> {
    let ends = |token: &&S| ENDS.contains(&(*token).as_ref());
    let end = sentence.len() - sentence.iter().rev().take_while(ends).count();
    let mut clauses = Vec::new();
    let mut start = 0;
    for at in 0..=end {
        if at == end || CUTS.contains(&sentence[at].as_ref()) {
            if sentence[start..at].iter().any(is_word) {
                clauses.push(start..at);
            }
            start = at + 1;
        }
    }
    clauses
}

/// The last `count` words with what stands between them; the whole sentence if it holds no word.
fn last_words<S: AsRef<str>>(sentence: &[S], count: usize) -> Range<usize> {
    let words = (0..sentence.len()).rev().filter(|&at| is_word(&sentence[at]));
    let last: Vec<usize> = words.take(count).collect();
    match last[..] {
        [end, .., start] => start..end + 1,
        [only] => only..only + 1,
        [] => 0..sentence.len(),
    }
}

/// See [`AnswerRule::Capitalised`].
fn capitalised<S: AsRef<str>>(sentence: &[S]) -> Range<usize> {
    let mut longest: Option<Range<usize>> = None;
    let mut start = 0;
    for run in sentence.chunk_by(|a, b| is_capitalised(a) == is_capitalised(b)) {
        let found = start..start + run.len();
        start = found.end;
        // Every sentence begins with a capital: that word alone yields to whatever comes later.
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
        AnswerRule::ALL.map(|rule| tokens[rule.answer(&tokens)].join(" "))
    }

    #[test]
    fn each_rule_answers_in_its_way() {
        let sentence = "In London , Lady Ada Byron met 3 men ( all of them , poor ) .";
        let [whole, clause, three, run, number] = answers(sentence);
        assert_eq!(whole, sentence);
        assert_eq!((clause.as_str(), three.as_str()), ("poor", "of them , poor"));
        assert_eq!((run.as_str(), number.as_str()), ("Lady Ada Byron", "3"));
    }

    #[test]
    fn a_capital_that_begins_the_sentence_is_the_last_resort() {
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
    fn marks_at_the_end_belong_to_no_clause() {
        assert_eq!(answers("He left , but said : \" no ! \"")[1], "\" no");
        assert_eq!(answers("He left -- ( 1917 ) .")[1], "1917");
        assert_eq!(answers("well-known men")[1], "well-known men");
    }

    #[test]
    fn a_question_is_the_longest_clause() {
        let ask = |rule: &QuestionRule, text| rule.question(&words(text)).join(" ");
        let clause = QuestionRule::LongestClause;
        assert_eq!(ask(&clause, "in may , the fox saw grapes ; it left ."), "the fox saw grapes ?");
        assert_eq!(ask(&clause, "one two , three four ."), "one two ?");
        // Quotation marks are no words.
        assert_eq!(ask(&clause, "\" one \" \" two \" – three four five"), "three four five ?");
        assert_eq!(ask(&QuestionRule::Sentence, "the fox left ."), "the fox left .");
        let constant = QuestionRule::Constant(vec!["what".into(), "?".into()]);
        assert_eq!(ask(&constant, "the fox left ."), "what ?");
    }

    #[test]
    fn sentences_without_words_are_taken_whole() {
        for sentence in ["", ".", ", ( ) .", "—"] {
            assert_eq!(answers(sentence), [sentence; 5].map(str::to_owned));
        }
        let none: [&str; 0] = [];
        assert_eq!(QuestionRule::LongestClause.question(&none), ["?"]);
    }
}
