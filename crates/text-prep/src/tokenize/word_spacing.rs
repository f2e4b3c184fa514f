//! Joins words to text with typographic spacing: no space before a comma or inside brackets and quotes,
//! document separators as paragraph breaks.
//!
//! Cleaning and splitting the joined text must give the same tokens again. So two tokens are joined
//! without a space only if cleaning would separate them, and if no `replace` rule would match across
//! the boundary. The spacing of the text before cleaning is not restored.

use crate::chars::{is_extender, is_punctuation};
use crate::clean::{Cleaner, PunctuationSet, RuleSpec};

/// Joins words.
///
/// Straight quotes open and close alternately, starting at the last paragraph break; hyphens and
/// dashes attach to both neighbours; a run of document separators is one paragraph break, and nothing
/// at the start or the end.
#[derive(Clone, Debug)]
pub(super) struct WordDetokenizer {
    document_separator: Option<String>,
    /// The punctuation that cleaning separates from its neighbours; `None` if there is none.
    separated: Option<PunctuationSet>,
    /// Strings that `replace` rules would match; they must not arise by attaching tokens.
    patterns: Vec<String>,
    /// The end of the output, at most as long as the longest pattern; without white space.
    tail: String,
    /// Whether cleaning separates the last token from the next one.
    last_is_separated: bool,
    /// Whether the last token attaches to the next one.
    last_attaches_right: bool,
    /// Whether any token was written.
    started: bool,
    pending_break: bool,
    double_quote_open: bool,
    single_quote_open: bool,
}

/// The sides on which a token is written without a space.
struct Attachment {
    left: bool,
    right: bool,
}

impl WordDetokenizer {
    /// A detokenizer for text whose cleaning puts spaces around Unicode punctuation.
    pub fn new(document_separator: Option<&str>) -> Self {
        Self {
            document_separator: document_separator.map(str::to_owned),
            separated: Some(PunctuationSet::Unicode),
            patterns: Vec::new(),
            tail: String::new(),
            last_is_separated: false,
            last_attaches_right: false,
            started: false,
            pending_break: false,
            double_quote_open: false,
            single_quote_open: false,
        }
    }

    /// Uses spacing that `cleaner` undoes.
    pub fn set_cleaner(&mut self, cleaner: &Cleaner) {
        let sets = cleaner.rules().iter().filter_map(RuleSpec::spaced_punctuation);
        self.separated = sets.max_by_key(|set| match set {
            PunctuationSet::Keras => 0,
            PunctuationSet::Unicode => 1,
        });
        self.patterns = cleaner
            .rules()
            .iter()
            .filter_map(|rule| match rule {
                RuleSpec::Replace { from, .. } if !from.contains(char::is_whitespace) => Some(from.clone()),
                _ => None,
            })
            .collect();
    }

    /// Appends the space before `token`, if any, and `token` to `out`.
    pub fn push(&mut self, token: &str, out: &mut String) {
        if self.document_separator.as_deref() == Some(token) {
            self.pending_break = self.started;
            self.double_quote_open = false;
            self.single_quote_open = false;
            return;
        }
        let attachment = self.attachment(token);
        let separated = self.is_separated(token);
        if !self.started || std::mem::take(&mut self.pending_break) {
            if self.started {
                out.push_str("\n\n");
            }
            self.tail.clear();
        } else if !((self.last_attaches_right || attachment.left) && self.may_attach(token, separated)) {
            out.push(' ');
            self.tail.clear();
        }
        out.push_str(token);
        self.started = true;
        self.last_attaches_right = attachment.right;
        self.last_is_separated = separated;
        self.update_tail(token);
    }

    /// Whether `token` is a single character that cleaning separates from its neighbours.
    fn is_separated(&self, token: &str) -> bool {
        let mut chars = token.chars();
        let (Some(c), None) = (chars.next(), chars.next()) else { return false };
        match self.separated {
            None => false,
            Some(PunctuationSet::Keras) => c.is_ascii_punctuation() && c != '\'',
            Some(PunctuationSet::Unicode) => is_punctuation(c),
        }
    }

    /// Whether cleaning would separate `token` from the output again, and no `replace` rule would match
    /// across the boundary.
    fn may_attach(&self, token: &str, separated: bool) -> bool {
        if !(separated || self.last_is_separated) || token.starts_with(is_extender) {
            return false;
        }
        let before = self.tail.len();
        let joined = format!("{}{token}", self.tail);
        !self.patterns.iter().any(|pattern| {
            joined.match_indices(pattern.as_str()).any(|(at, _)| at < before && at + pattern.len() > before)
        })
    }

    fn update_tail(&mut self, token: &str) {
        let longest = self.patterns.iter().map(String::len).max().unwrap_or(0);
        self.tail.push_str(token);
        let cut = self.tail.ceil_char_boundary(self.tail.len().saturating_sub(longest));
        self.tail.drain(..cut);
    }

