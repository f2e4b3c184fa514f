//! The suffix array of a text of ids: where each of its suffixes begins, in the order of a
//! dictionary. Any run of tokens can be looked up in it by bisection.
//!
//! What it does not know: what the ids stand for, and what is looked up.

/// A slot that holds no position yet.
const EMPTY: u32 = u32::MAX;

/// The beginnings of all suffixes of `text`, the smallest suffix first. A suffix that another one
/// begins with comes before it.
///
/// Sorted by induction (SA-IS: Nong, Zhang and Chan 2009) in time linear in the text, whatever
/// repeats in it. While it works it holds at most 12 bytes a token, the 4 of the result included,
/// and 8 for each different token; 18 MB of novels take 6 a token by characters and 7 by words.
/// Where an id is not below the text's length, all are renumbered first, at up to 8 bytes a token.
///
/// # Panics
/// If `text` holds 2³² − 1 ids or more.
pub fn suffix_array(text: &[u32]) -> Vec<u32> {
    assert!(text.len() < EMPTY as usize, "a text of {} ids is too long", text.len());
    let mut order = vec![EMPTY; text.len()];
    match text.iter().max() {
        Some(&top) if top as usize >= text.len() => {
            let (text, alphabet) = renumber(text);
            sort(&text, &mut order, alphabet);
        }
        top => sort(text, &mut order, top.map_or(0, |&top| top as usize + 1)),
    }
    order
}

/// The ids by their rank among those that occur, and how many those are.
fn renumber(text: &[u32]) -> (Vec<u32>, usize) {
    let mut known = text.to_vec();
    known.sort_unstable();
    known.dedup();
    let rank = |id| known.partition_point(|&other| other < id) as u32;
    (text.iter().map(|&id| rank(id)).collect(), known.len())
}

/// Fills `order` with the suffix array of `text`, whose ids are below `alphabet`.
///
/// A suffix rises if it is smaller than the next one, and falls if not. Those that rise after one
/// that falls are the marked ones; their order gives all others'. Their pieces, each up to the next
/// mark, are sorted and numbered; the numbers in a row are a text at most half as long, whose
/// suffix array is the order of the marked ones.
fn sort(text: &[u32], order: &mut [u32], alphabet: usize) {
    let shape = Shape::new(text, alphabet);

    // The marked pieces, sorted, at the front.
    order.fill(EMPTY);
    let mut ends = shape.ends();
    shape.marked().for_each(|at| shape.put_last(order, &mut ends, at));
    shape.induce(order, ends);
    let mut marks = 0;
    for slot in 0..order.len() {
        if shape.is_marked(order[slot] as usize) {
            order[marks] = order[slot];
            marks += 1;
        }
    }

    // Their numbers, equal for equal pieces. No two marks are neighbours, so half of a position is
    // a slot of its own; read from left to right these slots are the shorter text.
    order[marks..].fill(EMPTY);
    let mut names = 0;
    for slot in 0..marks {
        let at = order[slot] as usize;
        if slot == 0 || !shape.same_piece(order[slot - 1] as usize, at) {
            names += 1;
        }
        order[marks + at / 2] = names - 1;
    }
    let mut to = order.len();
    for slot in (marks..order.len()).rev() {
        if order[slot] != EMPTY {
            to -= 1;
            order[to] = order[slot];
        }
    }

    // The marked suffixes, sorted, at the front.
    let (front, shorter) = order.split_at_mut(to);
    let sorted = &mut front[..marks];
    if (names as usize) < marks {
        sort(shorter, sorted, names as usize);
    } else {
        (0..).zip(&*shorter).for_each(|(mark, &name)| sorted[name as usize] = mark);
    }
    shorter.iter_mut().zip(shape.marked()).for_each(|(slot, at)| *slot = at as u32);
    sorted.iter_mut().for_each(|slot| *slot = shorter[*slot as usize]);

    // All suffixes. No mark's place is before the slot that it is taken from.
    order[marks..].fill(EMPTY);
    let mut ends = shape.ends();
    for slot in (0..marks).rev() {
        let at = std::mem::replace(&mut order[slot], EMPTY);
        shape.put_last(order, &mut ends, at as usize);
    }
    shape.induce(order, ends);
}

/// A text, which of its suffixes rise, and where those of each first id have their bucket.
struct Shape<'a> {
    text: &'a [u32],
    rises: Vec<bool>,
    /// Bucket `id` is `borders[id]..borders[id + 1]`.
    borders: Vec<u32>,
}

