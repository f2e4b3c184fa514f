//! Joins words to text with typographic spacing: no space before a comma or inside brackets and quotes,
//! document separators as paragraph breaks.
//!
//! Cleaning and splitting the joined text must give the same tokens again. So two tokens are joined
//! without a space only if cleaning would separate them, and if no `replace` rule would match across
//! the boundary. The spacing of the text before cleaning is not restored, except next to words of scripts that are
//! written without spaces, where spaces are tokens, and line ends that are tokens.

use super::unspaced_spacing::UnspacedSpacing;
use super::unspaced_words::SPACE;
use super::words::NEWLINE;
use crate::chars::{is_extender, is_punctuation};
use crate::clean::{Cleaner, PunctuationSet, RuleSpec};
use crate::segmentation::Segmentation;

/// Joins words.
///
/// Straight quotes open and close alternately, starting at the last paragraph break or blank line; hyphens and
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
    /// Whether the output ends with a token of white space.
    after_white_space: bool,
    double_quote_open: bool,
    single_quote_open: bool,
    /// With a dictionary: the spacing of words of scripts without spaces.
    unspaced: Option<UnspacedSpacing>,
}

/// The sides on which a token is written without a space.
struct Attachment {
    left: bool,
    right: bool,
}

impl WordDetokenizer {
    /// A detokenizer for text whose cleaning puts spaces around Unicode punctuation.
    pub fn new(document_separator: Option<&str>, segmentation: Segmentation) -> Self {
        Self {
            document_separator: document_separator.map(str::to_owned),
            separated: Some(PunctuationSet::Unicode),
            patterns: Vec::new(),
            tail: String::new(),
            last_is_separated: false,
            last_attaches_right: false,
            started: false,
            pending_break: false,
            after_white_space: false,
            double_quote_open: false,
            single_quote_open: false,
            unspaced: (segmentation == Segmentation::Dictionary).then(UnspacedSpacing::default),
        }
    }

