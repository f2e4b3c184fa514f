//! The tokens of another program's model, as programs save them, and the rows that its weights have for ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::clean::LINE_END;
use crate::error::{Error, Result, one_line};
use crate::hugging_face::TextSteps;
use crate::keras::KerasTokenizer;
use crate::source::strip_byte_order_mark;
use crate::subwords::read_given;
use crate::tokenize::NEWLINE;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::Vocabulary;

/// The names that programs give to padding, and to the token of words that are not in the vocabulary.
const PADDING_NAMES: [&str; 4] = [Vocabulary::PADDING_TOKEN, "<pad>", "<PAD>", "[PAD]"];
const UNKNOWN_NAMES: [&str; 4] = [Vocabulary::UNKNOWN_TOKEN, "<unk>", "<UNK>", "[UNK]"];

/// The tokens of another program's model, with their ids there.
#[derive(Clone, Debug)]
pub struct GivenTokens {
    /// A vocabulary of these tokens in the order of their ids there, without counts.
    pub vocabulary: Vocabulary,
    /// The ids there of the tokens that are not reserved, in the order of the vocabulary.
    ids: Vec<u32>,
    padding: Option<u32>,
    unknown: Option<u32>,
    document: Option<u32>,
    /// How a text becomes words there, if the file says it.
    steps: Option<TextSteps>,
}

impl GivenTokens {
    /// Reads a file of one of these kinds:
    /// - a `tokenizer.json` of Hugging Face's `tokenizers`: byte-level BPE as in [`Vocabulary::from_tokenizer_json`], or `WordLevel`;
    /// - the JSON of Keras's `Tokenizer`, whose words are those below `num_words`;
    /// - a list of tokens, in the order of their ids, or an object from tokens to ids;
    /// - a tokenizer saved by [`Tokenizer::to_json`].
    ///
    /// In a list or object, the usual names of padding and the unknown token stand for these; id 0 is padding if no token has it.
    ///
    /// # Errors
    /// [`Error::UnsupportedTokenizer`] if it is of another kind, or its ids have gaps or repetitions.
    pub fn from_json(json: &str) -> Result<Self> {
        let json = strip_byte_order_mark(json);
        let value: Value = serde_json::from_str(json).map_err(|error| bad(format!("it cannot be read: {error}")))?;
        match &value {
            Value::Array(tokens) => {
                let name = |token: &Value| token.as_str().map(String::from);
                let entries = tokens.iter().enumerate().map(|(id, token)| {
                    Ok((
                        id as u64,
                        name(token).ok_or_else(|| {
                            bad(format!(
                                "its entry {id} is {}: expected a token in quotes",
                                one_line(&token.to_string())
                            ))
                        })?,
                    ))
                });
                Self::from_entries(entries.collect::<Result<_>>()?, None)
            }
            Value::Object(file) if file.contains_key("class_name") => Self::from_keras(json),
            Value::Object(file) if file.contains_key("format") => Ok(Self::own(Tokenizer::from_json(json)?.vocabulary)),
            Value::Object(file) if file.contains_key("model") => match file["model"]["type"].as_str() {
                Some("WordLevel") => Self::from_word_level(file),
                // Files of older versions have no type.
                _ => Ok(Self::of_subwords(read_given(json)?)),
            },
            Value::Object(file) => Self::from_entries(entries(file)?, None),
            _ => Err(bad("it is neither an object nor a list: expected a tokenizer.json, or a list of tokens".into())),
        }
    }

    /// The number of ids there.
    pub fn num_ids(&self) -> usize {
        let reserved = [self.padding, self.unknown, self.document];
        self.ids.len() + reserved.iter().flatten().count()
    }

    /// The id there of each id of `vocabulary`, which consists of these tokens in any order. A reserved token may have none.
    pub fn ids_of(&self, vocabulary: &Vocabulary) -> Vec<Option<u32>> {
        let id_there = |id: u32| match id {
            Vocabulary::PADDING => self.padding,
            _ if vocabulary.unknown_id() == Some(id) => self.unknown,
            _ if vocabulary.document_id() == Some(id) => self.document,
            _ => {
                let index = self.vocabulary.table.find(vocabulary.token(id)?)?;
                self.ids.get(index as usize).copied()
            }
        };
        (0..vocabulary.len() as u32).map(id_there).collect()
    }

    /// Checks that `tokenizer` divides a text as the file says, if it says so.
    ///
    /// # Errors
    /// [`Error::UnsupportedTokenizer`] with what differs.
    pub fn check(&self, tokenizer: &Tokenizer) -> Result<()> {
        match &self.steps {
            None => Ok(()),
            Some(steps) => steps.check(tokenizer).map_err(bad),
        }
    }

