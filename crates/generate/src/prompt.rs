//! Encodes a prompt and begins it with the document token, the document separator or a blank line.

use std::borrow::Cow;
use std::cmp::Reverse;

use text_prep::{OovPolicy, Tokenizer, Vocabulary};

use crate::error::{Error, Result};
use crate::generator::Generator;

/// An encoded prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The ids, at least one.
    pub ids: Vec<u32>,
    /// The number of ids before those of the text: the document token, separators, line ends that begin a paragraph, or the
    /// token in the place of an empty text.
    pub text_start: usize,
    /// Out-of-vocabulary tokens, which were dropped or mapped to the unknown token.
    pub oov_tokens: Vec<String>,
    /// The label of the text, in a model of labelled documents. Default: none.
    pub label: Option<String>,
}

impl Prompt {
    /// Sets [`label`](Self#structfield.label).
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }
}

impl Generator {
    /// Encodes a prompt with another policy for out-of-vocabulary tokens than the tokenizer's. In a model of documents a
    /// prompt is the beginning of a document: the document token comes first. Else a prompt shorter than
    /// [`context_len`](Self::context_len) is padded on the left with the document separator, if the tokenizer has one.
    /// Without both, a prompt of subwords begins a paragraph, if the training text has line ends: two of them come first. A
    /// space before its first word is added where the word is in lower case and its subwords suit it better, and otherwise
    /// left out.
    /// Any other empty prompt becomes the most frequent token of the training text.
    ///
    /// # Errors
    /// If the text has out-of-vocabulary tokens and `oov` is [`OovPolicy::Error`], or all its tokens are dropped and
    /// there is neither a document token nor a separator.
    pub fn encode(&self, text: &str, oov: OovPolicy) -> Result<Prompt> {
        encode_prompt(self.tokenizer(), text, oov, self.context_len(), self.document_id())
    }

    /// The encoded `text`, to which [`Prompt::label`] adds a label.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), with the tokenizer's policy for out-of-vocabulary tokens.
    pub fn prompt(&self, text: &str) -> Result<Prompt> {
        self.encode(text, self.tokenizer().oov)
    }
}

impl From<Vec<u32>> for Prompt {
    /// A prompt of these ids, which are all of the text.
    ///
    /// # Panics
    /// If there are none.
    fn from(ids: Vec<u32>) -> Self {
        assert!(!ids.is_empty(), "a prompt has at least one id");
        Self { ids, text_start: 0, oov_tokens: Vec::new(), label: None }
    }
}

/// What a generated text continues: a text, or a [`Prompt`], which is encoded already.
pub trait ToPrompt {
    /// The encoded prompt; a text is encoded by [`Generator::encode`] with the tokenizer's policy for
    /// out-of-vocabulary tokens.
    ///
    /// # Errors
    /// If the text cannot be encoded.
    fn to_prompt(&self, generator: &Generator) -> Result<Cow<'_, Prompt>>;
}

impl ToPrompt for str {
    fn to_prompt(&self, generator: &Generator) -> Result<Cow<'_, Prompt>> {
        generator.prompt(self).map(Cow::Owned)
    }
}

impl ToPrompt for String {
    fn to_prompt(&self, generator: &Generator) -> Result<Cow<'_, Prompt>> {
        self.as_str().to_prompt(generator)
    }
}

impl ToPrompt for Prompt {
    fn to_prompt(&self, _: &Generator) -> Result<Cow<'_, Prompt>> {
        Ok(Cow::Borrowed(self))
    }
}

