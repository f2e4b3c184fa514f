//! Beam search over many sequences at once. It works on ids and probabilities and does not depend on a model.

/// The id that ends a sequence.
const END: u32 = 0;

/// Options of a beam search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeamOptions {
    /// K, the number of prefixes that are kept at each step. Default: 5.
    pub beam_size: usize,
    /// The maximum length of a sequence in words. Default: 30.
    pub max_len: usize,
    /// α: the log-probability of a sequence is divided by ((5 + length) / 6)^α, because short sequences have
    /// higher probabilities (Wu et al. 2016, eq. 14).
    pub length_penalty: f64,
    /// Ids from this one on, which are the rarer words, are not generated twice: questions that repeat
    /// such a word are mostly meaningless.
    pub no_repeat_from_id: u32,
}

impl Default for BeamOptions {
    fn default() -> Self {
        Self { beam_size: 5, max_len: 30, length_penalty: 1.0, no_repeat_from_id: 100 }
    }
}

impl BeamOptions {
    /// Sets [`beam_size`](Self#structfield.beam_size).
    pub fn beam_size(self, beam_size: usize) -> Self {
        Self { beam_size, ..self }
    }

    /// Sets [`max_len`](Self#structfield.max_len).
    pub fn max_len(self, max_len: usize) -> Self {
        Self { max_len, ..self }
    }

    /// Sets [`length_penalty`](Self#structfield.length_penalty).
    pub fn length_penalty(self, length_penalty: f64) -> Self {
        Self { length_penalty, ..self }
    }

    /// Sets [`no_repeat_from_id`](Self#structfield.no_repeat_from_id).
    pub fn no_repeat_from_id(self, no_repeat_from_id: u32) -> Self {
        Self { no_repeat_from_id, ..self }
    }
}

/// A complete sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Its ids, without the end.
    pub words: Vec<u32>,
    /// `ln p` of the sequence, including the end.
    pub log_prob: f64,
    /// The log-probability after the length penalty.
    pub score: f64,
}

impl Hypothesis {
    /// The geometric mean of the probabilities of its words, including the end.
    pub fn mean_word_probability(&self) -> f64 {
        (self.log_prob / (self.words.len() + 1) as f64).exp()
    }
}

#[derive(Clone, Debug)]
struct Prefix {
    words: Vec<u32>,
    log_prob: f64,
}

/// What limits the sequences of one search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchLimits {
    /// A sequence that must not be part of what is generated; an empty one bans nothing.
    pub banned: Vec<u32>,
    /// The ids of the sentence: none is generated more often than it is in the sentence, plus once.
    pub sentence: Vec<u32>,
}

/// The search for one sequence.
#[derive(Clone, Debug)]
struct Search {
    limits: SearchLimits,
    prefixes: Vec<Prefix>,
    finished: Vec<Hypothesis>,
}

/// The rows of the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextRows {
    /// The last word of each prefix.
    pub words: Vec<u32>,
    /// The row of the last step that each prefix extends.
    pub parents: Vec<usize>,
    /// Whether a search has ended in this step.
    pub search_ended: bool,
}

/// Several searches, which advance together. Each row is a prefix of one of them.
#[derive(Clone, Debug)]
pub struct BeamSearch {
    options: BeamOptions,
    searches: Vec<Search>,
    /// The search of each row.
    rows: Vec<usize>,
}

impl BeamSearch {
    /// One search for each of `limits`. Each search starts with one row, whose last word is 0.
    ///
    /// # Panics
    /// If the beam size or the maximum length is 0.
    pub fn new(options: BeamOptions, limits: Vec<SearchLimits>) -> Self {
        assert!(options.beam_size > 0 && options.max_len > 0, "beam size or maximum length is 0");
        let empty = Prefix { words: Vec::new(), log_prob: 0.0 };
        let search = |limits| Search { limits, prefixes: vec![empty.clone()], finished: Vec::new() };
        let searches: Vec<Search> = limits.into_iter().map(search).collect();
        Self { options, rows: (0..searches.len()).collect(), searches }
    }

    /// The index of the search that each row belongs to.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The number of candidates that [`advance`](Self::advance) needs per row: enough for the best prefixes
    /// unless more than half of the candidates are rejected.
    pub fn candidates_per_row(&self) -> usize {
        2 * self.options.beam_size
    }

    /// Extends the prefixes: takes the most probable next words of each row with `ln p`, in any order, and
    /// returns the rows of the next step; `None` if all searches have ended.
    ///
    /// # Panics
    /// If the number of lists differs from the number of rows.
    pub fn advance(&mut self, candidates: Vec<Vec<(u32, f32)>>) -> Option<NextRows> {
        assert_eq!(candidates.len(), self.rows.len(), "expected one list per row");
        let mut next = NextRows { words: Vec::new(), parents: Vec::new(), search_ended: false };
        let mut rows = Vec::new();
        let mut first = 0;
        for (index, search) in self.searches.iter_mut().enumerate() {
            let count = search.prefixes.len();
            if count == 0 {
                continue;
            }
            let parents = search.advance(&candidates[first..first + count], &self.options);
            next.search_ended |= parents.is_empty();
            for (parent, prefix) in parents.into_iter().zip(&search.prefixes) {
                next.words.push(*prefix.words.last().expect("a prefix has a word after a step"));
                next.parents.push(first + parent);
                rows.push(index);
            }
            first += count;
        }
        self.rows = rows;
        (!self.rows.is_empty()).then_some(next)
    }

