//! Texts that end a sample: recognised as tokens in models of words, as text in models of characters and subwords and in
//! scripts without spaces.

use text_prep::{PreTokenizer, Tokenizer};

use crate::error::{Error, Result};
use crate::generator::Generator;

/// A text that ends a sample, as the model writes it. Created by [`Generator::stop_text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopText {
    /// These ids in a row, in models of words: `the` must not end a text at `other`. Several document separators in a
    /// row count as one.
    Ids(Vec<u32>),
    /// This text. In models of characters a capital or a Korean syllable may be several tokens, and a syllable may
    /// continue after these tokens; subwords may end anywhere in it; in scripts without spaces a dictionary may divide
    /// the text in another way in a longer one.
    Text(String),
    /// A line end that the model never writes.
    Never,
}

impl Generator {
    /// What `text` is in texts of this model, after the cleaning and tokenization that prompts have. Line ends that
    /// cleaning replaces by spaces are the document separator, which is written as a paragraph break.
    ///
    /// # Errors
    /// [`Error::EmptyStopText`] or [`Error::BlankStopText`] if no token is left of it, and
    /// [`Error::StopTextNotInVocabulary`] if the vocabulary does not have all its tokens.
    pub fn stop_text(&self, text: &str) -> Result<StopText> {
        StopText::new(self.tokenizer(), text)
    }
}

impl StopText {
    fn new(tokenizer: &Tokenizer, text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::EmptyStopText);
        }
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut tokens = Vec::new();
        let cleaned = tokenizer.cleaner.for_part().clean(&text);
        if tokenizer.vocabulary.is_subwords() {
            return match cleaned.as_str() {
                "" => Err(Error::BlankStopText),
                blank if blank.trim().is_empty() && text.contains('\n') && !blank.contains('\n') => Ok(Self::Never),
                _ => Ok(Self::Text(cleaned)),
            };
        }
        tokenizer.pre_tokenizer.for_each_token(&cleaned, |token| tokens.push(token.to_owned()));
        let ids: Vec<Option<u32>> = tokens.iter().map(|token| tokenizer.vocabulary.id(token)).collect();
        if text.trim().is_empty() {
            let is_written = tokens.iter().any(|token| token.contains('\n')) && !ids.contains(&None);
            if text.contains('\n') && !is_written {
                return Ok(Self::document_end(tokenizer));
            }
            if !tokenizer.pre_tokenizer.segmentation().is_spaces() {
                // Next to words of scripts without spaces a space is a token.
                return Ok(Self::Text(text));
            }
            if !tokens.iter().any(|token| token.trim().is_empty()) {
                return Err(Error::BlankStopText);
            }
        }
        if tokenizer.pre_tokenizer.segmentation().divides(&cleaned) {
            return Ok(Self::Text(join(tokenizer, &tokens)));
        }
        if let Some(at) = ids.iter().position(Option::is_none) {
            // Any character is as near to another as the next one.
            let nearest = if is_characters(tokenizer) { 0 } else { 3 };
            let nearest = tokenizer.vocabulary.nearest(&tokens[at], nearest).into_iter().map(str::to_owned).collect();
            return Err(Error::StopTextNotInVocabulary { token: tokens[at].clone(), nearest });
        }
        if is_characters(tokenizer) {
            return Ok(Self::Text(join(tokenizer, &tokens)));
        }
        let mut ids: Vec<u32> = ids.into_iter().flatten().collect();
        let separator = tokenizer.document_separator_id();
        ids.dedup_by(|next, id| next == id && Some(*id) == separator);
        Ok(Self::Ids(ids))
    }

    /// The end of a document, if the model writes one.
    fn document_end(tokenizer: &Tokenizer) -> Self {
        match (tokenizer.document_separator_id(), &tokenizer.document_separator) {
            (Some(_), Some(separator)) if is_characters(tokenizer) => Self::Text(separator.clone()),
            (Some(id), _) => Self::Ids(vec![id]),
            (None, _) => Self::Never,
        }
    }
}

