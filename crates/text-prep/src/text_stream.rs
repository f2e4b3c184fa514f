//! Cleans and tokenizes a text in chunks.

use crate::clean::{Cleaner, CleaningStream};
use crate::tokenize::{PreTokenizer, TokenStream};

/// Large enough to make calls rare, small enough for the CPU cache.
const CHUNK: usize = 16 * 1024;

/// Cleans and tokenizes a text in chunks, without keeping the whole text in memory.
pub struct TextStream {
    cleaning: CleaningStream,
    tokens: TokenStream,
    cleaned: String,
}

impl TextStream {
    /// Starts a text.
    pub fn new(cleaner: &Cleaner, pre_tokenizer: &PreTokenizer) -> Self {
        Self { cleaning: cleaner.stream(), tokens: pre_tokenizer.stream(), cleaned: String::new() }
    }

    /// Processes the next chunk, of any length. Calls `clean` with each chunk of cleaned text and
    /// `token` with each complete token, in order.
    pub fn push(&mut self, text: &str, mut clean: impl FnMut(&str), mut token: impl FnMut(&str)) {
        let mut rest = text;
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.floor_char_boundary(CHUNK));
            self.cleaned.clear();
            self.cleaning.push(chunk, &mut self.cleaned);
            clean(&self.cleaned);
            self.tokens.push(&self.cleaned, &mut token);
            rest = tail;
        }
    }

    /// Ends the text and processes what is still buffered.
    pub fn finish(mut self, mut clean: impl FnMut(&str), mut token: impl FnMut(&str)) {
        self.cleaned.clear();
        self.cleaning.finish(&mut self.cleaned);
        clean(&self.cleaned);
        self.tokens.push(&self.cleaned, &mut token);
        self.tokens.finish(&mut token);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;
    use crate::tokenize::{CharacterOptions, WordOptions};

    fn streamed(cleaner: &Cleaner, pre_tokenizer: &PreTokenizer, chunks: &[&str]) -> (String, Vec<String>) {
        let (mut cleaned, mut tokens) = (String::new(), Vec::new());
        let mut stream = TextStream::new(cleaner, pre_tokenizer);
        for chunk in chunks {
            stream.push(chunk, |c| cleaned.push_str(c), |token| tokens.push(token.to_owned()));
        }
        stream.finish(|c| cleaned.push_str(c), |token| tokens.push(token.to_owned()));
        (cleaned, tokens)
    }

    fn at_once(cleaner: &Cleaner, pre_tokenizer: &PreTokenizer, text: &str) -> (String, Vec<String>) {
        let (cleaned, mut tokens) = (cleaner.clean(text), Vec::new());
        pre_tokenizer.for_each_token(&cleaned, |token| tokens.push(token.to_owned()));
        (cleaned, tokens)
    }

    fn all_combinations() -> impl Iterator<Item = (Cleaner, PreTokenizer)> {
        let pre_tokenizers =
            [PreTokenizer::Words(WordOptions::default()), PreTokenizer::Characters(CharacterOptions::default())];
        let cleaners = crate::clean::PRESETS.map(|name| Cleaner::preset(name).unwrap());
        cleaners
            .into_iter()
            .flat_map(move |cleaner| pre_tokenizers.clone().map(|pre_tokenizer| (cleaner.clone(), pre_tokenizer)))
    }

    #[test]
    fn streaming_a_long_text_equals_processing_it_at_once() {
        let text = "The fox… saw  the dragon\n\n\n\n\n한글 e\u{301} ran. ".repeat(6_000);
        for (cleaner, pre_tokenizer) in all_combinations() {
            let whole = at_once(&cleaner, &pre_tokenizer, &text);
            assert_eq!(streamed(&cleaner, &pre_tokenizer, &[&text]), whole);
        }
    }

    proptest! {
        #![proptest_config(test_strategies::cases(256))]

        #[test]
        fn streaming_equals_processing_at_once((text, cuts) in test_strategies::text_and_cuts()) {
            for (cleaner, pre_tokenizer) in all_combinations() {
                let chunks = test_strategies::cut(&text, &cuts);
                let whole = at_once(&cleaner, &pre_tokenizer, &text);
                prop_assert_eq!(streamed(&cleaner, &pre_tokenizer, &chunks), whole);
            }
        }
    }
}