impl<'a> Shape<'a> {
    fn new(text: &'a [u32], alphabet: usize) -> Self {
        // The last suffix falls: the empty one after it is smaller than any.
        let mut rises = vec![false; text.len()];
        for at in (1..text.len()).rev() {
            let (here, next) = (text[at - 1], text[at]);
            rises[at - 1] = here < next || (here == next && rises[at]);
        }
        let mut borders = vec![0; alphabet + 1];
        text.iter().for_each(|&id| borders[id as usize + 1] += 1);
        (0..alphabet).for_each(|id| borders[id + 1] += borders[id]);
        Self { text, rises, borders }
    }

    fn is_marked(&self, at: usize) -> bool {
        at > 0 && self.rises[at] && !self.rises[at - 1]
    }

    fn marked(&self) -> impl Iterator<Item = usize> + '_ {
        (1..self.text.len()).filter(|&at| self.is_marked(at))
    }

    fn ends(&self) -> Vec<u32> {
        self.borders[1..].to_vec()
    }

    /// Puts the suffix at `at` into the last free slot of its bucket.
    fn put_last(&self, order: &mut [u32], ends: &mut [u32], at: usize) {
        let end = &mut ends[self.text[at] as usize];
        *end -= 1;
        order[*end as usize] = at as u32;
    }

    /// Puts the suffix at `at` into the first free slot of its bucket.
    fn put_first(&self, order: &mut [u32], starts: &mut [u32], at: usize) {
        let start = &mut starts[self.text[at] as usize];
        order[*start as usize] = at as u32;
        *start += 1;
    }

    /// Sorts all suffixes from the marked ones, which stand at the ends of their buckets; `free` is
    /// memory for a number a bucket.
    fn induce(&self, order: &mut [u32], mut free: Vec<u32>) {
        // One that falls is larger than the next one: it goes to the front of its bucket when that
        // one has been met. The last one follows on the empty suffix, the smallest of all.
        free.copy_from_slice(&self.borders[..self.borders.len() - 1]);
        if let Some(last) = self.text.len().checked_sub(1) {
            self.put_first(order, &mut free, last);
        }
        for slot in 0..order.len() {
            let at = order[slot] as usize;
            if at != EMPTY as usize && at > 0 && !self.rises[at - 1] {
                self.put_first(order, &mut free, at - 1);
            }
        }
        // One that rises is smaller than the next one: the same from the other end. The marked ones
        // are put again, each before its slot is read.
        free.copy_from_slice(&self.borders[1..]);
        for slot in (0..order.len()).rev() {
            let at = order[slot] as usize;
            if at != EMPTY as usize && at > 0 && self.rises[at - 1] {
                self.put_last(order, &mut free, at - 1);
            }
        }
    }

    /// Whether the pieces that begin at two marks are the same up to their next marks. The text's
    /// end is like nothing else.
    fn same_piece(&self, one: usize, other: usize) -> bool {
        let length = self.text.len();
        for (step, (one, other)) in (one..length).zip(other..length).enumerate() {
            if self.text[one] != self.text[other] || self.rises[one] != self.rises[other] {
                return false;
            }
            // What rises alike is marked alike.
            if step > 0 && self.is_marked(one) {
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

    fn naive(text: &[u32]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..text.len() as u32).collect();
        order.sort_by_key(|&at| &text[at as usize..]);
        order
    }

    #[test]
    fn a_banana_is_sorted() {
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
    fn repetition_costs_no_more() {
        let length = 1_000_000;
        assert!(suffix_array(&vec![7; length]).into_iter().eq((0..length as u32).rev()));
        let pairs: Vec<u32> = (0..length as u32).map(|at| at % 2).collect();
        let evens = (0..length as u32).step_by(2).rev();
        assert!(suffix_array(&pairs).into_iter().eq(evens.clone().chain(evens.map(|at| at + 1))));
        // Fibonacci's word repeats itself on every scale, down through all levels.
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
        fn it_is_what_comparing_suffixes_gives(
            text in (1u32..8).prop_flat_map(|top| prop::collection::vec(0..top, 0..200)),
        ) {
            prop_assert_eq!(suffix_array(&text), naive(&text));
        }

        #[test]
        fn large_ids_are_sorted_as_well(text in prop::collection::vec(any::<u32>(), 0..50)) {
            prop_assert_eq!(suffix_array(&text), naive(&text));
        }
    }
}
