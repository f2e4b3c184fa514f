//! The sections `tokens` and `vocabulary`: the pre-tokenizer, and tokens that a file gives.

use std::path::{Path, PathBuf};

use durable::read;
use models::bundle::TOKENIZER;
use seqdata::TextDataset;
use text_prep::{
    CharacterOptions, GivenTokens, OovPolicy, PreTokenizer, Segmentation, SubwordOptions, WordOptions, counted,
};
use trainer::Checkpoints;

use super::train_config::reject_keys_of;
use super::{Config, TokenKind, Tokens, absolute};
use crate::error::{Error, Result, bail};

/// How the text is divided into tokens.
///
/// # Errors
/// If a key is given that the kind of token does not have, or there is no such stemmer.
pub fn pre_tokenizer(config: &Config) -> Result<PreTokenizer> {
    let tokens = &config.tokens;
    let words = [
        ("punctuation", tokens.punctuation.is_some()),
        ("lower_case", tokens.lower_case.is_some()),
        ("stem", tokens.stem.is_some()),
        ("segmentation", tokens.segmentation.is_some()),
        ("newlines", tokens.newlines.is_some()),
    ];
    let characters =
        [("unit", tokens.unit.is_some()), ("capitals", tokens.capitals.is_some()), ("jamo", tokens.jamo.is_some())];
    check_size(config)?;
    let pre_tokenizer = match tokens.kind {
        TokenKind::Words => {
            reject_keys_of("characters", "tokens", &characters)?;
            PreTokenizer::Words(WordOptions {
                punctuation: tokens.punctuation.unwrap_or_default(),
                lower_case: tokens.lower_case.unwrap_or_default(),
                stem: tokens.stem.clone(),
                // Until the text is read, the automatic segmentation is unknown.
                segmentation: tokens.segmentation.unwrap_or_default().fixed().unwrap_or(Segmentation::Spaces),
            })
        }
        TokenKind::Characters => {
            reject_keys_of("words", "tokens", &words)?;
            PreTokenizer::Characters(CharacterOptions {
                unit: tokens.unit.unwrap_or_default(),
                capitals: tokens.capitals.unwrap_or_default(),
                jamo: tokens.jamo.unwrap_or_default(),
            })
        }
        TokenKind::Subwords => {
            reject_keys_of("words", "tokens", &words)?;
            reject_keys_of("characters", "tokens", &characters)?;
            check_subwords(config)?;
            PreTokenizer::Subwords(SubwordOptions::default())
        }
    };
    pre_tokenizer.validate()?;
    Ok(pre_tokenizer)
}

/// Rejects keys that a vocabulary of subwords has no use for.
fn check_subwords(config: &Config) -> Result<()> {
    let vocabulary = &config.vocabulary;
    if vocabulary.min_count != 1 {
        bail!(
            "`vocabulary.min_count` is {} with `tokens.kind = \"subwords\"`, which divides rare words into known parts; \
             expected 1: set `vocabulary.size` instead",
            vocabulary.min_count
        );
    }
    if vocabulary.oov == OovPolicy::Drop {
        bail!(
            "`vocabulary.oov` is `drop` with `tokens.kind = \"subwords\"`, which can encode every text; leave it out"
        );
    }
    if let Some(separator) = &config.clean.document_separator {
        bail!(
            "`clean.document_separator` is `{separator}` with `tokens.kind = \"subwords\"`, where it may be a part of a \
             token; use the configuration configs/subwords.toml, or `--set clean.document_separator=\"\"`"
        );
    }
    if config.model.vectors.path.is_some() {
        bail!("`model.vectors.path` is given, which has vectors of words, but the tokens are subwords; leave it out");
    }
    Ok(())
}

/// Rejects keys that choose tokens if a file gives them.
fn check_size(config: &Config) -> Result<()> {
    let (vocabulary, tokens) = (&config.vocabulary, &config.tokens);
    if tokens.path.is_none() {
        return Ok(());
    }
    if vocabulary.size.is_some() {
        bail!(
            "`tokens.path` and `vocabulary.size` are both given, but the file determines the size; leave one of them out"
        );
    }
    if vocabulary.min_count != 1 {
        bail!(
            "`tokens.path` and `vocabulary.min_count` are both given, but the file determines the tokens; leave one of them out"
        );
    }
    Ok(())
}

/// Saves the number of subwords that was chosen. A warning if the text has fewer.
pub fn subwords_warning(config: &mut Config, dataset: &TextDataset) -> Option<String> {
    let size = dataset.subwords_wanted?;
    config.vocabulary.size = Some(size);
    let found = dataset.tokenizer.vocabulary.len();
    (found < size).then(|| {
        format!("the text is too short for {size} subwords: no pair of the {found} that were found occurs twice")
    })
}

impl Tokens {
    /// The cleaning preset if none is given: subwords can write all that a text has.
    pub(super) fn default_preset(&self) -> &'static str {
        match self.kind {
            TokenKind::Words | TokenKind::Characters => "prose",
            TokenKind::Subwords => "verbatim",
        }
    }

    /// The tokens in the file that is given, or in the run that has them; makes its path absolute.
    ///
    /// # Errors
    /// If it cannot be read, or has tokens of another kind.
    pub(super) fn read_given(&mut self) -> Result<Option<GivenTokens>> {
        let Some(path) = &mut self.path else { return Ok(None) };
        *path = absolute(path)?;
        let path = self.run.as_deref().and_then(saved_tokens).unwrap_or(path.clone());
        let json = read::small_text(&path).map_err(Error::io(&path, "read"))?;
        let given = GivenTokens::from_json(&json).map_err(|error| not_usable(&path, &error))?;
        let has_subwords = given.vocabulary.is_subwords();
        if has_subwords != matches!(self.kind, TokenKind::Subwords) {
            let (found, expected) = if has_subwords {
                ("subwords", "`tokens.kind = \"subwords\"`")
            } else {
                ("words or characters", "`tokens.kind` as `words` or `characters`")
            };
            bail!("`tokens.path`, {}, has {found}: expected {expected}", path.display());
        }
        Ok(Some(given))
    }

    /// Checks that the file divides a text as `dataset` does. A warning if words of it do not occur in the text.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn check_given(&self, given: &GivenTokens, dataset: &TextDataset) -> Result<Option<String>> {
        let path = self.path.clone().unwrap_or_default();
        given.check(&dataset.tokenizer).map_err(|error| not_usable(&path, &error))?;
        let vocabulary = &dataset.tokenizer.vocabulary;
        let words: Vec<u32> = (0..vocabulary.len() as u32).filter(|&id| !vocabulary.is_reserved(id)).collect();
        let absent = words.iter().filter(|&&id| vocabulary.count(id) == 0).count();
        Ok((absent > 0 && !vocabulary.is_subwords()).then(|| {
            format!(
                "of {} in {} {} not occur in the text: if these are many, `clean` and `tokens` divide it in another way",
                counted(words.len(), "token"),
                path.display(),
                if absent == 1 { "1 does".into() } else { format!("{absent} do") }
            )
        }))
    }
}

fn not_usable(path: &Path, error: &text_prep::Error) -> Error {
    Error::new(format!("`tokens.path`, {}, cannot be used: {error}", path.display()))
}

/// The tokenizer of a run, in its model or its last checkpoint.
fn saved_tokens(run: &Path) -> Option<PathBuf> {
    let of_model = run.join(TOKENIZER);
    if of_model.is_file() {
        return Some(of_model);
    }
    Some(Checkpoints::of(run).newest_path().ok()?.join(TOKENIZER)).filter(|path| path.is_file())
}
