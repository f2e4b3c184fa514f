//! How a `tokenizer.json` changes and divides a text, to compare it with a tokenizer here.

use serde_json::{Map, Value};

use super::rules::WHITE_SPACE;
use super::{CHARACTER, split};
use crate::error::one_line;
use crate::tokenizer::Tokenizer;

/// The normalizers and pre-tokenizers of a file, one after another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextSteps {
    normalizers: Vec<Value>,
    pre_tokenizers: Vec<Value>,
}

impl TextSteps {
    /// Those of a file.
    pub fn of(file: &Map<String, Value>) -> Self {
        let list = |key| {
            let mut steps = Vec::new();
            flatten(file.get(key).unwrap_or(&Value::Null), &mut steps);
            steps
        };
        Self { normalizers: list("normalizer"), pre_tokenizers: list("pre_tokenizer") }
    }

    /// Checks that `tokenizer` has the same steps.
    ///
    /// # Errors
    /// A message about those that differ.
    pub fn check(&self, tokenizer: &Tokenizer) -> Result<(), String> {
        let ours = tokenizer.to_hugging_face().map_err(|error| error.to_string())?;
        let Ok(Value::Object(ours)) = serde_json::from_str(&ours) else { return Err("it cannot be compared".into()) };
        let ours = Self::of(&ours);
        for (what, theirs, ours) in [
            ("normalizer", &self.normalizers, &ours.normalizers),
            ("pre-tokenizer", &self.pre_tokenizers, &ours.pre_tokenizers),
        ] {
            if theirs != ours {
                let [found, expected] = [theirs, ours].map(|steps| names(steps));
                let expected = if found == expected { "other settings of it".into() } else { expected };
                return Err(format!("its {what} is {found}, but here a text goes through {expected}"));
            }
        }
        Ok(())
    }
}

/// Adds the steps of a part of a file, in the form in which they are written here.
fn flatten(part: &Value, steps: &mut Vec<Value>) {
    let parts = ["normalizers", "pretokenizers"].iter().find_map(|key| part[key].as_array());
    match (parts, part["type"].as_str()) {
        (Some(parts), _) => parts.iter().for_each(|part| flatten(part, steps)),
        (None, Some("WhitespaceSplit")) => steps.push(split(WHITE_SPACE, "Removed")),
        (None, Some("Split")) if part["pattern"]["String"] == "" && part["behavior"] == "Isolated" => {
            steps.push(split(CHARACTER, "Isolated"));
        }
        _ if part.is_null() => {}
        _ => steps.push(part.clone()),
    }
}

/// The types of steps.
fn names(steps: &[Value]) -> String {
    let names: Vec<&str> = steps.iter().map(|step| step["type"].as_str().unwrap_or("unknown")).collect();
    if names.is_empty() { "none".into() } else { format!("`{}`", one_line(&names.join(", "))) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::given_tokens::GivenTokens;
    use crate::tokenize::{CharacterOptions, PreTokenizer, WordOptions};
    use crate::tokenizer::tests::fit;

    /// A file of `WordLevel`.
    fn file(normalizer: Value, pre_tokenizer: Value) -> String {
        let model = json!({"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2}, "unk_token": "[UNK]"});
        json!({"model": model, "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "added_tokens": []})
            .to_string()
    }

    #[test]
    fn a_file_must_divide_a_text_as_the_tokenizer_does() {
        let words = fit("verbatim", WordOptions::default().into(), "a b", 1, true);
        let characters = fit("verbatim", PreTokenizer::Characters(CharacterOptions::default()), "ab", 1, true);
        let white_space = json!({"type": "WhitespaceSplit"});
        let each = json!({"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": false});
        let nfc = json!({"type": "Sequence", "normalizers": [{"type": "NFC"}]});
        for (normalizer, pre_tokenizer, tokenizer, expected) in [
            (&nfc, &white_space, &words, None),
            (&nfc, &each, &characters, None),
            (&nfc, &json!({"type": "Whitespace"}), &words, Some("pre-tokenizer is `Whitespace`, but here")),
            (
                &nfc,
                &white_space,
                &characters,
                Some("pre-tokenizer is `Split`, but here a text goes through other settings"),
            ),
            (&Value::Null, &white_space, &words, Some("normalizer is none, but here a text goes through `NFC`")),
        ] {
            let tokens = GivenTokens::from_json(&file(normalizer.clone(), pre_tokenizer.clone())).unwrap();
            let found = tokens.check(tokenizer).map_err(|error| error.to_string());
            match expected {
                None => assert_eq!(found, Ok(())),
                Some(expected) => assert!(found.as_ref().is_err_and(|error| error.contains(expected)), "{found:?}"),
            }
        }
    }

    #[test]
    fn an_exported_file_is_read_back() {
        let characters = PreTokenizer::Characters(CharacterOptions::default());
        for (preset, pre_tokenizer) in [("prose", WordOptions::default().into()), ("verbatim", characters)] {
            let tokenizer = fit(preset, pre_tokenizer, "The fox, and the fox.\n", 1, true);
            let tokens = GivenTokens::from_json(&tokenizer.to_hugging_face().unwrap()).unwrap();
            tokens.check(&tokenizer).unwrap();
            let ids: Vec<_> = (0..tokenizer.vocabulary.len() as u32).map(Some).collect();
            assert_eq!(tokens.ids_of(&tokenizer.vocabulary), ids);
        }
    }
}
