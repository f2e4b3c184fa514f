//! The suffix array of a sequence of ids: the starts of all suffixes in lexicographic order. Any subsequence of
//! consecutive tokens can be found in it by binary search.

/// A slot without a position.
const EMPTY: u32 = u32::MAX;

/// The starts of all suffixes of `text`, the smallest suffix first. A suffix that is a prefix of another comes
/// before it.
///
/// Uses SA-IS (Nong, Zhang and Chan 2009), which takes linear time for any text. It needs at most 12 bytes
/// per token, including 4 for the result, and 8 per distinct token; 18 MB of novels need 6 bytes per token
/// for characters and 7 for words. If an id is not below the text's length, all ids are renumbered first,
/// which takes up to 8 bytes per token.
///
/// # Panics
/// If `text` has 2³² − 1 ids or more.
pub fn suffix_array(text: &[u32]) -> Vec<u32> {
    assert!(text.len() < EMPTY as usize, "a text of {} ids is too long", text.len());
    let mut order = vec![EMPTY; text.len()];
    match text.iter().max() {
        Some(&max) if max as usize >= text.len() => {
            let (text, alphabet) = renumber(text);
            sort(&text, &mut order, alphabet);
        }
        max => sort(text, &mut order, max.map_or(0, |&max| max as usize + 1)),
    }
    order
}

/// The ids replaced with their ranks among the distinct ids, and the number of distinct ids.
fn renumber(text: &[u32]) -> (Vec<u32>, usize) {
    let mut distinct = text.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let rank = |id| distinct.partition_point(|&other| other < id) as u32;
    (text.iter().map(|&id| rank(id)).collect(), distinct.len())
}

/// Fills `order` with the suffix array of `text`, whose ids are below `alphabet`.
///
/// A suffix is S-type if it is smaller than the next suffix, else L-type. An S-type suffix after an L-type
/// one is leftmost S-type (LMS). The order of the LMS suffixes determines that of all others. The LMS
/// substrings, each up to the next LMS position, are sorted and named; the sequence of names is a text at most
/// half as long, whose suffix array is the order of the LMS suffixes.
fn sort(text: &[u32], order: &mut [u32], alphabet: usize) {
    let types = SuffixTypes::new(text, alphabet);

    // Sort the LMS substrings and move them to the front.
    order.fill(EMPTY);
    let mut ends = types.bucket_ends();
    types.lms_positions().for_each(|at| types.push_back(order, &mut ends, at));
    types.induce(order, ends);
    let mut lms_count = 0;
    for slot in 0..order.len() {
        if types.is_lms(order[slot] as usize) {
            order[lms_count] = order[slot];
            lms_count += 1;
        }
    }

    // Name them, with equal names for equal substrings. No two LMS positions are adjacent, so that half of a
    // position is a unique slot; from left to right these slots are the shorter text.
    order[lms_count..].fill(EMPTY);
    let mut names = 0;
    for slot in 0..lms_count {
        let at = order[slot] as usize;
        if slot == 0 || !types.same_lms_substring(order[slot - 1] as usize, at) {
            names += 1;
        }
        order[lms_count + at / 2] = names - 1;
    }
    let mut to = order.len();
    for slot in (lms_count..order.len()).rev() {
        if order[slot] != EMPTY {
            to -= 1;
            order[to] = order[slot];
        }
    }

    // Sort the LMS suffixes.
    let (front, shorter) = order.split_at_mut(to);
    let sorted = &mut front[..lms_count];
    if (names as usize) < lms_count {
        sort(shorter, sorted, names as usize);
    } else {
        (0..).zip(&*shorter).for_each(|(lms, &name)| sorted[name as usize] = lms);
    }
    shorter.iter_mut().zip(types.lms_positions()).for_each(|(slot, at)| *slot = at as u32);
    sorted.iter_mut().for_each(|slot| *slot = shorter[*slot as usize]);

    // Sort all suffixes. No LMS suffix moves to a slot before its current one.
    order[lms_count..].fill(EMPTY);
    let mut ends = types.bucket_ends();
    for slot in (0..lms_count).rev() {
        let at = std::mem::replace(&mut order[slot], EMPTY);
        types.push_back(order, &mut ends, at as usize);
    }
    types.induce(order, ends);
}

/// A text with the types of its suffixes and the buckets of suffixes with the same first id.
struct SuffixTypes<'a> {
    text: &'a [u32],
    /// Whether the suffix at each position is S-type.
    s_type: Vec<bool>,
    /// The bucket of `id` is `bounds[id]..bounds[id + 1]`.
    bounds: Vec<u32>,
}

impl<'a> SuffixTypes<'a> {
    fn new(text: &'a [u32], alphabet: usize) -> Self {
        // The last suffix is L-type: the empty suffix after it is the smallest.
        let mut s_type = vec![false; text.len()];
        for at in (1..text.len()).rev() {
            let (here, next) = (text[at - 1], text[at]);
            s_type[at - 1] = here < next || (here == next && s_type[at]);
        }
        let mut bounds = vec![0; alphabet + 1];
        text.iter().for_each(|&id| bounds[id as usize + 1] += 1);
        (0..alphabet).for_each(|id| bounds[id + 1] += bounds[id]);
        Self { text, s_type, bounds }
    }