/// The text that the tokens write.
fn join(tokenizer: &Tokenizer, tokens: &[String]) -> String {
    let mut detokenizer = tokenizer.detokenizer();
    detokenizer.extend(tokens.iter().map(String::as_str));
    detokenizer.into_text()
}

fn is_characters(tokenizer: &Tokenizer) -> bool {
    matches!(tokenizer.pre_tokenizer, PreTokenizer::Characters(_))
}

/// A sample so far.
#[derive(Clone, Copy)]
pub(crate) struct GeneratedSoFar<'a> {
    /// The text that its tokens determine.
    pub text: &'a str,
    /// The ids.
    pub ids: &'a [u32],
    /// The length of the text after each id, in bytes.
    pub ends: &'a [usize],
    /// The length of the text in which no stop text begins, as [`Stops::certain_len`] returned it last.
    pub certain: usize,
}

/// All stop texts of a call.
#[derive(Clone, Default)]
pub(crate) struct Stops {
    ids: Vec<Vec<u32>>,
    texts: Vec<String>,
    separator: Option<u32>,
}

impl Stops {
    pub fn new(tokenizer: &Tokenizer, texts: &[String]) -> Result<Self> {
        let mut stops = Self { separator: tokenizer.document_separator_id(), ..Self::default() };
        for text in texts {
            match StopText::new(tokenizer, text)? {
                StopText::Ids(ids) => stops.ids.push(ids),
                StopText::Text(text) => stops.texts.push(text),
                StopText::Never => {}
            }
        }
        Ok(stops)
    }

    /// The length of the text before a stop text that is complete, in bytes.
    pub fn find(&self, written: GeneratedSoFar) -> Option<usize> {
        let begins = self.ids.iter().filter_map(|stop| Some(written.end_before(self.suffix(stop, written.ids)?)));
        let rest = &written.text[written.certain..];
        let found = self.texts.iter().filter_map(|stop| Some(written.certain + rest.find(stop)?));
        begins.chain(found).min()
    }

    /// The length of the text that is certain, in bytes: what comes after it may become a stop text.
    pub fn certain_len(&self, written: GeneratedSoFar) -> usize {
        let text = written.text;
        let mut certain = text.len();
        for stop in &self.ids {
            let begun = (1..stop.len()).filter_map(|length| self.suffix(&stop[..length], written.ids));
            certain = begun.map(|at| written.end_before(at)).fold(certain, usize::min);
        }
        for stop in &self.texts {
            let from = text.ceil_char_boundary(text.len().saturating_sub(stop.len()).max(written.certain));
            let begun = text[from..].char_indices().find(|(at, _)| stop.starts_with(&text[from + at..]));
            certain = begun.map_or(certain, |(at, _)| certain.min(from + at));
        }
        certain
    }

    /// The index at which `stop` begins if `ids` end with it.
    fn suffix(&self, stop: &[u32], ids: &[u32]) -> Option<usize> {
        let mut rest = ids;
        for &id in stop.iter().rev() {
            let (&last, before) = rest.split_last()?;
            if last != id {
                return None;
            }
            rest = before;
            while Some(id) == self.separator && rest.last() == Some(&id) {
                rest = &rest[..rest.len() - 1];
            }
        }
        Some(rest.len())
    }
}

impl GeneratedSoFar<'_> {
    /// The length of the text before the id at `index`.
    fn end_before(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    /// The number of ids that write the first `len` bytes of the text; the last one may write more.
    pub fn ids_before(&self, len: usize, tokenizer: &Tokenizer) -> usize {
        let mut count = if len == 0 { 0 } else { self.ends.partition_point(|&end| end < len) + 1 };
        count = count.min(self.ids.len());
        // The text of a syllable is determined after its last token.
        while count > 0 && is_characters(tokenizer) && tokenizer.decode(&self.ids[..count - 1]) == self.text[..len] {
            count -= 1;
        }
        count
    }
}

#[cfg(test)]
mod tests;
