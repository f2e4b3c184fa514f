//! Beam search: the likeliest whole sequences, found by keeping the best few beginnings at each step.
//!
//! Several searches go side by side, so that a network is asked for all of them at once. Knows ids and
//! probabilities; where these come from, it does not.

/// The id that ends a sequence.
const END: u32 = 0;

/// How a search goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// K, how many beginnings are kept.
    pub beam: usize,
    /// Words in the longest sequence.
    pub longest: usize,
    /// α: the logarithm of a sequence's probability is divided by ((5 + length) / 6)^α, lest short ones
    /// win (Wu et al. 2016, eq. 14).
    pub length_power: f64,
    /// Words from this id on, the rarer ones, are not written twice: a question that names a thing again says
    /// mostly nothing.
    pub once_from: u32,
}

impl Default for Search {
    fn default() -> Self {
        Self { beam: 5, longest: 30, length_power: 1.0, once_from: 100 }
    }
}

/// A whole sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its words, without the end.
    pub words: Vec<u32>,
    /// ln p of all of it, the end included.
    pub log_probability: f64,
    /// What it is ranked by.
    pub score: f64,
}

impl Found {
    /// The geometric mean of the probabilities of its words, the end included.
    pub fn probability_per_word(&self) -> f64 {
        (self.log_probability / (self.words.len() + 1) as f64).exp()
    }
}

#[derive(Clone, Debug)]
struct Beginning {
    words: Vec<u32>,
    log_probability: f64,
}

/// One of the searches.
#[derive(Clone, Debug)]
struct Group {
    /// What must not be written.
    banned: Vec<u32>,
    beginnings: Vec<Beginning>,
    found: Vec<Found>,
}

/// What a network is asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The last word of each beginning.
    pub words: Vec<u32>,
    /// Which row of the step before each goes on from.
    pub parents: Vec<usize>,
    /// Whether a search has ended, so that fewer rows are left than there were.
    pub fewer: bool,
}

/// Searches side by side.
#[derive(Clone, Debug)]
pub struct Beams {
    search: Search,
    groups: Vec<Group>,
    /// The group of each row that is asked.
    rows: Vec<usize>,
}

impl Beams {
    /// One search for each of `banned`: sequences that must not be written within what is found; an empty
    /// one bans nothing. Each begins with one row, whose last word is 0.
    ///
    /// # Panics
    /// If the beam or the longest sequence is 0.
    pub fn new(search: Search, banned: Vec<Vec<u32>>) -> Self {
        assert!(search.beam > 0 && search.longest > 0, "nothing would be found");
        let begin = Beginning { words: Vec::new(), log_probability: 0.0 };
        let group = |banned| Group { banned, beginnings: vec![begin.clone()], found: Vec::new() };
        let groups: Vec<Group> = banned.into_iter().map(group).collect();
        Self { search, rows: (0..groups.len()).collect(), groups }
    }

    /// Which search each row that is asked belongs to.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// How many candidates a row must give for none of the best to be missed, but for what is refused.
    pub fn candidates(&self) -> usize {
        2 * self.search.beam
    }

    /// Takes for each row the likeliest next words with ln p, in any order; says what to ask next. Nothing
    /// when all searches have ended.
    ///
    /// # Panics
    /// If there are not as many lists as rows.
    pub fn advance(&mut self, candidates: Vec<Vec<(u32, f32)>>) -> Option<Next> {
        assert_eq!(candidates.len(), self.rows.len(), "one list a row");
        let mut next = Next { words: Vec::new(), parents: Vec::new(), fewer: false };
        let mut rows = Vec::new();
        let mut first = 0;
        for (number, group) in self.groups.iter_mut().enumerate() {
            let count = group.beginnings.len();
            if count == 0 {
                continue;
            }
            let parents = group.advance(&candidates[first..first + count], &self.search);
            next.fewer |= parents.is_empty();
            for (parent, beginning) in parents.into_iter().zip(&group.beginnings) {
                next.words.push(*beginning.words.last().expect("it has just got a word"));
                next.parents.push(first + parent);
                rows.push(number);
            }
            first += count;
        }
        self.rows = rows;
        (!self.rows.is_empty()).then_some(next)
    }

    /// What each search found, the best first.
    pub fn found(self) -> Vec<Vec<Found>> {
        let sorted = |group: Group| {
            let mut found = group.found;
            found.sort_by(|one, other| other.score.total_cmp(&one.score));
            found
        };
        self.groups.into_iter().map(sorted).collect()
    }
}

