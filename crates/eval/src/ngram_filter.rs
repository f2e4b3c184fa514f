//! Whether sequences of words stand in a text that is not at hand: a Bloom filter (Bloom 1970) of a sample of the
//! text's word n-grams, about 2.5 bits per word of the text.
//!
//! A word is a run of letters, digits and apostrophes. Case, punctuation and line breaks make no difference. Which
//! n-grams are in the sample depends only on their words, so that those of a copied passage are in the sample of the
//! text, too. In texts that are at hand, all n-grams are looked up instead ([`CopiedShare::count`]).

use std::collections::HashSet;

/// An n-gram is in the sample if its hash is a multiple of this.
const SAMPLING: u64 = 4;
/// With 10 bits per n-gram and 7 bits set for each, fewer than 1 % of other n-grams have all their bits set.
const BITS_PER_NGRAM: u64 = 10;
/// How many bits are set for an n-gram.
const HASHES: u64 = 7;
/// The first eight bytes of a saved filter: the length of its n-grams and the version of its format.
const MAGIC: u64 = u64::from_le_bytes(*b"8-grams1");
/// Both are the same in a word, and left out at its ends, where they may be quotation marks.
const APOSTROPHES: [char; 2] = ['\'', '’'];

/// The word n-grams of texts, of which about a quarter are stored.
///
/// ```
/// use eval::NgramFilter;
///
/// let words: Vec<String> = (0..100).map(|number| number.to_string()).collect();
/// let filter = NgramFilter::build([words.join(" ").as_str()]);
/// let copied = filter.share(&words[20..60].join(", ")).unwrap();
/// assert_eq!(copied.found, copied.checked);
/// assert_eq!(filter.share("too short"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NgramFilter {
    /// The number of n-grams in it.
    stored: u64,
    /// The bits, 64 in each number, the lowest first.
    bits: Vec<u64>,
}

/// How many n-grams of a text stand in other texts, with repetitions. Of a filter, only n-grams that would be in the sample
/// are counted, about a quarter of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopiedShare {
    /// N-grams that were looked up.
    pub checked: usize,
    /// Those that were found; by a filter, fewer than 1 % of the others are among them.
    pub found: usize,
}

impl CopiedShare {
    /// How many n-grams of `samples` stand in `texts`. All are looked up, by hashes of 64 bits, so that practically
    /// no others are found. None goes beyond a sample or a text.
    pub fn count<'a, 'b>(samples: impl IntoIterator<Item = &'a str>, texts: impl IntoIterator<Item = &'b str>) -> Self {
        let ngrams: Vec<u64> = samples.into_iter().flat_map(ngram_hashes).collect();
        let wanted: HashSet<u64> = ngrams.iter().copied().collect();
        let in_texts = texts.into_iter().flat_map(ngram_hashes);
        let known: HashSet<u64> = in_texts.filter(|hash| wanted.contains(hash)).collect();
        Self { checked: ngrams.len(), found: ngrams.iter().filter(|&hash| known.contains(hash)).count() }
    }

    /// The fraction of n-grams that were found, from 0 to 1; 0 if none was checked.
    pub fn fraction(&self) -> f64 {
        self.found as f64 / self.checked.max(1) as f64
    }
}

impl NgramFilter {
    /// The words of an n-gram.
    pub const LENGTH: usize = 8;

    /// The n-grams of `texts`; none goes beyond a text. Takes 8 bytes per four words while it is built.
    pub fn build<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hashes: Vec<u64> = texts.into_iter().flat_map(ngram_hashes).filter(is_sampled).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let stored = hashes.len() as u64;
        let mut bits = vec![0; length(stored) as usize];
        for hash in hashes {
            positions(hash, bits.len()).for_each(|(index, bit)| bits[index] |= bit);
        }
        Self { stored, bits }
    }

    /// How much of `text` stands in the texts of the filter; `None` if it has fewer than 8 words. A short text may have
    /// no n-gram that is checked.
    pub fn share(&self, text: &str) -> Option<CopiedShare> {
        let mut ngrams = ngram_hashes(text).peekable();
        ngrams.peek()?;
        let mut share = CopiedShare::default();
        for hash in ngrams.filter(is_sampled) {
            share.checked += 1;
            share.found += usize::from(self.contains(hash));
        }
        Some(share)
    }

    fn contains(&self, hash: u64) -> bool {
        positions(hash, self.bits.len()).all(|(index, bit)| self.bits[index] & bit != 0)
    }

    /// The filter as bytes, the same on every machine.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut numbers = vec![MAGIC, self.stored];
        numbers.extend(&self.bits);
        let checksum = combined(&numbers);
        numbers.push(checksum);
        numbers.into_iter().flat_map(u64::to_le_bytes).collect()
    }

    /// The filter that [`to_bytes`](Self::to_bytes) has written.
    ///
    /// # Errors
    /// What is wrong with `bytes`: they are something else, truncated or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let numbers = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let numbers: Vec<u64> = numbers.collect();
        let &[MAGIC, stored, ref bits @ .., checksum] = numbers.as_slice() else {
            return Err("it does not begin like a filter of n-grams: it is something else or damaged".into());
        };
        // Beside the bits: the first number, that of n-grams and the checksum.
        let expected = (length(stored) + 3) * 8;
        if bytes.len() as u128 != expected {
            return Err(format!("it has {} bytes, expected {expected}: it is truncated or damaged", bytes.len()));
        }
        if combined(&numbers[..numbers.len() - 1]) != checksum {
            return Err("its checksum is wrong: it is damaged".into());
        }
        Ok(Self { stored, bits: bits.to_vec() })
    }
}