/// See [`Generator::encode`]; `context_len` is the number of ids in a training window, `document` the document token.
fn encode_prompt(
    tokenizer: &Tokenizer,
    text: &str,
    oov: OovPolicy,
    context_len: usize,
    document: Option<u32>,
) -> Result<Prompt> {
    let separator = tokenizer.document_separator_id();
    let begins_paragraph = document.is_none() && separator.is_none();
    let line_end = line_end(&tokenizer.vocabulary).filter(|_| begins_paragraph);
    let text = if line_end.is_some() { as_paragraph(&tokenizer.vocabulary, text) } else { text.into() };
    let encoded = tokenizer.encode(&text, oov)?;
    let mut ids = encoded.ids;
    let given = ids.len();
    if let Some(document) = document {
        ids.insert(0, document);
    } else if let Some(separator) = separator
        && ids.first() != Some(&separator)
        && ids.len() < context_len
    {
        ids.splice(0..0, vec![separator; context_len - ids.len()]);
    } else if let Some(line_end) = line_end
        && ids.first() != Some(&line_end)
    {
        // Its last word is sampled with its continuation, so even the only word needs a token before it; and a model
        // that was trained on running text has seldom seen the state of zeros.
        ids.splice(0..0, [line_end; 2]);
    }
    let mut text_start = ids.len() - given;
    text_start += tokenizer.leading_separators(&ids[text_start..]);
    if ids.is_empty() && !encoded.oov_tokens.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    if ids.is_empty() {
        let vocabulary = &tokenizer.vocabulary;
        let tokens = vocabulary.by_frequency();
        // The prompt is not printed: after half a syllable or character the sample would begin with the other half.
        let standalone =
            |id: &u32| vocabulary.token(*id).is_some_and(|token| tokenizer.pre_tokenizer.is_standalone(token));
        ids.extend(tokens.iter().copied().find(standalone).or(tokens.first().copied()));
        text_start = ids.len();
    }
    Ok(Prompt { ids, text_start, oov_tokens: encoded.oov_tokens, label: None })
}

/// `text` as the beginning of a paragraph in a text with this vocabulary of subwords: without a single space before it. A word in
/// lower case seldom begins a paragraph, and without a space its tokens mostly continue other words, as `don` in `pardon`: it
/// gets a space if it then has fewer tokens, or as many of which the first is more frequent.
fn as_paragraph<'a>(vocabulary: &Vocabulary, text: &'a str) -> Cow<'a, str> {
    let bare = text.strip_prefix(' ').unwrap_or(text);
    match bare.chars().next() {
        // Several spaces are the indentation of a line.
        None => text.into(),
        Some(first) if first.is_whitespace() => text.into(),
        Some(first) if first.is_lowercase() => {
            let word = &bare[..bare.find(|c: char| !c.is_alphabetic()).unwrap_or(bare.len())];
            let rank = |word: &str| {
                let mut ids = Vec::new();
                vocabulary.encode(word, |id| ids.push(id));
                (ids.len(), Reverse(ids.first().map_or(0, |&id| vocabulary.count(id))))
            };
            if rank(&format!(" {word}")) < rank(word) { format!(" {bare}").into() } else { bare.into() }
        }
        Some(_) => bare.into(),
    }
}

/// The id of a line end in a vocabulary of subwords, if the training text has line ends.
fn line_end(vocabulary: &Vocabulary) -> Option<u32> {
    let mut line_end = None;
    if vocabulary.is_subwords() {
        vocabulary.encode("\n", |id| line_end = Some(id));
    }
    line_end.filter(|&id| vocabulary.count(id) > 0)
}

#[cfg(test)]
mod tests {
    use text_prep::{Capitals, CharacterOptions, Cleaner, PreTokenizer, SHIFT, SubwordOptions, WordOptions};

    use super::*;

    fn tokenizer(preset: &str, document_separator: Option<&str>) -> Tokenizer {
        let words = [("|", 9), ("the", 5), ("fox", 3)];
        Tokenizer {
            cleaner: Cleaner::preset(preset).unwrap(),
            pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
            vocabulary: Vocabulary::from_counts(words, 1, true),
            document_separator: document_separator.map(Into::into),
            oov: OovPolicy::Unknown,
        }
    }