impl Group {
    /// Takes the next step; gives for each beginning that is left the one that it goes on from.
    fn advance(&mut self, candidates: &[Vec<(u32, f32)>], search: &Search) -> Vec<usize> {
        let mut all: Vec<(usize, u32, f64)> = Vec::new();
        for (parent, list) in candidates.iter().enumerate() {
            let before = self.beginnings[parent].log_probability;
            all.extend(list.iter().map(|&(word, log)| (parent, word, before + f64::from(log))));
        }
        // Ties go to the earlier beginning and the smaller id, so that a search is the same everywhere.
        all.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)).then(a.1.cmp(&b.1)));
        let mut kept: Vec<(usize, Beginning)> = Vec::with_capacity(search.beam);
        for (parent, word, log_probability) in all {
            if kept.len() == search.beam || self.found.len() == search.beam {
                break;
            }
            let before = &self.beginnings[parent].words;
            if word == END {
                // A question without a word is none.
                if !before.is_empty() {
                    self.found.push(finished(before.clone(), log_probability, search));
                }
                continue;
            }
            if word >= search.once_from && before.contains(&word) {
                continue;
            }
            let words: Vec<u32> = before.iter().copied().chain([word]).collect();
            if repeats_a_trigram(&words) || ends_with(&words, &self.banned) {
                continue;
            }
            kept.push((parent, Beginning { words, log_probability }));
        }
        let longest = kept.first().is_some_and(|(_, one)| one.words.len() >= search.longest);
        let ended = self.found.len() >= search.beam || longest;
        if ended || kept.is_empty() {
            // Better an unfinished sequence than none.
            if self.found.is_empty() {
                let unfinished = kept.into_iter().map(|(_, one)| one);
                let log = |one: Beginning| finished(one.words, one.log_probability, search);
                self.found.extend(unfinished.map(log));
            }
            self.beginnings.clear();
            return Vec::new();
        }
        let (parents, beginnings) = kept.into_iter().unzip();
        self.beginnings = beginnings;
        parents
    }
}

fn finished(words: Vec<u32>, log_probability: f64, search: &Search) -> Found {
    let length = (words.len() + 1) as f64;
    let score = log_probability / ((5.0 + length) / 6.0).powf(search.length_power);
    Found { words, log_probability, score }
}

/// Whether the last three words stand somewhere before in the same order.
fn repeats_a_trigram(words: &[u32]) -> bool {
    let Some((_, last)) = words.split_at_checked(words.len().saturating_sub(3)) else {
        return false;
    };
    last.len() == 3 && words[..words.len() - 1].windows(3).any(|three| three == last)
}

fn ends_with(words: &[u32], banned: &[u32]) -> bool {
    !banned.is_empty() && words.ends_with(banned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of words: what follows depends on the last one alone.
    fn search(
        next: impl Fn(u32) -> Vec<(u32, f64)>,
        search: Search,
        banned: Vec<Vec<u32>>,
    ) -> Vec<Vec<Found>> {
        let logs = |word| next(word).into_iter().map(|(id, p)| (id, p.ln() as f32)).collect();
        let mut beams = Beams::new(search, banned);
        let mut words = vec![0; beams.rows().len()];
        while let Some(asked) = beams.advance(words.iter().map(|&word| logs(word)).collect()) {
            words = asked.words;
        }
        beams.found()
    }

    fn plain(beam: usize) -> Search {
        Search { beam, longest: 10, length_power: 0.0, once_from: 100 }
    }

    /// 1 is likelier than 2 at first, but what follows it is not.
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
        let best = |beam| search(garden_path, plain(beam), vec![vec![]])[0][0].words.clone();
        assert_eq!(best(1), [1, 3]);
        assert_eq!(best(2), [2, 6]);
    }

    #[test]
    fn all_of_a_wide_beam_is_what_counting_all_sequences_gives() {
        let found = &search(garden_path, plain(8), vec![vec![]])[0];
        let expected = [0.36, 0.24, 0.21, 0.15, 0.04];
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.log_probability.exp() - expected).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn searches_side_by_side_find_what_each_finds_alone() {
        let banned = vec![vec![], vec![2, 6], vec![1]];
        let together = search(garden_path, plain(3), banned.clone());
        for (together, banned) in together.iter().zip(banned) {
            assert_eq!(together, &search(garden_path, plain(3), vec![banned])[0]);
        }
        assert_eq!(together[1][0].words, [1, 3]);
        assert_eq!(together[2][0].words, [2, 6]);
    }

    #[test]
    fn no_three_words_come_twice_and_what_never_ends_is_cut() {
        let circle = |word| vec![((word % 2) + 1, 0.99), (END, 0.01)];
        let found = &search(circle, plain(2), vec![vec![]])[0];
        // 2 1 2 1 would hold no triple twice, but 1 2 1 2 1 does.
        assert!(found.iter().all(|found| found.words.len() <= 4), "{found:?}");
        let endless = |word: u32| vec![(word + 1, 1.0)];
        let found = &search(endless, plain(2), vec![vec![]])[0];
        assert_eq!(found[0].words, (1..=10).collect::<Vec<_>>());
    }

    #[test]
    fn a_rare_word_comes_once() {
        let parrot = |word| match word {
            0 => vec![(7, 0.9), (8, 0.1)],
            _ => vec![(7, 0.5), (8, 0.3), (END, 0.2)],
        };
        let once = Search { once_from: 7, ..plain(3) };
        let found = &search(parrot, once, vec![vec![]])[0];
        assert!(found.iter().all(|found| found.words.len() <= 2), "{found:?}");
        assert!(
            search(parrot, plain(3), vec![vec![]])[0].iter().any(|found| found.words.len() > 2)
        );
    }

    #[test]
    fn long_sequences_are_not_worse_for_being_long() {
        let found = |power| {
            let next = |word| match word {
                0 => vec![(1, 0.5), (2, 0.5)],
                1 => vec![(END, 0.3)],
                2 => vec![(3, 0.5)],
                3 => vec![(4, 0.9)],
                _ => vec![(END, 0.6)],
            };
            let search_by = Search { length_power: power, ..plain(2) };
            search(next, search_by, vec![vec![]])[0][0].words.clone()
        };
        assert_eq!(found(0.0), [1]);
        assert_eq!(found(2.0), [2, 3, 4]);
    }
}