    /// The hypotheses of each search, the best first.
    pub fn into_hypotheses(self) -> Vec<Vec<Hypothesis>> {
        let sorted = |search: Search| {
            let mut finished = search.finished;
            finished.sort_by(|one, other| other.score.total_cmp(&one.score));
            finished
        };
        self.searches.into_iter().map(sorted).collect()
    }
}

impl Search {
    /// Takes one step and returns the parent of each new prefix; `None` if the search has ended.
    fn advance(&mut self, candidates: &[Vec<(u32, f32)>], options: &BeamOptions) -> Vec<usize> {
        let mut all: Vec<(usize, u32, f64)> = Vec::new();
        for (parent, list) in candidates.iter().enumerate() {
            let before = self.prefixes[parent].log_prob;
            all.extend(list.iter().map(|&(word, log)| (parent, word, before + f64::from(log))));
        }
        // Ties are broken by the earlier prefix and the smaller id, so that the result is deterministic.
        all.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)).then(a.1.cmp(&b.1)));
        let beam_size = options.beam_size;
        let mut kept: Vec<(usize, Prefix)> = Vec::with_capacity(beam_size);
        for (parent, word, log_prob) in all {
            if kept.len() == beam_size || self.finished.len() == beam_size {
                break;
            }
            let before = &self.prefixes[parent].words;
            if word == END {
                // An empty question is not a question.
                if !before.is_empty() {
                    self.finished.push(hypothesis(before.clone(), log_prob, options));
                }
                continue;
            }
            let max_count = if word >= options.no_repeat_from_id { 1 } else { count(&self.limits.sentence, word) + 1 };
            if count(before, word) >= max_count {
                continue;
            }
            let words: Vec<u32> = before.iter().copied().chain([word]).collect();
            if repeats_a_bigram(&words) || ends_with(&words, &self.limits.banned) {
                continue;
            }
            kept.push((parent, Prefix { words, log_prob }));
        }
        let too_long = kept.first().is_some_and(|(_, one)| one.words.len() >= options.max_len);
        if self.finished.len() >= beam_size || too_long || kept.is_empty() {
            // An unfinished sequence is better than none, also one whose continuations are all rejected.
            if self.finished.is_empty() {
                let continued: Vec<Prefix> = kept.into_iter().map(|(_, one)| one).collect();
                let unfinished = if continued.is_empty() { std::mem::take(&mut self.prefixes) } else { continued };
                let unfinished = unfinished.into_iter().filter(|one| !one.words.is_empty());
                self.finished.extend(unfinished.map(|one| hypothesis(one.words, one.log_prob, options)));
            }
            self.prefixes.clear();
            return Vec::new();
        }
        let (parents, prefixes) = kept.into_iter().unzip();
        self.prefixes = prefixes;
        parents
    }
}

fn hypothesis(words: Vec<u32>, log_prob: f64, options: &BeamOptions) -> Hypothesis {
    let length = (words.len() + 1) as f64;
    let score = log_prob / ((5.0 + length) / 6.0).powf(options.length_penalty);
    Hypothesis { words, log_prob, score }
}

fn count(words: &[u32], word: u32) -> usize {
    words.iter().filter(|&&other| other == word).count()
}

/// Whether the last two words occur earlier in the same order.
fn repeats_a_bigram(words: &[u32]) -> bool {
    let last = &words[words.len().saturating_sub(2)..];
    last.len() == 2 && words[..words.len() - 1].windows(2).any(|two| two == last)
}

