//! How much of a text also occurs in the training text, by tokens.

use eval::{Memorization, TrainingText};
use serde::Serialize;
use text_prep::Tokenizer;

use crate::observers::sampling::TEMPERATURE;
use crate::view::format::{counted, thousands};

/// As many marks in a row may belong to a text, as in an ellipsis.
const MAX_REPEATED: usize = 3;

/// How much of a text also occurs in the training text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overlap {
    /// The number of tokens in the text.
    pub tokens: usize,
    /// The length in tokens of the longest copied run.
    pub longest_run: usize,
    /// That run as text.
    pub longest_run_text: String,
    /// The fraction of n-grams that do not occur in the training text, for n = 2, 3, …, 8; `None` if the text has
    /// fewer than n tokens.
    pub novel_ngrams: Vec<(usize, Option<f64>)>,
}

impl Overlap {
    /// Compares the text of `ids` with the training text.
    pub fn new(training_text: &TrainingText, ids: &[u32], tokenizer: &Tokenizer) -> Self {
        let Memorization { longest, ngrams } = training_text.compare(ids);
        let run = &ids[longest.in_sample..longest.in_sample + longest.length];
        let novel = ngrams.iter().map(|ngrams| (ngrams.n, (ngrams.total > 0).then(|| ngrams.novel_fraction())));
        Self {
            tokens: ids.len(),
            longest_run: longest.length,
            longest_run_text: tokenizer.decode(run),
            novel_ngrams: novel.collect(),
        }
    }

    /// How much of a sample is copied, compared with held-out text of the same length, in one sentence.
    pub fn sentence(&self, held_out: &Self) -> String {
        let novel = |overlap: &Self, n: usize| {
            let found = overlap.novel_ngrams.iter().find(|&&(length, _)| length == n);
            let fraction = found.and_then(|&(_, fraction)| fraction);
            fraction.map_or("–".to_string(), |fraction| format!("{:.0} %", 100.0 * fraction))
        };
        let run = self.longest_run_text.split_whitespace().collect::<Vec<_>>().join(" ");
        let run = match (self.longest_run, run.is_empty()) {
            (0, _) => String::new(),
            (_, true) => ", of white space only".into(),
            (_, false) => format!(": “{run}”"),
        };
        format!(
            "Of a sample of {} at temperature {TEMPERATURE}, {} of the 4-grams and {} of \
             the 8-grams are not in the training text (for held-out text of the same length: {} and {}); \
             the longest copied run is {} (in held-out text {}){run}.",
            counted(self.tokens, "token"),
            novel(self, 4),
            novel(self, 8),
            novel(held_out, 4),
            novel(held_out, 8),
            counted(self.longest_run, "token"),
            thousands(held_out.longest_run),
        )
    }
}

/// The ids that are compared: without document separators, which are not generated text, and of a token without letters and
/// digits at most [`MAX_REPEATED`] in a row. A rule of dashes says nothing of what is copied.
pub fn without_separators(ids: &[u32], tokenizer: &Tokenizer) -> Vec<u32> {
    let vocabulary = &tokenizer.vocabulary;
    let separator = tokenizer.document_separator_id();
    let is_mark = |id: u32| !vocabulary.readable(id).is_some_and(|token| token.contains(char::is_alphanumeric));
    let mut kept: Vec<u32> = Vec::with_capacity(ids.len());
    for &id in ids.iter().filter(|&&id| Some(id) != separator) {
        let repeated = kept.iter().rev().take_while(|&&before| before == id).take(MAX_REPEATED).count();
        if repeated < MAX_REPEATED || !is_mark(id) {
            kept.push(id);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use text_prep::{Cleaner, OovPolicy, PreTokenizer, Vocabulary, WordOptions};

    use super::*;

    #[test]
    fn rules_of_marks_are_shortened_and_separators_left_out() {
        let words = [("|", 9), ("-", 8), ("no", 7), (".", 6)];
        let tokenizer = Tokenizer {
            cleaner: Cleaner::preset("prose").unwrap(),
            pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
            vocabulary: Vocabulary::from_counts(words, 1, false),
            document_separator: Some("|".into()),
            oov: OovPolicy::Drop,
        };
        // The ids are 1 to 4.
        let ids = [3, 3, 3, 3, 2, 2, 2, 2, 2, 1, 2, 4, 4, 4, 1, 1, 3];
        assert_eq!(without_separators(&ids, &tokenizer), [3, 3, 3, 3, 2, 2, 2, 4, 4, 4, 3]);
    }

    #[test]
    fn a_copied_run_of_white_space_is_not_quoted() {
        for (longest_run, longest_run_text, end) in [
            (1, " fox\n", "the longest copied run is 1 token (in held-out text 0): “fox”."),
            (2, " \n", "the longest copied run is 2 tokens (in held-out text 0), of white space only."),
            (0, "", "the longest copied run is 0 tokens (in held-out text 0)."),
        ] {
            let overlap = Overlap { longest_run, longest_run_text: longest_run_text.into(), ..Overlap::default() };
            let sentence = overlap.sentence(&Overlap::default());
            assert!(sentence.ends_with(end), "{sentence}");
        }
    }
}
