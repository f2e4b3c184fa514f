//! Counts of the Keras baseline on Aesop's Fables. Skipped with a note if the dataset is missing.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Cleaner, Excerpt, PreTokenizer, SourceOptions, TokenCounter, Vocabulary, WordOptions};

/// A text that is not part of the project, if it is available.
pub(crate) fn dataset(name: &str) -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let directories = [
        std::env::var_os("PASTICHE_DATASETS").map(PathBuf::from),
        Some(Path::new(root).join("datasets/aesop")),
        Some(Path::new(root).join("../shared/datasets")),
        Some(Path::new(root).join("../shared/cases")),
    ];
    let found = directories.into_iter().flatten().map(|dir| dir.join(name)).find(|path| path.is_file());
    if found.is_none() {
        // Written directly, because the test runner captures the output of a passing test.
        let _ = writeln!(std::io::stderr(), "skipped: {name} was not found (fetch aesop, or set PASTICHE_DATASETS)");
    }
    found
}

#[test]
fn both_aesop_files_give_the_counts_of_the_keras_baseline() {
    let source = SourceOptions {
        excerpt: Some(Excerpt { from: "THE FOX AND THE GRAPES\n\n\n".into(), to: "ILLUSTRATIONS\n\n\n[".into() }),
        ..SourceOptions::default()
    };
    for path in ["aesop.txt", "aesop-crlf-bom.txt"].into_iter().filter_map(dataset) {
        let text = Cleaner::preset("keras-lowercase").unwrap().clean(&source.read(&path).unwrap());
        assert_eq!(text.chars().count(), 213_716);
        let (mut counts, mut tokens) = (TokenCounter::new(), 0);
        PreTokenizer::Words(WordOptions::default()).for_each_token(&text, |token| {
            counts.add(token);
            tokens += 1;
        });
        assert_eq!(tokens, 50_436);
        let vocabulary = Vocabulary::from_counts(counts.iter(), 0, false);
        assert_eq!((vocabulary.num_words(), vocabulary.len()), (4_168, 4_169));
        let first: Vec<_> = (1..=10).filter_map(|id| vocabulary.token(id)).collect();
        assert_eq!(first.join(" "), "| , the and . a to \" of he");
    }
}