fn ends_with(words: &[u32], banned: &[u32]) -> bool {
    !banned.is_empty() && words.ends_with(banned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches with a Markov chain: `next` gives the probabilities after a word.
    fn search(
        next: impl Fn(u32) -> Vec<(u32, f64)>,
        options: BeamOptions,
        limits: Vec<SearchLimits>,
    ) -> Vec<Vec<Hypothesis>> {
        let logs = |word| next(word).into_iter().map(|(id, p)| (id, p.ln() as f32)).collect();
        let mut search = BeamSearch::new(options, limits);
        let mut words = vec![0; search.rows().len()];
        while let Some(next) = search.advance(words.iter().map(|&word| logs(word)).collect()) {
            words = next.words;
        }
        search.into_hypotheses()
    }

    /// Limits that reject no word that a test generates.
    fn free() -> SearchLimits {
        SearchLimits { banned: Vec::new(), sentence: (0..20).flat_map(|id| [id; 9]).collect() }
    }

    fn banned(banned: &[u32]) -> SearchLimits {
        SearchLimits { banned: banned.to_vec(), ..free() }
    }

    fn options(beam_size: usize) -> BeamOptions {
        BeamOptions::default().beam_size(beam_size).max_len(10).length_penalty(0.0)
    }

    /// 1 is more probable than 2, but the best sequence starts with 2.
    fn garden_path(word: u32) -> Vec<(u32, f64)> {
        match word {
            0 => vec![(1, 0.6), (2, 0.4)],
            1 => vec![(3, 0.4), (4, 0.35), (5, 0.25)],
            2 => vec![(6, 0.9), (7, 0.1)],
            _ => vec![(END, 1.0)],
        }
    }

    #[test]
    fn a_beam_finds_what_a_greedy_search_misses() {
        let best = |beam| search(garden_path, options(beam), vec![free()])[0][0].words.clone();
        assert_eq!(best(1), [1, 3]);
        assert_eq!(best(2), [2, 6]);
    }

    #[test]
    fn a_wide_beam_finds_all_sequences_with_their_probabilities() {
        let found = &search(garden_path, options(8), vec![free()])[0];
        let expected = [0.36, 0.24, 0.21, 0.15, 0.04];
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.log_prob.exp() - expected).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn searches_together_find_the_same_as_each_alone() {
        let limits = vec![free(), banned(&[2, 6]), banned(&[1])];
        let together = search(garden_path, options(3), limits.clone());
        for (together, limits) in together.iter().zip(limits) {
            assert_eq!(together, &search(garden_path, options(3), vec![limits])[0]);
        }
        assert_eq!(together[1][0].words, [1, 3]);
        assert_eq!(together[2][0].words, [2, 6]);
    }

    #[test]
    fn no_bigram_is_repeated_and_endless_sequences_are_truncated() {
        let circle = |word| vec![((word % 2) + 1, 0.99), (END, 0.01)];
        let found = &search(circle, options(2), vec![free()])[0];
        // 1 2 1 repeats no bigram, but 1 2 1 2 does.
        assert!(found.iter().all(|found| found.words.len() <= 3), "{found:?}");
        let same = |_| vec![(1, 0.99), (END, 0.01)];
        let found = &search(same, options(2), vec![free()])[0];
        assert!(found.iter().all(|found| found.words.len() <= 2), "{found:?}");
        let endless = |word: u32| vec![(word + 1, 1.0)];
        let found = &search(endless, options(2), vec![free()])[0];
        assert_eq!(found[0].words, (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn a_sequence_whose_continuations_are_all_rejected_is_kept() {
        // After 1, 2 only the banned 3 and the repeated 1 are left, and there is no end.
        let next = |word| match word {
            0 => vec![(1, 1.0)],
            1 => vec![(2, 1.0)],
            _ => vec![(3, 0.5), (1, 0.5)],
        };
        let limits = SearchLimits { banned: vec![3], sentence: Vec::new() };
        let found = &search(next, options(2), vec![limits])[0];
        assert_eq!(found.iter().map(|one| one.words.clone()).collect::<Vec<_>>(), [[1, 2]]);
        let limits = SearchLimits { banned: vec![1], sentence: Vec::new() };
        assert!(search(next, options(2), vec![limits])[0].is_empty());
    }

    #[test]
    fn no_word_is_generated_more_often_than_it_is_in_the_sentence_and_once_more() {
        // 1 and another word alternate without a repeated bigram.
        let next = |word| match word {
            1 => (2..8).map(|id| (id, 0.15)).chain([(END, 0.1)]).collect(),
            _ => vec![(1, 0.9), (END, 0.1)],
        };
        for (sentence, expected) in [(vec![], 1), (vec![1], 2), (vec![1, 9, 1], 3)] {
            let limits = SearchLimits { sentence, ..SearchLimits::default() };
            let found = &search(next, options(4), vec![limits])[0];
            let most = found.iter().map(|found| count(&found.words, 1)).max();
            assert_eq!(most, Some(expected), "{found:?}");
        }
    }

    #[test]
    fn a_rare_word_is_not_repeated() {
        let parrot = |word| match word {
            0 => vec![(7, 0.9), (8, 0.1)],
            _ => vec![(7, 0.5), (8, 0.3), (END, 0.2)],
        };
        let once = options(3).no_repeat_from_id(7);
        let found = &search(parrot, once, vec![free()])[0];
        assert!(found.iter().all(|found| found.words.len() <= 2), "{found:?}");
        assert!(search(parrot, options(3), vec![free()])[0].iter().any(|found| found.words.len() > 2));
    }

    #[test]
    fn the_length_penalty_favors_longer_sequences() {
        let best = |length_penalty| {
            let next = |word| match word {
                0 => vec![(1, 0.5), (2, 0.5)],
                1 => vec![(END, 0.3)],
                2 => vec![(3, 0.5)],
                3 => vec![(4, 0.9)],
                _ => vec![(END, 0.6)],
            };
            let options = options(2).length_penalty(length_penalty);
            search(next, options, vec![free()])[0][0].words.clone()
        };
        assert_eq!(best(0.0), [1]);
        assert_eq!(best(2.0), [2, 3, 4]);
    }
}