    /// Byte-level BPE, with the number of ids that come before its tokens in the file: padding and the document token.
    fn of_subwords((vocabulary, reserved): (Vocabulary, u32)) -> Self {
        let ids = (reserved..reserved + vocabulary.num_words() as u32).collect();
        let [padding, document] = [0, 1].map(|id| Some(id).filter(|&id| id < reserved));
        Self { vocabulary, ids, padding, document, unknown: None, steps: None }
    }

    /// The vocabulary of a model of this program, whose ids are ours.
    fn own(vocabulary: Vocabulary) -> Self {
        let ids = (vocabulary.first_word()..vocabulary.len() as u32).collect();
        let (unknown, document) = (vocabulary.unknown_id(), vocabulary.document_id());
        Self { ids, padding: Some(Vocabulary::PADDING), unknown, document, steps: None, vocabulary }
    }

    fn from_keras(json: &str) -> Result<Self> {
        let tokenizer = KerasTokenizer::from_json(json)?;
        let config = tokenizer.config();
        let used = tokenizer.word_index().filter(|&(_, index)| !config.excludes(index));
        let entries = used.map(|(word, index)| (index, word.to_string())).collect();
        Self::from_entries(entries, config.oov_token.clone())
    }

    fn from_word_level(file: &Map<String, Value>) -> Result<Self> {
        let model = &file["model"];
        let vocab = model["vocab"].as_object().ok_or_else(|| bad("its model has no `vocab`".into()))?;
        let mut entries = entries(vocab)?;
        for token in file.get("added_tokens").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(id), Some(content)) = (token["id"].as_u64(), token["content"].as_str())
                && !vocab.contains_key(content)
            {
                entries.push((id, content.into()));
            }
        }
        for (_, token) in &mut entries {
            if token.as_str() == LINE_END {
                *token = NEWLINE.into();
            }
        }
        let unknown = model["unk_token"].as_str().filter(|token| vocab.contains_key(*token));
        let tokens = Self::from_entries(entries, unknown.map(String::from))?;
        Ok(Self { steps: Some(TextSteps::of(file)), ..tokens })
    }

    /// Tokens with their ids, in any order; `unknown` is the name of the unknown token, if the file says it.
    fn from_entries(entries: Vec<(u64, String)>, unknown: Option<String>) -> Result<Self> {
        let mut by_id = BTreeMap::new();
        for (id, token) in entries {
            if let Some(other) = by_id.insert(id, token.clone()) {
                let [token, other] = [&token, &other].map(|token| one_line(token));
                return Err(bad(format!("its tokens `{other}` and `{token}` have the same id, {id}")));
            }
        }
        let (mut tokens, mut ids) = (Vec::new(), Vec::new());
        let mut reserved = [None; 3];
        if !by_id.is_empty() && !by_id.contains_key(&0) {
            // As in Keras.
            by_id.insert(0, Vocabulary::PADDING_TOKEN.into());
        }
        for (expected, (id, token)) in (0..).zip(by_id) {
            if id != u64::from(expected) {
                let token = one_line(&token);
                return Err(bad(format!("its token `{token}` has the id {id}: expected {expected}, without gaps")));
            }
            if token.is_empty() {
                return Err(bad(format!("its token with the id {id} is empty")));
            }
            let is_unknown = unknown.as_ref().map_or(UNKNOWN_NAMES.contains(&token.as_str()), |name| *name == token);
            let is_reserved =
                [PADDING_NAMES.contains(&token.as_str()), is_unknown, token == Vocabulary::DOCUMENT_TOKEN];
            match is_reserved.iter().position(|&is| is) {
                Some(at) if reserved[at].is_none() => reserved[at] = Some(expected),
                _ => {
                    tokens.push(token);
                    ids.push(expected);
                }
            }
        }
        let [padding, unknown, document] = reserved;
        let vocabulary = Vocabulary::of_tokens(&tokens, unknown.is_some())
            .map_err(|token| bad(format!("its token `{}` has two ids", one_line(token))))?;
        if tokens.is_empty() {
            return Err(bad("it has no tokens".into()));
        }
        Ok(Self { vocabulary, ids, padding, unknown, document, steps: None })
    }
}

/// The entries of an object from tokens to ids.
fn entries(file: &Map<String, Value>) -> Result<Vec<(u64, String)>> {
    let entry = |(token, id): (&String, &Value)| match id.as_u64() {
        Some(id) => Ok((id, token.clone())),
        None => Err(bad(format!(
            "it gives `{}` the value {}: expected the id of a token, or a tokenizer.json of Hugging Face or Keras",
            one_line(token),
            one_line(&id.to_string())
        ))),
    };
    file.iter().map(entry).collect()
}

