//! Makes a dataset of a short text and prints its last training windows.

#![allow(clippy::print_stdout)]

use seqdata::{DatasetConfig, TextDataset, VocabSource};
use text_prep::Cleaner;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "The fox looked at the grapes. The grapes hung high, and the fox went away.";
    let config = DatasetConfig::words()
        .with_cleaner(Cleaner::preset("keras-lowercase")?)
        .with_document_separator("|")
        .with_vocab_source(VocabSource::WholeText)
        .with_split(0.2, 0.0)
        .with_context_len(4);
    let dataset = TextDataset::new(text, config)?;
    println!("{:?}, split {:?}", dataset.stats, dataset.split);
    let windows = dataset.train_windows();
    let token = |id| dataset.tokenizer.vocabulary.token(id).unwrap_or("?");
    for index in 20..windows.len() {
        let input: Vec<&str> = windows.input(index).map(token).collect();
        println!("{} -> {}", input.join(" "), token(windows.target(index)));
    }
    Ok(())
}