/// How many numbers of 64 bits a filter of so many n-grams has.
fn length(stored: u64) -> u128 {
    (u128::from(stored) * u128::from(BITS_PER_NGRAM)).div_ceil(64).max(1)
}

/// The bits of an n-gram in a filter of so many numbers: the number and the bit in it (Kirsch and Mitzenmacher 2006:
/// two hashes give all).
fn positions(hash: u64, length: usize) -> impl Iterator<Item = (usize, u64)> {
    let (first, step) = (mixed(hash), mixed(!hash) | 1);
    (0..HASHES).map(move |index| {
        let bit = first.wrapping_add(step.wrapping_mul(index)) % (length as u64 * 64);
        ((bit / 64) as usize, 1 << (bit % 64))
    })
}

fn is_sampled(hash: &u64) -> bool {
    hash.is_multiple_of(SAMPLING)
}

/// The hashes of the n-grams of `text`, in their order.
fn ngram_hashes(text: &str) -> impl Iterator<Item = u64> {
    let mut last = [0; NgramFilter::LENGTH];
    let mut words = 0;
    word_hashes(text).filter_map(move |word| {
        last.rotate_left(1);
        last[NgramFilter::LENGTH - 1] = word;
        words += 1;
        (words >= NgramFilter::LENGTH).then(|| combined(&last))
    })
}

/// The hashes of the words of `text`.
fn word_hashes(text: &str) -> impl Iterator<Item = u64> {
    let runs = text.split(|c: char| !c.is_alphanumeric() && !APOSTROPHES.contains(&c));
    runs.map(|run| run.trim_matches(APOSTROPHES)).filter(|word| !word.is_empty()).map(word_hash)
}

