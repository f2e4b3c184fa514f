//! The seed's own numbers, counted again on the seed's own text.
//!
//! What it does not know: how to get the text; without it, the test says so and stops.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Cleaner, Excerpt, Interner, Source, Splitter, Vocabulary, Words};

fn dataset(name: &str) -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let places = [
        std::env::var_os("PASTICHE_DATASETS").map(PathBuf::from),
        Some(Path::new(root).join("datasets/aesop")),
        Some(Path::new(root).join("../shared/datasets")),
    ];
    let found =
        places.into_iter().flatten().map(|place| place.join(name)).find(|path| path.is_file());
    if found.is_none() {
        // Past the test runner, which hides what a passing test prints.
        let _ = writeln!(std::io::stderr(), "skipped: {name} is not in place (fetch aesop)");
    }
    found
}

#[test]
fn aesop_gives_the_seeds_counts_in_both_editions() {
    let source = Source {
        excerpt: Some(Excerpt {
            from: "THE FOX AND THE GRAPES\n\n\n".into(),
            to: "ILLUSTRATIONS\n\n\n[".into(),
        }),
        ..Source::default()
    };
    for path in ["aesop.txt", "aesop-crlf-bom.txt"].into_iter().filter_map(dataset) {
        let text = Cleaner::preset("book").unwrap().clean(&source.read(&path).unwrap());
        assert_eq!(text.chars().count(), 213_716);
        let (mut counts, mut tokens) = (Interner::new(), 0);
        Splitter::Words(Words::default()).for_each_token(&text, |token| {
            counts.intern(token);
            tokens += 1;
        });
        assert_eq!(tokens, 50_436);
        let vocabulary = Vocabulary::from_counts(counts.iter(), 0, false);
        assert_eq!((vocabulary.words(), vocabulary.len()), (4_168, 4_169));
        let first: Vec<_> = (1..=10).filter_map(|id| vocabulary.token(id)).collect();
        assert_eq!(first.join(" "), "| , the and . a to \" of he");
    }
}
