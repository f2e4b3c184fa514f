//! A text on its way from what was read to tokens: cleaning and splitting together, in pieces.
//!
//! What it does not know: where the text comes from, and what becomes of the tokens.

use crate::clean::{Cleaner, CleaningStream};
use crate::tokenize::{Splitter, TokenStream};

/// Long enough to make calls rare, short enough to stay in the processor's cache.
const PIECE: usize = 16 * 1024;

/// Cleans and splits a text that comes in pieces; neither the text nor the cleaned text ever stands in
/// memory as a whole.
pub struct TextStream {
    cleaning: CleaningStream,
    tokens: TokenStream,
    cleaned: String,
}

impl TextStream {
    /// Begins a text.
    pub fn new(cleaner: &Cleaner, splitter: &Splitter) -> Self {
        Self { cleaning: cleaner.stream(), tokens: splitter.stream(), cleaned: String::new() }
    }

    /// Takes the next piece, of any length. Each piece of cleaned text goes to `clean`, each token
    /// to `token`, in order, as soon as it is certain.
    pub fn push(&mut self, text: &str, mut clean: impl FnMut(&str), mut token: impl FnMut(&str)) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE));
            self.cleaned.clear();
            self.cleaning.push(piece, &mut self.cleaned);
            clean(&self.cleaned);
            self.tokens.push(&self.cleaned, &mut token);
            rest = tail;
        }
    }

    /// Hands over what was held back. The text has ended.
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
    use crate::samples;
    use crate::tokenize::{Characters, Words};

    fn streamed(cleaner: &Cleaner, splitter: &Splitter, pieces: &[&str]) -> (String, Vec<String>) {
        let (mut cleaned, mut tokens) = (String::new(), Vec::new());
        let mut stream = TextStream::new(cleaner, splitter);
        for piece in pieces {
            stream.push(piece, |c| cleaned.push_str(c), |token| tokens.push(token.to_owned()));
        }
        stream.finish(|c| cleaned.push_str(c), |token| tokens.push(token.to_owned()));
        (cleaned, tokens)
    }

    fn at_once(cleaner: &Cleaner, splitter: &Splitter, text: &str) -> (String, Vec<String>) {
        let (cleaned, mut tokens) = (cleaner.clean(text), Vec::new());
        splitter.for_each_token(&cleaned, |token| tokens.push(token.to_owned()));
        (cleaned, tokens)
    }

    fn every_way() -> impl Iterator<Item = (Cleaner, Splitter)> {
        let splitters =
            [Splitter::Words(Words::default()), Splitter::Characters(Characters::default())];
        let cleaners = crate::clean::PRESETS.map(|name| Cleaner::preset(name).unwrap());
        cleaners
            .into_iter()
            .flat_map(move |cleaner| splitters.clone().map(|splitter| (cleaner.clone(), splitter)))
    }

    #[test]
    fn a_long_text_is_cut_without_a_trace() {
        let text = "The fox… saw  the dragon\n\n\n\n\n한글 e\u{301} ran. ".repeat(6_000);
        for (cleaner, splitter) in every_way() {
            let whole = at_once(&cleaner, &splitter, &text);
            assert_eq!(streamed(&cleaner, &splitter, &[&text]), whole);
        }
    }

    proptest! {
        #![proptest_config(samples::cases(256))]

        #[test]
        fn pieces_or_whole_the_tokens_are_the_same((text, cuts) in samples::text_and_cuts()) {
            for (cleaner, splitter) in every_way() {
                let pieces = samples::cut(&text, &cuts);
                let whole = at_once(&cleaner, &splitter, &text);
                prop_assert_eq!(streamed(&cleaner, &splitter, &pieces), whole);
            }
        }
    }
}
