//! A tokenizer as a `tokenizer.json` of Hugging Face's `tokenizers`, for programs that read only these.
//!
//! `rules.rs` maps cleaning rules, and `steps.rs` compares files; here they are written: byte-level BPE for subwords, `WordLevel`
//! for words and characters.

mod rules;
mod steps;
#[cfg(all(test, feature = "reference"))]
mod tests;

use serde_json::{Map, Value, json};

use crate::clean::LINE_END;
use crate::error::{Error, Result, one_line};
use crate::segmentation::Segmentation;
use crate::tokenize::{Capitals, CharacterOptions, CharacterUnit, NEWLINE, PreTokenizer, Punctuation, WordOptions};
use crate::tokenizer::Tokenizer;
use crate::vocabulary::Vocabulary;
use rules::{Cleaning, WHITE_SPACE};
pub(crate) use steps::TextSteps;

/// Any character, as a pattern.
const CHARACTER: &str = "[\\s\\S]";

impl Tokenizer {
    /// The tokenizer as a `tokenizer.json` of Hugging Face's `tokenizers`, which gives a text the ids of
    /// [`encode`](Self::encode), except that nothing is put before the text ([`RuleSpec::Prepend`](crate::RuleSpec::Prepend)). A
    /// token that is not in the vocabulary is an error there if there is no unknown token. Words are joined by spaces; here the
    /// spaces before punctuation are left out.
    ///
    /// # Errors
    /// [`Error::HuggingFace`] if their models, pre-tokenizers and normalizers cannot express it.
    pub fn to_hugging_face(&self) -> Result<String> {
        let file = match &self.pre_tokenizer {
            PreTokenizer::Subwords(_) => self.subword_file()?,
            PreTokenizer::Words(options) => self.word_file(options)?,
            PreTokenizer::Characters(options) => self.character_file(*options)?,
            PreTokenizer::Spans(_) => return Err(not_expressible("its tokens are the words of question generation")),
        };
        let mut json = serde_json::to_string_pretty(&file).expect("a tokenizer is plain data");
        json.push('\n');
        Ok(json)
    }

    /// The saved file, with the cleaning rules as a normalizer.
    fn subword_file(&self) -> Result<Value> {
        let Cleaning { normalizers, punctuation } = rules::mapped(&self.cleaner)?;
        if punctuation.is_some() {
            return Err(not_expressible("a normalizer cannot put spaces around punctuation"));
        }
        let mut file: Value = serde_json::from_str(&self.to_json()).expect("a saved tokenizer is JSON");
        file["normalizer"] = sequence("normalizers", normalizers);
        Ok(file)
    }

    fn word_file(&self, options: &WordOptions) -> Result<Value> {
        let WordOptions { punctuation, lower_case, stem, segmentation } = options;
        let problem = match (punctuation, stem, segmentation) {
            (_, Some(_), _) => Some("words are replaced by their stems"),
            (Punctuation::Remove, _, _) => Some("punctuation is removed from words"),
            (_, _, Segmentation::Dictionary) => Some("words are found by a dictionary"),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(not_expressible(problem));
        }
        let Cleaning { mut normalizers, punctuation } = rules::mapped(&self.cleaner)?;
        if *lower_case {
            normalizers.extend([json!({"type": "Lowercase"}), json!({"type": "NFC"})]);
        }
        let spaces = split(WHITE_SPACE, "Removed");
        let pre_tokenizers = punctuation.iter().map(|pattern| split(pattern, "Isolated")).chain([spaces]).collect();
        // A space between words, and line ends as such.
        let join = json!({"type": "WordPiece", "prefix": "\u{0}", "cleanup": false});
        let decoders = vec![join, replace(json!({"String": LINE_END}), NEWLINE)];
        self.file(normalizers, pre_tokenizers, sequence("decoders", decoders))
    }

    fn character_file(&self, options: CharacterOptions) -> Result<Value> {
        let CharacterOptions { unit, capitals, jamo } = options;
        let problem = match (unit, capitals, jamo) {
            (CharacterUnit::Graphemes, ..) => Some("its characters are grapheme clusters"),
            (_, Capitals::Shift, _) => Some("capitals have a token of their own"),
            (_, _, true) => Some("Hangul syllables are divided into letters"),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(not_expressible(problem));
        }
        let Cleaning { mut normalizers, punctuation } = rules::mapped(&self.cleaner)?;
        if punctuation.is_some() {
            return Err(not_expressible("a normalizer cannot put spaces around punctuation"));
        }
        if capitals == Capitals::Lower {
            normalizers.push(json!({"type": "Lowercase"}));
        }
        self.file(normalizers, vec![split(CHARACTER, "Isolated")], json!({"type": "Fuse"}))
    }

    /// A file with the vocabulary as `WordLevel`.
    fn file(&self, normalizers: Vec<Value>, pre_tokenizers: Vec<Value>, decoder: Value) -> Result<Value> {
        let mut ids = Map::new();
        for id in 0..self.vocabulary.len() as u32 {
            let token = match self.vocabulary.token(id).unwrap_or_default() {
                NEWLINE if matches!(self.pre_tokenizer, PreTokenizer::Words(_)) => LINE_END,
                token => token,
            };
            if ids.insert(token.into(), id.into()).is_some() {
                return Err(not_expressible(&format!("`{}` is a word and a reserved token", one_line(token))));
            }
        }
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": self.special_tokens(),
            "normalizer": sequence("normalizers", normalizers),
            "pre_tokenizer": sequence("pretokenizers", pre_tokenizers),
            "post_processor": null,
            "decoder": decoder,
            "model": {"type": "WordLevel", "vocab": ids, "unk_token": Vocabulary::UNKNOWN_TOKEN},
        }))
    }

    fn special_tokens(&self) -> Vec<Value> {
        let reserved = (0..self.vocabulary.len() as u32).filter(|&id| self.vocabulary.is_reserved(id));
        let special = reserved.map(|id| {
            json!({
                "id": id,
                "content": self.vocabulary.token(id),
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": true,
            })
        });
        special.collect()
    }
}

fn not_expressible(problem: &str) -> Error {
    Error::HuggingFace { problem: problem.into() }
}

/// Steps one after another, as the list `key`; nothing if there are none.
fn sequence(key: &str, mut steps: Vec<Value>) -> Value {
    match steps.len() {
        0 => Value::Null,
        1 => steps.remove(0),
        _ => json!({"type": "Sequence", key: steps}),
    }
}

fn split(pattern: &str, behavior: &str) -> Value {
    json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": false})
}

fn replace(pattern: Value, content: &str) -> Value {
    json!({"type": "Replace", "pattern": pattern, "content": content})
}
