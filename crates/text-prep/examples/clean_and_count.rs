//! Cleans two short fables by the preset `book` and prints the most frequent words with their ids.
//!
//! Run it with `cargo run -p text-prep --example clean_and_count`.

use text_prep::{Cleaner, Interner, Rare, Splitter, Tokenizer, UnseenPolicy, Vocabulary, Words};

const TEXT: &str = "THE CROW AND THE LAMP\n\n\nA Crow took a lamp for the moon, and sang to it.\n\
    \"How still you are tonight!\" said the Crow.\n\n\n\n\n\
    THE TWO KETTLES\n\n\nA Kettle asked another: \"Why do you sing?\"\n\"Why do you not?\" said the other.\n";

fn main() -> text_prep::Result<()> {
    let cleaner = Cleaner::preset("book")?;
    let splitter = Splitter::Words(Words::default());

    let mut counts = Interner::new();
    splitter.for_each_token(&cleaner.clean(TEXT), |token| {
        counts.intern(token);
    });
    let vocabulary = Vocabulary::from_counts(counts.iter(), 1, false);
    let story_mark = Some("|".to_owned());
    let tokenizer = Tokenizer { cleaner, splitter, vocabulary, story_mark, rare: Rare::Drop };

    println!("{} words and the reserved id 0; the most frequent:", tokenizer.vocabulary.words());
    print!(
        "{}",
        tokenizer
            .vocabulary
            .to_tsv()
            .lines()
            .take(8)
            .map(|l| format!("  {l}\n"))
            .collect::<String>()
    );

    let encoded = tokenizer.encode_prompt("\"Why,\" said the Crow", UnseenPolicy::Error)?;
    println!("as ids, after {} story marks: {:?}", 20, &encoded.ids[20..]);
    println!("and back: {}", tokenizer.decode(&encoded.ids));
    if let Err(error) = tokenizer.encode_prompt("the kettel", UnseenPolicy::Error) {
        println!("an unseen word: {error}");
    }
    Ok(())
}
