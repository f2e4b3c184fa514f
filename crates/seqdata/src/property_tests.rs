//! Property: a dataset does not depend on the chunks in which its text is read.

use proptest::prelude::*;
use text_prep::{Cleaner, FoundControlCharacters, OovPolicy, SourceOptions, TextSource};

use crate::dataset::TextDataset;
use crate::dataset_config::DatasetConfig;
use crate::hash::sha256;

/// A text in chunks of one character, of one to four bytes.
struct SingleCharacters<'a>(&'a str);

impl TextSource for SingleCharacters<'_> {
    fn next_chunk(&mut self) -> text_prep::Result<Option<&str>> {
        let Some(c) = self.0.chars().next() else { return Ok(None) };
        let (chunk, rest) = self.0.split_at(c.len_utf8());
        self.0 = rest;
        Ok(Some(chunk))
    }

    fn control_characters(&self) -> Option<FoundControlCharacters> {
        None
    }
}

fn configs() -> [DatasetConfig; 4] {
    let keras = Cleaner::preset("keras-lowercase").unwrap();
    [
        DatasetConfig::words(),
        DatasetConfig::words().cleaner(keras).min_count(2).oov(OovPolicy::Drop),
        DatasetConfig::characters(),
        DatasetConfig::subwords().vocab_size(270),
    ]
    .map(|config| config.split(0.25, 0.1).context_len(1))
}

/// The whole dataset as text, or the error.
fn describe(dataset: crate::Result<TextDataset>) -> String {
    match dataset {
        Ok(d) => {
            let (ids, split) = (d.ids.slice(0..d.ids.len()), &d.split);
            let tokens = d.tokenizer.vocabulary.to_tsv();
            format!("{} {:?} {ids:?} {split:?} {} {tokens}", d.text_sha256, d.stats, d.valid_dropped)
        }
        Err(error) => error.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_give_the_same_dataset(text in "([a-dA-D]{1,3}[ .,’'\n-]|é|e\u{301}|한|🦊){20,60}") {
        for config in configs() {
            let whole = describe(TextDataset::from_text(&text).config(config.clone()).build());
            let chunks = TextDataset::from_source(SingleCharacters(&text)).config(config.clone());
            prop_assert_eq!(&describe(chunks.build()), &whole);
            let file = SourceOptions::default().open_reader(text.as_bytes(), "a.txt").unwrap();
            let file = TextDataset::from_source(file).config(config.clone());
            prop_assert_eq!(&describe(file.build()), &whole);
            if let Ok(dataset) = TextDataset::from_text(&text).config(config).build() {
                prop_assert_eq!(dataset.text_sha256, sha256(text.as_bytes()));
            }
        }
    }
}

#[test]
fn a_text_that_ends_within_a_character_names_file_and_byte() {
    let [config, ..] = configs();
    let file = SourceOptions::default().open_reader(&b"a fox \xf0\x9f\xa6"[..], "a.txt").unwrap();
    let error = TextDataset::from_source(file).config(config).build().unwrap_err().to_string();
    let expected = "`a.txt` ends inside a character: it has 3 of the 4 bytes of the one that begins at byte 6; ";
    assert!(error.starts_with(expected), "{error}");
}