    fn ids(preset: &str, separator: Option<&str>, text: &str) -> Vec<u32> {
        encode_prompt(&tokenizer(preset, separator), text, OovPolicy::Drop, 5, None).unwrap().ids
    }

    #[test]
    fn the_keras_baselines_cleaning_pads_by_itself() {
        let mut expected = vec![2; 20];
        assert_eq!(ids("keras-lowercase", Some("|"), ""), expected);
        expected.extend([3, 4]);
        assert_eq!(ids("keras-lowercase", Some("|"), "The FOX"), expected);
    }

    #[test]
    fn short_prompts_are_padded_and_long_ones_are_not() {
        assert_eq!(ids("prose", Some("|"), "the fox"), [2, 2, 2, 3, 4]);
        let long = "the fox the fox the fox";
        assert_eq!(ids("prose", Some("|"), long), [3, 4, 3, 4, 3, 4]);
    }

    #[test]
    fn the_text_of_a_prompt_begins_after_separators_and_the_document_token() {
        let text = |preset: &str, separator: Option<&str>, text: &str, document: Option<u32>| {
            let prompt = encode_prompt(&tokenizer(preset, separator), text, OovPolicy::Drop, 5, document).unwrap();
            prompt.ids[prompt.text_start..].to_vec()
        };
        for preset in ["keras-lowercase", "prose"] {
            assert_eq!(text(preset, Some("|"), "", None), [] as [u32; 0]);
            assert_eq!(text(preset, Some("|"), "the fox", None), [3, 4]);
            // A separator within the text is a part of it.
            assert_eq!(text(preset, Some("|"), "the | fox", None), [3, 2, 4]);
        }
        assert_eq!(text("prose", Some("|"), "| the fox", None), [3, 4]);
        assert_eq!(text("prose", None, "the fox", Some(9)), [3, 4]);
        assert_eq!(text("prose", None, "fox", None), [4]);
        // The most frequent token stands for an empty text.
        assert_eq!(text("prose", None, "", None), [] as [u32; 0]);
    }

    #[test]
    fn a_prompt_of_a_model_of_documents_begins_one() {
        for separator in [None, Some("|")] {
            let ids =
                |text| encode_prompt(&tokenizer("prose", separator), text, OovPolicy::Drop, 5, Some(4)).unwrap().ids;
            assert_eq!(ids("the the"), [4, 3, 3]);
            assert_eq!(ids(""), [4]);
            assert_eq!(ids("wolf"), [4]);
        }
    }

    #[test]
    fn a_prompt_of_subwords_begins_a_paragraph_if_the_training_text_has_line_ends() {
        let subwords = |counts: &[(&str, u64)]| Tokenizer {
            pre_tokenizer: SubwordOptions::default().into(),
            vocabulary: Vocabulary::train_subwords(counts.iter().copied(), 262),
            ..tokenizer("verbatim", None)
        };
        let with_line_ends = subwords(&[(" the", 9), ("\n", 3)]);
        let text = |text: &str, document: Option<u32>| {
            let prompt = encode_prompt(&with_line_ends, text, OovPolicy::Error, 5, document).unwrap();
            assert_eq!(with_line_ends.decode(&prompt.ids[prompt.text_start..]), text);
            with_line_ends.decode(&prompt.ids)
        };
        assert_eq!(text("Once", None), "\n\nOnce");
        assert_eq!(text("Once upon", None), "\n\nOnce upon");
        assert_eq!(text("\nOnce", None), "\nOnce");
        assert_eq!(text("", None), "\n\n");
        // The ids of documents begin with the document token, here any other.
        assert!(!text("Once", Some(1)).contains('\n'));
        // A long prompt where separators stand between documents.
        let separated = Tokenizer { document_separator: Some("|".into()), ..with_line_ends.clone() };
        let prompt = encode_prompt(&separated, "Once upon", OovPolicy::Error, 5, None).unwrap();
        assert_eq!(separated.decode(&prompt.ids), "Once upon");
        let without = subwords(&[(" the", 9)]);
        for (text, expected) in [("Once", "Once"), ("", " the")] {
            let prompt = encode_prompt(&without, text, OovPolicy::Error, 5, None).unwrap();
            assert_eq!(without.decode(&prompt.ids), expected);
        }
    }

