//! From words back to text: which spaces belong between them.
//!
//! Words are set as a printer would: no space before a comma, none inside brackets and quotes,
//! story marks as paragraph breaks. Which gaps may close is not only taste, it is a law: cleaning
//! and splitting the joined text must give the same tokens again. So two tokens touch only where
//! cleaning would part them, and where no `replace` rule would take what touches for its pattern.
//!
//! What it does not know: ids, and what spacing the text had before it was cleaned.

use crate::chars::{is_extender, is_punctuation};
use crate::clean::{Cleaner, PunctuationSet, RuleSpec};

/// Sets words one after another.
///
/// Straight quotes open and close by turns, counted from the last paragraph break; hyphens and
/// dashes touch both neighbours; a run of the story mark is one paragraph break, and nothing at the
/// beginning or the end.
#[derive(Clone, Debug)]
pub(super) struct WordJoiner {
    story_mark: Option<String>,
    /// What cleaning parts from its neighbours; `None` where it parts nothing.
    parted: Option<PunctuationSet>,
    /// Texts that must not come about where two tokens touch.
    patterns: Vec<String>,
    /// The end of what was written, no longer than the longest pattern; without white space.
    tail: String,
    /// The last character written was parted from what follows.
    last_is_parted: bool,
    /// The last token wants the next one to touch it.
    opens: bool,
    begun: bool,
    break_due: bool,
    double_quote_open: bool,
    single_quote_open: bool,
}

/// What a token asks of the gaps on its two sides.
struct Gaps {
    touches_left: bool,
    touches_right: bool,
}

impl WordJoiner {
    /// A joiner for text whose cleaning spaces Unicode's punctuation.
    pub fn new(story_mark: Option<&str>) -> Self {
        Self {
            story_mark: story_mark.map(str::to_owned),
            parted: Some(PunctuationSet::Unicode),
            patterns: Vec::new(),
            tail: String::new(),
            last_is_parted: false,
            opens: false,
            begun: false,
            break_due: false,
            double_quote_open: false,
            single_quote_open: false,
        }
    }

    /// From now on for text that `cleaner` has cleaned and is to clean again.
    pub fn clean_by(&mut self, cleaner: &Cleaner) {
        self.parted =
            cleaner.rules().iter().filter_map(RuleSpec::spaces).max_by_key(|set| match set {
                PunctuationSet::Keras => 0,
                PunctuationSet::Unicode => 1,
            });
        self.patterns = cleaner
            .rules()
            .iter()
            .filter_map(|rule| match rule {
                RuleSpec::Replace { from, .. } if !from.contains(char::is_whitespace) => {
                    Some(from.clone())
                }
                _ => None,
            })
            .collect();
    }

    /// Appends `token` to `out`, with the gap that belongs before it.
    pub fn push(&mut self, token: &str, out: &mut String) {
        if self.story_mark.as_deref() == Some(token) {
            self.break_due = self.begun;
            self.double_quote_open = false;
            self.single_quote_open = false;
            return;
        }
        let gaps = self.gaps(token);
        let parted = self.parts(token);
        if !self.begun || std::mem::take(&mut self.break_due) {
            if self.begun {
                out.push_str("\n\n");
            }
            self.tail.clear();
        } else if !((self.opens || gaps.touches_left) && self.may_touch(token, parted)) {
            out.push(' ');
            self.tail.clear();
        }
        out.push_str(token);
        self.begun = true;
        self.opens = gaps.touches_right;
        self.last_is_parted = parted;
        self.remember(token);
    }

    /// Whether cleaning parts `token`, a single character, from whatever touches it.
    fn parts(&self, token: &str) -> bool {
        let mut chars = token.chars();
        let (Some(c), None) = (chars.next(), chars.next()) else { return false };
        match self.parted {
            None => false,
            Some(PunctuationSet::Keras) => c.is_ascii_punctuation() && c != '\'',
            Some(PunctuationSet::Unicode) => is_punctuation(c),
        }
    }

    fn may_touch(&self, token: &str, parted: bool) -> bool {
        if !(parted || self.last_is_parted) || token.starts_with(is_extender) {
            return false;
        }
        let before = self.tail.len();
        let touching = format!("{}{token}", self.tail);
        !self.patterns.iter().any(|pattern| {
            // Only a match across the border is this gap's doing.
            touching
                .match_indices(pattern.as_str())
                .any(|(at, _)| at < before && at + pattern.len() > before)
        })
    }

    fn remember(&mut self, token: &str) {
        let longest = self.patterns.iter().map(String::len).max().unwrap_or(0);
        self.tail.push_str(token);
        let cut = self.tail.ceil_char_boundary(self.tail.len().saturating_sub(longest));
        self.tail.drain(..cut);
    }