/// FNV-1a of the code points in lower case, mixed.
fn word_hash(word: &str) -> u64 {
    let hash = word.chars().flat_map(char::to_lowercase).fold(0xcbf2_9ce4_8422_2325, |hash: u64, c| {
        let c = if APOSTROPHES.contains(&c) { APOSTROPHES[0] } else { c };
        (hash ^ u64::from(c)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mixed(hash)
}

/// A hash of numbers and their order.
fn combined(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |hash, number| mixed(hash ^ number))
}

/// The output function of SplitMix64 (Steele et al. 2014).
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words drawn at random, which the same `seed` always gives.
    fn words(seed: u64, count: u64) -> Vec<String> {
        (0..count).map(|at| format!("word{}", combined(&[seed, at]) % 1_000)).collect()
    }

    fn filter(text: &str) -> NgramFilter {
        NgramFilter::build([text])
    }

    #[test]
    fn the_passages_of_a_text_are_found() {
        let [own, other] = [1, 2].map(|seed| words(seed, 3_000));
        let filter = filter(&own.join(" "));
        for passage in [&own[..], &own[100..400], &own[2_000..]] {
            let share = filter.share(&passage.join(" ")).unwrap();
            assert!(share.checked > 0 && share.found == share.checked, "{share:?}");
            assert_eq!(share.fraction(), 1.0);
        }
        // A text of which half is copied.
        let share = filter.share(&[own, other].concat().join(" ")).unwrap();
        assert!((share.fraction() - 0.5).abs() < 0.05, "{share:?}");
    }

    #[test]
    fn other_texts_are_not_found() {
        let filter = filter(&words(1, 20_000).join(" "));
        let share = filter.share(&words(2, 20_000).join(" ")).unwrap();
        // About a quarter is checked.
        assert!((4_500..5_500).contains(&share.checked), "{share:?}");
        assert!(share.fraction() < 0.02, "{share:?}");
        // The same words in another order.
        let mut reversed = words(1, 20_000);
        reversed.reverse();
        assert!(filter.share(&reversed.join(" ")).unwrap().fraction() < 0.02);
    }

    #[test]
    fn all_ngrams_are_looked_up_in_texts_that_are_at_hand() {
        // Words that occur once.
        let text = |first: usize, count: usize| (first..first + count).map(|n| format!("word{n} ")).collect::<String>();
        let (training, own, copied) = ([text(0, 500), text(500, 500)], text(5_000, 100), text(100, 50).to_uppercase());
        let count = |samples: &[&str]| {
            let share = CopiedShare::count(samples.iter().copied(), training.iter().map(String::as_str));
            (share.checked, share.found)
        };
        assert_eq!(count(&[&own]), (93, 0));
        assert_eq!(count(&[&copied]), (43, 43));
        assert_eq!(count(&[&own, &copied, &copied]), (93 + 43 + 43, 43 + 43));
        // Four words of a text and four of the next one are no sequence of either.
        assert_eq!(count(&[&text(496, 8)]), (1, 0));
        assert_eq!(count(&[&text(492, 8), &text(500, 8)]), (2, 2));
        assert_eq!(count(&[&text(0, 7), ""]), (0, 0));
        assert_eq!(CopiedShare::count([own.as_str()], []), CopiedShare { checked: 93, found: 0 });
    }

    #[test]
    fn a_passage_is_found_wherever_it_stands() {
        let passage = words(1, 200).join(" ");
        let alone = filter(&passage).share(&passage).unwrap();
        for before in 0..9 {
            let filter = filter(&format!("{} {passage}", words(2, before).join(" ")));
            assert_eq!(filter.share(&passage), Some(alone));
        }
    }

    #[test]
    fn case_punctuation_and_line_breaks_make_no_difference() {
        let text = "The fox doesn't see 7 grapes and the crow's été is over, say the wolf and the dog. ".repeat(3);
        let filter = filter(&text);
        let expected = filter.share(&text).unwrap();
        assert_eq!(expected.found, expected.checked);
        for same in [
            text.to_uppercase(),
            text.replace(' ', "\n\n  "),
            text.replace('\'', "’"),
            text.replace("the", "— ‘the’, "),
            text.replace("fox", "'fox'"),
            text.replace('.', ""),
        ] {
            assert_eq!(filter.share(&same), Some(expected), "{same}");
        }
        let hashes = |text| word_hashes(text).collect::<Vec<_>>();
        assert_eq!(hashes("Don’t, 'don't' …"), [word_hash("don't"); 2]);
        assert_ne!(word_hash("dont"), word_hash("don't"));
        assert!(hashes(" ' ’’ — ").is_empty());
    }

    #[test]
    fn a_text_without_ngrams_has_no_share_and_ngrams_do_not_go_beyond_a_text() {
        let empty = NgramFilter::build([]);
        assert_eq!(empty.share("one two three four five six seven"), None);
        assert_eq!(empty.share(""), None);
        let words = words(1, 700);
        let share = empty.share(&words.join(" ")).unwrap();
        assert!(share.checked > 0 && share.found == 0 && share.fraction() == 0.0, "{share:?}");
        let parts: Vec<String> = words.chunks(NgramFilter::LENGTH - 1).map(|words| words.join(" ")).collect();
        assert_eq!(NgramFilter::build(parts.iter().map(String::as_str)), empty);
        assert_eq!(CopiedShare::default().fraction(), 0.0);
    }

    #[test]
    fn the_bytes_are_read_back_and_few() {
        let words = words(1, 20_000).join(" ");
        for filter in [filter(&words), NgramFilter::build([])] {
            assert_eq!(NgramFilter::from_bytes(&filter.to_bytes()), Ok(filter));
        }
        // Ten bits for one of four n-grams.
        assert!(filter(&words).to_bytes().len() * 8 < 3 * 20_000);
        // Repeated n-grams are stored once.
        let repeated = filter(&"one two three four five six seven eight nine ten ".repeat(500));
        assert!(repeated.stored <= 10 && repeated.to_bytes().len() < 100);
    }

    #[test]
    fn the_bytes_are_those_of_an_independent_implementation() {
        let text = "The wolf asked the lamb who had made the water of the brook so muddy, for he wished to drink.";
        // Computed in Python from the formulas: five of thirteen n-grams are in the sample.
        let expected = [MAGIC, 5, 0x218d_205d_82e4_593b, 0xde63_ff67_73bc_3467].map(u64::to_le_bytes);
        assert_eq!(filter(text).to_bytes(), expected.concat());
    }

    #[test]
    fn damaged_bytes_are_rejected() {
        let bytes = filter(&words(1, 200).join(" ")).to_bytes();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let error = NgramFilter::from_bytes(&damaged).unwrap_err();
            assert!(error.contains(if at < 8 { "does not begin" } else { "damaged" }), "{at}: {error}");
            assert!(NgramFilter::from_bytes(&bytes[..at]).is_err());
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(NgramFilter::from_bytes(&longer).unwrap_err().contains("expected"));
        let mut huge = bytes;
        huge[8..16].fill(0xff);
        assert!(NgramFilter::from_bytes(&huge).unwrap_err().contains("truncated or damaged"));
    }
}