    #[test]
    fn the_first_word_of_a_paragraph_has_a_space_before_it_if_the_training_text_has_it_so() {
        let counts = [(" the", 9), ("the", 2), (" f", 9), (" fox", 5), ("Once", 4), ("\n", 3)];
        let vocabulary = Vocabulary::train_subwords(counts, 300);
        // Every word of these is a token.
        let tokens = |text: &str| {
            let mut count = 0;
            vocabulary.encode(text, |_| count += 1);
            count
        };
        assert!([" the", "the", " fox", "Once"].iter().all(|word| tokens(word) == 1) && tokens("fox") > 1);
        for (text, expected) in [
            ("fox, the", " fox, the"),
            (" fox", " fox"),
            ("the", " the"),
            (" Once", "Once"),
            ("Once", "Once"),
            ("\n fox", "\n fox"),
            ("  fox", "  fox"),
            (" ", " "),
            ("", ""),
            ("“fox", "“fox"),
        ] {
            assert_eq!(as_paragraph(&vocabulary, text), expected, "{text:?}");
        }
        let tokenizer = Tokenizer {
            pre_tokenizer: SubwordOptions::default().into(),
            vocabulary: vocabulary.clone(),
            ..tokenizer("verbatim", None)
        };
        let decoded = |text: &str, document| {
            tokenizer.decode(&encode_prompt(&tokenizer, text, OovPolicy::Error, 5, document).unwrap().ids)
        };
        assert_eq!(decoded("fox", None), "\n\n fox");
        assert_eq!(decoded(" Once", None), "\n\nOnce");
        // A document begins with its token, here any other, and not with a space.
        assert!(decoded("fox", Some(1)).ends_with("fox") && !decoded("fox", Some(1)).contains(" fox"));
    }

    #[test]
    fn without_a_separator_the_most_frequent_token_is_the_prompt() {
        assert_eq!(ids("prose", None, ""), [2]);
        assert_eq!(ids("prose", None, "fox"), [4]);
    }

    #[test]
    fn the_default_prompt_is_neither_part_of_a_syllable_nor_a_shift() {
        let characters = CharacterOptions::default().jamo(true).capitals(Capitals::Shift);
        let default_prompt = |tokens: &[(&str, u64)]| {
            let tokenizer = Tokenizer {
                pre_tokenizer: PreTokenizer::Characters(characters),
                vocabulary: Vocabulary::from_counts(tokens.iter().copied(), 1, false),
                ..tokenizer("prose", None)
            };
            encode_prompt(&tokenizer, "", OovPolicy::Drop, 5, None).unwrap().ids
        };
        assert_eq!(default_prompt(&[(SHIFT, 9), ("\u{1112}", 8), ("\u{1161}", 7), (" ", 6), ("a", 5)]), [4]);
        assert_eq!(default_prompt(&[("\u{1112}", 8), ("\u{1161}", 7)]), [1]);
    }

    #[test]
    fn a_prompt_of_unknown_words_only_is_rejected_without_a_separator() {
        let tokenizer = tokenizer("prose", None);
        let dropped = encode_prompt(&tokenizer, "wolf", OovPolicy::Drop, 5, None).unwrap_err();
        assert!(dropped.to_string().contains("prompt is empty"), "{dropped}");
        let unknown = encode_prompt(&tokenizer, "wolf", OovPolicy::Unknown, 5, None).unwrap();
        assert_eq!(unknown.ids, [Vocabulary::UNKNOWN]);
        let error = encode_prompt(&tokenizer, "fix", OovPolicy::Error, 5, None).unwrap_err().to_string();
        assert!(error.contains("`fix`") && error.contains("fox"), "{error}");
    }
}