    /// Uses spacing that `cleaner` undoes.
    pub fn set_cleaner(&mut self, cleaner: &Cleaner) {
        let sets = cleaner.rules().iter().filter_map(RuleSpec::spaced_punctuation);
        self.separated = sets.max_by_key(|set| match set {
            PunctuationSet::Keras => 0,
            PunctuationSet::Typographic => 1,
            PunctuationSet::Unicode => 2,
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
            self.close_quotes();
            return;
        }
        if matches!(token, SPACE | NEWLINE) {
            self.push_white_space(token, out);
            return;
        }
        let attachment = self.attachment(token);
        let separated = self.is_separated(token);
        if !self.started || self.pending_break || self.after_white_space {
            if self.pending_break {
                out.push_str("\n\n");
            }
            self.start_word();
        } else if !self.is_attached(token, &attachment, separated) {
            out.push(' ');
            self.start_word();
        }
        out.push_str(token);
        self.started = true;
        self.pending_break = false;
        self.after_white_space = false;
        self.last_attaches_right = attachment.right;
        self.last_is_separated = separated;
        if let Some(unspaced) = &mut self.unspaced {
            unspaced.push(token, separated);
        }
        self.update_tail(token);
    }

    /// Appends a token of white space, which has no spaces around it.
    fn push_white_space(&mut self, token: &str, out: &mut String) {
        let at_line_start = !self.started || out.ends_with('\n');
        // A paragraph break is written before the next word; a space is written only after one.
        if self.pending_break || token == SPACE && (at_line_start || self.after_white_space) {
            return;
        }
        if token == NEWLINE && at_line_start {
            self.close_quotes();
        }
        out.push_str(token);
        self.started = true;
        self.after_white_space = true;
    }

    /// Forgets all tokens so far.
    pub fn end_document(&mut self) {
        let unspaced = self.unspaced.as_ref().map(|_| UnspacedSpacing::default());
        let (document_separator, patterns) = (self.document_separator.take(), std::mem::take(&mut self.patterns));
        let separated = self.separated;
        *self = Self { separated, patterns, unspaced, document_separator, ..Self::new(None, Segmentation::Spaces) };
    }

    fn close_quotes(&mut self) {
        self.double_quote_open = false;
        self.single_quote_open = false;
    }

    /// Called where there is white space before the next token.
    fn start_word(&mut self) {
        self.tail.clear();
        if let Some(unspaced) = &mut self.unspaced {
            unspaced.start_word();
        }
    }

    /// Whether `token` is written without a space before it: only if splitting separates the two again.
    fn is_attached(&self, token: &str, attachment: &Attachment, separated: bool) -> bool {
        let attaches = self.last_attaches_right || attachment.left;
        let is_separated = separated || self.last_is_separated;
        match &self.unspaced {
            None => attaches && is_separated && self.may_attach(token),
            Some(unspaced) => {
                unspaced.is_unspaced(token)
                    || (attaches || unspaced.is_tight(token))
                        && (is_separated || unspaced.is_divided(token))
                        && self.may_attach(token)
            }
        }
    }

    /// Whether `token` is a single character that cleaning separates from its neighbours.
    fn is_separated(&self, token: &str) -> bool {
        let mut chars = token.chars();
        let (Some(c), None) = (chars.next(), chars.next()) else { return false };
        match self.separated {
            None => false,
            Some(PunctuationSet::Keras) => c.is_ascii_punctuation() && c != '\'',
            Some(PunctuationSet::Typographic) => is_punctuation(c) && c != '\'',
            Some(PunctuationSet::Unicode) => is_punctuation(c),
        }
    }

    /// Whether `token` does not modify the output before it, and no `replace` rule would match across the boundary.
    fn may_attach(&self, token: &str) -> bool {
        if token.starts_with(is_extender) {
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
    fn line_ends_have_no_spaces_around_them() {
        let mut detokenizer = Detokenizer::new(&words(), Some("|"));
        detokenizer.extend("\" a , @ b @ @ \" c | @ d".split(' ').map(|token| if token == "@" { "\n" } else { token }));
        assert_eq!(detokenizer.into_text(), "\"a,\nb\n\n\"c\n\nd");
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
        #![proptest_config(test_strategies::cases(1024))]

        #[test]
        fn cleaning_the_joined_text_gives_the_same_tokens(text in test_strategies::text()) {
            for_each_cleaner_and_option(Segmentation::Spaces, &text)?;
        }

        #[test]
        fn cleaning_joined_words_of_scripts_without_spaces_gives_the_same_tokens(
            text in test_strategies::unspaced_text()
        ) {
            for_each_cleaner_and_option(Segmentation::Dictionary, &text)?;
        }

        #[test]
        fn words_of_scripts_without_spaces_joined_are_the_text(
            order in prop::collection::vec(0..UNSPACED.len(), 1..30)
        ) {
            // Single spaces between letters.
            let mut text = String::new();
            for &at in &order {
                if UNSPACED[at] != " " || text.ends_with(char::is_alphabetic) {
                    text = if UNSPACED[at].starts_with(is_punctuation) { text.trim_end().into() } else { text };
                    text.push_str(UNSPACED[at]);
                }
            }
            let text = text.trim_end();
            let divided = PreTokenizer::Words(WordOptions::default().segmentation(Segmentation::Dictionary));
            let mut detokenizer = Detokenizer::new(&divided, None);
            let mut streamed = String::new();
            for token in tokens(&divided, text) {
                streamed.push_str(detokenizer.push(&token));
            }
            prop_assert_eq!(streamed, text);
            prop_assert_eq!(detokenizer.into_text(), text);
        }
    }

    /// Text that is restored exactly.
    const UNSPACED: [&str; 14] =
        ["灰猫", "在", "北门", "，", "。", "「", "」", " ", "吾輩は", "ペン", "แม่ขายขนมปัง", " ", "年", "ភាសា"];

    fn for_each_cleaner_and_option(segmentation: Segmentation, text: &str) -> Result<(), TestCaseError> {
        // Without document separators: none in the text, none from the preset.
        let text = text.replace('|', "/").replace("\n\n\n\n\n", "\n");
        for name in crate::clean::PRESETS {
            let cleaner = Cleaner::preset(name).unwrap();
            for cleaner in [cleaner.clone(), cleaner.keep_line_ends()] {
                for punctuation in [Punctuation::Keep, Punctuation::Remove] {
                    for lower_case in [false, true] {
                        let options = WordOptions { punctuation, lower_case, stem: None, segmentation };
                        let pre_tokenizer = PreTokenizer::Words(options);
                        let split = |text: &str| {
                            let mut tokens = tokens(&pre_tokenizer, &cleaner.clean(text));
                            tokens.retain(|token| token != "|");
                            tokens
                        };
                        let expected = split(&text);
                        if expected.windows(5).any(|tokens| tokens.iter().all(|token| token == NEWLINE)) {
                            // Written together, five line ends are a separator.
                            continue;
                        }
                        let mut detokenizer = Detokenizer::new(&pre_tokenizer, Some("|")).for_cleaner(&cleaner);
                        detokenizer.extend(expected.iter().map(String::as_str));
                        let joined = detokenizer.into_text();
                        prop_assert_eq!(split(&joined), expected, "{} joined as {:?}", name, joined);
                    }
                }
            }
        }
        Ok(())
    }
}
