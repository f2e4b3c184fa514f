//! How much of a text also occurs in the training text, by tokens.

use eval::{Memorization, TrainingText};
use serde::Serialize;
use text_prep::Tokenizer;

use crate::observers::sampling::TEMPERATURE;
use crate::view::format::{counted, thousands};

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

#[cfg(test)]
mod tests {
    use super::*;

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