    fn is_lms(&self, at: usize) -> bool {
        at > 0 && self.s_type[at] && !self.s_type[at - 1]
    }

    fn lms_positions(&self) -> impl Iterator<Item = usize> + '_ {
        (1..self.text.len()).filter(|&at| self.is_lms(at))
    }

    fn bucket_ends(&self) -> Vec<u32> {
        self.bounds[1..].to_vec()
    }

    /// Puts the suffix at `at` into the last free slot of its bucket.
    fn push_back(&self, order: &mut [u32], ends: &mut [u32], at: usize) {
        let end = &mut ends[self.text[at] as usize];
        *end -= 1;
        order[*end as usize] = at as u32;
    }

    /// Puts the suffix at `at` into the first free slot of its bucket.
    fn push_front(&self, order: &mut [u32], starts: &mut [u32], at: usize) {
        let start = &mut starts[self.text[at] as usize];
        order[*start as usize] = at as u32;
        *start += 1;
    }

    /// Sorts all suffixes by induction from the LMS suffixes, which are at the ends of their buckets. `free` is
    /// reused memory, one value per bucket.
    fn induce(&self, order: &mut [u32], mut free: Vec<u32>) {
        // An L-type suffix is larger than the next suffix: it is pushed to the front of its bucket when the scan
        // reaches the next suffix. The last suffix comes first, after the empty suffix, the smallest.
        free.copy_from_slice(&self.bounds[..self.bounds.len() - 1]);
        if let Some(last) = self.text.len().checked_sub(1) {
            self.push_front(order, &mut free, last);
        }
        for slot in 0..order.len() {
            let at = order[slot] as usize;
            if at != EMPTY as usize && at > 0 && !self.s_type[at - 1] {
                self.push_front(order, &mut free, at - 1);
            }
        }
        // An S-type suffix is smaller than the next one: the same from the other end. LMS suffixes are
        // placed again, each before its slot is read.
        free.copy_from_slice(&self.bounds[1..]);
        for slot in (0..order.len()).rev() {
            let at = order[slot] as usize;
            if at != EMPTY as usize && at > 0 && self.s_type[at - 1] {
                self.push_back(order, &mut free, at - 1);
            }
        }
    }

    /// Whether the LMS substrings at two positions are equal. The end of the text is equal to nothing else.
    fn same_lms_substring(&self, one: usize, other: usize) -> bool {
        let length = self.text.len();
        for (step, (one, other)) in (one..length).zip(other..length).enumerate() {
            if self.text[one] != self.text[other] || self.s_type[one] != self.s_type[other] {
                return false;
            }
            // With equal types, the next LMS position is the same for both.
            if step > 0 && self.is_lms(one) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_comparison(text: &[u32]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..text.len() as u32).collect();
        order.sort_by_key(|&at| &text[at as usize..]);
        order
    }

    #[test]
    fn the_suffixes_of_banana_are_sorted() {
        let text: Vec<u32> = "banana".bytes().map(u32::from).collect();
        assert_eq!(suffix_array(&text), [5, 3, 1, 0, 4, 2]);
    }

    #[test]
    fn short_texts_and_the_largest_id_are_sorted() {
        assert_eq!(suffix_array(&[]), [0; 0]);
        assert_eq!(suffix_array(&[0]), [0]);
        assert_eq!(suffix_array(&[u32::MAX]), [0]);
        assert_eq!(suffix_array(&[u32::MAX, 0, u32::MAX]), [1, 2, 0]);
    }

    #[test]
    fn repetitive_texts_take_no_longer() {
        let length = 1_000_000;
        assert!(suffix_array(&vec![7; length]).into_iter().eq((0..length as u32).rev()));
        let pairs: Vec<u32> = (0..length as u32).map(|at| at % 2).collect();
        let evens = (0..length as u32).step_by(2).rev();
        assert!(suffix_array(&pairs).into_iter().eq(evens.clone().chain(evens.map(|at| at + 1))));
        // The Fibonacci word is repetitive at every level of the recursion.
        let (mut word, mut before) = (vec![0, 1], vec![0]);
        while word.len() < length {
            (word, before) = ([&word[..], &before].concat(), word);
        }
        let order = suffix_array(&word);
        let mut ranks = vec![0; order.len() + 1];
        (1..).zip(&order).for_each(|(rank, &at)| ranks[at as usize] = rank);
        let key = |&at: &u32| (word[at as usize], ranks[at as usize + 1]);
        assert!(order.is_sorted_by_key(key));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_equals_sorting_by_comparison(
            text in (1u32..8).prop_flat_map(|top| prop::collection::vec(0..top, 0..200)),
        ) {
            prop_assert_eq!(suffix_array(&text), by_comparison(&text));
        }

        #[test]
        fn large_ids_are_sorted(text in prop::collection::vec(any::<u32>(), 0..50)) {
            prop_assert_eq!(suffix_array(&text), by_comparison(&text));
        }
    }
}