    fn gaps(&mut self, token: &str) -> Gaps {
        let quote = |open: &mut bool| {
            *open = !*open;
            Gaps { touches_left: !*open, touches_right: *open }
        };
        match token {
            "," | "." | ";" | ":" | "!" | "?" | ")" | "]" | "}" | "%" | "”" | "’" | "»" | "›"
            | "…" | "、" | "。" | "，" | "！" | "？" | "」" | "』" | "》" | "〉" => {
                Gaps { touches_left: true, touches_right: false }
            }
            "(" | "[" | "{" | "“" | "‘" | "«" | "‹" | "「" | "『" | "《" | "〈" | "$" | "£"
            | "€" | "₩" | "¿" | "¡" => Gaps { touches_left: false, touches_right: true },
            "-" | "‐" | "‑" | "–" | "—" => Gaps { touches_left: true, touches_right: true },
            "\"" => quote(&mut self.double_quote_open),
            // In a text whose apostrophes stay with their words, one that stands alone has to.
            "'" if self.parted == Some(PunctuationSet::Unicode) => {
                quote(&mut self.single_quote_open)
            }
            _ => Gaps { touches_left: false, touches_right: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::tokens;
    use super::super::{Joiner, Punctuation, Splitter, Words};
    use super::*;
    use crate::samples;

    fn words() -> Splitter {
        Splitter::Words(Words::default())
    }

    fn join(tokens: &str) -> String {
        let mut joiner = Joiner::new(&words(), Some("|"));
        joiner.extend(tokens.split(' '));
        joiner.into_text()
    }

    #[test]
    fn punctuation_finds_its_place() {
        assert_eq!(join("well , said he ; no ! why ? 5 % ."), "well, said he; no! why? 5%.");
        assert_eq!(join("a ( b [ c ] ) { d } e"), "a (b [c]) {d} e");
        assert_eq!(join("a - b -- c — d"), "a-b -- c—d");
        assert_eq!(join("“ a ” ‘ b ’ « c »"), "“a” ‘b’ «c»");
        assert_eq!(join("「 여우 」 가 $ 5"), "「여우」 가 $5");
    }

    #[test]
    fn straight_quotes_open_and_close_by_turns() {
        assert_eq!(join("he said , \" go . \" she : \" no \""), "he said, \"go.\" she: \"no\"");
        assert_eq!(join("he said : ' go , ' and don't"), "he said: 'go,' and don't");
        // A quote that was never closed does no harm beyond its paragraph.
        assert_eq!(join("\" a | \" b \" c"), "\"a\n\n\"b\" c");
    }

    #[test]
    fn story_marks_become_one_break_between_stories() {
        assert_eq!(join("| | the fox | | | the crow . | |"), "the fox\n\nthe crow.");
        let mut joiner = Joiner::new(&words(), None);
        joiner.extend(["a", "|", "b"]);
        assert_eq!(joiner.into_text(), "a | b");
    }

    #[test]
    fn nothing_touches_that_cleaning_would_not_part_again() {
        let set = |cleaner: &str, tokens: &str| {
            let cleaner = Cleaner::preset(cleaner).unwrap();
            let mut joiner = Joiner::new(&words(), None).for_cleaner(&cleaner);
            joiner.extend(tokens.split(' '));
            joiner.into_text()
        };
        // `book` makes one full stop of two, knows no curly quotes, keeps apostrophes in words.
        assert_eq!(set("book", "well . . . \" ' tis “ so ”"), "well. . . \"' tis “ so ”");
        assert_eq!(set("prose", "well . . . “ so ”"), "well... “so”");
        assert_eq!(set("verbatim", "a , b"), "a , b");
    }

    proptest! {
        #![proptest_config(samples::cases(2048))]

        #[test]
        fn cleaned_tokens_survive_joining(text in samples::text()) {
            // Between story marks: none in the text, none left from the preset's beginning.
            let text = text.replace('|', "/").replace("\n\n\n\n\n", "\n");
            for name in ["book", "prose", "verbatim"] {
                let cleaner = Cleaner::preset(name).unwrap();
                for punctuation in [Punctuation::Keep, Punctuation::Remove] {
                    for lower_case in [false, true] {
                        let splitter = Splitter::Words(Words { punctuation, lower_case, stem: None });
                        let split = |text: &str| {
                            let mut tokens = tokens(&splitter, &cleaner.clean(text));
                            tokens.retain(|token| token != "|");
                            tokens
                        };
                        let expected = split(&text);
                        let mut joiner = Joiner::new(&splitter, Some("|")).for_cleaner(&cleaner);
                        joiner.extend(expected.iter().map(String::as_str));
                        let joined = joiner.into_text();
                        prop_assert_eq!(split(&joined), expected, "{} joined as {:?}", name, joined);
                    }
                }
            }
        }
    }
}
