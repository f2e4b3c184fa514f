//! Cleans two short fables with the preset `keras-lowercase`, prints the most frequent words with their
//! ids, and encodes a prompt.
//!
//! Run it with `cargo run -p pastiche-text-prep --example clean_and_count`.

#![allow(clippy::print_stdout)]

use text_prep::{Cleaner, OovPolicy, PreTokenizer, TokenCounter, Tokenizer, Vocabulary, WordOptions};

const TEXT: &str = "THE CROW AND THE LAMP\n\n\nA Crow took a lamp for the moon, and sang to it.\n\
    \"How still you are tonight!\" said the Crow.\n\n\n\n\n\
    THE TWO KETTLES\n\n\nA Kettle asked another: \"Why do you sing?\"\n\"Why do you not?\" said the other.\n";

fn main() -> text_prep::Result<()> {
    let cleaner = Cleaner::preset("keras-lowercase")?;
    let pre_tokenizer = PreTokenizer::Words(WordOptions::default());

    let mut counter = TokenCounter::new();
    pre_tokenizer.for_each_token(&cleaner.clean(TEXT), |token| {
        counter.add(token);
    });
    let vocabulary = Vocabulary::from_counts(counter.iter(), 1, false);
    let document_separator = Some("|".to_owned());
    let oov = OovPolicy::Drop;
    let tokenizer = Tokenizer { cleaner, pre_tokenizer, vocabulary, document_separator, oov };

    let vocabulary = &tokenizer.vocabulary;
    println!("{} words and the reserved id 0; the most frequent:", vocabulary.num_words());
    for line in vocabulary.to_tsv().lines().take(8) {
        println!("  {line}");
    }

    let encoded = tokenizer.encode("\"Why,\" said the Crow", OovPolicy::Error)?;
    println!("ids after {} document separators: {:?}", 20, &encoded.ids[20..]);
    println!("decoded: {}", tokenizer.decode(&encoded.ids));
    if let Err(error) = tokenizer.encode("the kettel", OovPolicy::Error) {
        println!("an out-of-vocabulary word: {error}");
    }
    Ok(())
}