    fn attachment(&mut self, token: &str) -> Attachment {
        let quote = |open: &mut bool| {
            *open = !*open;
            Attachment { left: !*open, right: *open }
        };
        match token {
            "," | "." | ";" | ":" | "!" | "?" | ")" | "]" | "}" | "%" | "”" | "’" | "»" | "›" | "…" | "、" | "。"
            | "，" | "！" | "？" | "」" | "』" | "》" | "〉" => Attachment { left: true, right: false },
            "(" | "[" | "{" | "“" | "‘" | "«" | "‹" | "「" | "『" | "《" | "〈" | "$" | "£" | "€" | "₩" | "¿" | "¡" => {
                Attachment { left: false, right: true }
            }
            "-" | "‐" | "‑" | "–" | "—" => Attachment { left: true, right: true },
            "\"" => quote(&mut self.double_quote_open),
            // If cleaning keeps apostrophes inside words, a separate one is a quote.
            "'" if self.separated == Some(PunctuationSet::Unicode) => quote(&mut self.single_quote_open),
            _ => Attachment { left: false, right: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::tokens;
    use super::super::{Detokenizer, PreTokenizer, Punctuation, WordOptions};
    use super::*;
    use crate::test_strategies;

    fn words() -> PreTokenizer {
        PreTokenizer::Words(WordOptions::default())
    }

    fn join(tokens: &str) -> String {
        let mut detokenizer = Detokenizer::new(&words(), Some("|"));
        detokenizer.extend(tokens.split(' '));
        detokenizer.into_text()
    }

    #[test]
    fn punctuation_is_attached_to_the_right_neighbours() {
        assert_eq!(join("well , said he ; no ! why ? 5 % ."), "well, said he; no! why? 5%.");
        assert_eq!(join("a ( b [ c ] ) { d } e"), "a (b [c]) {d} e");
        assert_eq!(join("a - b -- c — d"), "a-b -- c—d");
        assert_eq!(join("“ a ” ‘ b ’ « c »"), "“a” ‘b’ «c»");
        assert_eq!(join("「 여우 」 가 $ 5"), "「여우」 가 $5");
    }

    #[test]
    fn straight_quotes_open_and_close_alternately() {
        assert_eq!(join("he said , \" go . \" she : \" no \""), "he said, \"go.\" she: \"no\"");
        assert_eq!(join("he said : ' go , ' and don't"), "he said: 'go,' and don't");
        // An unclosed quote has no effect after its paragraph.
        assert_eq!(join("\" a | \" b \" c"), "\"a\n\n\"b\" c");
    }

    #[test]
    fn separators_become_one_paragraph_break_between_documents() {
        assert_eq!(join("| | the fox | | | the crow . | |"), "the fox\n\nthe crow.");
        let mut detokenizer = Detokenizer::new(&words(), None);
        detokenizer.extend(["a", "|", "b"]);
        assert_eq!(detokenizer.into_text(), "a | b");
    }

    #[test]
    fn tokens_are_attached_only_if_cleaning_separates_them_again() {
        let join = |cleaner: &str, tokens: &str| {
            let cleaner = Cleaner::preset(cleaner).unwrap();
            let mut detokenizer = Detokenizer::new(&words(), None).for_cleaner(&cleaner);
            detokenizer.extend(tokens.split(' '));
            detokenizer.into_text()
        };
        // `keras-lowercase` replaces two full stops by one, puts no spaces around curly quotes, and keeps
        // apostrophes in words.
        assert_eq!(join("keras-lowercase", "well . . . \" ' tis “ so ”"), "well. . . \"' tis “ so ”");
        assert_eq!(join("prose", "well . . . “ so ”"), "well... “so”");
        assert_eq!(join("verbatim", "a , b"), "a , b");
    }

    proptest! {
        #![proptest_config(test_strategies::cases(2048))]

        #[test]
        fn cleaning_the_joined_text_gives_the_same_tokens(text in test_strategies::text()) {
            // Without document separators: none in the text, none from the preset.
            let text = text.replace('|', "/").replace("\n\n\n\n\n", "\n");
            for name in ["keras-lowercase", "prose", "verbatim"] {
                let cleaner = Cleaner::preset(name).unwrap();
                for punctuation in [Punctuation::Keep, Punctuation::Remove] {
                    for lower_case in [false, true] {
                        let pre_tokenizer = PreTokenizer::Words(WordOptions { punctuation, lower_case, stem: None });
                        let split = |text: &str| {
                            let mut tokens = tokens(&pre_tokenizer, &cleaner.clean(text));
                            tokens.retain(|token| token != "|");
                            tokens
                        };
                        let expected = split(&text);
                        let mut detokenizer = Detokenizer::new(&pre_tokenizer, Some("|")).for_cleaner(&cleaner);
                        detokenizer.extend(expected.iter().map(String::as_str));
                        let joined = detokenizer.into_text();
                        prop_assert_eq!(split(&joined), expected, "{} joined as {:?}", name, joined);
                    }
                }
            }
        }
    }
}
