//! Cuts a short text into training windows and prints the first of them.

use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use text_prep::{Cleaner, Rare, Splitter, tokenize::Words};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "The fox looked at the grapes. The grapes hung high, and the fox went away.";
    let recipe = Recipe {
        cleaner: Cleaner::preset("book")?,
        splitter: Splitter::Words(Words::default()),
        story_mark: Some("|".into()),
        counted_on: CountedOn::WholeText,
        min_count: 1,
        rare: Rare::Unknown,
        fractions: Fractions { valid: 0.2, test: 0.0 },
        length: 4,
        step: 1,
    };
    let prepared = Prepared::new(text, recipe)?;
    println!("{:?}, split {:?}", prepared.whole, prepared.split);
    let windows = prepared.train_windows();
    let word = |id| prepared.tokenizer.vocabulary.token(id).unwrap_or("?");
    for index in 20..windows.len() {
        let input: Vec<&str> = windows.input(index).map(word).collect();
        println!("{} -> {}", input.join(" "), word(windows.target(index)));
    }
    Ok(())
}
