//! A tokenizer as data for a page that encodes text in a browser: `model/tokenizer.js` of the crate `page` reads it.

use serde::Serialize;

use crate::clean::RuleSpec;
use crate::error::{Error, Result};
use crate::segmentation::Segmentation;
use crate::tokenize::{CharacterUnit, PreTokenizer, WordOptions};
use crate::tokenizer::Tokenizer;

/// What the page reads; tokens are numbered without reserved ids.
#[derive(Serialize)]
struct PageTokenizer<'a> {
    cleaner: &'a [RuleSpec],
    splitter: &'a PreTokenizer,
    separator: Option<&'a str>,
    /// Whether there is an unknown token, and a document token.
    unknown: bool,
    document: bool,
    tokens: Vec<&'a str>,
    /// How often each subword occurs; empty for other tokens.
    counts: &'a [u64],
    /// Left and right token of each merge, one after the other.
    merges: Vec<u32>,
    special: &'a [u32],
    /// The ids of an empty prompt.
    start: &'a [u32],
    /// The number of ids in a training window.
    window: usize,
}

impl Tokenizer {
    /// The tokenizer as JSON for a page that encodes text as [`encode`](Self::encode) does. `start` are the ids of an empty
    /// prompt, and `window` is the number of ids in a training window.
    ///
    /// # Errors
    /// [`Error::NoPage`] if a browser cannot divide text in the same way.
    pub fn to_page_json(&self, start: &[u32], window: usize) -> Result<String> {
        if let Some(problem) = page_problem(&self.pre_tokenizer) {
            return Err(Error::NoPage { problem });
        }
        let Self { cleaner, pre_tokenizer, vocabulary, document_separator, .. } = self;
        let subwords = vocabulary.subwords.as_deref();
        let merges = subwords.iter().flat_map(|subwords| subwords.merges.list());
        let page = PageTokenizer {
            cleaner: cleaner.rules(),
            splitter: pre_tokenizer,
            separator: document_separator.as_deref(),
            unknown: vocabulary.unknown_id().is_some(),
            document: vocabulary.document_id().is_some(),
            tokens: vocabulary.table.iter().collect(),
            counts: if subwords.is_some() { &vocabulary.counts } else { &[] },
            merges: merges.flat_map(|merge| [merge.pair.0, merge.pair.1]).collect(),
            special: subwords.map_or(&[], |subwords| &subwords.special),
            start,
            window,
        };
        // Strings, numbers and lists only, written to memory: this cannot fail.
        Ok(serde_json::to_string(&page).expect("a tokenizer is plain data"))
    }
}

/// Why a browser cannot divide text as `pre_tokenizer` does.
fn page_problem(pre_tokenizer: &PreTokenizer) -> Option<&'static str> {
    match pre_tokenizer {
        PreTokenizer::Words(WordOptions { stem: Some(_), .. }) => {
            Some("words are replaced by their stems, which cannot be turned back into words")
        }
        PreTokenizer::Words(WordOptions { segmentation: Segmentation::Dictionary, .. }) => {
            Some("words are found with a dictionary that a browser does not have")
        }
        PreTokenizer::Characters(options) if options.unit == CharacterUnit::Graphemes => {
            Some("grapheme clusters depend on the version of the browser")
        }
        PreTokenizer::Spans(_) => Some("its tokens are the words of question generation"),
        PreTokenizer::Words(_) | PreTokenizer::Characters(_) | PreTokenizer::Subwords(_) => None,
    }
}
