//! Sentences of a limited length, for models: list items apart, and long runs without full stops divided.

use std::ops::Range;

use super::lines::{lines, paragraphs};
use super::sentences::{sentences_in, trim};
use super::words;
use crate::segmentation::Segmentation;

/// The sentences of a text, none of them longer than a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShortSentences {
    /// Byte ranges in order: disjoint, not empty, without white space at their ends. Together they cover all text
    /// except white space, byte order marks and the marks of list items.
    pub ranges: Vec<Range<usize>>,
    /// Byte ranges that had neither line ends nor semicolons to divide them at, and were cut within a sentence.
    pub cut: Vec<Range<usize>>,
}

/// The [`sentences`](super::sentences()) of `text`, where
/// - each list item is apart, without its mark: a line that begins with a bullet, a dash, a number or a letter, and is
///   the first of its paragraph or not the only one in it with such a mark;
/// - a sentence of more than `max_words` words is divided at line ends before a line that does not begin with a
///   lower-case letter (chats, poems); what is still too long, at semicolons and bullets; then at all line ends; and
///   at last into parts of equal length.
///
/// # Panics
/// If `max_words` is 0.
pub fn short_sentences(text: &str, max_words: usize, segmentation: Segmentation) -> ShortSentences {
    assert!(max_words > 0, "a sentence has at least one word");
    let mut found = ShortSentences::default();
    let limit = Limit { max_words, segmentation };
    for paragraph in paragraphs(text) {
        for block in list_items(text, paragraph) {
            for sentence in sentences_in(text, block) {
                limit.divide(text, sentence, &BOUNDARIES, &mut found);
            }
        }
    }
    found
}

/// Divides a paragraph at its list items, whose marks are left out.
fn list_items(text: &str, paragraph: Range<usize>) -> Vec<Range<usize>> {
    let part = &text[paragraph.clone()];
    let marks: Vec<(usize, Option<Mark>)> = lines(part).map(|line| (line.start, Mark::of(&part[line]))).collect();
    let count = |kind| marks.iter().filter(|(_, mark)| mark.as_ref().is_some_and(|mark| mark.kind == kind)).count();
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in &marks {
        let Some(mark) = mark.as_ref().filter(|mark| *at == 0 || count(mark.kind) > 1) else { continue };
        found.push(start..*at);
        start = at + mark.length;
    }
    found.push(start..part.len());
    let in_text = |range: Range<usize>| trim(text, paragraph.start + range.start..paragraph.start + range.end);
    found.into_iter().map(in_text).filter(|range| !range.is_empty()).collect()
}

/// The mark at the start of a list item.
struct Mark {
    /// The bullet, `1` for a number, `a` for a letter; items of one list have the same.
    kind: char,
    /// Its length in bytes, with the white space before it.
    length: usize,
}

impl Mark {
    /// The mark of `line`, if it has one: `-`, `•`, `3.`, `3)`, `(3)`, `b.`, `b)` or `(b)` before white space and text.
    fn of(line: &str) -> Option<Self> {
        let text = line.trim_start();
        let mark = text.split(char::is_whitespace).next().filter(|mark| mark.len() < text.trim_end().len())?;
        let mut chars = mark.chars();
        let kind = match (chars.next()?, chars.next()) {
            (bullet, None) if "-–—*+".contains(bullet) || BULLETS.contains(&bullet) => bullet,
            _ => {
                let name = mark.strip_suffix(')').map(|name| name.strip_prefix('(').unwrap_or(name));
                let name = name.or_else(|| mark.strip_suffix('.'))?;
                let is_number = (1..=3).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit());
                // A capital with a full stop is an initial.
                let is_letter = name.len() == 1 && name.bytes().all(|byte| byte.is_ascii_lowercase());
                if is_number { '1' } else { is_letter.then_some('a')? }
            }
        };
        Some(Self { kind, length: line.len() - text.len() + mark.len() })
    }
}

const BULLETS: [char; 8] = ['•', '‣', '◦', '▪', '●', '○', '■', '·'];

/// The byte offsets at which a text may be divided.
type Boundaries = fn(&str) -> Vec<usize>;

/// From the best boundaries to those that are used only if nothing else helps.
const BOUNDARIES: [Boundaries; 3] = [
    |text| line_starts(text, |line| !line.trim_start().starts_with(char::is_lowercase)),
    |text| {
        let boundary = |(at, c): (usize, char)| match c {
            ';' | '；' | '؛' => Some(at + c.len_utf8()),
            _ => BULLETS.contains(&c).then_some(at),
        };
        text.char_indices().filter_map(boundary).collect()
    },
    |text| line_starts(text, |_| true),
];

/// The starts of all lines but the first that meet a condition.
fn line_starts(text: &str, condition: impl Fn(&str) -> bool) -> Vec<usize> {
    lines(text).skip(1).filter(|line| condition(&text[line.clone()])).map(|line| line.start).collect()
}

/// The longest sentence.
struct Limit {
    max_words: usize,
    /// Where its words end.
    segmentation: Segmentation,
}