fn bad(problem: String) -> Error {
    Error::UnsupportedTokenizer { problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keras::KerasConfig;
    use crate::tokenizer::tests::keras_lowercase;

    /// The tokens by their ids here, with their ids there.
    fn ids(json: &str) -> Vec<(String, Option<u32>)> {
        let tokens = GivenTokens::from_json(json).unwrap();
        let vocabulary = &tokens.vocabulary;
        let names = (0..vocabulary.len() as u32).map(|id| vocabulary.token(id).unwrap().to_string());
        names.zip(tokens.ids_of(vocabulary)).collect()
    }

    fn expected(entries: &[(&str, Option<u32>)]) -> Vec<(String, Option<u32>)> {
        entries.iter().map(|&(token, id)| (token.into(), id)).collect()
    }

    #[test]
    fn lists_and_objects_give_tokens_their_ids() {
        let list = r#"["b", "\n", "a", "<unk>"]"#;
        let of_list = [("<padding>", None), ("<unknown>", Some(3)), ("b", Some(0)), ("\n", Some(1)), ("a", Some(2))];
        assert_eq!(ids(list), expected(&of_list));
        // The file `vocab.json` of textgenrnn begins with 1, because 0 is padding.
        assert_eq!(ids(r#"{"b": 2, "a": 1}"#), expected(&[("<padding>", Some(0)), ("a", Some(1)), ("b", Some(2))]));
        let named = r#"{"<pad>": 1, "a": 0, "<document>": 2}"#;
        assert_eq!(ids(named), expected(&[("<padding>", Some(1)), ("a", Some(0))]));
        assert_eq!(GivenTokens::from_json(named).unwrap().num_ids(), 3);
    }

    #[test]
    fn tokens_keep_their_ids_in_another_order() {
        let tokens = GivenTokens::from_json(r#"["a", "b", "c", "<unk>"]"#).unwrap();
        let counted = tokens.vocabulary.clone().recounted([("c", 3), ("b", 5), ("z", 2)]).with_documents(4);
        let order: Vec<_> = (0..counted.len() as u32).map(|id| counted.token(id).unwrap()).collect();
        assert_eq!(order, ["<padding>", "<unknown>", "<document>", "b", "c", "a"]);
        assert_eq!((counted.count(1), counted.count(3), counted.count(5)), (2, 5, 0));
        assert_eq!(tokens.ids_of(&counted), [None, Some(3), None, Some(1), Some(2), Some(0)]);
        assert_eq!(tokens.num_ids(), 4);
    }

    #[test]
    fn the_words_of_a_keras_tokenizer_are_those_that_it_uses() {
        let config = KerasConfig { num_words: Some(4), oov_token: Some("?".into()), ..KerasConfig::default() };
        let mut keras = KerasTokenizer::new(config).unwrap();
        keras.fit_on_texts(&["a a a b b c"]);
        let json = keras.to_json();
        let words = [("<padding>", Some(0)), ("<unknown>", Some(1)), ("a", Some(2)), ("b", Some(3))];
        assert_eq!(ids(&json), expected(&words));
    }

    #[test]
    fn a_saved_tokenizer_has_our_ids() {
        let tokenizer = keras_lowercase("a b a <unk>", 1, true);
        let tokens = GivenTokens::from_json(&tokenizer.to_json()).unwrap();
        let all: Vec<_> = (0..tokenizer.vocabulary.len() as u32).map(Some).collect();
        assert_eq!(tokens.ids_of(&tokenizer.vocabulary), all);
        assert_eq!((tokens.num_ids(), tokens.vocabulary), (all.len(), tokenizer.vocabulary));
    }

    #[test]
    fn other_files_are_rejected_with_a_one_line_message() {
        for (json, expected) in [
            ("", "cannot be read"),
            (r#"["a", "b""#, "cannot be read"),
            ("3", "neither an object nor a list"),
            ("[]", "no tokens"),
            (r#"["a", 3]"#, "its entry 1 is 3: expected a token in quotes"),
            (r#"["a", ""]"#, "id 1 is empty"),
            (r#"["a", "b", "a"]"#, "`a` has two ids"),
            (r#"{"a": 0, "b": 0}"#, "`a` and `b` have the same id, 0"),
            (r#"{"a": 1, "b": 3}"#, "`b` has the id 3: expected 2, without gaps"),
            (r#"{"a": "b\n"}"#, "gives `a` the value \"b\\n\": expected the id of a token"),
            (r#"{"model": {"type": "Unigram", "vocab": []}}"#, "`Unigram`"),
            (r#"{"model": {"type": "WordLevel"}}"#, "no `vocab`"),
            (r#"{"class_name": "Model"}"#, "missing field `config`"),
        ] {
            let message = GivenTokens::from_json(json).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains('\n'), "{json}: {message}");
        }
    }
}