impl Limit {
    /// Adds `sentence` to `found`, divided if it has too many words.
    fn divide(&self, text: &str, sentence: Range<usize>, boundaries: &[Boundaries], found: &mut ShortSentences) {
        let part = &text[sentence.clone()];
        let words = words(part, self.segmentation);
        if words.len() <= self.max_words {
            found.ranges.push(sentence);
            return;
        }
        let (cuts, rest) = match boundaries {
            [first, rest @ ..] => (first(part), rest),
            [] => {
                found.cut.push(sentence.clone());
                let length = words.len().div_ceil(words.len().div_ceil(self.max_words));
                (words.chunks(length).skip(1).map(|words| words[0].range.start).collect(), boundaries)
            }
        };
        let mut start = 0;
        for end in cuts.into_iter().chain([part.len()]) {
            let range = trim(text, sentence.start + start..sentence.start + end);
            if !range.is_empty() {
                self.divide(text, range, rest, found);
            }
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sentences;
    use super::*;
    use crate::chars::is_white_space;
    use crate::source::BYTE_ORDER_MARK;
    use crate::test_strategies;

    fn split(text: &str, max_words: usize) -> Vec<&str> {
        let ShortSentences { ranges, cut } = short_sentences(text, max_words, Segmentation::Spaces);
        assert!(cut.is_empty(), "{cut:?}");
        ranges.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn list_items_are_apart_and_without_their_marks() {
        for marks in [["-", "-", "-"], ["•", "•", "•"], ["1.", "2.", "10."], ["(a)", "(b)", "(c)"], ["a)", "b)", "c)"]]
        {
            let [one, two, three] = marks;
            let text =
                format!("To know:\r\n{one} a cat\r\n  slept\r\n{two} Dogs bark. Hens run\r\n  {three}\tan owl\r\n");
            let expected = ["To know:", "a cat\r\n  slept", "Dogs bark.", "Hens run", "an owl"];
            assert_eq!(split(&text, 200), expected, "{marks:?}");
        }
        assert_eq!(split("- One cat.\n\n2. Two cats.", 200), ["One cat.", "Two cats."]);
    }

    #[test]
    fn other_lines_are_no_list_items() {
        for text in [
            "He went\n- or ran -\nhome.",
            "It was\n12. Dec. 1820, they say",
            "A. Smith ran",
            "-",
            "3.14 is pi",
            "-5 is",
        ] {
            assert_eq!(short_sentences(text, 200, Segmentation::Spaces).ranges, sentences(text), "{text}");
        }
    }

    #[test]
    fn long_sentences_are_divided_at_the_best_boundaries() {
        let chat = "Ann: is it late\nBen: no\nnot at all";
        assert_eq!(split(chat, 12), [chat]);
        assert_eq!(split(chat, 6), ["Ann: is it late", "Ben: no\nnot at all"]);
        assert_eq!(split("a cat;\na dog; the old\nowl", 5), ["a cat;", "a dog;", "the old\nowl"]);
        assert_eq!(split("to know • a cat • a dog", 3), ["to know", "• a cat", "• a dog"]);
        assert_eq!(split("the cat\nran to\nthe dog", 3), ["the cat", "ran to", "the dog"]);
    }

    #[test]
    fn a_sentence_without_boundaries_is_cut_into_parts_of_equal_length() {
        let text = "Yes. a b c d e f g h";
        let ShortSentences { ranges, cut } = short_sentences(text, 3, Segmentation::Spaces);
        let parts: Vec<&str> = ranges.into_iter().map(|range| &text[range]).collect();
        // The first sentence ends before a lower-case letter, which is no boundary of sentences.
        assert_eq!((parts, cut.as_slice()), (vec!["Yes. a", "b c d", "e f g", "h"], std::slice::from_ref(&(0..20))));
    }

    proptest! {
        #![proptest_config(test_strategies::cases(1024))]

        #[test]
        fn only_marks_and_white_space_are_left_out(text in test_strategies::text(), max_words in 1usize..9) {
            let ShortSentences { ranges, cut } = short_sentences(&text, max_words, Segmentation::Spaces);
            let is_left_out = |c: char| {
                is_white_space(c) || c == BYTE_ORDER_MARK || BULLETS.contains(&c) || c.is_ascii_graphic() || "–—".contains(c)
            };
            let mut end = 0;
            for range in ranges {
                prop_assert!(end <= range.start && range.start < range.end);
                prop_assert!(text[end..range.start].chars().all(is_left_out));
                let inner = &text[range.clone()];
                prop_assert_eq!(inner.trim_matches(is_white_space), inner);
                prop_assert!((1..=max_words).contains(&words(inner, Segmentation::Spaces).len()), "{:?}", inner);
                end = range.end;
            }
            prop_assert!(text[end..].chars().all(is_left_out));
            prop_assert!(cut.iter().all(|range| words(&text[range.clone()], Segmentation::Spaces).len() > max_words));
        }
    }
}
